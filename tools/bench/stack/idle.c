// SPDX-License-Identifier: MIT
/*
 * idle.c - connections that do nothing
 *
 * A thousand connections, then a million, to 16 listeners: opened, left alone for a minute of
 * virtual time, used at random, closed in order. Packets per second while they are idle; bytes of
 * memory per connection, of the side that takes more: what is resident of its stack and its
 * channel, tables, rings and buffers included.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "world.h"

#define PORTS		16u
#define FEW		1000u
#define MANY		1000000u
#define MAX_CONNS	(1u << 20)
#define LINK_PACKETS	1024u
#define UNDER_WAY	512u
#define USES		500000u
#define IDLE_US		60000000u
#define TURN_US		10u
#define TURNS_MAX	1000000u

struct idle {
	struct world w;
	uint64_t *flows;	/* at the client; 0: closed */
	uint32_t asked;
	uint64_t rng;
};

static void keep(struct world_host *h, uint64_t flow)
{
	struct idle *b = h->ctx;

	b->flows[h->opened - 1] = flow;
}

static uint32_t below(struct idle *b, uint32_t n)
{
	/* Xorshift64 (Marsaglia, 2003). */
	b->rng ^= b->rng << 13;
	b->rng ^= b->rng >> 7;
	b->rng ^= b->rng << 17;
	return (b->rng >> 32) * n >> 32;
}

static int open_until(struct idle *b, uint32_t n)
{
	struct world_host *client = &b->w.host[1];

	for (uint32_t turns = 0; client->opened < n; turns++) {
		while (b->asked < n && b->asked - client->opened < (client->opened ? UNDER_WAY : 1))
			if (world_connect(client, b->asked++, PORTS))
				return -ENOBUFS;
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX || client->failed)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Packets per second of both hosts. */
static double rest(struct idle *b)
{
	uint64_t before;

	/* What the last openings have left to acknowledge. */
	world_idle(&b->w, 1000000);
	before = world_packets(&b->w);
	world_idle(&b->w, IDLE_US);
	return (double)(world_packets(&b->w) - before) * 1000000 / IDLE_US;
}

static int use(struct idle *b)
{
	struct world_host *client = &b->w.host[1];
	uint64_t base = client->received, sent = 0;

	for (uint32_t turns = 0; client->received - base < USES; turns++) {
		while (sent < USES && sent - (client->received - base) < UNDER_WAY) {
			if (world_send(client, b->flows[below(b, client->opened)]))
				return -ENOBUFS;
			sent++;
		}
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	return 0;
}

static int close_all(struct idle *b)
{
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	uint32_t n = 0;

	for (uint32_t turns = 0; client->closed < client->opened ||
				 server->closed < server->opened; turns++) {
		for (; n < client->opened && n - client->closed < UNDER_WAY; n++)
			if (world_close(client, b->flows[n]))
				return -ENOBUFS;
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	return client->failed || server->failed ? -EPROTO : 0;
}

/* Per connection. */
static double bytes(const struct idle *b)
{
	int64_t client = b->w.host[1].bytes, server = b->w.host[0].bytes;

	return (double)(client > server ? client : server) / MANY;
}

static int run(struct idle *b)
{
	const struct world_config cfg = { .hosts = 2, .ports = PORTS, .conns = MAX_CONNS };
	double few = 0, many = 0;
	double opened = 0, used = 0;
	int ret = world_count_memory(&b->w);

	for (int i = 0; i < 2; i++)
		b->w.host[i].ring.size = LINK_PACKETS;
	if (!ret)
		ret = world_create(&b->w, &cfg);

	b->w.host[0].app.message = world_echo;
	b->w.host[1].app.opened = keep;
	b->w.host[1].ctx = b;
	if (!ret)
		ret = open_until(b, FEW);
	if (!ret)
		few = rest(b);
	if (!ret)
		ret = open_until(b, MANY);
	opened = bytes(b);
	if (!ret)
		many = rest(b);
	if (!ret)
		ret = use(b);
	used = bytes(b);
	if (!ret)
		ret = close_all(b);
	if (ret)
		return world_fail("idle", ret);
	printf("{\"connections\": %u, \"idle_packets_per_s_1000\": %.2f, "
	       "\"idle_packets_per_s\": %.2f, \"bytes_per_connection\": %.1f, "
	       "\"bytes_per_connection_used\": %.1f}\n",
	       MANY, few, many, opened, used);
	return 0;
}

int bench_idle(void)
{
	struct idle *b = calloc(1, sizeof(*b));
	int status = 1;

	if (b && (b->flows = malloc(MANY * sizeof(*b->flows)))) {
		/* Touched: the application's own memory is none of the stack's. */
		for (uint32_t i = 0; i < MANY; i++)
			b->flows[i] = MN_SHM_FLOW_NONE + i;
		b->rng = 88172645463325252u;
		/* To the page. */
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
		status = run(b);
	} else {
		world_fail("idle", -ENOMEM);
	}
	if (b) {
		world_destroy(&b->w);
		free(b->flows);
	}
	free(b);
	return status;
}
