// SPDX-License-Identifier: MIT
/* conn.c - life of a connection */
#include <errno.h>

#include "transport/stack_priv.h"

struct mn_conn *mn_conn_blank(struct mn_stack *s)
{
	struct mn_conn *c = mn_stack_conn_take(s);

	if (!c)
		return NULL;
	c->born_us = s->now_us;
	c->home = s->cfg.engine;
	c->flow = MN_SHM_FLOW_NONE;
	mn_list_init(&c->in_ready);
	mn_list_init(&c->in_rooms);
	mn_list_init(&c->in_throttled);
	mn_list_init(&c->in_blocked);
	mn_list_init(&c->in_watch);
	mn_list_init(&c->in_lane);
	mn_sendq_init(&c->sendq);
	mn_inbox_init(&c->inbox);
	mn_reassembly_init(&c->held);
	mn_stream_open(&c->st);
	return c;
}

struct mn_conn *mn_conn_new(struct mn_stack_channel *sch, enum mn_conn_use use)
{
	struct mn_conn *c = mn_conn_blank(sch->stack);

	if (!c)
		return NULL;
	c->sch = sch;
	c->channel_id = sch->ch->id;
	c->use = use;
	mn_list_add_tail(&sch->orphans, &c->in_lane);
	sch->n_conns++;
	return c;
}

bool mn_conn_join(struct mn_conn *c, struct mn_path *p)
{
	struct mn_lane *lane = mn_lane_get(p, c->sch);

	if (!lane)
		return false;
	c->peer = p->peer;
	c->peer->n_conns++;
	mn_list_del(&c->in_lane);
	mn_lane_add(lane, c);
	return true;
}

int mn_end_errno(enum mn_end why)
{
	switch (why) {
	case MN_END_NONE:
	case MN_END_CLOSED:
	case MN_END_PEER_CLOSED:
		return 0;
	case MN_END_REFUSED:
		return ECONNREFUSED;
	case MN_END_RESET:
	case MN_END_OWNER_DIED:
		return ECONNRESET;
	case MN_END_TIMED_OUT:
		return ETIMEDOUT;
	case MN_END_UNREACHABLE:
		return EHOSTUNREACH;
	case MN_END_ADMIN:
		return ECONNABORTED;
	}
	return ECONNRESET;
}

static void notify_control(struct mn_conn *c, enum mn_stack_event_type type, enum mn_end why)
{
	struct mn_stack *s = c->stack;
	struct mn_stack_event ev = {
		.type = type,
		.why = why,
		.accepted = c->st.accepted,
		.channel = c->channel_id,
		.flow = c->flow,
		.id = mn_stack_conn_id(c),
		.request = c->request,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
	};

	if (type == MN_STACK_EVENT_END) {
		if (!c->end_due)
			return;
		c->end_due = false;
		s->stats.ends++;
	}
	if (c->lane) {
		mn_path_tuple(c->lane->path, &ev.tuple);
		ev.remote_engine = c->lane->path->remote_engine;
		ev.path = mn_path_number(c->lane->path);
	}
	mn_stack_event(s, &ev);
}

bool mn_conn_up(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	c->flow = mn_handles_new(&c->sch->ch->handles, c - s->conns);
	if (c->flow == MN_SHM_FLOW_NONE)
		return false;
	c->unread_before = mn_channel_unread(c->sch->ch, c->flow);
	c->use = MN_CONN_UP;
	c->app_knows = true;
	c->end_due = true;
	c->post = MN_POST_OPEN;
	if (c->st.accepted)
		s->stats.accepts++;
	else
		s->stats.connects++;
	notify_control(c, MN_STACK_EVENT_UP, MN_END_NONE);
	/* Nothing is delivered before the event of the opening. */
	if (!mn_conn_post(c))
		c->stalled = -EAGAIN;
	return true;
}

/* A complete message that only waits for a slot is still delivered. */
static void drop_receiver(struct mn_conn *c, bool keep_complete)
{
	mn_conn_free_held(c);
	mn_list_del(&c->in_throttled);
	if (keep_complete && c->stalled == -EAGAIN)
		return;
	if (c->sch && !c->sch->ch->dead)
		mn_inbox_drop(&c->inbox, c->sch->ch, &c->sch->credit);
	c->stalled = 0;
}

void mn_conn_post_end(struct mn_conn *c, int error)
{
	if (!c->app_knows)
		return;
	c->app_knows = false;
	c->post |= c->flow == MN_SHM_FLOW_NONE ? MN_POST_FAILED : MN_POST_END;
	c->post_error = error;
}

void mn_conn_mute(struct mn_conn *c)
{
	c->app_knows = false;
	c->post = 0;
	mn_list_del(&c->in_blocked);
	drop_receiver(c, false);
}

