// SPDX-License-Identifier: MIT
/* The size of a path's packets: what is known of it, and what losses teach. */
#include <arpa/inet.h>

#include <kselftest_harness.h>

#include "transport/stack_priv.h"

#define SECOND	1000000u

FIXTURE(mtu)
{
	struct mn_stack *stack;
	struct mn_peer peer;
	struct mn_path p;
};

FIXTURE_SETUP(mtu)
{
	self->stack = calloc(1, sizeof(*self->stack));
	ASSERT_NE(NULL, self->stack);
	self->stack->now_us = 1000 * SECOND;
	self->peer.route.remote = mn_addr_from_v4(htonl(0x0a000001));
	self->peer.route.mtu = 1500;
	self->p.stack = self->stack;
	self->p.peer = &self->peer;
	mn_path_update_mss(&self->p);
}

FIXTURE_TEARDOWN(mtu)
{
	free(self->stack);
}

static void learn(struct mn_path *p, uint32_t len, bool lost, uint32_t n)
{
	struct mn_sent s = { .len = len, .records = 1 };

	while (n--)
		mn_path_learn_size(p, &s, lost);
}

TEST_F(mtu, update__route_and_peer)
{
	EXPECT_EQ(1472, self->p.mss);
	self->p.peer_mss = 1400;
	mn_path_update_mss(&self->p);
	EXPECT_EQ(1400, self->p.mss);
	self->p.peer_mss = 9000;
	mn_path_update_mss(&self->p);
	EXPECT_EQ(1472, self->p.mss);
	self->p.mss_cap = 1200;
	mn_path_update_mss(&self->p);
	EXPECT_EQ(1200, self->p.mss);
	ASSERT_EQ(0, mn_addr_parse(&self->peer.route.remote, "fd00::1"));
	self->p.mss_cap = 0;
	mn_path_update_mss(&self->p);
	EXPECT_EQ(1452, self->p.mss);
}

/* Neither a route nor a peer makes it smaller than what every path carries. */
TEST_F(mtu, update__least)
{
	self->peer.route.mtu = 68;
	mn_path_update_mss(&self->p);
	EXPECT_EQ(MN_MTU_MIN - 28, self->p.mss);
	self->peer.route.mtu = 1500;
	self->p.peer_mss = 1;
	mn_path_update_mss(&self->p);
	EXPECT_EQ(MN_MTU_MIN - 48, self->p.mss);
}

/* Step by step down to what every path carries, and no further. */
TEST_F(mtu, black_hole__smaller_and_smaller)
{
	static const uint32_t want[] = { 1452, 1200, 528, 528 };

	self->peer.route.mtu = 9000;
	mn_path_update_mss(&self->p);
	ASSERT_EQ(8972, self->p.mss);
	for (int i = 0; i < 4; i++) {
		learn(&self->p, self->p.mss, true, 1);
		learn(&self->p, 100, false, 3);
		learn(&self->p, self->p.mss, true, 6);
		EXPECT_LT(want[i], i < 3 ? self->p.mss : 529);
		learn(&self->p, self->p.mss, true, 1);
		EXPECT_EQ(want[i], self->p.mss);
	}
}

/* Losses of everything are none of the size. */
TEST_F(mtu, black_hole__not_without_small_arrivals)
{
	learn(&self->p, 100, false, 10);
	learn(&self->p, 1472, true, 20);
	EXPECT_EQ(1472, self->p.mss);
	learn(&self->p, 100, false, 2);
	learn(&self->p, 1472, true, 1);
	EXPECT_EQ(1472, self->p.mss);
	learn(&self->p, 100, false, 1);
	learn(&self->p, 1472, true, 1);
	EXPECT_EQ(1200, self->p.mss);
}

TEST_F(mtu, black_hole__a_large_arrival_ends_it)
{
	for (int i = 0; i < 10; i++) {
		learn(&self->p, 1472, true, 7);
		learn(&self->p, 100, false, 5);
		EXPECT_TRUE(mn_path_suspects_size(&self->p));
		learn(&self->p, 1472, false, 1);
		EXPECT_FALSE(mn_path_suspects_size(&self->p));
	}
	EXPECT_EQ(1472, self->p.mss);
	/* Those that are no larger than the next size do not count. */
	learn(&self->p, 1200, true, 50);
	learn(&self->p, 100, false, 5);
	EXPECT_EQ(1472, self->p.mss);
}

TEST_F(mtu, retry__after_ten_minutes)
{
	learn(&self->p, 1472, true, 1);
	learn(&self->p, 100, false, 3);
	learn(&self->p, 1472, true, 7);
	ASSERT_EQ(1200, self->p.mss);
	self->stack->now_us += UINT64_C(600) * SECOND - 1;
	mn_path_retry_size(&self->p);
	EXPECT_EQ(1200, self->p.mss);
	self->stack->now_us++;
	mn_path_retry_size(&self->p);
	EXPECT_EQ(1472, self->p.mss);
}

/* Packets that carry something vanish, for long and many of them. */
TEST_F(mtu, is_hole__no_progress)
{
	struct mn_sent bare = { .len = 60, .records = MN_RECORD_NONE };

	learn(&self->p, 300, true, 19);
	self->stack->now_us += 20 * SECOND;
	EXPECT_FALSE(mn_path_is_hole(&self->p));
	/* An answered question is no progress. */
	mn_path_learn_size(&self->p, &bare, false);
	learn(&self->p, 300, true, 1);
	EXPECT_TRUE(mn_path_is_hole(&self->p));
	learn(&self->p, 300, false, 1);
	EXPECT_FALSE(mn_path_is_hole(&self->p));
	learn(&self->p, 300, true, 100);
	EXPECT_FALSE(mn_path_is_hole(&self->p));
	self->stack->now_us += 12 * SECOND;
	EXPECT_TRUE(mn_path_is_hole(&self->p));
}

TEST_HARNESS_MAIN
