// SPDX-License-Identifier: MIT
/* Pieces before their turn, and the packets that they lie in. */
#include <errno.h>

#include <kselftest_harness.h>

#include "random.h"
#include "transport/reassembly.h"

#define N	300u

FIXTURE(pieces)
{
	struct mn_held_pool pool;
	struct mn_reassembly ra;
	uint32_t freed;			/* packets given back */
	void *last;			/* the last one */
};

static void pkt_free(void *ctx, void *handle)
{
	FIXTURE_DATA(pieces) *self = ctx;

	self->freed++;
	self->last = handle;
}

FIXTURE_SETUP(pieces)
{
	ASSERT_EQ(0, mn_held_pool_init(&self->pool, N, pkt_free, self));
	mn_reassembly_init(&self->ra);
}

FIXTURE_TEARDOWN(pieces)
{
	mn_held_pool_fini(&self->pool);
}

static void *handle_of(uint64_t n)
{
	return (void *)(uintptr_t)n;
}

/* A piece that is alone in its packet. */
static int add(struct mn_reassembly *ra, struct mn_held_pool *p, uint64_t offset, uint32_t len)
{
	uint32_t kept = MN_KEPT_NONE;
	int ret = mn_reassembly_add(ra, p, offset, NULL, len, handle_of(offset), &kept);

	if (mn_held_pool_received(p, kept) != !ret)
		return 99;
	return ret;
}

static void pop_all(struct mn_reassembly *ra, struct mn_held_pool *p)
{
	while (mn_reassembly_first(ra, p))
		mn_reassembly_pop(ra, p);
}

TEST_F(pieces, add__kept_in_order)
{
	static const uint64_t offsets[] = { 500, 100, 300, 200, 400 };

	EXPECT_EQ(NULL, mn_reassembly_first(&self->ra, &self->pool));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0, add(&self->ra, &self->pool, offsets[i], 100));
	EXPECT_EQ(5, self->ra.count);
	EXPECT_EQ(5, self->pool.n_packets);
	for (uint64_t at = 100; at <= 500; at += 100) {
		ASSERT_NE(NULL, mn_reassembly_first(&self->ra, &self->pool));
		EXPECT_EQ(at, mn_reassembly_first(&self->ra, &self->pool)->offset);
		mn_reassembly_pop(&self->ra, &self->pool);
		EXPECT_EQ(handle_of(at), self->last);
	}
	EXPECT_EQ(NULL, mn_reassembly_first(&self->ra, &self->pool));
	EXPECT_EQ(5, self->freed);
	EXPECT_EQ(0, self->pool.n_packets);
}

/* All of it is there: it is not kept. Overlaps are. */
TEST_F(pieces, add__duplicates)
{
	ASSERT_EQ(0, add(&self->ra, &self->pool, 100, 100));
	EXPECT_EQ(-EEXIST, add(&self->ra, &self->pool, 100, 100));
	EXPECT_EQ(-EEXIST, add(&self->ra, &self->pool, 120, 10));
	EXPECT_EQ(-EEXIST, add(&self->ra, &self->pool, 190, 10));
	EXPECT_EQ(0, add(&self->ra, &self->pool, 190, 11));
	EXPECT_EQ(0, add(&self->ra, &self->pool, 99, 2));
	EXPECT_EQ(3, self->ra.count);
	EXPECT_EQ(N - 3, self->pool.n_free);
	pop_all(&self->ra, &self->pool);
}

/* A packet with pieces of two connections goes back with the last of them. */
TEST_F(pieces, add__two_streams_in_a_packet)
{
	struct mn_reassembly other;
	uint32_t kept = MN_KEPT_NONE;

	mn_reassembly_init(&other);
	ASSERT_EQ(0, mn_reassembly_add(&self->ra, &self->pool, 10, NULL, 5, handle_of(1), &kept));
	ASSERT_EQ(0, mn_reassembly_add(&other, &self->pool, 70, NULL, 5, handle_of(1), &kept));
	EXPECT_EQ(1, self->pool.n_packets);
	EXPECT_TRUE(mn_held_pool_received(&self->pool, kept));
	mn_reassembly_pop(&other, &self->pool);
	EXPECT_EQ(0, self->freed);
	mn_reassembly_pop(&self->ra, &self->pool);
	EXPECT_EQ(1, self->freed);
	EXPECT_EQ(0, self->pool.n_packets);
	EXPECT_EQ(N, self->pool.n_free);
}

