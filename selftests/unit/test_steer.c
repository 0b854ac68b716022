// SPDX-License-Identifier: MIT
/* What engines are promised of a NIC's steering, one call at a time. */
#include <errno.h>

#include "kselftest_harness.h"
#include "steer_world.h"

FIXTURE(steer)
{
	struct steer_world w;
};

FIXTURE_SETUP(steer)
{
	const struct soft_nic_config nic = {
		.hash = SOFT_NIC_KEYED, .table_len = 128, .queues = 4, .seed = 5,
	};

	world_init(&self->w, &nic, 9);
}

FIXTURE_TEARDOWN(steer)
{
	world_fini(&self->w);
}

static enum mn_steer_how ask(struct steer_world *w, uint32_t peer, uint8_t queue, uint16_t *src,
			     uint16_t *dst)
{
	struct mn_steer_question q = world_question(w, peer, queue);

	return mn_steer_advise(w->steer, &q, src, dst);
}

static void arrive(struct steer_world *w, uint32_t peer, uint16_t src, uint16_t dst, uint8_t queue)
{
	struct mn_steer_tuple t = { world_addr(w, peer + 1), world_addr(w, 0), src, dst };

	mn_steer_observe(w->steer, &t, src, dst, queue);
}

TEST(new__refuses_what_no_nic_has)
{
	struct mn_steer_config cfg = { .port_first = 1, .port_count = 1, .max_peers = 1 };

	EXPECT_EQ(NULL, mn_steer_new(&cfg));
	cfg.queues = MN_STEER_QUEUES + 1;
	EXPECT_EQ(NULL, mn_steer_new(&cfg));
	cfg.queues = 1;
	cfg.max_peers = 0;
	EXPECT_EQ(NULL, mn_steer_new(&cfg));
	mn_steer_free(NULL);
}

TEST_F(steer, a_label_is_given_for_its_queue_alone)
{
	uint16_t src, dst;

	arrive(&self->w, 1, 61601, 61602, 2);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
	EXPECT_EQ(61601, src);
	EXPECT_EQ(61602, dst);
	EXPECT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 1, 3, &src, &dst));
	EXPECT_TRUE(src != 61601 || dst != 61602);
	/* Another pair of addresses is another hash. */
	EXPECT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 2, 2, &src, &dst));
}

TEST_F(steer, a_candidate_for_one_queue_labels_another)
{
	uint16_t src, dst, again_src, again_dst;

	ASSERT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 1, 3, &src, &dst));
	arrive(&self->w, 1, src, dst, 1);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 1, &again_src, &again_dst));
	EXPECT_EQ(src, again_src);
	EXPECT_EQ(dst, again_dst);
}

TEST_F(steer, candidates_are_of_both_blocks_and_not_given_twice)
{
	static bool given[64][64];
	uint16_t src, dst;

	memset(given, 0, sizeof(given));
	for (int i = 0; i < 60; i++) {
		ASSERT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 1, 3, &src, &dst));
		ASSERT_LT((uint16_t)(src - WORLD_PORT), 64);
		ASSERT_LT((uint16_t)(dst - WORLD_PORT), 64);
		EXPECT_FALSE(given[src - WORLD_PORT][dst - WORLD_PORT]);
		given[src - WORLD_PORT][dst - WORLD_PORT] = true;
	}
}

TEST(patient__as_many_candidates_as_queues_are_looked_for)
{
	const struct mn_steer_config cfg = {
		.queues = 4, .port_first = WORLD_PORT, .port_count = 64, .max_peers = 4, .seed = 2,
		.patient = true,
	};
	struct steer_world w = { .ports = 64, .steer = mn_steer_new(&cfg) };
	uint16_t src[3], dst[3], x, y;

	arrive(&w, 1, WORLD_PORT, WORLD_PORT, 0);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(MN_STEER_CANDIDATE, ask(&w, 1, 1, &src[i], &dst[i]));
	EXPECT_EQ(MN_STEER_WAIT, ask(&w, 1, 2, &x, &y));
	EXPECT_EQ(WORLD_PORT, x);
	/* One found: still two are looked for, and under way. */
	arrive(&w, 1, src[0], dst[0], 2);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&w, 1, 2, &x, &y));
	EXPECT_EQ(MN_STEER_WAIT, ask(&w, 1, 1, &x, &y));
	arrive(&w, 1, src[1], dst[1], 2);
	EXPECT_EQ(MN_STEER_CANDIDATE, ask(&w, 1, 1, &x, &y));
	EXPECT_EQ(MN_STEER_WAIT, ask(&w, 1, 3, &x, &y));
	/* Another peer's are its own. */
	EXPECT_EQ(MN_STEER_CANDIDATE, ask(&w, 2, 3, &x, &y));
	mn_steer_free(w.steer);
}

