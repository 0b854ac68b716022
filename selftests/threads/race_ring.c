// SPDX-License-Identifier: MIT
/* A producer and a consumer at work on one ring at once, each in a thread of its own. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "channel/ring.h"

/* Small, so that it is full and empty all the time and a filler often ends it. */
#define SLOTS		MN_SHM_RING_MIN
#define MESSAGES	200000

struct side {
	struct mn_ring ring;
	uint64_t rng;
	uint32_t wrong;
};

FIXTURE(race)
{
	void *mem;
	struct side p, c;
};

FIXTURE_VARIANT(race)
{
	uint32_t from;		/* of the indices */
};
FIXTURE_VARIANT_ADD(race, fresh) { 0 };
FIXTURE_VARIANT_ADD(race, past_32_bits) { UINT32_MAX - 100 * SLOTS };

FIXTURE_SETUP(race)
{
	struct mn_shm_ring_ctl *ctl;

	self->mem = aligned_alloc(MN_SHM_CACHELINE, mn_ring_memsize(SLOTS));
	ASSERT_NE(NULL, self->mem);
	memset(self->mem, 0, mn_ring_memsize(SLOTS));
	mn_ring_init(&self->p.ring, self->mem, SLOTS);
	mn_ring_init(&self->c.ring, self->mem, SLOTS);
	ctl = self->p.ring.ctl;
	ctl->prod = ctl->cons = variant->from;
	self->p.ring.self = self->p.ring.other = variant->from;
	self->c.ring.self = self->c.ring.other = variant->from;
	self->p.rng = 0x52494e47;
	self->c.rng = 0x53494445;
	self->p.wrong = self->c.wrong = 0;
}

FIXTURE_TEARDOWN(race)
{
	free(self->mem);
}

static uint32_t random_below(struct side *s, uint32_t n)
{
	s->rng ^= s->rng << 13;
	s->rng ^= s->rng >> 7;
	s->rng ^= s->rng << 17;
	return (s->rng >> 16) % n;
}

static uint8_t pattern(uint32_t n, uint32_t i)
{
	return n * 101 + i * 31;
}

static void put(struct mn_ring *r, uint32_t n, uint32_t len)
{
	struct mn_desc d = { n, len ? MN_DESC_INLINE : MN_DESC_MSG, len, ~n };
	uint8_t *data;

	if (!len) {
		mn_ring_put(r, &d);
		return;
	}
	data = mn_ring_put_inline(r, &d);
	for (uint32_t i = 0; i < len; i++)
		data[i] = pattern(n, i);
}

/* Each second message lies in the slots; published in batches of random size. */
static void *produce(void *arg)
{
	struct side *s = arg;

	for (uint32_t n = 0; n < MESSAGES; n++) {
		uint32_t len = n % 2 ? 1 + random_below(s, MN_SHM_INLINE_MAX) : 0;
		uint32_t slots = len ? mn_ring_need(&s->ring, len) : 1;
		int64_t room;

		while ((room = mn_ring_free(&s->ring, slots)) >= 0 && room < slots) {
			mn_ring_publish(&s->ring);
			sched_yield();
		}
		s->wrong += room < 0;
		put(&s->ring, n, len);
		if (!random_below(s, 4))
			mn_ring_publish(&s->ring);
	}
	mn_ring_publish(&s->ring);
	return NULL;
}

/* The next message, behind the filler that comes with it. */
static bool get(struct mn_ring *r, uint32_t n)
{
	const uint8_t *data;
	struct mn_desc d;
	int32_t extra;

	mn_ring_get(r, &d);
	extra = mn_ring_extra(r, &d);
	if (d.type == MN_DESC_FILL && extra >= 0) {
		r->self += extra;
		mn_ring_get(r, &d);
		extra = mn_ring_extra(r, &d);
	}
	if (extra < 0)
		return false;
	data = mn_ring_here(r);
	for (uint32_t i = 0; d.type == MN_DESC_INLINE && i < d.len; i++)
		if (data[i] != pattern(n, i))
			return false;
	r->self += extra;
	return d.type == (n % 2 ? MN_DESC_INLINE : MN_DESC_MSG) && d.flow == n && d.buf == ~n;
}

static void *consume(void *arg)
{
	struct side *s = arg;

	for (uint32_t n = 0; n < MESSAGES && !s->wrong; n++) {
		int64_t avail;

		while (!(avail = mn_ring_avail(&s->ring))) {
			mn_ring_release(&s->ring);
			sched_yield();
		}
		s->wrong += avail < 0 || !get(&s->ring, n);
		if (!random_below(s, 4))
			mn_ring_release(&s->ring);
	}
	mn_ring_release(&s->ring);
	return NULL;
}

TEST_F(race, whole_and_in_order)
{
	pthread_t producer, consumer;

	ASSERT_EQ(0, pthread_create(&producer, NULL, produce, &self->p));
	ASSERT_EQ(0, pthread_create(&consumer, NULL, consume, &self->c));
	pthread_join(consumer, NULL);
	/* A consumer that has found something wrong would let the producer wait forever. */
	ASSERT_EQ(0, self->c.wrong);
	pthread_join(producer, NULL);
	EXPECT_EQ(0, self->p.wrong);
	EXPECT_EQ(self->p.ring.self, self->c.ring.self);
}

TEST_HARNESS_MAIN
