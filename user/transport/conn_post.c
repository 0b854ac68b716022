// SPDX-License-Identifier: MIT
/* conn_post.c - events of a connection for its application, in order, when the ring has room */
#include <errno.h>
#include <string.h>

#include "transport/stack_priv.h"

/* Others that wait may hold the end of a connection with the same ports. */
static bool others_come_first(const struct mn_conn *c)
{
	const struct mn_list *blocked = &c->sch->blocked;

	return !mn_list_empty(blocked) && blocked->next != &c->in_blocked;
}

static int post_open(struct mn_conn *c)
{
	const struct mn_tuple *route = &c->peer->route;
	struct mn_channel *ch = c->sch->ch;
	struct mn_shm_flow info = {
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.request = c->request,
	};
	int ret;

	if (others_come_first(c))
		return -EAGAIN;
	memcpy(info.local_addr, route->local.b, sizeof(info.local_addr));
	memcpy(info.remote_addr, route->remote.b, sizeof(info.remote_addr));
	ret = mn_channel_post_open(ch, c->flow, &info);
	/* Where its descriptor lies. */
	c->open_at = ch->rx.self - 1 - mn_ring_slots(sizeof(info));
	return ret;
}

/* In the order in which the application must see it: opening, messages, end; or a failure. */
static int post_all(struct mn_conn *c)
{
	int ret = 0;

	if (c->post & MN_POST_OPEN) {
		ret = post_open(c);
		if (ret)
			return ret;
		c->post &= ~MN_POST_OPEN;
	}
	if (c->stalled == -EAGAIN) {
		if (!mn_channel_rx_has_room(c->sch->ch))
			return -EAGAIN;
		c->stalled = 0;
		mn_conn_take(c, NULL, 0);
		if (c->stalled)
			return c->stalled;
	}
	if (c->post & MN_POST_END) {
		ret = mn_channel_post_end(c->sch->ch, c->flow, c->post_error);
		if (ret)
			return ret;
		c->post &= ~MN_POST_END;
	}
	if (c->post & MN_POST_FAILED) {
		ret = mn_channel_post_failed(c->sch->ch, c->request, c->post_error);
		if (ret)
			return ret;
		c->post &= ~MN_POST_FAILED;
	}
	return 0;
}

void mn_conn_block(struct mn_conn *c)
{
	if (!mn_list_empty(&c->in_blocked))
		return;
	mn_list_add_tail(&c->sch->blocked, &c->in_blocked);
	mn_stack_activate(c->stack, c->sch);
}

bool mn_conn_post(struct mn_conn *c)
{
	int ret;

	if (!c->post && c->stalled != -EAGAIN)
		return true;
	ret = post_all(c);
	if (ret == -EPROTO)
		mn_stack_mark_corrupt(c->stack, c->sch);
	if (!ret)
		mn_list_del(&c->in_blocked);
	else
		mn_conn_block(c);
	return !ret;
}