TEST_F(steer, candidates_that_were_lost_are_given_again_in_the_end)
{
	struct mn_steer_question q = world_question(&self->w, 1, 3);
	uint16_t src, dst, given = 0;

	/* One pair of ports that is not home. */
	q.src_count = 1;
	q.home_src = q.src_first;
	for (uint16_t d = 0; d < 63; d++)
		arrive(&self->w, 1, q.src_first, WORLD_PORT + d, d * 7 % 11 % 3);
	ASSERT_EQ(MN_STEER_CANDIDATE, mn_steer_advise(self->w.steer, &q, &src, &dst));
	EXPECT_EQ(WORLD_PORT + 63, dst);
	for (int i = 0; i < 600; i++)
		given += mn_steer_advise(self->w.steer, &q, &src, &dst) == MN_STEER_CANDIDATE;
	EXPECT_GE(given, 1);
	EXPECT_LE(given, 3);
}

TEST_F(steer, an_observation_replaces_the_label)
{
	struct mn_steer_info info;
	uint16_t src, dst;

	arrive(&self->w, 1, 61601, 61602, 2);
	arrive(&self->w, 1, 61601, 61602, 0);
	EXPECT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 1, 2, &src, &dst));
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 0, &src, &dst));
	EXPECT_EQ(61601, src);
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(1, info.contradictions);
	EXPECT_EQ(1, info.labels);
	EXPECT_EQ(2, info.observations);
}

TEST_F(steer, labels_from_before_a_change_are_the_last_choice)
{
	uint16_t src, dst;

	arrive(&self->w, 1, 61601, 61602, 2);
	arrive(&self->w, 2, 61601, 61602, 0);
	arrive(&self->w, 2, 61601, 61602, 1);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
	arrive(&self->w, 1, 61603, 61604, 2);
	for (int i = 0; i < 50; i++) {
		EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
		EXPECT_EQ(61603, src);
	}
	/* It may still be true, and is as good as any then. */
	arrive(&self->w, 1, 61601, 61602, 2);
	for (int i = 0; i < 50 && src != 61601; i++)
		ask(&self->w, 1, 2, &src, &dst);
	EXPECT_EQ(61601, src);
}

TEST_F(steer, labels_are_those_of_the_ports_asked_for)
{
	struct mn_steer_tuple t = { world_addr(&self->w, 2), world_addr(&self->w, 0), 4711, 61602 };
	uint16_t src, dst;

	mn_steer_observe(self->w.steer, &t, 61605, 61602, 2);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
	EXPECT_EQ(61605, src);
}

TEST_F(steer, labels_outside_the_blocks_are_of_no_use_unless_home)
{
	struct mn_steer_question q = world_question(&self->w, 1, 2);
	uint16_t src, dst;

	arrive(&self->w, 1, 4711, 61602, 2);
	EXPECT_EQ(MN_STEER_CANDIDATE, mn_steer_advise(self->w.steer, &q, &src, &dst));
	q.home_src = 4711;
	q.home_dst = 61602;
	EXPECT_EQ(MN_STEER_LABELLED, mn_steer_advise(self->w.steer, &q, &src, &dst));
	EXPECT_EQ(4711, src);
}

TEST_F(steer, queues_that_do_not_exist_are_not_found)
{
	uint16_t src, dst;

	arrive(&self->w, 1, 61601, 61602, 4);
	EXPECT_EQ(MN_STEER_NONE, ask(&self->w, 1, 4, &src, &dst));
	EXPECT_EQ(MN_STEER_NONE, ask(&self->w, 1, 255, &src, &dst));
}

/* Refuses what is given until nothing is; the number of candidates, and the ports of the last. */
static int refuse_all(struct steer_world *w, uint32_t peer, uint16_t *src, uint16_t *dst)
{
	struct mn_steer_question q = world_question(w, peer, 3);
	uint16_t x, y;
	int n = 0;

	while (n < 1000 && mn_steer_advise(w->steer, &q, &x, &y) == MN_STEER_CANDIDATE) {
		mn_steer_refused(w->steer, &q, x, y);
		*src = x;
		*dst = y;
		n++;
	}
	return n;
}

TEST_F(steer, refusals_lead_to_home_ports_and_then_to_nothing)
{
	struct mn_steer_info info;
	uint16_t src = 0, dst = 0;

	arrive(&self->w, 1, WORLD_PORT, WORLD_PORT, 0);
	EXPECT_EQ(9, refuse_all(&self->w, 1, &src, &dst));
	EXPECT_EQ(WORLD_PORT, src);
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(MN_STEER_CONFINED, info.class);
	EXPECT_EQ(9, info.refused);
	/* That may change: seldom, something is tried again. */
	for (int i = 0; i < 1000; i++)
		refuse_all(&self->w, 1, &src, &dst);
	mn_steer_info(self->w.steer, &info);
	EXPECT_GT(info.candidates, 9);
	EXPECT_LT(info.candidates, 60);
}

