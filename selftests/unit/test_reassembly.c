// SPDX-License-Identifier: MIT
/* Packets before their turn: order, ranges, bounds. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport1/reassembly.h"

FIXTURE(reassembly)
{
	struct mn_held_pool pool;
	struct mn_reassembly ra;
	struct mn_wire_sack r[MN_WIRE_SACK_MAX];
};

FIXTURE_SETUP(reassembly)
{
	ASSERT_EQ(0, mn_held_pool_init(&self->pool, 300));
	mn_reassembly_init(&self->ra);
}

FIXTURE_TEARDOWN(reassembly)
{
	mn_held_pool_fini(&self->pool);
}

static int add(struct mn_reassembly *ra, struct mn_held_pool *p, uint64_t seq, uint32_t len)
{
	return mn_reassembly_add(ra, p, seq, NULL, len, (void *)(uintptr_t)seq);
}

TEST_F(reassembly, kept_in_order)
{
	static const uint64_t seqs[] = { 500, 100, 300, 200, 400 };

	EXPECT_EQ(NULL, mn_reassembly_first(&self->ra));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0, add(&self->ra, &self->pool, seqs[i], 100));
	EXPECT_EQ(-EEXIST, add(&self->ra, &self->pool, 300, 100));
	EXPECT_EQ(-EEXIST, add(&self->ra, &self->pool, 320, 10));
	EXPECT_EQ(1, mn_reassembly_ranges(&self->ra, 0, self->r));
	EXPECT_EQ(100, self->r[0].start);
	EXPECT_EQ(600, self->r[0].end);
	for (uint64_t seq = 100; seq <= 500; seq += 100) {
		EXPECT_EQ(seq, mn_reassembly_first(&self->ra)->seq);
		EXPECT_EQ((void *)(uintptr_t)seq, mn_reassembly_pop(&self->ra, &self->pool));
	}
	EXPECT_EQ(NULL, mn_reassembly_first(&self->ra));
}

TEST_F(reassembly, ranges__recent_first)
{
	for (int i = 1; i <= 6; i++)
		ASSERT_EQ(0, add(&self->ra, &self->pool, i * 100, 50));
	ASSERT_EQ(MN_WIRE_SACK_MAX, mn_reassembly_ranges(&self->ra, 0, self->r));
	EXPECT_EQ(600, self->r[0].start);
	EXPECT_EQ(100, self->r[1].start);
	EXPECT_EQ(300, self->r[3].start);
	ASSERT_EQ(0, add(&self->ra, &self->pool, 350, 50));
	ASSERT_EQ(MN_WIRE_SACK_MAX, mn_reassembly_ranges(&self->ra, 0, self->r));
	EXPECT_EQ(300, self->r[0].start);
	EXPECT_EQ(450, self->r[0].end);
	EXPECT_EQ(100, self->r[1].start);
	EXPECT_EQ(200, self->r[2].start);
	EXPECT_EQ(500, self->r[3].start);
}

/* What begins at the next expected byte is not on the far side of a hole. */
TEST_F(reassembly, ranges__not_what_is_next)
{
	ASSERT_EQ(0, add(&self->ra, &self->pool, 100, 50));
	ASSERT_EQ(0, add(&self->ra, &self->pool, 200, 50));
	ASSERT_EQ(1, mn_reassembly_ranges(&self->ra, 100, self->r));
	EXPECT_EQ(200, self->r[0].start);
}

TEST_F(reassembly, ranges__overlaps)
{
	ASSERT_EQ(0, add(&self->ra, &self->pool, 100, 50));
	ASSERT_EQ(0, add(&self->ra, &self->pool, 120, 100));
	ASSERT_EQ(0, add(&self->ra, &self->pool, 90, 20));
	ASSERT_EQ(1, mn_reassembly_ranges(&self->ra, 0, self->r));
	EXPECT_EQ(90, self->r[0].start);
	EXPECT_EQ(220, self->r[0].end);
}

/* One alone gets half of the pool, the next one half of the rest. */
TEST_F(reassembly, bounds)
{
	struct mn_reassembly other;

	mn_reassembly_init(&other);
	for (uint32_t i = 0; i < 150; i++)
		ASSERT_EQ(0, add(&self->ra, &self->pool, 100000 - 10 * i, 5));
	EXPECT_EQ(-ENOSPC, add(&self->ra, &self->pool, 1, 5));
	for (uint32_t i = 0; i < 75; i++)
		ASSERT_EQ(0, add(&other, &self->pool, 10 * i, 5));
	EXPECT_EQ(-ENOSPC, add(&other, &self->pool, 50000, 5));
	mn_reassembly_pop(&self->ra, &self->pool);
	EXPECT_EQ(0, add(&other, &self->pool, 50000, 5));
}

TEST_HARNESS_MAIN
