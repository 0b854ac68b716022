// SPDX-License-Identifier: MIT
/* move.c - a connection goes on, on another path of the same peer */
#include <errno.h>
#include <stdlib.h>

#include "transport/stack_priv.h"

/* --- answers that belong to no connection any more, or to none of here --- */

bool mn_path_say_move(struct mn_path *p, uint8_t step, uint32_t conn, uint32_t mine,
		      uint64_t path)
{
	struct mn_records *rs = &p->stack->records;
	struct mn_record *rec;
	uint32_t i;

	if (!mn_records_spare(rs, p->slot))
		return false;
	i = mn_record_get(rs, p->slot);
	rec = mn_record_at(rs, i);
	rec->kind = MN_RECORD_MOVE;
	rec->flags = step;
	rec->conn = conn;
	rec->len = mine;
	rec->offset = path;
	rec->next = p->refuses;
	p->refuses = i;
	mn_path_ready(p);
	return true;
}

static void refuse(struct mn_path *p, uint32_t conn, const struct mn_frame *f)
{
	p->stack->stats.moves_refused++;
	mn_path_say_move(p, MN_WIRE_MOVE_REFUSED, conn, f->mine, f->value);
}

/* --- its life --- */

static void begin(struct mn_conn *c, struct mn_move *m)
{
	m->conn = c;
	m->since_us = m->said_us = c->stack->now_us;
	c->move = m;
	mn_list_init(&m->in_settling);
	mn_list_init(&m->in_coming);
	mn_list_add_tail(&c->stack->moves, &m->in_stack);
	mn_stack_arm_sweep(c->stack);
	if (m->to)
		mn_list_add_tail(&m->to->coming, &m->in_coming);
}

/* From now on nothing new is sent. */
static void settle(struct mn_conn *c, enum mn_move_state state)
{
	struct mn_path *p = c->lane->path;

	c->moving = state;
	/* What it was about to say is said on the new path. */
	if (state == MN_MOVE_SETTLE)
		mn_list_del(&c->in_rooms);
	c->move->mark = p->rec.next;
	mn_list_add_tail(&p->settling, &c->move->in_settling);
	mn_path_check_moves(p);
}

static void forget(struct mn_conn *c, enum mn_move_state next)
{
	struct mn_move *m = c->move;
	struct mn_parcel p = { .kind = MN_PARCEL_FORGET };

	p.want.number = m->number;
	if (!m->to && m->number)
		mn_stack_parcel(c->stack, m->engine, &p);
	mn_list_del(&m->in_stack);
	mn_list_del(&m->in_settling);
	mn_list_del(&m->in_coming);
	free(m);
	c->move = NULL;
	c->moving = next;
	c->st.due &= ~MN_DUE_MOVE;
}

void mn_conn_move_drop(struct mn_conn *c)
{
	if (mn_conn_has_move(c))
		forget(c, MN_MOVE_NONE);
}

void mn_conn_move_left(struct mn_conn *c)
{
	c->move->number = 0;
	forget(c, MN_MOVE_NONE);
}

void mn_conn_move_resume(struct mn_conn *c)
{
	forget(c, MN_MOVE_NONE);
	if (c->st.due & MN_DUE_ROOM)
		mn_conn_room_due(c, true);
	mn_conn_ready(c);
}

static void report(struct mn_conn *c)
{
	struct mn_path *p = c->lane->path;
	struct mn_stack_event ev = {
		.type = MN_STACK_EVENT_MOVED,
		.accepted = c->st.accepted,
		.channel = c->channel_id,
		.flow = c->flow,
		.id = mn_stack_conn_id(c),
		.request = c->request,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.remote_engine = p->remote_engine,
		.path = mn_path_number(p),
	};

	mn_path_tuple(p, &ev.tuple);
	mn_stack_event(c->stack, &ev);
}

/* From here on it is on the new path; what it has to say and was not said yet is said there. */
static void settle_on(struct mn_conn *c, struct mn_path *to, enum mn_move_state next)
{
	struct mn_lane *lane = mn_lane_get(to, c->sch);

	forget(c, MN_MOVE_NONE);
	if (!lane) {
		mn_conn_end(c, MN_END_RESET);
		return;
	}
	mn_lane_del(c);
	mn_lane_add(lane, c);
	/* Packets of the new path are numbered on their own. */
	c->st.room_number = 0;
	if (next == MN_MOVE_HERE) {
		mn_conn_move_here(c);
		return;
	}
	mn_conn_room_due(c, true);
	mn_conn_ready(c);
	report(c);
}

void mn_conn_move_here(struct mn_conn *c)
{
	c->stack->stats.conns_moved++;
	c->moving = MN_MOVE_HERE;
	c->st.due |= MN_DUE_MOVE;
	mn_conn_room_due(c, true);
	mn_conn_ready(c);
	report(c);
}

