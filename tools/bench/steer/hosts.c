// SPDX-License-Identifier: MIT
/* hosts.c - the queues of all pairs of ports, and the searches among them */
#include <arpa/inet.h>
#include <stdlib.h>

#include "hosts.h"
#include "selftests/unit/random.h"

const struct hosts_kind hosts_kinds[] = {
	{ .name = "fanout", .hash = SOFT_NIC_FANOUT,
	  .what = "not linear, symmetric, a secret for each host" },
	{ .name = "fanout-equal", .hash = SOFT_NIC_FANOUT, .equal = true,
	  .what = "the same with one secret: af_packet between namespaces" },
	{ .name = "keyed", .hash = SOFT_NIC_KEYED,
	  .what = "not linear, not symmetric" },
	{ .name = "shuffled", .hash = SOFT_NIC_TOEPLITZ, .table = SOFT_NIC_SHUFFLED,
	  .what = "Toeplitz, the table in a random order" },
	{ .name = "toeplitz", .hash = SOFT_NIC_TOEPLITZ,
	  .what = "Toeplitz, a random key for each host" },
	{ .name = "toeplitz-equal", .hash = SOFT_NIC_TOEPLITZ, .equal = true,
	  .what = "the same with one key" },
	{ .name = "symmetric", .hash = SOFT_NIC_SYMMETRIC, .equal = true,
	  .what = "Toeplitz, one symmetric key" },
	{ .name = "device", .hash = SOFT_NIC_TOEPLITZ, .table = SOFT_NIC_SHUFFLED, .device = true,
	  .what = "Toeplitz, the table in a random order; key and table are read" },
};

const uint32_t hosts_n_kinds = sizeof(hosts_kinds) / sizeof(*hosts_kinds);

uint32_t hosts_random(struct hosts *h, uint32_t n)
{
	return random_below(&h->rng, n);
}

static struct mn_addr addr_of(uint32_t side, uint32_t peer)
{
	return mn_addr_from_v4(htonl(0x0a000001 + (side << 16) + 77 * peer));
}

static struct mn_steer_question question_of(const struct host *host, uint32_t side, uint8_t queue)
{
	return (struct mn_steer_question){
		.src = addr_of(!side, host->peer), .dst = addr_of(side, host->peer),
		.src_first = HOSTS_PORT, .src_count = HOSTS_PORTS,
		.home_src = HOSTS_PORT, .home_dst = HOSTS_PORT,
		.queue = queue,
	};
}

static void init_host(struct host *host, const struct hosts_kind *kind, uint8_t engines,
		      uint64_t nic_seed, uint64_t seed)
{
	const struct mn_steer_config cfg = {
		.queues = engines, .port_first = HOSTS_PORT, .port_count = HOSTS_PORTS,
		.max_peers = 256, .seed = seed, .patient = true,
	};
	const struct soft_nic_config nic = {
		.hash = kind->hash, .table = kind->table, .table_len = 128, .queues = engines,
		.seed = nic_seed,
	};

	soft_nic_init(&host->nic, &nic);
	host->steer = mn_steer_new(&cfg);
	if (!host->steer)
		abort();
	if (kind->device)
		mn_steer_set_device(host->steer, host->nic.key, 40, host->nic.table, 128);
}

void hosts_init(struct hosts *h, const struct hosts_kind *kind, uint8_t engines, uint64_t seed)
{
	*h = (struct hosts){ .engines = engines, .rng = seed * UINT64_C(0x9e3779b97f4a7c15) | 1 };
	init_host(&h->host[0], kind, engines, 2 * seed, 2 * seed);
	init_host(&h->host[1], kind, engines, 2 * seed + !kind->equal, 2 * seed + 1);
}

void hosts_fini(struct hosts *h)
{
	mn_steer_free(h->host[0].steer);
	mn_steer_free(h->host[1].steer);
}

static uint8_t arrive(struct hosts *h, uint32_t side, uint16_t src, uint16_t dst)
{
	struct host *host = &h->host[side];
	struct mn_steer_tuple t = {
		addr_of(!side, host->peer), addr_of(side, host->peer), src, dst,
	};
	uint8_t queue = soft_nic_queue(&host->nic, &t);

	mn_steer_observe(host->steer, &t, src, dst, queue);
	return queue;
}

