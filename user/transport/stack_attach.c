// SPDX-License-Identifier: MIT
/* stack_attach.c - the new engine of a channel: places for its connections, and these themselves */
#include <errno.h>

#include "transport/stack_priv.h"

/* --- places for connections that are to come --- */

static void answer(struct mn_stack *s, const struct mn_parcel *in, uint8_t kind, uint32_t number,
		   uint64_t path)
{
	struct mn_parcel p = { .kind = kind };

	p.want = in->want;
	p.want.number = number;
	p.want.path = path;
	mn_stack_parcel(s, in->from, &p);
}

/* A slot on the path; NULL: none, or no memory. */
static struct mn_conn *reserve(struct mn_stack *s, struct mn_path *p)
{
	struct mn_lane *lane = mn_lane_get(p, NULL);
	struct mn_conn *c = lane ? mn_conn_blank(s) : NULL;

	if (!c) {
		if (lane)
			mn_lane_check(lane);
		return NULL;
	}
	c->use = MN_CONN_COMING;
	c->peer = p->peer;
	c->peer->n_conns++;
	mn_lane_add(lane, c);
	return c;
}

void mn_stack_reserve(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_peer *peer = mn_peer_get(&s->peers, &in->want.route);
	struct mn_path *p = peer ? mn_path_to(s, peer, in->want.remote_engine, 0) : NULL;
	struct mn_conn *c = p ? reserve(s, p) : NULL;

	if (!c) {
		if (peer)
			mn_peer_put(&s->peers, peer);
		answer(s, in, MN_PARCEL_NUMBER, 0, 0);
		return;
	}
	/* Until it comes: whose it is, and what it is called there. */
	c->home = in->from;
	c->first_number = in->want.conn;
	mn_list_add_tail(&s->reserved, &c->in_watch);
}

static void say_number(struct mn_conn *c, uint8_t kind)
{
	struct mn_parcel in = { .from = c->home };

	in.want.conn = c->first_number;
	answer(c->stack, &in, kind, c->number, c->lane ? c->lane->path->remote_id : 0);
}

void mn_stack_check_reserved(struct mn_stack *s)
{
	struct mn_list *next;

	for (struct mn_list *l = s->reserved.next; l != &s->reserved; l = next) {
		struct mn_conn *c = mn_container(l, struct mn_conn, in_watch);

		next = l->next;
		if (!mn_path_is_proven(c->lane->path))
			continue;
		mn_list_del(l);
		say_number(c, MN_PARCEL_NUMBER);
	}
}

static void give_place(struct mn_conn *c)
{
	mn_list_del(&c->in_watch);
	if (c->lane)
		mn_lane_del(c);
	mn_list_del(&c->in_lane);
	c->peer->n_conns--;
	mn_peer_put(&c->stack->peers, c->peer);
	mn_stack_conn_give(c);
}

void mn_conn_lose_place(struct mn_conn *c)
{
	/* What comes for it finds no place, and ends. */
	say_number(c, MN_PARCEL_LOST);
	give_place(c);
}

void mn_stack_forget_reserved(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_conn *c = mn_stack_conn_by_record(s, in->want.number);

	if (c && c->use == MN_CONN_COMING)
		give_place(c);
}

/* --- the channel and its connections --- */

void mn_stack_take_channel(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_stack_channel *sch;

	if (mn_stack_add_channel(s, in->channel)) {
		/* No memory: its application is informed, and so are its peers. */
		s->stats.drop_no_memory++;
		mn_channel_close(in->channel, ENOMEM);
		return;
	}
	sch = mn_stack_channel_find(s, in->channel);
	sch->incomplete = true;
	sch->leaving = in->leaving;
	sch->finishing = in->finishing;
	in->channel->tx_held = false;
}