/* --- what is under way on the old path --- */

static void settled(struct mn_conn *c)
{
	mn_list_del(&c->move->in_settling);
	if (c->moving == MN_MOVE_DRAIN) {
		/* The peer must know its number before: when it is sent, that is waited for. */
		if (c->st.due & MN_DUE_ACCEPT)
			return;
		c->moving = MN_MOVE_ASKED;
		c->move->since_us = c->move->said_us = c->stack->now_us;
	} else {
		c->moving = MN_MOVE_AWAIT;
	}
	c->st.due |= MN_DUE_MOVE;
	mn_conn_ready(c);
}

void mn_path_check_moves(struct mn_path *p)
{
	while (!mn_list_empty(&p->settling)) {
		struct mn_move *m = mn_container(p->settling.next, struct mn_move, in_settling);

		if (!mn_recovery_is_settled(&p->rec, &p->settled, m->mark))
			return;
		settled(m->conn);
	}
}

void mn_conn_move_sent(struct mn_conn *c)
{
	struct mn_path *p = c->lane->path;

	if (c->moving != MN_MOVE_DRAIN)
		return;
	/* The packet that is being written. */
	c->move->mark = p->rec.next + 1;
	mn_list_del(&c->move->in_settling);
	mn_list_add_tail(&p->settling, &c->move->in_settling);
}

/* --- the side that asks --- */

static bool leads_on(const struct mn_path *p, const struct mn_path *to)
{
	return to != p && to->state == MN_PATH_OPEN && to->peer == p->peer &&
	       to->instance == p->instance;
}

int mn_conn_move(struct mn_conn *c, struct mn_path *to)
{
	struct mn_path *p = c->lane ? c->lane->path : NULL;
	struct mn_move *m;

	if (!p || p->state != MN_PATH_OPEN || c->st.state != MN_STREAM_OPEN || c->moving)
		return -EBUSY;
	if (!leads_on(p, to) || to->remote_engine != p->remote_engine)
		return -EINVAL;
	if (!mn_path_is_proven(to))
		return -EBUSY;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->to = to;
	m->path = to->remote_id;
	/* Another one for each question: late answers do not fit. */
	c->asks++;
	m->number = c->number + ((uint32_t)c->asks << c->stack->slot_bits);
	begin(c, m);
	settle(c, MN_MOVE_DRAIN);
	return 0;
}

void mn_conn_move_want(struct mn_conn *c, uint8_t engine)
{
	struct mn_parcel p = { .kind = MN_PARCEL_WANT };
	struct mn_move *m = calloc(1, sizeof(*m));

	/* Without memory it is asked for later. */
	if (!m)
		return;
	m->engine = engine;
	begin(c, m);
	c->moving = MN_MOVE_NUMBER;
	p.want.route = c->peer->route;
	p.want.remote_engine = c->lane->path->remote_engine;
	p.want.conn = c->number;
	mn_stack_parcel(c->stack, engine, &p);
}

void mn_conn_move_numbered(struct mn_conn *c, uint32_t number, uint64_t path)
{
	c->move->number = number;
	c->move->path = path;
	settle(c, MN_MOVE_DRAIN);
}

static bool fits(const struct mn_move *m, const struct mn_frame *f)
{
	return m->number == f->mine && m->path == f->value;
}

static void receive_taken(struct mn_conn *c, const struct mn_frame *f)
{
	struct mn_move *m = c->move;

	if (c->moving == MN_MOVE_READY && fits(m, f))
		return;
	if (c->moving != MN_MOVE_ASKED || !fits(m, f)) {
		/* It was given up here: the peer must not wait. */
		c->stack->stats.drop_bad_state++;
		mn_path_say_move(c->lane->path, MN_WIRE_MOVE_VOID, c->st.remote, f->mine, f->value);
		return;
	}
	if (!m->to) {
		c->moving = MN_MOVE_READY;
		return;
	}
	c->number = m->number;
	c->asks = 0;
	settle_on(c, m->to, MN_MOVE_HERE);
}

static void receive_refused(struct mn_conn *c, const struct mn_frame *f)
{
	if (c->moving == MN_MOVE_ASKED && fits(c->move, f)) {
		mn_conn_move_resume(c);
	} else if (c->moving == MN_MOVE_HERE && f->mine == c->number) {
		/* The peer has lost it, with the old path. */
		mn_stream_end(&c->st, &c->stack->records);
		mn_conn_end(c, MN_END_RESET);
	} else {
		c->stack->stats.drop_bad_state++;
	}
}

/* --- the side that is asked --- */

/* It waits for HERE, or for its own frames to settle before that. */
static bool is_asked(const struct mn_conn *c)
{
	return c->moving == MN_MOVE_SETTLE || c->moving == MN_MOVE_AWAIT;
}

