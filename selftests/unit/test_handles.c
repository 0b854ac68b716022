// SPDX-License-Identifier: MIT
/* Handles of a channel's connections. */
#include <stdlib.h>
#include <sys/mman.h>

#include <kselftest_harness.h>

#include "channel/handles.h"

#define FLOWS	64u

FIXTURE(handles)
{
	struct mn_handles h;
};

FIXTURE_SETUP(handles)
{
	ASSERT_EQ(0, mn_handles_init(&self->h, FLOWS));
}

FIXTURE_TEARDOWN(handles)
{
	mn_handles_fini(&self->h);
}

TEST(init_refuses)
{
	struct mn_handles h = { 0 };

	EXPECT_EQ(-EINVAL, mn_handles_init(&h, 0));
	EXPECT_EQ(-EINVAL, mn_handles_init(&h, 63));
	EXPECT_EQ(-EINVAL, mn_handles_init(&h, 2 * MN_SHM_FLOWS_MAX));
}

TEST_F(handles, name_their_values)
{
	uint64_t handle[FLOWS];

	for (uint32_t i = 0; i < FLOWS; i++) {
		handle[i] = mn_handles_new(&self->h, 1000 + i);
		ASSERT_NE(MN_SHM_FLOW_NONE, handle[i]);
		ASSERT_LT(handle[i], MN_SHM_FLOW_END);
	}
	EXPECT_EQ(MN_SHM_FLOW_NONE, mn_handles_new(&self->h, 1));
	for (uint32_t i = 0; i < FLOWS; i++) {
		EXPECT_EQ(1000 + i, mn_handles_find(&self->h, handle[i]));
		for (uint32_t k = 0; k < i; k++)
			EXPECT_NE(handle[k] % FLOWS, handle[i] % FLOWS);
	}
}

TEST_F(handles, any_number_may_be_looked_for)
{
	uint64_t handle = mn_handles_new(&self->h, 5);

	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, MN_SHM_FLOW_NONE));
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, UINT64_MAX));
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle + 1));
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle - FLOWS));
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle + FLOWS));
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle + (UINT64_C(1) << 32)));
	mn_handles_free(&self->h, handle + FLOWS);
	mn_handles_free(&self->h, MN_SHM_FLOW_NONE);
	EXPECT_EQ(5, mn_handles_find(&self->h, handle));
	mn_handles_free(&self->h, handle);
	/* The free slot is neither the old handle nor the next one. */
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle));
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle + FLOWS));
	/* Freed twice, it is still given out once. */
	mn_handles_free(&self->h, handle);
	for (uint32_t i = 0; i < FLOWS; i++)
		EXPECT_NE(MN_SHM_FLOW_NONE, mn_handles_new(&self->h, i));
	EXPECT_EQ(MN_SHM_FLOW_NONE, mn_handles_new(&self->h, 1));
}

TEST_F(handles, the_slot_freed_first_is_used_first)
{
	static const uint32_t order[] = { 7, 3, 60, 0 };
	uint64_t handle[FLOWS];

	for (uint32_t i = 0; i < FLOWS; i++)
		handle[i] = mn_handles_new(&self->h, i);
	for (uint32_t i = 0; i < 4; i++)
		mn_handles_free(&self->h, handle[order[i]]);
	for (uint32_t i = 0; i < 4; i++) {
		uint64_t next = mn_handles_new(&self->h, 100 + i);

		EXPECT_EQ(handle[order[i]] % FLOWS, next % FLOWS);
		EXPECT_LT(handle[order[i]], next);
		EXPECT_EQ(100 + i, mn_handles_find(&self->h, next));
	}
}

/* A slot has a handle after the other, never one again: any other slot's differ in the slot. */
TEST_F(handles, never_used_again)
{
	uint64_t last[FLOWS] = { 0 }, live[FLOWS / 2] = { 0 };

	for (uint32_t n = 0; n < 100000; n++) {
		uint32_t at = n * 7 % (FLOWS / 2);
		uint64_t handle;

		mn_handles_free(&self->h, live[at]);
		handle = live[at] = mn_handles_new(&self->h, n);
		ASSERT_NE(MN_SHM_FLOW_NONE, handle);
		ASSERT_LT(last[handle % FLOWS], handle);
		last[handle % FLOWS] = handle;
	}
}

/* Up to 2^53; then the slot rests for ever. */
TEST_F(handles, a_slot_ends)
{
	uint64_t handle = mn_handles_new(&self->h, 1);

	mn_handles_free(&self->h, handle);
	self->h.slots[0].handle = MN_SHM_FLOW_END - 2 * FLOWS;
	handle = mn_handles_new(&self->h, 2);
	EXPECT_EQ(MN_SHM_FLOW_END - FLOWS, handle);
	mn_handles_free(&self->h, handle);
	EXPECT_EQ(MN_HANDLES_NONE, mn_handles_find(&self->h, handle));
	for (uint32_t i = 1; i < FLOWS; i++) {
		handle = mn_handles_new(&self->h, i);
		EXPECT_NE(0, handle % FLOWS);
		EXPECT_NE(MN_SHM_FLOW_NONE, handle);
	}
	EXPECT_EQ(MN_SHM_FLOW_NONE, mn_handles_new(&self->h, 1));
}

TEST(memory_grows_with_use)
{
	const size_t pages = MN_SHM_FLOWS_MAX * sizeof(struct mn_handle_slot) / MN_SHM_PAGE;
	unsigned char *vec = calloc(pages, 1);
	struct mn_handles h = { 0 };
	size_t resident = 0;

	ASSERT_NE(NULL, vec);
	ASSERT_EQ(0, mn_handles_init(&h, MN_SHM_FLOWS_MAX));
	/* One by one, and again: as many slots as are in use at once. */
	for (uint32_t i = 0; i < 1000; i++)
		mn_handles_free(&h, mn_handles_new(&h, i));
	for (uint32_t i = 0; i < 10; i++)
		ASSERT_NE(MN_SHM_FLOW_NONE, mn_handles_new(&h, i));
	EXPECT_EQ(10, h.fresh);
	ASSERT_EQ(0, mincore(h.slots, pages * MN_SHM_PAGE, vec));
	for (size_t i = 0; i < pages; i++)
		resident += vec[i] & 1;
	/* A huge page at most. */
	EXPECT_LE(resident, 512);
	mn_handles_fini(&h);
	free(vec);
}

TEST_HARNESS_MAIN
