// SPDX-License-Identifier: MIT
/*
 * Every kind of NIC, of several numbers of queues, with seeds: packets end at the queue of each
 * engine, or no tuple leads there.
 */
#include "kselftest_harness.h"
#include "steer_world.h"

static const uint8_t microsoft[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Engines of two hosts. */
static const uint8_t shapes[][2] = { { 1, 1 }, { 1, 4 }, { 4, 4 }, { 3, 5 }, { 8, 8 }, { 16, 16 } };
static const uint16_t table_lens[] = { 128, 64, 512, 0 };

#define SHAPES	(sizeof(shapes) / sizeof(*shapes))
#define SEEDS	8

struct result {
	uint32_t cases, pairs, found, unreachable, missed;
};

/* Packets of the peer's engines, from, to each of ours. */
static void steer_all(struct steer_world *w, uint32_t peer, uint8_t from, struct result *r)
{
	const struct mn_steer_question q = world_question(w, peer, 0);
	uint64_t reached = 0;

	world_meet(w, peer);
	for (uint32_t pair = 0; pair < (uint32_t)from * w->nic.cfg.queues; pair++) {
		uint8_t queue = pair % w->nic.cfg.queues;
		bool found = world_steer(w, peer, queue) != MN_STEER_NONE;

		if (!found && !reached)
			reached = soft_nic_reached(&w->nic, &q, WORLD_PORT, 64);
		r->pairs++;
		r->found += found;
		r->missed += !found && reached >> queue & 1;
		r->unreachable += !found && !(reached >> queue & 1);
	}
}

/* Both directions are found apart: here is the one to a host with so many engines. */
static void one_way(const struct soft_nic_config *nic, uint8_t from, bool v6, struct result *r)
{
	struct steer_world w;

	world_init(&w, nic, nic->seed + 1);
	w.v6 = v6;
	steer_all(&w, 0, from, r);
	steer_all(&w, 1, from, r);
	r->cases++;
	world_fini(&w);
}

static void both_ways(struct soft_nic_config nic, const uint8_t *shape, bool v6, struct result *r)
{
	nic.queues = shape[0];
	one_way(&nic, shape[1], v6, r);
	nic.queues = shape[1];
	nic.seed *= 3;
	one_way(&nic, shape[0], v6, r);
}

static struct result run(enum soft_nic_hash hash, enum soft_nic_table table)
{
	struct result r = { 0 };

	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		struct soft_nic_config nic = {
			.hash = hash, .table = table, .table_len = table_lens[seed % 4],
			.key_len = seed % 3 ? 40 : 52, .key = microsoft, .seed = seed * 7919,
		};

		if (hash == SOFT_NIC_KEY)
			nic.key_len = 40;
		for (uint32_t shape = 0; shape < SHAPES; shape++)
			both_ways(nic, shapes[shape], seed / 2 % 2, &r);
	}
	return r;
}

FIXTURE(nic)
{
};

FIXTURE_VARIANT(nic)
{
	enum soft_nic_hash hash;
	uint32_t unreachable;	/* percent of the queues at most */
};

FIXTURE_SETUP(nic)
{
}

FIXTURE_TEARDOWN(nic)
{
}

#define NIC(name, value, ...) \
	FIXTURE_VARIANT_ADD(nic, name) { .hash = value, __VA_ARGS__ }

NIC(toeplitz, SOFT_NIC_TOEPLITZ);
/* A pair of bytes that repeats makes few different hashes. */
NIC(symmetric, SOFT_NIC_SYMMETRIC, .unreachable = 15);
NIC(known_key, SOFT_NIC_KEY);
NIC(fanout, SOFT_NIC_FANOUT);
NIC(keyed, SOFT_NIC_KEYED);
NIC(follows, SOFT_NIC_FOLLOWS);

TEST_F(nic, every_pair_of_engines_is_found_or_unreachable)
{
	for (int table = 0; table < SOFT_NIC_TABLES; table++) {
		struct result r = run(variant->hash, table);

		EXPECT_EQ(2 * SHAPES * SEEDS, r.cases);
		EXPECT_EQ(r.pairs, r.found + r.unreachable + r.missed);
		/* Queues with few entries in a table may take another look. */
		EXPECT_LE(r.missed, table == SOFT_NIC_SKEWED ? r.pairs / 200 : 0);
		EXPECT_LE(r.unreachable, r.pairs * variant->unreachable / 100);
		TH_LOG("table %d: %u found, %u unreachable, %u missed", table, r.found,
		       r.unreachable, r.missed);
	}
}

