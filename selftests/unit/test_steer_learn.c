// SPDX-License-Identifier: MIT
/* What is learned of a hash: maps over GF(2), known keys, and when they are believed no more. */
#include <errno.h>

#include "kselftest_harness.h"
#include "random.h"
#include "steer_world.h"

static const uint8_t microsoft[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

FIXTURE(learn)
{
	struct steer_world w;
	struct mn_steer_info info;
};

FIXTURE_VARIANT(learn)
{
	bool v6;
	uint8_t queues, key_len;
	enum soft_nic_hash hash;
	enum soft_nic_table table;
};

#define LEARN(name, ...) FIXTURE_VARIANT_ADD(learn, name) { __VA_ARGS__ }

LEARN(v4, .queues = 4, .key_len = 40);
LEARN(v6, .v6 = true, .queues = 4, .key_len = 40);
LEARN(long_key, .queues = 8, .key_len = 52);
LEARN(two, .queues = 2);
LEARN(sixteen, .queues = 16);
LEARN(runs, .queues = 4, .table = SOFT_NIC_RUNS);
LEARN(symmetric, .queues = 4, .hash = SOFT_NIC_SYMMETRIC);

FIXTURE_SETUP(learn)
{
	const struct soft_nic_config nic = {
		.hash = variant->hash, .table = variant->table, .table_len = 128,
		.queues = variant->queues, .key_len = variant->key_len, .seed = 12345,
	};

	world_init(&self->w, &nic, 3);
	self->w.v6 = variant->v6;
}

FIXTURE_TEARDOWN(learn)
{
	world_fini(&self->w);
}

static void meet_all_queues(struct _test_data_learn *self, uint32_t peer)
{
	world_meet(&self->w, peer);
	for (uint8_t queue = 0; queue < self->w.nic.cfg.queues; queue++)
		world_steer(&self->w, peer, queue);
	mn_steer_info(self->w.steer, &self->info);
}

static void learn(struct _test_data_learn *self)
{
	for (uint32_t peer = 0; peer < 25; peer++)
		meet_all_queues(self, peer);
}

/* The first packet of a peer is enough: what was not seen before is right at once. */
static void expect_no_candidate(struct __test_metadata *_metadata, struct _test_data_learn *self,
				uint32_t peer)
{
	uint8_t home = world_meet(&self->w, peer);
	uint32_t n = self->w.candidates;

	for (uint8_t queue = 0; queue < self->w.nic.cfg.queues; queue++) {
		uint32_t packets = self->w.packets;

		EXPECT_EQ(queue == home ? MN_STEER_LABELLED : MN_STEER_PREDICTED,
			  world_steer(&self->w, peer, queue));
		EXPECT_EQ(packets + 1, self->w.packets);
	}
	EXPECT_EQ(n, self->w.candidates);
}

TEST_F(learn, a_new_peer_needs_no_candidate)
{
	learn(self);
	EXPECT_EQ(MN_STEER_LEARNED, self->info.class);
	EXPECT_EQ(0, self->info.contradictions);
	EXPECT_FALSE(self->info.ignores_ports);
	for (uint32_t peer = 30; peer < 50; peer++)
		expect_no_candidate(_metadata, self, peer);
}

TEST_F(learn, warming_up_takes_few_candidates)
{
	learn(self);
	EXPECT_LE(self->info.candidates, 30);
	EXPECT_GE(self->info.rank, 31 - __builtin_clz(variant->queues));
	EXPECT_LE(self->info.rank, self->info.rank_full);
	EXPECT_EQ(12, self->info.rank_full);
}

TEST_F(learn, another_family_is_learned_apart)
{
	learn(self);
	self->w.v6 = !self->w.v6;
	for (uint32_t peer = 30; peer < 55; peer++)
		meet_all_queues(self, peer);
	for (uint32_t peer = 60; peer < 70; peer++)
		expect_no_candidate(_metadata, self, peer);
	EXPECT_EQ(0, self->info.contradictions);
}

TEST_F(learn, a_changed_key_is_noticed_and_learned_anew)
{
	for (int changes = 0; changes < 6; changes++) {
		learn(self);
		ASSERT_EQ(MN_STEER_LEARNED, self->info.class);
		soft_nic_change(&self->w.nic, true, variant->table, 77 + changes);
		learn(self);
		mn_steer_info(self->w.steer, &self->info);
		EXPECT_GT(self->info.contradictions, changes);
		for (uint32_t peer = 100; peer < 104; peer++)
			expect_no_candidate(_metadata, self, peer + 10 * changes);
	}
}

TEST_F(learn, a_table_that_is_not_linear_any_more_ends_it)
{
	learn(self);
	soft_nic_change(&self->w.nic, false, SOFT_NIC_SKEWED, 7);
	for (int i = 0; i < 3; i++)
		learn(self);
	EXPECT_EQ(MN_STEER_LABELS, self->info.class);
	for (uint32_t peer = 0; peer < 25; peer++)
		for (uint8_t queue = 0; queue < variant->queues; queue++)
			EXPECT_NE(MN_STEER_NONE, world_steer(&self->w, peer, queue));
}

static struct mn_steer *another(const struct _test_data_learn *self, uint8_t queues)
{
	const struct mn_steer_config cfg = {
		.queues = queues, .port_first = WORLD_PORT, .port_count = 64, .max_peers = 64,
		.seed = 99,
	};

	(void)self;
	return mn_steer_new(&cfg);
}

TEST_F(learn, what_is_saved_is_used_when_it_was_verified)
{
	uint8_t buf[MN_STEER_SAVE_MAX];
	struct mn_steer *next = another(self, variant->queues);
	uint32_t candidates;
	size_t len;

	EXPECT_EQ(0, mn_steer_save(self->w.steer, buf, sizeof(buf)));
	learn(self);
	len = mn_steer_save(self->w.steer, buf, sizeof(buf));
	ASSERT_GT(len, 0);
	EXPECT_EQ(0, mn_steer_save(self->w.steer, buf, len - 1));
	EXPECT_EQ(len, mn_steer_save(self->w.steer, buf, len));
	EXPECT_EQ(0, mn_steer_load(next, buf, len));
	mn_steer_free(self->w.steer);
	self->w.steer = next;
	mn_steer_info(next, &self->info);
	EXPECT_EQ(MN_STEER_UNKNOWN, self->info.class);
	EXPECT_GT(self->info.rank, 0);
	EXPECT_EQ(0, mn_steer_save(next, buf, sizeof(buf)));
	/* Candidates are right at once, but for a few, and no more than it takes to believe it. */
	candidates = self->w.candidates;
	self->w.packets = 0;
	learn(self);
	EXPECT_EQ(MN_STEER_LEARNED, self->info.class);
	EXPECT_LE(self->w.candidates - candidates, 20);
	EXPECT_LE(self->w.packets, 25 * variant->queues + 4);
	EXPECT_EQ(0, self->info.contradictions);
}

TEST_F(learn, what_is_saved_does_no_harm_to_another_nic)
{
	uint8_t buf[MN_STEER_SAVE_MAX];
	struct mn_steer *next = another(self, variant->queues);
	size_t len;

	learn(self);
	len = mn_steer_save(self->w.steer, buf, sizeof(buf));
	EXPECT_EQ(0, mn_steer_load(next, buf, len));
	mn_steer_free(self->w.steer);
	self->w.steer = next;
	soft_nic_change(&self->w.nic, true, variant->table, 78);
	learn(self);
	EXPECT_EQ(MN_STEER_LEARNED, self->info.class);
	expect_no_candidate(_metadata, self, 80);
}

TEST_F(learn, damaged_bytes_are_not_loaded)
{
	uint8_t buf[MN_STEER_SAVE_MAX], bad[MN_STEER_SAVE_MAX];
	struct mn_steer *next = another(self, variant->queues);
	struct mn_steer *wrong = another(self, 2 * variant->queues);
	struct mn_steer_info info;
	size_t len;

	learn(self);
	len = mn_steer_save(self->w.steer, buf, sizeof(buf));
	ASSERT_GT(len, 0);
	EXPECT_EQ(-EINVAL, mn_steer_load(wrong, buf, len));
	for (size_t cut = 0; cut < len; cut++)
		EXPECT_EQ(-EINVAL, mn_steer_load(next, buf, cut));
	for (size_t bit = 0; bit < 8 * len; bit++) {
		memcpy(bad, buf, len);
		bad[bit / 8] ^= 1 << bit % 8;
		EXPECT_EQ(-EINVAL, mn_steer_load(next, bad, len));
	}
	mn_steer_info(next, &info);
	EXPECT_EQ(0, info.rank);
	mn_steer_free(next);
	mn_steer_free(wrong);
}

TEST_F(learn, a_hostile_peer_cannot_unlearn)
{
	uint64_t rng = 5;

	learn(self);
	/* Any ports, and ports that it claims to have been asked for. */
	for (int i = 0; i < 20000; i++) {
		struct mn_steer_tuple t = {
			world_addr(&self->w, 51), world_addr(&self->w, 0),
			random_next(&rng) >> 32, random_next(&rng) >> 32,
		};

		mn_steer_observe(self->w.steer, &t, random_next(&rng) >> 32, t.dst_port,
				 soft_nic_queue(&self->w.nic, &t));
	}
	for (uint32_t peer = 30; peer < 40; peer++)
		expect_no_candidate(_metadata, self, peer);
}

TEST_F(learn, a_peer_whose_ports_are_changed_is_not_predicted)
{
	struct mn_steer_question q = world_question(&self->w, 60, 0);
	struct mn_steer_tuple t = { q.src, q.dst, WORLD_PORT, WORLD_PORT };
	uint16_t src, dst;

	learn(self);
	q.queue = soft_nic_queue(&self->w.nic, &t);
	/* Something between has changed the port that was asked for. */
	mn_steer_observe(self->w.steer, &t, WORLD_PORT + 1, WORLD_PORT, q.queue);
	q.queue = (q.queue + 1) % variant->queues;
	EXPECT_EQ(MN_STEER_CANDIDATE, mn_steer_advise(self->w.steer, &q, &src, &dst));
}

TEST_F(learn, a_wrong_prediction_makes_labels_the_last_choice)
{
	const struct mn_steer_question q = world_question(&self->w, 24, 0);
	struct mn_steer_tuple t = { q.src, q.dst, 0, 0 }, last;
	uint64_t rng = 3;
	uint16_t src, dst;

	learn(self);
	ASSERT_EQ(MN_STEER_LABELLED, mn_steer_advise(self->w.steer, &q, &src, &dst));
	soft_nic_change(&self->w.nic, true, variant->table, 79);
	while (!self->info.contradictions) {
		t.src_port = WORLD_PORT + random_below(&rng, 64);
		t.dst_port = WORLD_PORT + random_below(&rng, 64);
		mn_steer_observe(self->w.steer, &t, t.src_port, t.dst_port,
				 soft_nic_queue(&self->w.nic, &t));
		mn_steer_info(self->w.steer, &self->info);
	}
	EXPECT_NE(MN_STEER_LEARNED, self->info.class);
	last = t;
	t.src_port = WORLD_PORT + 63;
	t.dst_port = WORLD_PORT + 62;
	mn_steer_observe(self->w.steer, &t, t.src_port, t.dst_port, 0);
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(MN_STEER_LABELLED, mn_steer_advise(self->w.steer, &q, &src, &dst));
		EXPECT_TRUE((src == t.src_port && dst == t.dst_port) ||
			    (src == last.src_port && dst == last.dst_port));
	}
}

