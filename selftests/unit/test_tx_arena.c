// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "channel/tx_arena.h"

#define SMALL	MN_TX_ARENA_SMALL_SIZE
#define LARGE	MN_TX_ARENA_LARGE_SIZE

FIXTURE(tx_arena)
{
	struct mn_tx_arena ob;
};

FIXTURE_SETUP(tx_arena)
{
	self->ob = (struct mn_tx_arena){ 0 };
	ASSERT_EQ(0, mn_tx_arena_init(&self->ob));
}

FIXTURE_TEARDOWN(tx_arena)
{
	mn_tx_arena_fini(&self->ob);
}

static uint64_t mem_len(void)
{
	return mn_tx_arena_size(0) * (uint64_t)MN_TX_ARENA_SMALL +
	       mn_tx_arena_size(MN_TX_ARENA_SMALL) * (uint64_t)MN_TX_ARENA_LARGE;
}

static uint64_t resident_pages(const struct mn_tx_arena *ob)
{
	static unsigned char pages[16384];
	uint64_t n = mem_len() / sysconf(_SC_PAGESIZE), sum = 0;

	if (n > sizeof(pages) || mincore(ob->mem, mem_len(), pages))
		return UINT64_MAX;
	for (uint64_t i = 0; i < n; i++)
		sum += pages[i] & 1;
	return sum;
}

TEST_F(tx_arena, a_chunk_that_fits)
{
	struct mn_tx_arena *ob = &self->ob;

	EXPECT_EQ(SMALL, mn_tx_arena_size(mn_tx_arena_get(ob, 1, true)));
	EXPECT_EQ(SMALL, mn_tx_arena_size(mn_tx_arena_get(ob, SMALL, true)));
	EXPECT_EQ(LARGE, mn_tx_arena_size(mn_tx_arena_get(ob, SMALL + 1, true)));
	EXPECT_EQ(LARGE, mn_tx_arena_size(mn_tx_arena_get(ob, 1, false)));
	EXPECT_EQ(MN_TX_ARENA_SMALL - 2, ob->n_small);
	EXPECT_EQ(MN_TX_ARENA_LARGE - 2, ob->n_large);
}

/* Whoever cannot have the size that he likes takes the other one, if it will do. */
TEST_F(tx_arena, none_of_the_size_is_left)
{
	struct mn_tx_arena *ob = &self->ob;

	while (ob->n_small)
		ASSERT_GT(MN_TX_ARENA_SMALL, mn_tx_arena_get(ob, 1, true));
	EXPECT_EQ(LARGE, mn_tx_arena_size(mn_tx_arena_get(ob, 1, true)));
	mn_tx_arena_put(ob, 5);
	while (ob->n_large)
		ASSERT_LE(MN_TX_ARENA_SMALL, mn_tx_arena_get(ob, 1, false));
	EXPECT_EQ(MN_TX_ARENA_NONE, mn_tx_arena_get(ob, SMALL + 1, false));
	EXPECT_EQ(MN_TX_ARENA_NONE, mn_tx_arena_get(ob, SMALL + 1, true));
	EXPECT_EQ(5, mn_tx_arena_get(ob, SMALL, false));
	EXPECT_EQ(MN_TX_ARENA_NONE, mn_tx_arena_get(ob, 1, true));
	EXPECT_EQ(MN_TX_ARENA_NONE, mn_tx_arena_get(ob, 1, false));
	mn_tx_arena_put(ob, MN_TX_ARENA_SMALL + 7);
	EXPECT_EQ(MN_TX_ARENA_SMALL + 7, mn_tx_arena_get(ob, 1, true));
}

/* Each has its own memory, all of it. */
TEST_F(tx_arena, chunks_do_not_overlap)
{
	uint8_t *end = self->ob.mem;

	for (uint32_t c = 0; c < MN_TX_ARENA_CHUNKS; c++) {
		ASSERT_EQ(end, mn_tx_arena_data(&self->ob, c));
		end += mn_tx_arena_size(c);
	}
	EXPECT_EQ(self->ob.mem + mem_len(), end);
	end[-1] = 1;
}

TEST_F(tx_arena, the_one_freed_last_comes_next)
{
	uint32_t a = mn_tx_arena_get(&self->ob, 1, true), b = mn_tx_arena_get(&self->ob, 1, true);

	ASSERT_NE(a, b);
	mn_tx_arena_put(&self->ob, b);
	mn_tx_arena_put(&self->ob, a);
	EXPECT_EQ(a, mn_tx_arena_get(&self->ob, 1, true));
	EXPECT_EQ(b, mn_tx_arena_get(&self->ob, 1, true));
}

TEST_F(tx_arena, what_is_not_used_takes_no_memory)
{
	uint32_t c;

	EXPECT_EQ(0, resident_pages(&self->ob));
	for (int i = 0; i < 1000; i++) {
		c = mn_tx_arena_get(&self->ob, 1, true);
		*mn_tx_arena_data(&self->ob, c) = 1;
		mn_tx_arena_put(&self->ob, c);
	}
	EXPECT_EQ(1, resident_pages(&self->ob));
}

TEST_HARNESS_MAIN