/*
 * Who goes first when both ask is an order of all hosts and engines: a channel waits for all of its
 * connections, and channels must not wait for each other in a circle.
 */
static bool goes_first(const struct mn_conn *c)
{
	const struct mn_stack_config *cfg = &c->stack->cfg;
	const struct mn_path *p = c->lane->path;

	if (cfg->instance != p->instance)
		return cfg->instance < p->instance;
	if (cfg->engine != p->remote_engine)
		return cfg->engine < p->remote_engine;
	return !c->st.accepted;
}

/* It, or its channel, is about to move. */
static bool wants_to_move(const struct mn_conn *c)
{
	if (c->moving == MN_MOVE_NONE)
		return c->sch && c->sch->moving == MN_CHANNEL_ASKING;
	return c->moving == MN_MOVE_NUMBER || c->moving == MN_MOVE_DRAIN ||
	       c->moving == MN_MOVE_ASKED;
}

static bool yields(struct mn_conn *c)
{
	if (!wants_to_move(c))
		return c->moving == MN_MOVE_NONE;
	if (goes_first(c))
		return false;
	mn_conn_move_drop(c);
	return true;
}

static void receive_ask(struct mn_conn *c, const struct mn_frame *f)
{
	struct mn_path *p = c->lane->path, *to;
	struct mn_move *m;

	if (c->st.state != MN_STREAM_OPEN) {
		c->stack->stats.drop_bad_state++;
		return;
	}
	if (is_asked(c) && fits(c->move, f)) {
		c->stack->stats.rx_duplicates++;
		return;
	}
	to = mn_path_by_id(c->stack, f->value);
	m = to && leads_on(p, to) && yields(c) ? calloc(1, sizeof(*m)) : NULL;
	if (!m) {
		refuse(p, c->st.remote, f);
		return;
	}
	m->to = to;
	m->path = f->value;
	m->number = f->mine;
	begin(c, m);
	settle(c, MN_MOVE_SETTLE);
}

static void receive_void(struct mn_conn *c, const struct mn_frame *f)
{
	if (is_asked(c) && fits(c->move, f))
		mn_conn_move_resume(c);
}

/* It comes on the new path, and names a connection that is on the old one. */
static void receive_here(struct mn_path *p, const struct mn_frame *f)
{
	struct mn_conn *c = mn_stack_conn_by_record(p->stack, f->conn);

	if (c && c->moving == MN_MOVE_AWAIT && c->move->to == p && fits(c->move, f)) {
		c->st.remote = f->mine;
		p->stack->stats.conns_followed++;
		settle_on(c, p, MN_MOVE_NONE);
		return;
	}
	/* It comes more than once; the connection may have gone on from here since. */
	if (c && c->st.state == MN_STREAM_OPEN)
		return;
	p->stack->stats.drop_unknown_conn++;
	refuse(p, f->mine, f);
}

void mn_conn_receive_move(struct mn_path *p, const struct mn_frame *f)
{
	struct mn_conn *c;

	if (f->code == MN_WIRE_MOVE_HERE) {
		receive_here(p, f);
		return;
	}
	c = mn_stack_conn_by_number(p->stack, p, f->conn);
	if (!c) {
		p->stack->stats.drop_unknown_conn++;
		return;
	}
	if (f->code != MN_WIRE_MOVE_REFUSED)
		mn_conn_move_seen(c);
	switch (f->code) {
	case MN_WIRE_MOVE_ASK:
		receive_ask(c, f);
		break;
	case MN_WIRE_MOVE_TAKEN:
		receive_taken(c, f);
		break;
	case MN_WIRE_MOVE_REFUSED:
		receive_refused(c, f);
		break;
	default:
		receive_void(c, f);
	}
}

/* --- its frames --- */

bool mn_conn_move_frame(const struct mn_conn *c, struct mn_frame *f)
{
	*f = (struct mn_frame){ .type = MN_FRAME_MOVE, .conn = c->st.remote };
	switch (c->moving) {
	case MN_MOVE_ASKED:
	case MN_MOVE_AWAIT:
		f->code = c->moving == MN_MOVE_ASKED ? MN_WIRE_MOVE_ASK : MN_WIRE_MOVE_TAKEN;
		f->mine = c->move->number;
		f->value = c->move->path;
		return true;
	case MN_MOVE_HERE:
		f->code = MN_WIRE_MOVE_HERE;
		f->mine = c->number;
		f->value = c->lane->path->remote_id;
		return true;
	default:
		return false;
	}
}

void mn_conn_move_seen(struct mn_conn *c)
{
	if (c->moving != MN_MOVE_HERE)
		return;
	c->moving = MN_MOVE_NONE;
	c->st.due &= ~MN_DUE_MOVE;
}
