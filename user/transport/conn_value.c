// SPDX-License-Identifier: MIT
/* conn_value.c - a connection taken out of its stack */
#include "transport/stack_priv.h"

/* Pieces behind a hole lie in buffers of this engine: the peer sends them again. */
static void drop_held(struct mn_conn *c)
{
	if (c->held.count)
		mn_stream_dropped(&c->st);
	while (mn_reassembly_first(&c->held, &c->stack->held))
		mn_reassembly_pop(&c->held, &c->stack->held);
}

void mn_conn_save(struct mn_conn *c, struct mn_conn_value *v)
{
	drop_held(c);
	mn_stream_detach(&c->st, &c->stack->records);
	*v = (struct mn_conn_value){
		.st = c->st,
		.sendq = c->sendq,
		.inbox = c->inbox,
		.flow = c->flow,
		.request = c->request,
		.born_us = c->born_us,
		.number = c->moving == MN_MOVE_READY ? c->move->number : 0,
		.first_number = c->first_number,
		.channel_id = c->channel_id,
		.debt = c->debt,
		.open_at = c->open_at,
		.unread_before = c->unread_before,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.watch_us = c->watch_us,
		.moved_us = c->moved_us,
		.use = c->use,
		.post = c->post,
		.home = c->home,
		.app_knows = c->app_knows,
		.end_due = c->end_due,
		.has_ports = c->has_ports,
		.has_claim = !mn_list_empty(&c->inbox.claim.node),
		.stalled = c->stalled,
		.post_error = c->post_error,
	};
	if (c->peer)
		v->route = c->peer->route;
	v->inbox.claim.node = (struct mn_list){ 0 };
}

void mn_conn_leave(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	if (c->moving)
		mn_conn_move_left(c);
	mn_stack_conn_unname(c);
	mn_list_del(&c->inbox.claim.node);
	mn_list_del(&c->in_throttled);
	mn_list_del(&c->in_blocked);
	mn_list_del(&c->in_watch);
	if (c->lane)
		mn_lane_del(c);
	mn_list_del(&c->in_lane);
	if (c->peer) {
		c->peer->n_conns--;
		mn_peer_put(&s->peers, c->peer);
	}
	c->sch->n_conns--;
	mn_stack_conn_give(c);
}