TEST_F(steer, one_confined_peer_is_not_the_class_of_the_nic)
{
	struct mn_steer_info info;
	uint16_t src, dst;

	arrive(&self->w, 1, WORLD_PORT, WORLD_PORT, 0);
	refuse_all(&self->w, 1, &src, &dst);
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(MN_STEER_CONFINED, info.class);
	ASSERT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 2, 1, &src, &dst));
	arrive(&self->w, 2, src, dst, 1);
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(MN_STEER_LABELS, info.class);
}

TEST_F(steer, what_was_refused_and_arrives_is_a_label)
{
	struct mn_steer_question q = world_question(&self->w, 1, 3);
	uint16_t src, dst, x, y;

	ASSERT_EQ(MN_STEER_CANDIDATE, mn_steer_advise(self->w.steer, &q, &src, &dst));
	mn_steer_refused(self->w.steer, &q, src, dst);
	arrive(&self->w, 1, src, dst, 3);
	EXPECT_EQ(MN_STEER_LABELLED, mn_steer_advise(self->w.steer, &q, &x, &y));
	EXPECT_EQ(src, x);
	EXPECT_EQ(dst, y);
}

TEST_F(steer, a_refused_home_tuple_restricts_nothing)
{
	struct mn_steer_question q = world_question(&self->w, 1, 3);
	struct mn_steer_info info;
	uint16_t src, dst;

	for (int i = 0; i < 9; i++) {
		arrive(&self->w, 1, WORLD_PORT, WORLD_PORT, 3);
		ASSERT_EQ(MN_STEER_LABELLED, mn_steer_advise(self->w.steer, &q, &src, &dst));
		mn_steer_refused(self->w.steer, &q, src, dst);
	}
	/* It is not given again before it arrives. */
	EXPECT_EQ(MN_STEER_CANDIDATE, mn_steer_advise(self->w.steer, &q, &src, &dst));
	EXPECT_TRUE(src != WORLD_PORT && dst != WORLD_PORT);
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(9, info.refused);
}

TEST_F(steer, a_peer_cannot_take_more_labels_than_its_own)
{
	struct mn_steer_info info;
	uint16_t src, dst;

	arrive(&self->w, 1, 61601, 61602, 2);
	for (uint32_t i = 0; i < 100000; i++)
		arrive(&self->w, 2, i * 7, i * 13, i % 5);
	mn_steer_info(self->w.steer, &info);
	EXPECT_LE(info.labels, 257);
	EXPECT_EQ(2, info.peers);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
	EXPECT_EQ(61601, src);
}

TEST_F(steer, a_peer_whose_packets_are_anywhere_gets_no_advice_and_harms_no_other)
{
	struct mn_steer_info info;
	uint16_t src, dst;
	uint32_t none = 0;

	arrive(&self->w, 1, 61601, 61602, 2);
	for (uint32_t i = 0; i < 1000; i++)
		arrive(&self->w, 2, 61601, 61602, i % 4);
	for (uint32_t i = 0; i < 30; i++)
		none += ask(&self->w, 2, 2, &src, &dst) == MN_STEER_NONE;
	EXPECT_EQ(30, none);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
	EXPECT_EQ(61601, src);
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(999, info.contradictions);
	/* It ends when they are not. */
	for (uint32_t i = 0; i < 100; i++)
		arrive(&self->w, 2, 61601, 61602, 2);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 2, 2, &src, &dst));
}

TEST_F(steer, the_last_label_of_a_queue_stays)
{
	uint16_t src, dst;

	arrive(&self->w, 1, 61601, 61602, 2);
	for (uint32_t i = 0; i < 3000; i++)
		arrive(&self->w, 1, 10000 + i, 61602, 1);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 1, 2, &src, &dst));
	EXPECT_EQ(61601, src);
}

TEST_F(steer, the_peer_unused_for_longest_gives_way)
{
	struct mn_steer_info info;
	uint16_t src, dst;

	for (uint32_t p = 0; p < 64; p++)
		arrive(&self->w, p, 61601, 61602, 2);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 0, 2, &src, &dst));
	for (uint32_t p = 100; p < 163; p++)
		arrive(&self->w, p, 61601, 61602, 2);
	EXPECT_EQ(MN_STEER_LABELLED, ask(&self->w, 0, 2, &src, &dst));
	mn_steer_info(self->w.steer, &info);
	EXPECT_EQ(64, info.peers);
	EXPECT_EQ(64, info.labels);
	EXPECT_EQ(MN_STEER_CANDIDATE, ask(&self->w, 1, 2, &src, &dst));
}

TEST(one_queue__needs_no_advice)
{
	const struct soft_nic_config nic = { .hash = SOFT_NIC_KEYED, .queues = 1, .seed = 5 };
	struct mn_steer_info info;
	struct steer_world w;

	world_init(&w, &nic, 1);
	world_meet(&w, 0);
	EXPECT_EQ(MN_STEER_PREDICTED, world_steer(&w, 0, 0));
	mn_steer_info(w.steer, &info);
	EXPECT_EQ(MN_STEER_SINGLE, info.class);
	EXPECT_EQ(0, info.candidates);
	world_fini(&w);
}

TEST_HARNESS_MAIN