static void fill(struct host *host, uint32_t side)
{
	struct mn_steer_tuple t = {
		.src = addr_of(!side, host->peer), .dst = addr_of(side, host->peer),
	};

	for (uint32_t s = 0; s < HOSTS_PORTS; s++) {
		for (uint32_t d = 0; d < HOSTS_PORTS; d++) {
			t.src_port = HOSTS_PORT + s;
			t.dst_port = HOSTS_PORT + d;
			host->queues[s][d] = soft_nic_queue(&host->nic, &t);
		}
	}
}

void hosts_fill(struct hosts *h)
{
	fill(&h->host[0], 0);
	fill(&h->host[1], 1);
}

void hosts_meet(struct hosts *h, uint32_t peer)
{
	for (uint32_t side = 0; side < 2; side++) {
		h->host[side].peer = peer;
		h->host[side].reached = 0;
		arrive(h, side, HOSTS_PORT, HOSTS_PORT);
	}
}

/* All pairs of ports are looked at once per peer. */
static bool is_reached(struct hosts *h, uint32_t side, uint8_t queue)
{
	struct host *host = &h->host[side];
	const struct mn_steer_question q = question_of(host, side, queue);

	if (!host->reached)
		host->reached = soft_nic_reached(&host->nic, &q, HOSTS_PORT, HOSTS_PORTS);
	return host->reached >> queue & 1;
}

/* Until packets arrive at the queue of this side. */
static void steer(struct hosts *h, uint32_t side, uint8_t queue)
{
	struct host *host = &h->host[side];
	struct mn_steer_question q = question_of(host, side, queue);

	for (;;) {
		uint16_t src, dst;
		enum mn_steer_how how = mn_steer_advise(host->steer, &q, &src, &dst);

		if (how == MN_STEER_NONE) {
			h->missed += is_reached(h, side, queue);
			return;
		}
		h->candidates += how == MN_STEER_CANDIDATE;
		if (arrive(h, side, src, dst) == queue)
			return;
	}
}

struct asked {
	uint16_t src, dst;
	bool right, done, waits;
};

/* All engines of the other side ask at the same time, and again when all packets have arrived. */
static bool ask_round(struct hosts *h, uint32_t side, struct asked *asked)
{
	uint32_t pairs = h->engines * h->engines;
	bool more = false;

	for (uint32_t n = 0; n < pairs; n++) {
		struct mn_steer_question q = question_of(&h->host[side], side, n % h->engines);
		struct asked *a = &asked[n];
		enum mn_steer_how how;

		if (a->right || a->done)
			continue;
		how = mn_steer_advise(h->host[side].steer, &q, &a->src, &a->dst);
		h->candidates += how == MN_STEER_CANDIDATE;
		a->done = how == MN_STEER_NONE;
		a->waits = how == MN_STEER_WAIT;
	}
	for (uint32_t n = 0; n < pairs; n++) {
		struct asked *a = &asked[n];

		if (a->right || a->done)
			continue;
		a->right = !a->waits && arrive(h, side, a->src, a->dst) == n % h->engines;
		more |= !a->right;
	}
	return more;
}

void hosts_join_at_once(struct hosts *h)
{
	for (uint32_t side = 0; side < 2; side++) {
		struct asked asked[MN_STEER_QUEUES * MN_STEER_QUEUES] = { 0 };

		while (ask_round(h, side, asked))
			;
	}
}

void hosts_join(struct hosts *h, uint8_t i, uint8_t j)
{
	steer(h, 1, j);
	steer(h, 0, i);
}

/* The answer has the ports the other way round. */
static bool fits(const struct hosts *h, uint32_t s, uint32_t d, uint8_t i, uint8_t j)
{
	return h->host[1].queues[s][d] == j && h->host[0].queues[d][s] == i;
}

static bool exists(const struct hosts *h, uint8_t i, uint8_t j)
{
	for (uint32_t s = 0; s < HOSTS_PORTS; s++)
		for (uint32_t d = 0; d < HOSTS_PORTS; d++)
			if (fits(h, s, d, i, j))
				return true;
	return false;
}

uint32_t hosts_search(struct hosts *h, uint8_t i, uint8_t j)
{
	uint32_t tries = 0;
	bool found = false;

	if (!exists(h, i, j))
		return 0;
	while (!found) {
		found = hosts_spray(h, i, j, 1);
		tries++;
	}
	return tries;
}

bool hosts_spray(struct hosts *h, uint8_t i, uint8_t j, uint32_t pairs)
{
	for (uint32_t n = 0; n < pairs; n++)
		if (fits(h, hosts_random(h, HOSTS_PORTS), hosts_random(h, HOSTS_PORTS), i, j))
			return true;
	return false;
}
