// SPDX-License-Identifier: MIT
/*
 * stack_move.c - the old engine of a channel that moves to another one
 *
 * At first the channel is served as always, but no new connection is asked for on it; when those
 * that are opening have their answers, its rings are left alone, OPENs for its listeners wait, and
 * its connections ask their peers (move.h). When all of them can leave, they go at once.
 */
#include <errno.h>

#include "transport/stack_priv.h"

/* Peers that do not agree in this time keep the channel here. */
#define MOVE_US		10000000u

int mn_stack_move_channel(struct mn_stack *s, struct mn_channel *ch, uint8_t engine)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);

	if (!sch || sch->closed || sch->corrupt)
		return -ENOENT;
	if (engine >= s->cfg.engines || engine == s->cfg.engine)
		return -EINVAL;
	if (sch->moving || sch->incomplete)
		return -EBUSY;
	sch->moving = MN_CHANNEL_OPENING;
	sch->move_to = engine;
	sch->move_us = s->now_us;
	mn_list_add_tail(&s->leaving, &sch->in_leaving);
	mn_stack_arm_sweep(s);
	return 0;
}

/* --- OPENs that come meanwhile --- */

bool mn_stack_park_open(struct mn_path *p, struct mn_stack_channel *sch, const struct mn_frame *f)
{
	struct mn_records *rs = &p->stack->records;
	struct mn_record *rec;
	uint32_t i;

	if (sch->moving < MN_CHANNEL_ASKING)
		return false;
	if (!mn_records_spare(rs, p->slot))
		return true;
	i = mn_record_get(rs, p->slot);
	rec = mn_record_at(rs, i);
	rec->kind = MN_RECORD_REFUSE;
	rec->conn = f->conn;
	rec->offset = p->serial;
	rec->len = MN_WIRE_CODE_ELSEWHERE;
	rec->next = sch->parked;
	sch->parked = i;
	return true;
}

/* They are redirected; from there back to here, if the channel has stayed. */
static void release_parked(struct mn_stack *s, struct mn_stack_channel *sch)
{
	while (sch->parked != MN_RECORD_NONE) {
		uint32_t i = sch->parked;
		struct mn_record *rec = mn_record_at(&s->records, i);
		struct mn_path *p = &s->paths[rec->path];

		sch->parked = rec->next;
		if (p->state != MN_PATH_OPEN || p->serial != rec->offset) {
			mn_record_put(&s->records, i);
			continue;
		}
		rec->offset = sch->move_to;
		rec->next = p->refuses;
		p->refuses = i;
		mn_path_ready(p);
	}
}

/* --- it stays --- */

static void stay(struct mn_conn *c, void *ctx)
{
	(void)ctx;
	if (mn_conn_is_leaving(c))
		mn_conn_move_cancel(c);
}

void mn_stack_cancel_move(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_stack_event ev = {
		.type = MN_STACK_EVENT_CHANNEL,
		.channel = sch->ch->id,
		.engine = s->cfg.engine,
	};

	if (!sch->moving)
		return;
	release_parked(s, sch);
	sch->moving = MN_CHANNEL_STAYS;
	mn_list_del(&sch->in_leaving);
	mn_stack_each_conn(sch, stay, NULL);
	sch->ch->tx_held = false;
	if (!sch->closed)
		mn_stack_activate(s, sch);
	mn_stack_event(s, &ev);
}

/* --- it leaves --- */

/* One that waits for its peer to come must not hold up others: those are asked afterwards. */
static void look_for_busy(struct mn_conn *c, void *ctx)
{
	*(bool *)ctx |= c->use == MN_CONN_OPENING || c->moving == MN_MOVE_SETTLE ||
			c->moving == MN_MOVE_AWAIT || c->moving == MN_MOVE_HERE;
}

/* Each connection is on its way, or has nothing to do with a path any more. */
static void ask(struct mn_conn *c, void *ctx)
{
	if (c->st.state == MN_STREAM_OVER || c->moving == MN_MOVE_READY)
		return;
	*(bool *)ctx = true;
	if (c->st.state == MN_STREAM_OPEN && c->moving == MN_MOVE_NONE && c->lane)
		mn_conn_move_want(c, c->sch->move_to);
}

