// SPDX-License-Identifier: MIT
/* conn_open.c - how a connection begins, at both ends */
#include "transport/stack_priv.h"

/* --- the opener --- */

bool mn_conn_must_wait(struct mn_conn *c)
{
	struct mn_path *p = c->lane->path;

	return (mn_stream_control(&c->st) & MN_DUE_OPEN) && !c->serial &&
	       p->next_serial >= p->opens.base + MN_OPENS_MAX;
}

int mn_stack_connect(struct mn_stack *s, struct mn_channel *ch, const struct mn_tuple *to,
		     uint64_t request)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);
	struct mn_peer *peer;
	struct mn_path *p;
	struct mn_conn *c;

	if (!sch || sch->closed || sch->leaving)
		return -ENOSPC;
	peer = mn_peer_get(&s->peers, to);
	if (!peer)
		return -ENOSPC;
	p = mn_path_to(s, peer, mn_peer_engine(peer, to->remote_port), to->remote_port);
	c = p ? mn_conn_new(sch, p, MN_CONN_OPENING) : NULL;
	if (!c) {
		mn_peer_put(&s->peers, peer);
		return -ENOSPC;
	}
	c->request = request;
	c->end_due = true;
	mn_stream_open(&c->st);
	if (mn_stack_conn_set_ports(c, peer, to->remote_port)) {
		c->end_due = false;
		mn_conn_end(c, MN_END_RESET);
		return -ENOSPC;
	}
	mn_stack_activate(s, sch);
	mn_stack_watch(c, &s->opening);
	mn_conn_ready(c);
	return 0;
}

bool mn_conn_move_opening(struct mn_conn *c, struct mn_path *p)
{
	struct mn_lane *lane = mn_lane_get(p, c->sch);

	if (!lane)
		return false;
	mn_lane_del(c);
	mn_lane_add(lane, c);
	mn_stream_reopen(&c->st, &c->stack->records);
	mn_stack_conn_renumber(c);
	c->serial = 0;
	mn_conn_ready(c);
	return true;
}

void mn_conn_answered(struct mn_conn *c)
{
	struct mn_path *p = c->lane->path;
	uint64_t base = p->opens.base;

	if (!mn_serials_is_open(&p->opens, c->serial))
		return;
	mn_serials_set_done(&p->opens, c->serial);
	mn_sched_resume(p, p->opens.base - base);
}

void mn_conn_receive_accept(struct mn_conn *c, const struct mn_frame *f, uint64_t number)
{
	struct mn_stack *s = c->stack;
	bool opening = c->use == MN_CONN_OPENING;

	if (c->st.accepted || !c->st.open_sent) {
		s->stats.drop_bad_state++;
		return;
	}
	mn_conn_answered(c);
	if (c->st.has_remote) {
		/* Sent again, with what the acceptor has taken by now: it is not said once more. */
		mn_conn_receive_room(c, f, number);
		return;
	}
	if (mn_stream_accepted(&c->st, &s->records, f, number)) {
		s->stats.drop_malformed++;
		mn_conn_end(c, MN_END_RESET);
		return;
	}
	/* It was given up here meanwhile: the peer gets an ABORT. */
	if (!opening || c->st.state != MN_STREAM_OPEN) {
		mn_conn_ready(c);
		return;
	}
	mn_list_del(&c->in_watch);
	if (!mn_conn_up(c)) {
		s->stats.drop_conn_limit++;
		mn_conn_end(c, MN_END_RESET);
		return;
	}
	if (mn_sendq_ack(&c->sendq, c->sch->ch, c->st.snd_una))
		mn_stack_mark_corrupt(s, c->sch);
	if (c->st.peer_stopped)
		mn_conn_drop_sendq(c);
	/* The acceptor learns by it that its answer arrived, and how much it may send. */
	mn_conn_room_due(c, false);
	mn_conn_ready(c);
}

