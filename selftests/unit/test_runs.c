// SPDX-License-Identifier: MIT
/* Runs of free buffers. */
#include <stdlib.h>

#include <kselftest_harness.h>

#include "channel/runs.h"

#define BUFS	MN_SHM_BUFS_MIN
#define MAX	MN_RUNS_MAX

FIXTURE(runs)
{
	struct mn_runs r;
	uint8_t taken[BUFS];
	uint64_t rng;
};

FIXTURE_SETUP(runs)
{
	void *mem = malloc(mn_runs_memsize(BUFS));

	ASSERT_NE(NULL, mem);
	mn_runs_init(&self->r, mem, BUFS);
	memset(self->taken, 0, sizeof(self->taken));
	self->rng = 0x52554e53;
}

FIXTURE_TEARDOWN(runs)
{
	free(self->r.blocks);
}

static uint32_t below(FIXTURE_DATA(runs) *self, uint32_t n)
{
	self->rng ^= self->rng << 13;
	self->rng ^= self->rng >> 7;
	self->rng ^= self->rng << 17;
	return (self->rng >> 16) % n;
}

/* A run of n or the longest there is: in one block, of buffers that nobody has. */
static uint32_t take(struct __test_metadata *_metadata, FIXTURE_DATA(runs) *self, uint32_t n,
		     uint32_t *first)
{
	uint32_t got = mn_runs_take(&self->r, n, first);

	ASSERT_LE(got, n);
	for (uint32_t i = 0; i < got; i++) {
		ASSERT_LT(*first + i, BUFS);
		ASSERT_EQ(*first / MAX, (*first + i) / MAX);
		ASSERT_EQ(0, self->taken[*first + i]++);
	}
	return got;
}

static void put(FIXTURE_DATA(runs) *self, uint32_t first, uint32_t n)
{
	memset(self->taken + first, 0, n);
	mn_runs_put(&self->r, first, n);
}

/* By the books of the test. */
static uint32_t longest_free(const FIXTURE_DATA(runs) *self)
{
	uint32_t longest = 0, n = 0;

	for (uint32_t i = 0; i < BUFS; i++) {
		if (i % MAX == 0)
			n = 0;
		n = self->taken[i] ? 0 : n + 1;
		longest = n > longest ? n : longest;
	}
	return longest;
}

TEST_F(runs, all_of_it_in_the_longest_runs)
{
	uint32_t first, n = 0;

	EXPECT_EQ(BUFS, self->r.count);
	while (self->r.count) {
		ASSERT_EQ(MAX, take(_metadata, self, MAX, &first));
		/* The memory behind them was never touched: it is used from its beginning on. */
		ASSERT_EQ(n++ * MAX, first);
	}
	EXPECT_EQ(0, take(_metadata, self, 1, &first));
	EXPECT_EQ(0, take(_metadata, self, MAX, &first));
	put(self, 5, 3);
	EXPECT_EQ(3, take(_metadata, self, 7, &first));
	EXPECT_EQ(5, first);
}

TEST_F(runs, no_longer_than_the_longest)
{
	uint32_t first;

	EXPECT_EQ(MAX, take(_metadata, self, MAX + 1, &first));
	EXPECT_EQ(MAX, mn_runs_take(&self->r, UINT32_MAX, &first));
}

/* What is in pieces already is used before anything is broken. */
TEST_F(runs, small_ones_leave_large_ones)
{
	uint32_t first;

	for (uint32_t i = 0; i < MAX; i++) {
		ASSERT_EQ(1, take(_metadata, self, 1, &first));
		ASSERT_EQ(i, first);
	}
	put(self, 0, 5);
	put(self, 8, 3);
	ASSERT_EQ(3, take(_metadata, self, 3, &first));
	EXPECT_EQ(0, first);
	ASSERT_EQ(3, take(_metadata, self, 3, &first));
	EXPECT_EQ(8, first);
	ASSERT_EQ(3, take(_metadata, self, 3, &first));
	EXPECT_EQ(MAX, first);
}

TEST_F(runs, in_pieces)
{
	uint32_t first;

	while (self->r.count)
		take(_metadata, self, MAX, &first);
	for (uint32_t i = 0; i < BUFS; i += 2)
		put(self, i, 1);
	EXPECT_EQ(1, take(_metadata, self, MAX, &first));
	for (uint32_t i = 1; i < BUFS; i += 2)
		put(self, i, 1);
	while (self->r.count >= MAX)
		ASSERT_EQ(MAX, take(_metadata, self, MAX, &first));
}

TEST_F(runs, chains)
{
	uint32_t *chain = malloc(BUFS * sizeof(*chain)), first;

	ASSERT_NE(NULL, chain);
	while (self->r.count)
		mn_runs_take(&self->r, MAX, &first);
	/* Onwards over a block's end, a gap, backwards. */
	chain[14] = 15;
	chain[15] = 16;
	chain[16] = 17;
	chain[17] = 40;
	chain[40] = 39;
	chain[39] = MN_SHM_BUF_NONE;
	EXPECT_EQ(6, mn_runs_put_chain(&self->r, chain, 14));
	EXPECT_EQ(6, self->r.count);
	for (uint32_t i = 0; i < 3; i++) {
		EXPECT_EQ(2, mn_runs_take(&self->r, MAX, &first));
		EXPECT_TRUE(first == 14 || first == 16 || first == 39);
	}
	EXPECT_EQ(0, self->r.count);
	EXPECT_EQ(0, mn_runs_put_chain(&self->r, chain, MN_SHM_BUF_NONE));
	free(chain);
}

/* As long as was asked for whenever there is such a run; and nothing is lost. */
TEST_F(runs, at_random)
{
	struct {
		uint32_t first, n;
	} held[1024];
	uint32_t n_held = 0, total = 0;

	for (uint32_t step = 0; step < 20000; step++) {
		bool more = below(self, 8) < (step / 2500 % 2 ? 3 : 5);

		if (more && n_held < 1024) {
			uint32_t n = 1 + below(self, MAX), longest = longest_free(self), first;
			uint32_t got = take(_metadata, self, n, &first);

			ASSERT_EQ(n < longest ? n : longest, got);
			if (!got)
				continue;
			held[n_held].first = first;
			held[n_held++].n = got;
			total += got;
		} else if (n_held) {
			uint32_t i = below(self, n_held);

			put(self, held[i].first, held[i].n);
			total -= held[i].n;
			held[i] = held[--n_held];
		}
		ASSERT_EQ(BUFS - total, self->r.count);
	}
	while (n_held--)
		put(self, held[n_held].first, held[n_held].n);
	EXPECT_EQ(BUFS, self->r.count);
	for (uint32_t i = 0, first; i < BUFS; i += MAX)
		ASSERT_EQ(MAX, take(_metadata, self, MAX, &first));
	EXPECT_EQ(0, self->r.count);
}

TEST_HARNESS_MAIN