static void load(struct mn_conn *c, const struct mn_conn_value *v)
{
	c->st = v->st;
	c->sendq = v->sendq;
	c->inbox = v->inbox;
	mn_list_init(&c->inbox.claim.node);
	c->flow = v->flow;
	c->request = v->request;
	c->born_us = v->born_us;
	c->first_number = v->first_number;
	c->channel_id = v->channel_id;
	c->debt = v->debt;
	c->open_at = v->open_at;
	c->unread_before = v->unread_before;
	c->local_port = v->local_port;
	c->remote_port = v->remote_port;
	c->watch_us = v->watch_us;
	c->moved_us = v->moved_us;
	c->use = v->use;
	c->post = v->post;
	c->home = v->home;
	c->app_knows = v->app_knows;
	c->end_due = v->end_due;
	c->has_ports = v->has_ports;
	c->stalled = v->stalled;
	c->post_error = v->post_error;
}

/* Its place: that which was reserved, or without a path any. */
static struct mn_conn *place_of(struct mn_stack *s, const struct mn_conn_value *v)
{
	struct mn_conn *c = v->number ? mn_stack_conn_by_record(s, v->number) : NULL;
	struct mn_peer *peer;

	if (c && c->use == MN_CONN_COMING)
		return c;
	/* One that was never opened has none. */
	if (mn_addr_is_any(&v->route.remote))
		return mn_conn_blank(s);
	peer = mn_peer_get(&s->peers, &v->route);
	c = peer ? mn_conn_blank(s) : NULL;
	if (c) {
		c->peer = peer;
		peer->n_conns++;
	} else if (peer) {
		mn_peer_put(&s->peers, peer);
	}
	return c;
}

static void enter(struct mn_conn *c, struct mn_stack_channel *sch)
{
	struct mn_path *p = c->lane ? c->lane->path : NULL;
	struct mn_lane *lane = p ? mn_lane_get(p, sch) : NULL;

	c->sch = sch;
	sch->n_conns++;
	if (c->lane)
		mn_lane_del(c);
	mn_list_del(&c->in_lane);
	if (lane)
		mn_lane_add(lane, c);
	else
		mn_list_add_tail(&sch->orphans, &c->in_lane);
}

/* What it was waiting for at the old engine. */
static void wait_again(struct mn_conn *c, bool has_claim)
{
	if (has_claim)
		mn_credit_adopt(&c->sch->credit, &c->inbox.claim);
	if (c->post || c->stalled == -EAGAIN)
		mn_conn_block(c);
	if (c->use == MN_CONN_CLOSING || c->use == MN_CONN_LEAVING) {
		mn_list_add_tail(&c->stack->finishing, &c->in_watch);
		mn_stack_arm_sweep(c->stack);
	}
}

void mn_stack_attach(struct mn_stack *s, struct mn_channel *ch, const struct mn_conn_value *v)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);
	struct mn_conn *c = sch ? place_of(s, v) : NULL;

	if (!c) {
		s->stats.drop_conn_limit++;
		return;
	}
	load(c, v);
	mn_list_del(&c->in_watch);
	enter(c, sch);
	if (c->flow != MN_SHM_FLOW_NONE)
		mn_handles_set(&ch->handles, c->flow, c - s->conns);
	mn_stack_conn_name(c);
	wait_again(c, v->has_claim);
	if (c->lane) {
		mn_conn_move_here(c);
	} else if (c->use != MN_CONN_DEAD) {
		/* The path has ended meanwhile. */
		mn_stream_end(&c->st, &s->records);
		mn_conn_end(c, MN_END_RESET);
	}
}

void mn_stack_channel_taken(struct mn_stack *s, const struct mn_parcel *in)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, in->channel);
	struct mn_parcel p = { .kind = MN_PARCEL_TAKEN, .channel = in->channel };
	struct mn_stack_event ev = {
		.type = MN_STACK_EVENT_CHANNEL,
		.channel = in->channel->id,
		.engine = s->cfg.engine,
	};

	if (sch) {
		sch->incomplete = false;
		mn_stack_activate(s, sch);
		s->stats.channels_taken++;
	}
	mn_stack_event(s, &ev);
	mn_stack_parcel(s, in->from, &p);
	if (sch && sch->leaving)
		mn_stack_check_left(s, sch);
}