/* --- keys and tables that are known --- */

static void init_device(struct steer_world *w, uint8_t queues, enum soft_nic_table table,
			uint16_t table_len, const uint8_t *key)
{
	const struct soft_nic_config nic = {
		.hash = key ? SOFT_NIC_KEY : SOFT_NIC_TOEPLITZ, .key = key, .table = table,
		.table_len = table_len, .queues = queues, .seed = 4,
	};

	world_init(w, &nic, 6);
}

/* Peers of which nothing was observed. */
static uint32_t misses_of_strangers(struct steer_world *w, uint32_t first)
{
	uint32_t misses = 0;

	for (uint32_t peer = first; peer < first + 20; peer++) {
		for (uint8_t queue = 0; queue < w->nic.cfg.queues; queue++) {
			uint32_t packets = w->packets;

			misses += world_steer(w, peer, queue) != MN_STEER_PREDICTED ||
				  w->packets != packets + 1;
		}
	}
	return misses;
}

TEST(not_linear__maps_are_begun_seldom)
{
	const struct soft_nic_config nic = {
		.hash = SOFT_NIC_KEYED, .table_len = 128, .queues = 4, .seed = 12,
	};
	struct mn_steer_info info;
	struct steer_world w;
	uint64_t rng = 5;

	world_init(&w, &nic, 1);
	for (int i = 0; i < 20000; i++)
		world_send(&w, 1, random_next(&rng) >> 48, random_next(&rng) >> 48);
	mn_steer_info(w.steer, &info);
	EXPECT_EQ(MN_STEER_LABELS, info.class);
	EXPECT_GT(info.contradictions, 4);
	EXPECT_LT(info.contradictions, 40);
	world_fini(&w);
}

