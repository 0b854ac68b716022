// SPDX-License-Identifier: MIT
/* steer_world.c - packets of peers, one at a time */
#include <arpa/inet.h>
#include <stdlib.h>

#include "steer_world.h"

/* Advice that leads to the wrong queue so often is no use. */
#define ROUNDS	2000

void world_init(struct steer_world *w, const struct soft_nic_config *nic, uint64_t seed)
{
	struct mn_steer_config cfg = {
		.queues = nic->queues, .port_first = WORLD_PORT, .port_count = 64, .max_peers = 64,
		.seed = seed,
	};

	*w = (struct steer_world){ .ports = 64 };
	soft_nic_init(&w->nic, nic);
	w->steer = mn_steer_new(&cfg);
	if (!w->steer)
		abort();
}

void world_fini(struct steer_world *w)
{
	mn_steer_free(w->steer);
}

struct mn_addr world_addr(const struct steer_world *w, uint32_t n)
{
	struct mn_addr a = mn_addr_from_v4(htonl(0x0a000001 + 77 * n));

	if (w->v6) {
		a.b[0] = 0xfd;
		a.b[10] = 7;
		a.b[11] = n;
	}
	return a;
}

struct mn_steer_question world_question(const struct steer_world *w, uint32_t peer, uint8_t queue)
{
	return (struct mn_steer_question){
		.src = world_addr(w, peer + 1), .dst = world_addr(w, 0),
		.src_first = WORLD_PORT, .src_count = w->ports,
		.home_src = WORLD_PORT, .home_dst = WORLD_PORT,
		.queue = queue,
	};
}

static int deliver(struct steer_world *w, uint32_t peer, uint16_t src_port, uint16_t dst_port,
		   bool asked)
{
	struct mn_steer_tuple t = {
		world_addr(w, peer + 1), world_addr(w, 0), src_port, dst_port,
	};
	uint8_t queue;

	if (w->far)
		soft_way_out(w->far, &t);
	if (w->way && !soft_way_in(w->way, &t))
		return -1;
	queue = soft_nic_queue(&w->nic, &t);
	/* Of a packet that was not asked for only the ports on arrival are known. */
	if (asked)
		mn_steer_observe(w->steer, &t, src_port, dst_port, queue);
	else
		mn_steer_observe(w->steer, &t, t.src_port, t.dst_port, queue);
	return queue;
}

int world_send(struct steer_world *w, uint32_t peer, uint16_t src_port, uint16_t dst_port)
{
	return deliver(w, peer, src_port, dst_port, true);
}

uint8_t world_meet(struct steer_world *w, uint32_t peer)
{
	struct mn_steer_tuple home = {
		world_addr(w, 0), world_addr(w, peer + 1), WORLD_PORT, WORLD_PORT,
	};

	/* A host behind a filter has sent first. */
	if (w->way)
		soft_way_out(w->way, &home);
	return deliver(w, peer, WORLD_PORT, WORLD_PORT, false);
}

enum mn_steer_how world_steer(struct steer_world *w, uint32_t peer, uint8_t queue)
{
	struct mn_steer_question q = world_question(w, peer, queue);

	for (int i = 0; i < ROUNDS; i++) {
		uint16_t src, dst;
		enum mn_steer_how how = mn_steer_advise(w->steer, &q, &src, &dst);
		int arrived = -1;

		if (how == MN_STEER_NONE)
			return how;
		w->candidates += how == MN_STEER_CANDIDATE;
		w->packets++;
		for (int n = 0; n < WORLD_ASKS && arrived < 0; n++)
			arrived = world_send(w, peer, src, dst);
		if (arrived == queue)
			return how;
		if (arrived < 0)
			mn_steer_refused(w->steer, &q, src, dst);
	}
	return MN_STEER_NONE;
}
