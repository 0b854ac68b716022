// SPDX-License-Identifier: MIT
/*
 * first.c - the first answer over a new connection, on a path that is there
 *
 * The round trip of the link is 200 us of virtual time. Connections one at a time, from the request
 * to connect to the answer to the first message: sent when the connection is open, and sent along
 * with the OPEN. Both by the time of a message and its answer over a connection that was open
 * before.
 *
 * The ring of an application does not offer the latter, for it has no handle of a connection that
 * is not open: the bytes are given to the connection as the stack gives those of the ring.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "transport/stack_priv.h"
#include "world.h"

#define PORTS		16u
#define LINK_PACKETS	1024u
#define DELAY_US	100u
#define TURN_US		10u
#define TIMES		10000u
#define TURNS_MAX	100000u

struct first {
	struct world w;
	uint64_t flow;		/* the newest connection */
	bool sends_when_open;	/* else the message went along with the OPEN */
	uint64_t answered_us;
};

static void opened(struct world_host *h, uint64_t flow)
{
	struct first *b = h->ctx;

	b->flow = flow;
	if (b->sends_when_open)
		h->failed += world_send(h, flow) != 0;
}

static void answered(struct world_host *h, uint64_t flow)
{
	struct first *b = h->ctx;

	(void)flow;
	b->answered_us = b->w.now_us;
}

static int until(struct first *b, const uint64_t *count, uint64_t n)
{
	for (uint32_t turns = 0; *count < n; turns++) {
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	return 0;
}

/* A message for the connection whose request is on the ring. */
static int send_along(struct world_host *h)
{
	struct mn_list *newest;
	struct mn_conn *c;
	struct mn_desc d;

	mn_ring_publish(&h->tx);
	mn_stack_poll_channels(h->stack);
	newest = h->stack->opening.prev;
	if (newest == &h->stack->opening || world_send(h, MN_SHM_FLOW_NONE))
		return -ENOBUFS;
	mn_ring_publish(&h->tx);
	c = mn_container(newest, struct mn_conn, in_watch);
	if (mn_channel_tx_peek(&h->ch, &d) != 1 || mn_sendq_read(&c->sendq, &h->ch, &d))
		return -EPROTO;
	mn_channel_tx_release(&h->ch);
	mn_conn_queued(c);
	return 0;
}

/* A connection for one message; the virtual time until its answer is added to *us. */
static int connect_once(struct first *b, uint32_t n, bool along, uint64_t *us)
{
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	uint64_t from_us = b->w.now_us;
	int ret = world_connect(client, n, PORTS);

	b->sends_when_open = !along;
	if (!ret && along)
		ret = send_along(client);
	if (!ret)
		ret = until(b, &client->received, client->received + 1);
	*us += b->answered_us - from_us;
	if (!ret)
		ret = world_close(client, b->flow);
	if (!ret)
		ret = until(b, &client->closed, client->opened);
	if (!ret)
		ret = until(b, &server->closed, server->opened);
	return ret;
}

static int connects(struct first *b, bool along, double *us)
{
	uint64_t sum = 0;
	int ret = 0;

	for (uint32_t n = 0; n < TIMES && !ret; n++)
		ret = connect_once(b, n, along, &sum);
	*us = (double)sum / TIMES;
	return ret;
}

/* Over a connection that is open. */
static int exchanges(struct first *b, double *us)
{
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	uint64_t sum = 0, from_us;
	int ret = world_connect(client, 0, PORTS);

	b->sends_when_open = false;
	if (!ret)
		ret = until(b, &client->opened, client->opened + 1);
	for (uint32_t n = 0; n < TIMES && !ret; n++) {
		from_us = b->w.now_us;
		ret = world_send(client, b->flow);
		if (!ret)
			ret = until(b, &client->received, client->received + 1);
		sum += b->answered_us - from_us;
	}
	*us = (double)sum / TIMES;
	if (!ret)
		ret = world_close(client, b->flow);
	return ret ? ret : until(b, &server->closed, server->opened);
}

static int run(struct first *b)
{
	const struct world_config cfg = { .hosts = 2, .ports = PORTS, .conns = 64 };
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	double trip_us = 0, first_us = 0, along_us = 0;
	uint64_t unused = 0;
	int ret;

	for (int i = 0; i < 2; i++)
		b->w.host[i].ring = (struct world_ring){
			.size = LINK_PACKETS, .delay_us = DELAY_US,
		};
	ret = world_create(&b->w, &cfg);
	server->app.message = world_echo;
	client->app.opened = opened;
	client->app.message = answered;
	client->ctx = b;
	/* The first one opens the path. */
	if (!ret)
		ret = connect_once(b, 0, false, &unused);
	if (!ret)
		ret = exchanges(b, &trip_us);
	if (!ret)
		ret = connects(b, false, &first_us);
	if (!ret)
		ret = connects(b, true, &along_us);
	if (!ret && (client->failed || server->failed))
		ret = -EPROTO;
	if (ret)
		return world_fail("first", ret);
	printf("{\"trip_us\": %.1f, \"first_reply_us\": %.1f, \"first_reply_early_us\": %.1f, "
	       "\"first_reply_trips\": %.3f, \"first_reply_early_trips\": %.3f}\n",
	       trip_us, first_us, along_us, first_us / trip_us, along_us / trip_us);
	return 0;
}

int bench_first(void)
{
	struct first *b = calloc(1, sizeof(*b));
	int status = b ? run(b) : world_fail("first", -ENOMEM);

	if (b)
		world_destroy(&b->w);
	free(b);
	return status;
}
