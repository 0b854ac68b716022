// SPDX-License-Identifier: MIT
/* Timers against a list of deadlines that is searched the slow way. */
#include <stdlib.h>

#include <kselftest_harness.h>

#include "base/timer_wheel.h"

#define N	200

struct probe {
	struct mn_timer timer;
	uint64_t due_us;	/* MN_TIMER_NONE: must not fire */
	uint64_t fired;		/* times */
};

FIXTURE(wheel)
{
	struct mn_wheel w;
	struct probe p[N];
};

static uint64_t now_us, too_early, too_late, ticks_late;

static void fire(struct mn_timer *t, void *ctx)
{
	struct probe *p = mn_container(t, struct probe, timer);

	(void)ctx;
	p->fired++;
	too_early += p->due_us > now_us;
	p->due_us = MN_TIMER_NONE;
}

FIXTURE_SETUP(wheel)
{
	now_us = 123456789;
	too_early = too_late = ticks_late = 0;
	mn_wheel_init(&self->w, now_us);
	for (int i = 0; i < N; i++) {
		mn_timer_init(&self->p[i].timer, fire);
		self->p[i].due_us = MN_TIMER_NONE;
		self->p[i].fired = 0;
	}
}

FIXTURE_TEARDOWN(wheel)
{
	EXPECT_EQ(0, too_early);
}

static void set(struct mn_wheel *w, struct probe *p, uint64_t due_us)
{
	p->due_us = due_us;
	mn_timer_set(w, &p->timer, due_us);
}

static void go(struct mn_wheel *w, uint64_t to_us)
{
	now_us = to_us;
	mn_wheel_advance(w, to_us, NULL);
}

TEST_F(wheel, nothing_set)
{
	EXPECT_EQ(MN_TIMER_NONE, mn_wheel_next_us(&self->w));
	go(&self->w, now_us + UINT64_C(1000000000000));
	EXPECT_EQ(MN_TIMER_NONE, mn_wheel_next_us(&self->w));
}

TEST_F(wheel, fires_once_and_in_time)
{
	static const uint64_t after[] = {
		0, 1, 7, 8, 9, 500, 512, 513, 4096, 100000, 3000000, 10000000000,
	};

	for (int i = 0; i < 12; i++) {
		uint64_t due = now_us + after[i];

		set(&self->w, &self->p[i], due);
		EXPECT_TRUE(mn_timer_is_set(&self->p[i].timer));
		if (after[i])
			go(&self->w, due - 1);
		EXPECT_EQ(0, self->p[i].fired) TH_LOG("%lu us", after[i]);
		go(&self->w, due + 2 * MN_WHEEL_TICK_US);
		EXPECT_EQ(1, self->p[i].fired) TH_LOG("%lu us", after[i]);
		EXPECT_FALSE(mn_timer_is_set(&self->p[i].timer));
		go(&self->w, now_us + 1000);
		EXPECT_EQ(1, self->p[i].fired);
	}
}

TEST_F(wheel, next_is_never_late)
{
	set(&self->w, &self->p[0], now_us + 777777);
	while (!self->p[0].fired) {
		uint64_t next = mn_wheel_next_us(&self->w);

		ASSERT_NE(MN_TIMER_NONE, next);
		ASSERT_LT(now_us, next);
		EXPECT_GE(123456789 + 777777 + MN_WHEEL_TICK_US, next);
		go(&self->w, next);
	}
	EXPECT_GE(123456789 + 777777 + MN_WHEEL_TICK_US, now_us);
}

TEST_F(wheel, moved_cleared_removed)
{
	set(&self->w, &self->p[0], now_us + 100);
	set(&self->w, &self->p[0], now_us + 10000);
	set(&self->w, &self->p[1], now_us + 10000);
	set(&self->w, &self->p[1], now_us + 100);
	set(&self->w, &self->p[2], now_us + 100);
	mn_timer_clear(&self->p[2].timer);
	self->p[2].due_us = MN_TIMER_NONE;
	set(&self->w, &self->p[3], now_us + 100);
	mn_timer_remove(&self->p[3].timer);
	self->p[3].due_us = MN_TIMER_NONE;
	go(&self->w, now_us + 1000);
	EXPECT_EQ(0, self->p[0].fired);
	EXPECT_EQ(1, self->p[1].fired);
	go(&self->w, now_us + 20000);
	EXPECT_EQ(1, self->p[0].fired);
	EXPECT_EQ(0, self->p[2].fired);
	EXPECT_EQ(0, self->p[3].fired);
	/* Cleared and set again before its old slot came up. */
	set(&self->w, &self->p[4], now_us + 100);
	mn_timer_clear(&self->p[4].timer);
	set(&self->w, &self->p[4], now_us + 200);
	go(&self->w, now_us + 150);
	EXPECT_EQ(0, self->p[4].fired);
	go(&self->w, now_us + 100);
	EXPECT_EQ(1, self->p[4].fired);
}