/* Its pieces are used while the rest of the packet is still read: its owner gives it back. */
TEST_F(pieces, received__used_up_meanwhile)
{
	uint32_t kept = MN_KEPT_NONE;

	ASSERT_EQ(0, mn_reassembly_add(&self->ra, &self->pool, 10, NULL, 5, handle_of(1), &kept));
	mn_reassembly_pop(&self->ra, &self->pool);
	EXPECT_EQ(0, self->freed);
	EXPECT_FALSE(mn_held_pool_received(&self->pool, kept));
	EXPECT_EQ(0, self->freed);
	EXPECT_EQ(0, self->pool.n_packets);
	EXPECT_FALSE(mn_held_pool_received(&self->pool, MN_KEPT_NONE));
}

/* One alone gets half of the pool, the next one half of the rest. */
TEST_F(pieces, add__bounds)
{
	struct mn_reassembly other;

	mn_reassembly_init(&other);
	for (uint32_t i = 0; i < N / 2; i++)
		ASSERT_EQ(0, add(&self->ra, &self->pool, 100000 - 10 * i, 5));
	EXPECT_EQ(-ENOSPC, add(&self->ra, &self->pool, 1, 5));
	for (uint32_t i = 0; i < N / 4; i++)
		ASSERT_EQ(0, add(&other, &self->pool, 10 * i, 5));
	EXPECT_EQ(-ENOSPC, add(&other, &self->pool, 50000, 5));
	mn_reassembly_pop(&self->ra, &self->pool);
	EXPECT_EQ(0, add(&other, &self->pool, 50000, 5));
	pop_all(&self->ra, &self->pool);
	pop_all(&other, &self->pool);
	EXPECT_EQ(N, self->pool.n_free);
	EXPECT_EQ(0, self->pool.n_packets);
}

/* Packets with several pieces for several streams, in any order: each comes back once. */
TEST_F(pieces, random__no_packet_is_lost)
{
	struct mn_reassembly ra[4];
	uint64_t rng = 0x70696563;
	uint32_t packets = 0;

	for (int i = 0; i < 4; i++)
		mn_reassembly_init(&ra[i]);
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t kept = MN_KEPT_NONE, n = random_below(&rng, 4);
		struct mn_reassembly *r = &ra[random_below(&rng, 4)];
		struct mn_held *h;
		uint64_t last = 0;

		while (n--)
			mn_reassembly_add(&ra[random_below(&rng, 4)], &self->pool,
					  random_below(&rng, 1000), NULL,
					  1 + random_below(&rng, 50), handle_of(round), &kept);
		packets += mn_held_pool_received(&self->pool, kept);
		if (random_below(&rng, 2) && r->count)
			mn_reassembly_pop(r, &self->pool);
		h = mn_reassembly_first(r, &self->pool);
		for (uint32_t i = 0; i < r->count; i++) {
			ASSERT_LE(last, h->offset);
			last = h->offset;
			h = mn_container(h->node.next, struct mn_held, node);
		}
		ASSERT_EQ(mn_reassembly_first(r, &self->pool), r->count ? h : NULL);
		ASSERT_EQ(packets - self->freed, self->pool.n_packets);
	}
	EXPECT_LT(1000, packets);
	for (int i = 0; i < 4; i++)
		pop_all(&ra[i], &self->pool);
	EXPECT_EQ(packets, self->freed);
	EXPECT_EQ(N, self->pool.n_free);
}

TEST_HARNESS_MAIN
