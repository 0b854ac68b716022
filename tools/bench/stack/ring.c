// SPDX-License-Identifier: MIT
/*
 * ring.c - many peers at once into a ring of 256 descriptors
 *
 * The server's device is a model: a ring of 256 descriptors, of which each of its turns takes 32;
 * what finds it full is lost, and counted. So many peers, none of which has a path yet, open 1,000
 * connections each at the same moment, and send a message of 64 bytes over each as soon as it is
 * open, and the next one when that has come back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define DESCRIPTORS	256u
#define CONNS		1000u
#define PORTS		1u
#define EXCHANGES	5u	/* over each connection */
/* The server's turn: 32 packets of 300 ns each. */
#define TURN_US		10u
#define TURNS_MAX	1000000u

struct ring {
	struct world w;
	uint64_t wanted;
};

static void again(struct world_host *h, uint64_t flow)
{
	if (h->received <= (EXCHANGES - 1) * CONNS)
		world_echo(h, flow);
}

static bool is_done(const struct ring *b)
{
	for (uint32_t i = 1; i < b->w.n; i++)
		if (b->w.host[i].received < EXCHANGES * CONNS)
			return false;
	return true;
}

static int start(struct ring *b)
{
	for (uint32_t i = 1; i < b->w.n; i++) {
		struct world_host *h = &b->w.host[i];

		h->app.opened = world_echo;
		h->app.message = again;
		for (uint32_t n = 0; n < CONNS; n++)
			if (world_connect(h, n, PORTS))
				return -ENOBUFS;
	}
	return 0;
}

/* Drops, the most that was in the ring, and the virtual time until all is done. */
static int with_peers(struct ring *b, uint32_t peers)
{
	const struct world_config cfg = {
		.hosts = 1 + peers, .ports = PORTS, .conns = 1u << 17, .client_conns = 1024,
	};
	struct world_ring *r = &b->w.host[0].ring;
	uint64_t failed = 0;
	int ret;

	r->size = DESCRIPTORS;
	ret = world_create(&b->w, &cfg);
	b->w.host[0].app.message = world_echo;
	if (!ret)
		ret = start(b);
	for (uint32_t turns = 0; !ret && !is_done(b); turns++) {
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			ret = -ETIMEDOUT;
	}
	for (uint32_t i = 0; i < b->w.n; i++)
		failed += b->w.host[i].failed;
	if (!ret && failed)
		ret = -EPROTO;
	if (!ret)
		printf("\"ring_%u_drops\": %lu, \"ring_%u_most\": %u, \"ring_%u_ms\": %.1f", peers,
		       r->dropped, peers, r->most, peers, (b->w.now_us - 1000000) / 1000.0);
	world_destroy(&b->w);
	return ret;
}

int bench_ring(void)
{
	struct ring *b = calloc(1, sizeof(*b));
	int ret = b ? 0 : -ENOMEM;

	printf("{");
	if (!ret)
		ret = with_peers(b, 16);
	printf(", ");
	if (!ret)
		ret = with_peers(b, 64);
	printf("}\n");
	free(b);
	return ret ? world_fail("ring", ret) : 0;
}
