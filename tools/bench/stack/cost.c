// SPDX-License-Identifier: MIT
/*
 * cost.c - what a message costs with many connections
 *
 * In each turn the client sends 32 messages of 64 bytes, and the server reads them. They belong to
 * 32 connections, always the same ones ("few"), or to all in turn ("all"), so that each meets
 * memory that was not touched for long. Nanoseconds per message, of both stacks together, by
 * number of connections; packets per message; connects per second, 64 at a time; and how many
 * times as much a message costs for few of 100,000 connections as for 32 alone. Fails when that
 * ratio is more than FEW_RATIO_MAX.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define PORTS		4u
#define BATCH		32u
#define CONNECTS	64u
#define MAX_CONNS	131072u
/* Of virtual time. */
#define TURN_US		10u
#define TURNS		10000u
#define REPEATS		5
#define FEW_RATIO_MAX	2.0

struct cost {
	struct world w;
	uint64_t *flows;	/* handles at the client, in the order in which they came up */
	uint32_t asked, next;
};

static void opened(struct world_host *h, uint64_t flow)
{
	struct cost *b = h->ctx;

	b->flows[h->opened - 1] = flow;
}

/* Until there are n connections; the rate is that of this call. */
static int connect_all(struct cost *b, uint32_t n, double *per_s)
{
	struct world_host *client = &b->w.host[1];
	uint32_t before = client->opened, turns = 0;
	uint64_t from = world_now_ns();

	while (client->opened < n) {
		while (b->asked < n && b->asked - client->opened < CONNECTS)
			if (world_connect(client, b->asked++, PORTS))
				return -ENOBUFS;
		world_turn(&b->w, TURN_US);
		if (++turns > 100 * n)
			return -ETIMEDOUT;
	}
	*per_s = (n - before) * 1e9 / (world_now_ns() - from);
	return 0;
}

/* Nanoseconds per message, the least of several runs; among: connections that get messages. */
static double measure(struct cost *b, uint32_t among, int *error)
{
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	uint64_t wanted = server->received + TURNS * BATCH;
	double best = 0;

	for (int r = 0; r < REPEATS && !*error; r++) {
		uint64_t from = world_now_ns();
		double ns;

		for (uint32_t t = 0; t < TURNS / REPEATS; t++) {
			for (uint32_t k = 0; k < BATCH && !*error; k++)
				*error = world_send(client, b->flows[b->next++ % among]);
			world_turn(&b->w, TURN_US);
		}
		ns = (double)(world_now_ns() - from) / (TURNS / REPEATS * BATCH);
		if (!r || ns < best)
			best = ns;
	}
	for (int i = 0; i < 1000 && server->received < wanted; i++)
		world_turn(&b->w, TURN_US);
	if (!*error && server->received != wanted)
		*error = -EPROTO;
	return best;
}

static int run(struct cost *b)
{
	static const uint32_t sizes[] = { BATCH, 1000, 100000 };
	const struct world_config cfg = { .hosts = 2, .ports = PORTS, .conns = MAX_CONNS };
	double few[3], all[3], per_s = 0, packets = 0;
	uint64_t before;
	int ret = world_create(&b->w, &cfg);

	b->w.host[1].app.opened = opened;
	b->w.host[1].ctx = b;
	for (int i = 0; i < 3 && !ret; i++) {
		ret = connect_all(b, sizes[i], &per_s);
		few[i] = measure(b, BATCH, &ret);
		before = world_packets(&b->w);
		all[i] = measure(b, sizes[i], &ret);
		packets = (double)(world_packets(&b->w) - before) / (TURNS * BATCH);
	}
	if (ret)
		return world_fail("cost", ret);
	printf("{\"few_32_ns\": %.1f, \"few_1000_ns\": %.1f, \"few_100000_ns\": %.1f, "
	       "\"all_1000_ns\": %.1f, \"all_100000_ns\": %.1f, \"packets_per_message\": %.3f, "
	       "\"connects_per_s\": %.0f, \"few_ratio\": %.2f}\n",
	       few[0], few[1], few[2], all[1], all[2], packets, per_s, few[2] / few[0]);
	return few[2] / few[0] > FEW_RATIO_MAX;
}

int bench_cost(void)
{
	struct cost *b = calloc(1, sizeof(*b));
	int status = 1;

	if (b && (b->flows = calloc(MAX_CONNS, sizeof(*b->flows))))
		status = run(b);
	else
		world_fail("cost", -ENOMEM);
	if (b) {
		world_destroy(&b->w);
		free(b->flows);
	}
	free(b);
	return status;
}