void mn_conn_drop_sendq(struct mn_conn *c)
{
	uint64_t messages = c->sendq.messages;

	if (c->sch && !c->sch->ch->dead && mn_sendq_ack(&c->sendq, c->sch->ch, MN_OFFSET_NONE))
		mn_stack_mark_corrupt(c->stack, c->sch);
	mn_sendq_init(&c->sendq);
	c->sendq.messages = messages;
}

/* Everything but the words that are still due, to the application and to the peer. */
static void wind_up(struct mn_conn *c, enum mn_end why)
{
	c->use = MN_CONN_DEAD;
	mn_conn_move_drop(c);
	mn_list_del(&c->in_watch);
	mn_stack_conn_forget_ports(c);
	mn_conn_post_end(c, mn_end_errno(why));
	drop_receiver(c, c->post & MN_POST_END);
	mn_conn_drop_sendq(c);
	notify_control(c, MN_STACK_EVENT_END, why);
	mn_conn_post(c);
}

void mn_conn_end(struct mn_conn *c, enum mn_end why)
{
	if (c->use == MN_CONN_FREE)
		return;
	mn_stream_abort(&c->st, &c->stack->records);
	if (c->use != MN_CONN_DEAD)
		wind_up(c, why);
	mn_conn_ready(c);
	mn_conn_check(c);
}

void mn_conn_fail(struct mn_conn *c, int error)
{
	mn_conn_post_end(c, error);
	mn_conn_end(c, MN_END_UNREACHABLE);
}

static void reap(struct mn_conn *c)
{
	struct mn_stack_channel *sch = c->sch;

	mn_stream_end(&c->st, &c->stack->records);
	mn_conn_move_drop(c);
	if (c->lane)
		mn_lane_del(c);
	mn_list_del(&c->in_lane);
	mn_list_del(&c->in_blocked);
	mn_list_del(&c->in_watch);
	if (c->peer) {
		c->peer->n_conns--;
		mn_peer_put(&c->stack->peers, c->peer);
	}
	mn_stack_conn_unname(c);
	mn_stack_conn_give(c);
	if (!sch)
		return;
	/* Not before: the slot's accounts hold what it had queued. */
	if (c->flow != MN_SHM_FLOW_NONE)
		mn_handles_free(&sch->ch->handles, c->flow);
	sch->n_conns--;
	if (sch->leaving)
		mn_stack_check_left(sch->stack, sch);
}

void mn_conn_check(struct mn_conn *c)
{
	if (c->use == MN_CONN_FREE || c->st.state != MN_STREAM_OVER)
		return;
	if (c->use != MN_CONN_DEAD)
		wind_up(c, c->use == MN_CONN_CLOSING ? MN_END_CLOSED : MN_END_PEER_CLOSED);
	if (!c->post && c->stalled != -EAGAIN)
		reap(c);
}

void mn_conn_discard(struct mn_conn *c)
{
	mn_stream_end(&c->st, &c->stack->records);
	c->use = MN_CONN_DEAD;
	reap(c);
}

/* All has been delivered both ways, and only the peer's knowledge of it is missing. */
static enum mn_end end_without_path(const struct mn_conn *c, enum mn_end why)
{
	if (c->use == MN_CONN_LEAVING)
		return MN_END_PEER_CLOSED;
	if (c->use == MN_CONN_CLOSING && mn_stream_finished(&c->st))
		return MN_END_CLOSED;
	/* What was open is not refused. */
	return why == MN_END_REFUSED && c->use != MN_CONN_OPENING ? MN_END_RESET : why;
}

void mn_conn_lose_path(struct mn_conn *c, enum mn_end why)
{
	struct mn_stack_channel *sch = c->sch;

	if (c->use == MN_CONN_COMING) {
		mn_conn_lose_place(c);
		return;
	}
	mn_stream_end(&c->st, &c->stack->records);
	if (c->use != MN_CONN_DEAD)
		wind_up(c, end_without_path(c, why));
	mn_lane_del(c);
	if (sch)
		mn_list_add_tail(&sch->orphans, &c->in_lane);
	mn_conn_check(c);
}

void mn_conn_orphan(struct mn_conn *c, enum mn_end why)
{
	struct mn_stack_channel *sch = c->sch;
	bool done = c->use == MN_CONN_LEAVING ||
		    (c->use == MN_CONN_CLOSING && mn_stream_finished(&c->st));

	c->app_knows = false;
	/* The exchange of ends goes on without a channel. */
	if (done)
		notify_control(c, MN_STACK_EVENT_END, end_without_path(c, why));
	else
		mn_conn_end(c, why);
	if (c->use == MN_CONN_FREE)
		return;
	mn_conn_mute(c);
	mn_conn_drop_sendq(c);
	c->sch = NULL;
	sch->n_conns--;
	mn_lane_orphan(c);
	mn_conn_check(c);
}