static struct mn_wheel *the_wheel;
static struct probe *victims;

/* Removes some, moves some, starts itself again. */
static void fire_and_meddle(struct mn_timer *t, void *ctx)
{
	struct probe *p = mn_container(t, struct probe, timer);

	(void)ctx;
	p->fired++;
	mn_timer_remove(&victims[1].timer);
	mn_timer_set(the_wheel, &victims[2].timer, now_us + 5000);
	if (p->fired < 3)
		mn_timer_set(the_wheel, t, now_us);
}

TEST_F(wheel, fire_may_do_anything)
{
	the_wheel = &self->w;
	victims = self->p;
	self->p[0].timer.fire = fire_and_meddle;
	for (int i = 0; i < 3; i++)
		mn_timer_set(&self->w, &self->p[i].timer, now_us + 80);
	self->p[2].due_us = now_us;
	for (int i = 0; i < 5; i++)
		go(&self->w, now_us + 100);
	EXPECT_EQ(3, self->p[0].fired);
	EXPECT_EQ(0, self->p[1].fired);
	EXPECT_EQ(0, self->p[2].fired);
	go(&self->w, now_us + 6000);
	EXPECT_EQ(1, self->p[2].fired);
}

/* Random starts, moves and stops, random steps in time. */
TEST_F(wheel, random_against_model)
{
	srandom(42);
	for (int step = 0; step < 200000; step++) {
		struct probe *p = &self->p[random() % N];
		uint64_t span = UINT64_C(1) << (random() % 34);

		if (random() % 4) {
			set(&self->w, p, now_us + random() % span);
		} else if (random() % 2) {
			mn_timer_clear(&p->timer);
			p->due_us = MN_TIMER_NONE;
		} else {
			mn_timer_remove(&p->timer);
			p->due_us = MN_TIMER_NONE;
		}
		if (random() % 3)
			continue;
		go(&self->w, now_us + random() % (UINT64_C(1) << (random() % 30)));
		for (int i = 0; i < N; i++)
			too_late += self->p[i].due_us != MN_TIMER_NONE &&
				    self->p[i].due_us + 2 * MN_WHEEL_TICK_US < now_us;
		ASSERT_EQ(0, too_late);
	}
}

static struct mn_wheel *again_in;

static void fire_again(struct mn_timer *t, void *ctx)
{
	fire(t, ctx);
	mn_timer_set(again_in, t, now_us - 1000000);
}

/* A timer that is set anew to a time that has passed fires once a call, however long that was. */
TEST_F(wheel, fires_once_per_call)
{
	again_in = &self->w;
	for (int i = 0; i < 10; i++) {
		mn_timer_init(&self->p[i].timer, fire_again);
		set(&self->w, &self->p[i], now_us + 1 + 1000 * i);
	}
	for (int calls = 1; calls <= 20; calls++) {
		for (int i = 0; i < 10; i++)
			self->p[i].due_us = 0;
		go(&self->w, now_us + 5000000);
		for (int i = 0; i < 10; i++)
			EXPECT_EQ(calls, self->p[i].fired);
		EXPECT_GE(now_us + MN_WHEEL_TICK_US, mn_wheel_next_us(&self->w));
	}
}

/* Of thousands that are due some fire now, and the others in the next calls: none is lost. */
TEST_F(wheel, bounded_per_call)
{
	enum { MANY = 10 * MN_WHEEL_FIRES };
	struct probe *many = calloc(MANY, sizeof(*many));
	uint64_t due_us = now_us + 1000, fired = 0, before;
	int calls = 0;

	ASSERT_NE(NULL, many);
	for (int i = 0; i < MANY; i++) {
		mn_timer_init(&many[i].timer, fire);
		set(&self->w, &many[i], due_us + i % 3000);
	}
	/* Left over ones may be moved and removed as any other. */
	go(&self->w, due_us + 5000);
	for (int i = 0; i < MANY; i++) {
		if (!many[i].fired && i % 3 == 0)
			set(&self->w, &many[i], now_us + 100000);
		else if (!many[i].fired && i % 3 == 1)
			mn_timer_remove(&many[i].timer);
	}
	while (mn_wheel_next_us(&self->w) <= now_us + 200000) {
		before = fired;
		fired = 0;
		for (int i = 0; i < MANY; i++)
			fired += many[i].fired;
		EXPECT_GE(MN_WHEEL_FIRES, fired - before);
		ASSERT_GT(1000, ++calls);
		go(&self->w, now_us + 1000);
	}
	/* All but those that were removed. */
	for (int i = 0; i < MANY; i++)
		EXPECT_EQ(1, i % 3 == 1 && !many[i].fired ? 1 : many[i].fired);
	free(many);
}

TEST_HARNESS_MAIN