TEST(device__needs_not_even_a_first_packet)
{
	static const uint8_t queues[] = { 2, 3, 4, 5, 7, 8, 16, 64 };

	for (uint32_t i = 0; i < sizeof(queues); i++) {
		struct mn_steer_info info;
		struct steer_world w;

		init_device(&w, queues[i], SOFT_NIC_SHUFFLED, 512, NULL);
		ASSERT_EQ(0, mn_steer_set_device(w.steer, w.nic.key, 40, w.nic.table, 512));
		mn_steer_info(w.steer, &info);
		EXPECT_EQ(MN_STEER_UNKNOWN, info.class);
		for (uint32_t peer = 0; peer < 30; peer++) {
			world_meet(&w, peer);
			world_steer(&w, peer, peer % queues[i]);
		}
		mn_steer_info(w.steer, &info);
		EXPECT_EQ(MN_STEER_COMPUTED, info.class);
		EXPECT_EQ(0, misses_of_strangers(&w, 50));
		world_fini(&w);
	}
}

TEST(device__that_says_the_wrong_thing_is_not_believed)
{
	struct mn_steer_info info;
	struct steer_world w;
	uint8_t key[40];

	init_device(&w, 4, SOFT_NIC_REPEAT, 128, NULL);
	memcpy(key, w.nic.key, sizeof(key));
	key[14] ^= 2;
	key[13] ^= 0x10;
	ASSERT_EQ(0, mn_steer_set_device(w.steer, key, 40, w.nic.table, 128));
	for (uint32_t peer = 0; peer < 25; peer++) {
		world_meet(&w, peer);
		for (uint8_t queue = 0; queue < 4; queue++)
			EXPECT_NE(MN_STEER_NONE, world_steer(&w, peer, queue));
	}
	mn_steer_info(w.steer, &info);
	EXPECT_EQ(MN_STEER_LEARNED, info.class);
	EXPECT_EQ(0, info.contradictions);
	world_fini(&w);
}

