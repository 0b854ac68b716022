// SPDX-License-Identifier: MIT
/* conn_open.c - how a connection begins, at both ends */
#include <errno.h>
#include <string.h>

#include "transport/stack_priv.h"

/* --- the opener --- */

bool mn_conn_must_wait(struct mn_conn *c)
{
	struct mn_path *p = c->lane->path;

	return (mn_stream_control(&c->st) & MN_DUE_OPEN) && !c->serial &&
	       p->next_serial >= p->opens.base + MN_OPENS_MAX;
}

/* The way is known. 0 or -ENOSPC. */
static int start(struct mn_conn *c, struct mn_peer *peer)
{
	struct mn_stack *s = c->stack;
	struct mn_path *p;

	p = mn_path_to(s, peer, mn_peer_engine(peer, c->remote_port), c->remote_port);
	if (!p || !mn_conn_join(c, p) || mn_stack_conn_set_ports(c, peer, c->remote_port))
		return -ENOSPC;
	mn_stack_watch(c, &s->opening);
	mn_conn_ready(c);
	return 0;
}

static void ask_control(struct mn_conn *c, const struct mn_addr *local,
			const struct mn_addr *remote)
{
	struct mn_stack_event ev = {
		.type = MN_STACK_EVENT_CONNECT,
		.channel = c->channel_id,
		.id = mn_stack_conn_id(c),
		.request = c->request,
		.remote_port = c->remote_port,
		.tuple = { .local = *local, .remote = *remote },
	};

	mn_stack_event(c->stack, &ev);
}

/* The control thread watches the routes of open paths, and of connects that it was asked for. */
static bool is_watched(const struct mn_peer *peer)
{
	for (struct mn_list *l = peer->paths.next; l != &peer->paths; l = l->next)
		if (mn_container(l, struct mn_path, in_peer)->state == MN_PATH_OPEN)
			return true;
	return peer->n_conns && !mn_list_empty(&peer->paths);
}

/* A peer that need not be asked for. */
static struct mn_peer *known_peer(const struct mn_stack *s, const struct mn_addr *local,
				  const struct mn_addr *remote)
{
	struct mn_peer *peer = mn_addr_is_any(local) ?
			       mn_peer_default(&s->peers, remote, s->now_us) :
			       mn_peer_find(&s->peers, local, remote);

	return peer && is_watched(peer) && !peer->unreachable && !peer->ask ? peer : NULL;
}

void mn_conn_request(struct mn_stack_channel *sch, uint64_t request,
		     const struct mn_shm_connect *want)
{
	struct mn_addr local, remote;
	struct mn_peer *peer;
	struct mn_conn *c;
	bool valid;

	memcpy(local.b, want->local_addr, sizeof(local.b));
	memcpy(remote.b, want->remote_addr, sizeof(remote.b));
	valid = request && want->remote_port && !mn_addr_is_any(&remote);
	c = valid ? mn_conn_new(sch, MN_CONN_OPENING) : NULL;
	if (!c) {
		if (mn_channel_post_failed(sch->ch, request, valid ? ENOSPC : EINVAL))
			mn_stack_mark_corrupt(sch->stack, sch);
		return;
	}
	c->request = request;
	c->app_knows = c->end_due = true;
	c->remote_port = want->remote_port;
	peer = known_peer(sch->stack, &local, &remote);
	if (!peer)
		ask_control(c, &local, &remote);
	else if (start(c, peer))
		mn_conn_fail(c, ENOSPC);
}

/* A connection whose route was asked for; NULL: it is gone. */
static struct mn_conn *asking(struct mn_stack *s, uint64_t id)
{
	struct mn_conn *c = mn_stack_conn_by_id(s, id);

	return c && c->use == MN_CONN_OPENING && !c->peer ? c : NULL;
}

int mn_stack_connect(struct mn_stack *s, uint64_t id, const struct mn_tuple *to, bool by_default)
{
	struct mn_conn *c = asking(s, id);
	struct mn_peer *peer;

	if (!c)
		return -ENOENT;
	peer = mn_peer_get(&s->peers, to);
	if (!peer) {
		mn_conn_fail(c, ENOSPC);
		return -ENOSPC;
	}
	peer->ask = false;
	mn_stack_set_route(s, &to->local, &to->remote, to->mac, to->mtu);
	if (by_default)
		mn_peer_set_default(&s->peers, peer, s->now_us);
	mn_stack_activate(s, c->sch);
	if (!start(c, peer))
		return 0;
	mn_conn_fail(c, ENOSPC);
	mn_peer_put(&s->peers, peer);
	return -ENOSPC;
}

void mn_stack_refuse(struct mn_stack *s, uint64_t id, int error)
{
	struct mn_conn *c = asking(s, id);

	if (c)
		mn_conn_fail(c, error);
}

void mn_stack_forget_source(struct mn_stack *s, const struct mn_addr *local)
{
	mn_peers_ask(&s->peers, local);
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
	if (c->st.has_remote) {
		/* Sent again, with what the acceptor has taken by now: it is not said once more. */
		mn_conn_receive_room(c, f, number);
		return;
	}
	mn_conn_answered(c);
	c->serial = 0;
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
	struct mn_conn *c = mn_conn_new(sch, MN_CONN_UP);
	struct mn_frame data = *f;

	if (!c || !mn_conn_join(c, p)) {
		s->stats.drop_conn_limit++;
		refuse(p, f, MN_WIRE_CODE_BUSY, 0);
		if (c)
			mn_conn_discard(c);
		return;
	}
	mn_stream_accept(&c->st, f, number);
	c->local_port = f->port;
	c->remote_port = f->client_port;
	if (!mn_conn_up(c)) {
		s->stats.drop_conn_limit++;
		mn_conn_discard(c);
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
	if (sch && mn_stack_park_open(p, sch, f))
		return;
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