static void send_listener(struct mn_listener *l, void *ctx)
{
	struct mn_stack_channel *sch = ctx;
	struct mn_parcel p = { .kind = MN_PARCEL_LISTENER, .channel = sch->ch };

	p.listener.addr = l->addr;
	p.listener.port = l->port;
	mn_stack_parcel(sch->stack, sch->move_to, &p);
}

static void send_conn(struct mn_conn *c, void *ctx)
{
	struct mn_stack_channel *sch = ctx;
	struct mn_parcel p = { .kind = MN_PARCEL_CONN, .channel = sch->ch };

	mn_conn_save(c, &p.conn);
	mn_stack_parcel(sch->stack, sch->move_to, &p);
	mn_conn_leave(c);
}

static void leave(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_parcel p = {
		.kind = MN_PARCEL_CHANNEL,
		.channel = sch->ch,
		.leaving = sch->leaving,
		.finishing = sch->finishing,
	};
	struct mn_parcel done = { .kind = MN_PARCEL_DONE, .channel = sch->ch };
	struct mn_channel *ch = sch->ch;

	if (!mn_list_empty(&ch->in_posted))
		mn_channel_flush(ch);
	mn_list_del(&ch->in_posted);
	ch->posted_list = NULL;
	ch->owner = NULL;
	mn_stack_parcel(s, sch->move_to, &p);
	mn_listeners_each(&s->listeners, sch, send_listener, sch);
	mn_stack_each_conn(sch, send_conn, sch);
	mn_stack_parcel(s, sch->move_to, &done);
	mn_stack_drop_channel(s, sch);
	sch->moving = MN_CHANNEL_GONE;
}

static void check(struct mn_stack *s, struct mn_stack_channel *sch)
{
	bool busy = false;

	if (sch->moving == MN_CHANNEL_GONE)
		return;
	if (sch->corrupt || sch->closed || s->now_us - sch->move_us >= MOVE_US) {
		mn_stack_cancel_move(s, sch);
		return;
	}
	if (sch->moving == MN_CHANNEL_OPENING) {
		mn_stack_each_conn(sch, look_for_busy, &busy);
		if (busy)
			return;
		sch->moving = MN_CHANNEL_ASKING;
	}
	mn_stack_each_conn(sch, ask, &busy);
	if (!busy && mn_stack_parcels_room(s, sch->n_conns + s->listeners.count + 2))
		leave(s, sch);
}

void mn_stack_check_leaving(struct mn_stack *s)
{
	struct mn_list *next;

	for (struct mn_list *l = s->leaving.next; l != &s->leaving; l = next) {
		next = l->next;
		check(s, mn_container(l, struct mn_stack_channel, in_leaving));
	}
}

void mn_stack_channel_gone(struct mn_stack *s, const struct mn_channel *ch)
{
	struct mn_list *next;

	for (struct mn_list *l = s->leaving.next; l != &s->leaving; l = next) {
		struct mn_stack_channel *sch =
			mn_container(l, struct mn_stack_channel, in_leaving);

		next = l->next;
		if (sch->moving != MN_CHANNEL_GONE || sch->ch != ch)
			continue;
		release_parked(s, sch);
		mn_listeners_del_owner(&s->listeners, sch);
		mn_list_del(l);
		mn_stack_channel_free(sch);
	}
}

/* --- answers of the new engine --- */

static struct mn_conn *leaving_conn(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_conn *c = mn_stack_conn_by_record(s, in->want.conn);

	return c && mn_conn_is_leaving(c) ? c : NULL;
}

void mn_stack_reserved(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_conn *c = leaving_conn(s, in);
	struct mn_parcel p = { .kind = MN_PARCEL_FORGET };

	p.want = in->want;
	if (c && c->moving == MN_MOVE_NUMBER && in->want.number)
		mn_conn_move_numbered(c, in->want.number, in->want.path);
	else if (in->want.number)
		mn_stack_parcel(s, in->from, &p);
	else if (c && c->sch)
		mn_stack_cancel_move(s, c->sch);
}

void mn_stack_reserved_lost(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_conn *c = leaving_conn(s, in);

	if (c && (c->moving == MN_MOVE_NUMBER || c->move->number == in->want.number))
		mn_conn_move_cancel(c);
}