TEST(device__a_changed_table_is_noticed_and_may_be_read_again)
{
	struct mn_steer_info info;
	struct steer_world w;

	init_device(&w, 5, SOFT_NIC_REPEAT, 128, NULL);
	ASSERT_EQ(0, mn_steer_set_device(w.steer, w.nic.key, 40, w.nic.table, 128));
	for (uint32_t peer = 0; peer < 20; peer++)
		world_meet(&w, peer);
	mn_steer_info(w.steer, &info);
	ASSERT_EQ(MN_STEER_COMPUTED, info.class);
	soft_nic_change(&w.nic, false, SOFT_NIC_SKEWED, 5);
	for (uint32_t peer = 0; peer < 20; peer++)
		world_meet(&w, peer);
	mn_steer_info(w.steer, &info);
	EXPECT_EQ(MN_STEER_LABELS, info.class);
	EXPECT_GE(info.contradictions, 1);
	ASSERT_EQ(0, mn_steer_set_device(w.steer, w.nic.key, 40, w.nic.table, 128));
	for (uint32_t peer = 20; peer < 40; peer++)
		world_meet(&w, peer);
	mn_steer_info(w.steer, &info);
	EXPECT_EQ(MN_STEER_COMPUTED, info.class);
	world_fini(&w);
}

TEST(device__what_cannot_be_is_refused)
{
	uint16_t table[MN_STEER_TABLE_MAX + 1] = { 0 };
	uint8_t key[MN_STEER_KEY_MAX + 1] = { 1 };
	struct steer_world w;

	init_device(&w, 4, SOFT_NIC_REPEAT, 128, NULL);
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key, 39, table, 128));
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key, 53, table, 128));
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key, 0, table, 128));
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key, 40, table, 0));
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key, 40, table, MN_STEER_TABLE_MAX + 1));
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key + 1, 40, table, 128));
	table[5] = 4;
	EXPECT_EQ(-EINVAL, mn_steer_set_device(w.steer, key, 40, table, 128));
	table[5] = 3;
	EXPECT_EQ(0, mn_steer_set_device(w.steer, key, 52, table, 128));
	/* A key whose table cannot be read. */
	EXPECT_EQ(0, mn_steer_set_device(w.steer, key, 40, NULL, 0));
	world_fini(&w);
}

TEST(known_key__of_any_number_of_queues)
{
	static const struct {
		uint8_t queues;
		uint16_t table_len;
	} nics[] = { { 3, 128 }, { 5, 64 }, { 6, 512 }, { 7, 256 }, { 4, 0 }, { 16, 128 } };

	for (uint32_t i = 0; i < sizeof(nics) / sizeof(*nics); i++) {
		struct mn_steer_info info;
		struct steer_world w;

		init_device(&w, nics[i].queues, SOFT_NIC_REPEAT, nics[i].table_len, microsoft);
		for (uint32_t peer = 0; peer < 40; peer++) {
			world_meet(&w, peer);
			world_steer(&w, peer, peer % nics[i].queues);
		}
		mn_steer_info(w.steer, &info);
		EXPECT_EQ(MN_STEER_LEARNED, info.class);
		EXPECT_EQ(0, misses_of_strangers(&w, 60));
		world_fini(&w);
	}
}

TEST_HARNESS_MAIN