TEST(addresses_alone__one_queue_of_each_peer)
{
	struct mn_steer_info info;
	struct steer_world w;

	for (uint32_t seed = 1; seed < 50; seed++) {
		const struct soft_nic_config nic = {
			.hash = SOFT_NIC_ADDRESSES, .table_len = 128, .queues = 2 + seed % 15,
			.seed = seed,
		};

		world_init(&w, &nic, seed);
		w.v6 = seed % 2;
		for (uint32_t peer = 0; peer < 10; peer++) {
			uint8_t home = world_meet(&w, peer);

			for (uint8_t queue = 0; queue < nic.queues; queue++)
				EXPECT_EQ(queue == home, !!world_steer(&w, peer, queue));
		}
		mn_steer_info(w.steer, &info);
		EXPECT_TRUE(info.ignores_ports);
		EXPECT_EQ(MN_STEER_SINGLE, info.class);
		EXPECT_LE(info.candidates, 16);
		world_fini(&w);
	}
}

/* Questions for ever: candidates are few. */
TEST(addresses_alone__are_doubted_seldom)
{
	const struct soft_nic_config nic = {
		.hash = SOFT_NIC_ADDRESSES, .table_len = 128, .queues = 4, .seed = 3,
	};
	struct mn_steer_info info;
	struct steer_world w;
	uint8_t home;

	world_init(&w, &nic, 1);
	home = world_meet(&w, 0);
	for (int i = 0; i < 10000; i++)
		world_steer(&w, 0, (home + 1) % 4);
	mn_steer_info(w.steer, &info);
	EXPECT_GT(info.candidates, 16);
	EXPECT_LT(info.candidates, 30);
	/* The machine is moved to a NIC that does not ignore them. */
	w.nic.cfg.hash = SOFT_NIC_KEYED;
	for (int i = 0; i < 10000; i++)
		world_steer(&w, 0, (home + 1) % 4);
	EXPECT_NE(MN_STEER_NONE, world_steer(&w, 0, (home + 1) % 4));
	mn_steer_info(w.steer, &info);
	EXPECT_FALSE(info.ignores_ports);
	EXPECT_EQ(MN_STEER_LABELS, info.class);
	world_fini(&w);
}

TEST(unreachable__candidates_are_bounded)
{
	const struct soft_nic_config nic = {
		.hash = SOFT_NIC_KEYED, .table_len = 128, .queues = 8, .seed = 3,
	};
	struct mn_steer_info info;
	struct steer_world w;

	/* Of 16 queues half are never used. */
	world_init(&w, &nic, 1);
	mn_steer_free(w.steer);
	w.steer = mn_steer_new(&(struct mn_steer_config){
		.queues = 16, .port_first = WORLD_PORT, .port_count = 64, .max_peers = 8, .seed = 7,
	});
	world_meet(&w, 0);
	for (int i = 0; i < 10000; i++)
		for (uint8_t queue = 0; queue < 16; queue++)
			EXPECT_EQ(queue < 8, !!world_steer(&w, 0, queue));
	mn_steer_info(w.steer, &info);
	EXPECT_GT(info.candidates, 256);
	EXPECT_LT(info.candidates, 600);
	world_fini(&w);
}

TEST(spray__candidates_are_bounded)
{
	const struct soft_nic_config nic = { .hash = SOFT_NIC_SPRAY, .queues = 4, .seed = 3 };
	struct mn_steer_info info;
	struct steer_world w;

	world_init(&w, &nic, 1);
	for (uint32_t i = 0; i < 10000; i++)
		world_steer(&w, i % 3, i % 4);
	mn_steer_info(w.steer, &info);
	EXPECT_LE(info.class, MN_STEER_LABELS);
	EXPECT_LT(info.candidates, info.observations);
	world_fini(&w);
}

TEST(changed__labels_are_replaced)
{
	for (uint32_t seed = 1; seed < 60; seed++) {
		const struct soft_nic_config nic = {
			.hash = seed % 2 ? SOFT_NIC_KEYED : SOFT_NIC_TOEPLITZ,
			.table = seed % SOFT_NIC_TABLES, .table_len = 128, .queues = 4,
			.seed = seed,
		};
		struct steer_world w;
		struct result r = { 0 };

		world_init(&w, &nic, seed);
		for (uint32_t peer = 0; peer < 6; peer++)
			steer_all(&w, peer, 4, &r);
		w.candidates = w.packets = 0;
		soft_nic_change(&w.nic, seed % 3, SOFT_NIC_SHUFFLED, seed);
		r = (struct result){ 0 };
		for (uint32_t peer = 0; peer < 6; peer++)
			steer_all(&w, peer, 4, &r);
		EXPECT_EQ(r.pairs, r.found);
		/* Some 8 for each peer's four queues, and the 16 questions. */
		EXPECT_LE(w.packets, 6 * (16 + 30));
		world_fini(&w);
	}
}

TEST_HARNESS_MAIN
