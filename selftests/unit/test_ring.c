// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <kselftest_harness.h>

#include "channel/ring.h"

#define SLOTS	8

/* Both sides of one ring; prod and cons in it may be spoilt by a test. */
FIXTURE(ring)
{
	void *mem;
	struct mn_ring p, c;
};

FIXTURE_SETUP(ring)
{
	self->mem = aligned_alloc(MN_SHM_CACHELINE, mn_ring_memsize(SLOTS));
	ASSERT_NE(NULL, self->mem);
	memset(self->mem, 0, mn_ring_memsize(SLOTS));
	mn_ring_init(&self->p, self->mem, SLOTS);
	mn_ring_init(&self->c, self->mem, SLOTS);
}

FIXTURE_TEARDOWN(ring)
{
	free(self->mem);
}

static void put(struct mn_ring *p, uint32_t n)
{
	struct mn_desc d = { n, MN_DESC_MSG, n + 1, n + 2 };

	mn_ring_put(p, &d);
}

TEST_F(ring, empty)
{
	EXPECT_EQ(0, mn_ring_avail(&self->c));
	EXPECT_EQ(SLOTS, mn_ring_free(&self->p, 1));
}

TEST_F(ring, nothing_is_seen_before_it_is_published)
{
	put(&self->p, 1);
	EXPECT_EQ(0, mn_ring_avail(&self->c));
	mn_ring_publish(&self->p);
	EXPECT_EQ(1, mn_ring_avail(&self->c));
}

TEST_F(ring, order_over_many_rounds)
{
	struct mn_desc d;
	uint32_t in = 0, out = 0;

	while (out < 1000) {
		uint32_t batch = 1 + in % SLOTS;

		while (batch-- && mn_ring_free(&self->p, 1) > 0)
			put(&self->p, in++);
		mn_ring_publish(&self->p);
		while (mn_ring_avail(&self->c) > 0) {
			mn_ring_get(&self->c, &d);
			ASSERT_EQ(MN_DESC_MSG, (uint32_t)d.type);
			ASSERT_EQ(out, d.flow);
			ASSERT_EQ(out + 1, (uint32_t)d.len);
			ASSERT_EQ(out + 2, d.buf);
			out++;
		}
		mn_ring_release(&self->c);
	}
	EXPECT_EQ(in, out);
}

TEST_F(ring, indices_pass_the_end_of_32_bits)
{
	struct mn_desc d;

	self->p.self = self->p.other = self->c.self = self->c.other = UINT32_MAX - 3;
	self->p.ctl->prod = self->p.ctl->cons = UINT32_MAX - 3;
	for (uint32_t i = 0; i < SLOTS; i++) {
		ASSERT_GT(mn_ring_free(&self->p, 1), 0);
		put(&self->p, i);
	}
	EXPECT_EQ(0, mn_ring_free(&self->p, 1));
	mn_ring_publish(&self->p);
	EXPECT_EQ(SLOTS, mn_ring_avail(&self->c));
	for (uint32_t i = 0; i < SLOTS; i++) {
		mn_ring_get(&self->c, &d);
		EXPECT_EQ(i, d.flow);
	}
	EXPECT_EQ(0, mn_ring_avail(&self->c));
	mn_ring_release(&self->c);
	EXPECT_EQ(SLOTS, mn_ring_free(&self->p, SLOTS));
}

TEST_F(ring, full_until_released)
{
	struct mn_desc d;

	for (uint32_t i = 0; i < SLOTS; i++)
		put(&self->p, i);
	mn_ring_publish(&self->p);
	ASSERT_EQ(SLOTS, mn_ring_avail(&self->c));
	mn_ring_get(&self->c, &d);
	EXPECT_EQ(0, mn_ring_free(&self->p, 1));
	mn_ring_release(&self->c);
	EXPECT_EQ(1, mn_ring_free(&self->p, 1));
}

TEST_F(ring, a_false_producer_is_refused_again_and_again)
{
	self->p.ctl->prod = SLOTS + 1;
	EXPECT_EQ(-EPROTO, mn_ring_avail(&self->c));
	EXPECT_EQ(-EPROTO, mn_ring_avail(&self->c));
	self->p.ctl->prod = UINT32_MAX;
	EXPECT_EQ(-EPROTO, mn_ring_avail(&self->c));
	self->p.ctl->prod = SLOTS;
	EXPECT_EQ(SLOTS, mn_ring_avail(&self->c));
}

TEST_F(ring, a_false_consumer_is_refused_again_and_again)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		put(&self->p, i);
	self->p.ctl->cons = SLOTS + 1;
	EXPECT_EQ(-EPROTO, mn_ring_free(&self->p, 1));
	EXPECT_EQ(-EPROTO, mn_ring_free(&self->p, 1));
	self->p.ctl->cons = UINT32_MAX;
	EXPECT_EQ(-EPROTO, mn_ring_free(&self->p, 1));
	self->p.ctl->cons = 2;
	EXPECT_EQ(2, mn_ring_free(&self->p, 1));
}

TEST_HARNESS_MAIN
