// SPDX-License-Identifier: MIT
/*
 * exchange.c - requests and answers
 *
 * Packets and nanoseconds of a request of 64 bytes and its answer, 32 under way, over 10,000
 * connections in turn and over one; and connections that are opened for one exchange and closed
 * after it, 64 at a time: how many per second of processor time, both stacks together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define PORTS		16u
#define WINDOW		32u
#define CONNS		10000u
#define MAX_CONNS	16384u
#define EXCHANGES	200000u
#define SHORT		64u		/* under way at a time */
#define SHORT_ALL	100000u
#define TURN_US		10u
#define TURNS_MAX	10000000u

struct exchange {
	struct world w;
	uint64_t flows[CONNS];
	uint32_t asked, under_way;
};

static void keep(struct world_host *h, uint64_t flow)
{
	struct exchange *b = h->ctx;

	b->flows[h->opened - 1] = flow;
}

static int connect_all(struct exchange *b)
{
	struct world_host *client = &b->w.host[1];

	client->app.opened = keep;
	for (uint32_t turns = 0; client->opened < CONNS; turns++) {
		while (b->asked < CONNS && b->asked - client->opened < SHORT)
			if (world_connect(client, b->asked++, PORTS))
				return -ENOBUFS;
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	client->app.opened = NULL;
	return 0;
}

/* A window of requests over so many connections in turn. */
static int exchange(struct exchange *b, uint32_t among, double *ns, double *packets)
{
	struct world_host *client = &b->w.host[1];
	uint64_t from = world_now_ns(), before = world_packets(&b->w);
	uint64_t base = client->received, sent = 0;

	for (uint32_t turns = 0; client->received - base < EXCHANGES; turns++) {
		while (sent < EXCHANGES && sent - (client->received - base) < WINDOW)
			if (world_send(client, b->flows[sent++ % among]))
				return -ENOBUFS;
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	*ns = (double)(world_now_ns() - from) / EXCHANGES;
	*packets = (double)(world_packets(&b->w) - before) / EXCHANGES;
	return 0;
}

/* --- one exchange per connection --- */

static void ask(struct world_host *h, uint64_t flow)
{
	world_echo(h, flow);
}

static void answered(struct world_host *h, uint64_t flow)
{
	struct exchange *b = h->ctx;

	h->failed += world_close(h, flow) != 0;
	b->under_way--;
}

static int short_lived(struct exchange *b, double *per_s)
{
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	uint64_t from = world_now_ns(), wanted[2] = {
		server->closed + SHORT_ALL, client->closed + SHORT_ALL,
	};
	uint32_t n = 0;

	client->app.opened = ask;
	client->app.message = answered;
	for (uint32_t turns = 0; server->closed < wanted[0] || client->closed < wanted[1];
	     turns++) {
		for (; n < SHORT_ALL && b->under_way < SHORT; n++, b->under_way++)
			if (world_connect(client, n, PORTS))
				return -ENOBUFS;
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	*per_s = SHORT_ALL * 1e9 / (world_now_ns() - from);
	return client->failed || server->failed ? -EPROTO : 0;
}

static int run(struct exchange *b)
{
	const struct world_config cfg = { .hosts = 2, .ports = PORTS, .conns = MAX_CONNS };
	double one_ns = 0, one_packets = 0, many_ns = 0, many_packets = 0, per_s = 0;
	int ret = world_create(&b->w, &cfg);

	b->w.host[0].app.message = world_echo;
	b->w.host[1].ctx = b;
	if (!ret)
		ret = connect_all(b);
	if (!ret)
		ret = exchange(b, 1, &one_ns, &one_packets);
	if (!ret)
		ret = exchange(b, CONNS, &many_ns, &many_packets);
	if (!ret)
		ret = short_lived(b, &per_s);
	if (ret)
		return world_fail("exchange", ret);
	printf("{\"exchange_1_ns\": %.1f, \"exchange_10000_ns\": %.1f, \"packets_1\": %.3f, "
	       "\"packets_10000\": %.3f, \"short_per_s\": %.0f}\n",
	       one_ns, many_ns, one_packets, many_packets, per_s);
	return 0;
}

int bench_exchange(void)
{
	struct exchange *b = calloc(1, sizeof(*b));
	int status = b ? run(b) : world_fail("exchange", -ENOMEM);

	if (b)
		world_destroy(&b->w);
	free(b);
	return status;
}