/* The listener is on another engine of the peer. */
static bool go_elsewhere(struct mn_conn *c, uint8_t engine)
{
	struct mn_path *p = c->lane->path, *next;

	/* It names itself, or no engine: that leads nowhere. */
	if (engine == p->remote_engine || engine == MN_WIRE_ENGINE_ANY ||
	    c->redirects++ == MN_OPEN_REDIRECTS)
		return false;
	mn_peer_set_engine(p->peer, c->remote_port, engine);
	next = mn_path_to(c->stack, p->peer, engine, c->remote_port);
	if (!next || !mn_conn_move_opening(c, next))
		return false;
	c->stack->stats.opens_moved++;
	return true;
}

void mn_conn_receive_refuse(struct mn_conn *c, const struct mn_frame *f)
{
	struct mn_stack *s = c->stack;

	if (c->st.accepted || c->st.has_remote || !c->st.open_sent) {
		s->stats.drop_bad_state++;
		return;
	}
	mn_conn_answered(c);
	if (f->code == MN_WIRE_CODE_ELSEWHERE && c->st.state == MN_STREAM_OPENING &&
	    go_elsewhere(c, f->engine))
		return;
	mn_stream_end(&c->st, &s->records);
	if (c->use == MN_CONN_OPENING)
		mn_conn_end(c, f->code == MN_WIRE_CODE_ELSEWHERE ? MN_END_RESET : MN_END_REFUSED);
	mn_conn_check(c);
}

/* --- the acceptor --- */

static void refuse(struct mn_path *p, const struct mn_frame *f, uint16_t code, uint8_t engine)
{
	struct mn_records *rs = &p->stack->records;
	struct mn_record *rec;
	uint32_t i;

	/* Without a record nothing is said; the opener gives up after a time. */
	if (!mn_records_spare(rs, p->slot))
		return;
	i = mn_record_get(rs, p->slot);
	rec = mn_record_at(rs, i);
	rec->kind = MN_RECORD_REFUSE;
	rec->conn = f->conn;
	rec->offset = engine;
	rec->len = code;
	rec->next = p->refuses;
	p->refuses = i;
	mn_path_ready(p);
}

static void accept_open(struct mn_path *p, struct mn_stack_channel *sch, const struct mn_frame *f,
			uint64_t number)
{
	struct mn_stack *s = p->stack;
	struct mn_conn *c = mn_conn_new(sch, p, MN_CONN_UP);
	struct mn_frame data = *f;

	if (!c) {
		s->stats.drop_conn_limit++;
		refuse(p, f, MN_WIRE_CODE_BUSY, 0);
		return;
	}
	mn_stream_accept(&c->st, f, number);
	c->local_port = f->port;
	c->remote_port = f->client_port;
	c->serial = f->value;
	if (!mn_conn_up(c)) {
		s->stats.drop_conn_limit++;
		mn_stream_end(&c->st, &s->records);
		c->use = MN_CONN_DEAD;
		mn_conn_check(c);
		refuse(p, f, MN_WIRE_CODE_BUSY, 0);
		return;
	}
	data.offset = 0;
	if (f->len || (f->flags & MN_FRAME_F_FIN))
		mn_conn_receive_data(c, &data, NULL, NULL);
	if (c->use != MN_CONN_FREE)
		mn_conn_ready(c);
}

void mn_conn_receive_open(struct mn_path *p, const struct mn_frame *f, uint64_t number)
{
	struct mn_stack *s = p->stack;
	const struct mn_addr *local = &p->peer->route.local;
	struct mn_stack_channel *sch;

	if (!mn_serials_is_open(&p->served, f->value)) {
		/* A late copy: it was answered, and the answer is sent until it arrives. */
		s->stats.rx_duplicates++;
		return;
	}
	mn_serials_set_done(&p->served, f->value);
	sch = mn_listeners_find(&s->listeners, local, f->port);
	if (sch && !sch->closed) {
		accept_open(p, sch, f, number);
		return;
	}
	if (s->cfg.ops->port_engine) {
		int engine = s->cfg.ops->port_engine(s->cfg.ops_ctx, local, f->port);

		if (engine >= 0 && engine != s->cfg.engine) {
			refuse(p, f, MN_WIRE_CODE_ELSEWHERE, engine);
			return;
		}
	}
	s->stats.drop_no_listener++;
	refuse(p, f, MN_WIRE_CODE_REFUSED, 0);
}
