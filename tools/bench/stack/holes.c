// SPDX-License-Identifier: MIT
/*
 * holes.c - 64 holes in one window
 *
 * A connection with a round trip of 200 us sends some 130 full packets at once, and waits until all
 * messages have arrived. Of some of these bursts every second packet is lost, 64 in all: twice as
 * many holes as an acknowledgement names. Packets that are taken for lost, by those that were;
 * timeouts; and the virtual time of such a burst and of one without loss.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define LINK_PACKETS	4096u
#define DELAY_US	100u
#define TURN_US		5u
#define MESSAGES	2750u
/* Smaller packets are acknowledgements. */
#define LARGE		1000u
#define HOLES		64u
#define BURSTS		20u
/* Between them, without loss: the window grows again. */
#define CLEAN		20u
#define TURNS_MAX	1000000u

struct holes {
	struct world w;
	uint64_t flow;
	uint32_t lost, seen;	/* large packets of this burst */
	bool losing;
};

static void keep(struct world_host *h, uint64_t flow)
{
	struct holes *b = h->ctx;

	b->flow = flow;
}

static bool lose(struct world *w, uint32_t from, uint32_t len)
{
	struct holes *b = w->ctx;

	if (from != 1 || len < LARGE || !b->losing || b->lost == HOLES || b->seen++ % 2)
		return false;
	b->lost++;
	return true;
}

static int until(struct holes *b, const uint64_t *count, uint64_t n)
{
	for (uint32_t turns = 0; *count < n; turns++) {
		world_turn(&b->w, TURN_US);
		if (turns == TURNS_MAX)
			return -ETIMEDOUT;
	}
	return 0;
}

/* Adds the virtual time that it took. */
static int burst(struct holes *b, uint64_t *us)
{
	struct world_host *client = &b->w.host[1], *server = &b->w.host[0];
	uint64_t from_us = b->w.now_us, wanted = server->received + MESSAGES;
	int ret = 0;

	b->lost = b->seen = 0;
	for (uint32_t i = 0; i < MESSAGES && !ret; i++)
		ret = world_send(client, b->flow);
	if (!ret)
		ret = until(b, &server->received, wanted);
	*us += b->w.now_us - from_us;
	/* All is acknowledged. */
	for (uint32_t i = 0; i < 10 * DELAY_US / TURN_US; i++)
		world_turn(&b->w, TURN_US);
	return ret;
}

static int run(struct holes *b)
{
	const struct world_config cfg = { .hosts = 2, .ports = 1, .conns = 64 };
	const struct mn_stack_stats *st;
	uint64_t clean_us = 0, lossy_us = 0, found = 0, lost = 0, warm_us = 0, before;
	int ret;

	for (int i = 0; i < 2; i++)
		b->w.host[i].ring = (struct world_ring){
			.size = LINK_PACKETS, .delay_us = DELAY_US,
		};
	ret = world_create(&b->w, &cfg);
	b->w.ctx = b->w.host[1].ctx = b;
	b->w.host[1].app.opened = keep;
	b->w.lose = lose;
	if (!ret)
		ret = world_connect(&b->w.host[1], 0, 1);
	if (!ret)
		ret = until(b, &b->w.host[1].opened, 1);
	for (uint32_t n = 0; n < BURSTS && !ret; n++) {
		for (uint32_t i = 0; i + 1 < CLEAN && !ret; i++)
			ret = burst(b, &warm_us);
		if (!ret)
			ret = burst(b, &clean_us);
		before = mn_stack_stats(b->w.host[1].stack)->tx_lost;
		b->losing = true;
		if (!ret)
			ret = burst(b, &lossy_us);
		b->losing = false;
		found += mn_stack_stats(b->w.host[1].stack)->tx_lost - before;
		lost += b->lost;
	}
	if (!ret && lost != BURSTS * HOLES)
		ret = -ERANGE;
	if (ret)
		return world_fail("holes", ret);
	st = mn_stack_stats(b->w.host[1].stack);
	printf("{\"holes\": %u, \"holes_found_per_lost\": %.3f, \"holes_timeouts\": %lu, "
	       "\"holes_us\": %.0f, \"clean_us\": %.0f}\n", HOLES, (double)found / lost,
	       st->rto_fired, (double)lossy_us / BURSTS, (double)clean_us / BURSTS);
	return 0;
}

int bench_holes(void)
{
	struct holes *b = calloc(1, sizeof(*b));
	int status = b ? run(b) : world_fail("holes", -ENOMEM);

	if (b)
		world_destroy(&b->w);
	free(b);
	return status;
}
