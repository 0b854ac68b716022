// SPDX-License-Identifier: MIT
/* conn_close.c - how a connection ends, here or at the peer */
#include "transport/stack_priv.h"

void mn_conn_close(struct mn_conn *c)
{
	c->use = MN_CONN_CLOSING;
	c->moved_us = c->stack->now_us;
	mn_conn_mute(c);
	mn_stream_finish(&c->st);
	mn_stream_stop(&c->st);
	mn_conn_room_due(c, false);
	mn_stack_watch(c, &c->stack->finishing);
	mn_conn_ready(c);
}

void mn_conn_receive_stop(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	if (c->st.state > MN_STREAM_OPEN || c->st.peer_stopped)
		return;
	mn_stream_peer_stops(&c->st, &s->records);
	if (c->st.state == MN_STREAM_OPENING)
		return;
	mn_conn_drop_sendq(c);
	mn_conn_check_peer(c);
	if (c->use != MN_CONN_FREE)
		mn_conn_ready(c);
}

void mn_conn_receive_abort(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	if (!c->st.accepted && !c->st.open_sent) {
		s->stats.drop_bad_state++;
		return;
	}
	s->stats.aborts_received++;
	/* It may have overtaken the ACCEPT. */
	if (!c->st.accepted && !c->st.has_remote)
		mn_conn_answered(c);
	mn_stream_end(&c->st, &s->records);
	/* All was delivered, and only the peer's word of it is missing. */
	if (c->use == MN_CONN_LEAVING)
		mn_conn_end(c, MN_END_PEER_CLOSED);
	else if (c->use == MN_CONN_CLOSING && mn_stream_finished(&c->st))
		mn_conn_end(c, MN_END_CLOSED);
	else
		mn_conn_end(c, MN_END_RESET);
}

void mn_conn_check_peer(struct mn_conn *c)
{
	if (c->use != MN_CONN_UP || c->st.state != MN_STREAM_OPEN || c->stalled ||
	    !mn_stream_peer_finished(&c->st) || !c->st.peer_stopped)
		return;
	/* It wants nothing more: the application's end, and what it has not sent, are void. */
	c->use = MN_CONN_LEAVING;
	c->moved_us = c->stack->now_us;
	mn_list_del(&c->in_watch);
	mn_conn_post_end(c, 0);
	mn_conn_drop_sendq(c);
	mn_stream_finish(&c->st);
	mn_stream_stop(&c->st);
	mn_conn_post(c);
	mn_conn_room_due(c, true);
	mn_stack_watch(c, &c->stack->finishing);
	mn_conn_ready(c);
}
