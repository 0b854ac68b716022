// SPDX-License-Identifier: MIT
/* Many channels of one stack: how soon each is looked at, and that none holds up the others. */
#include <stdlib.h>
#include <sys/resource.h>

#include <kselftest_harness.h>

#include "sim.h"

#define CHANNELS	256
/* What the stack promises: 16 of those at rest per turn. */
#define TURNS		(CHANNELS / 16)
/* After so many turns without work a channel is at rest. */
#define REST		64
/* Messages of one channel in one turn. */
#define BATCH		64

/* No message here belongs to a connection: that it was taken is seen by the counter. */
#define NO_FLOW		12345

FIXTURE(channels)
{
	struct sim_app *apps;
	struct mn_stack *stack;
	const struct mn_stack_stats *st;
	uint64_t now_us;
};

static uint64_t no_random(void *ctx)
{
	(void)ctx;
	return 4711;
}

static const struct mn_stack_ops ops = { .random = no_random };

/* A channel takes four descriptors. */
static void raise_limit(void)
{
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

FIXTURE_SETUP(channels)
{
	struct mn_stack_config cfg = { .max_conns = 16, .max_held = 16, .ops = &ops };

	raise_limit();
	self->now_us = 1000000;
	self->stack = mn_stack_create(&cfg, self->now_us);
	ASSERT_NE(NULL, self->stack);
	self->st = mn_stack_stats(self->stack);
	self->apps = calloc(CHANNELS, sizeof(*self->apps));
	for (int i = 0; i < CHANNELS; i++) {
		sim_app_init(&self->apps[i], i);
		ASSERT_EQ(0, mn_stack_add_channel(self->stack, &self->apps[i].ch));
	}
}

FIXTURE_TEARDOWN(channels)
{
	mn_stack_destroy(self->stack);
	for (int i = 0; i < CHANNELS; i++) {
		mn_channel_destroy(&self->apps[i].ch);
		free(self->apps[i].free);
		free(self->apps[i].kept);
	}
	free(self->apps);
}

static bool turn(struct _test_data_channels *self)
{
	bool work;

	self->now_us += 5;
	mn_stack_advance(self->stack, self->now_us);
	work = mn_stack_poll_channels(self->stack);
	mn_stack_flush(self->stack);
	return work;
}

static void let_rest(struct _test_data_channels *self)
{
	for (int i = 0; i < REST; i++)
		turn(self);
}

/* Sends from one channel; returns after how many turns it was taken. */
static uint32_t turns_until_taken(struct _test_data_channels *self, int i)
{
	uint64_t before = self->st->tx_stale;
	uint32_t n = 0;

	if (!sim_send(&self->apps[i], NO_FLOW, 100))
		return UINT32_MAX;
	while (self->st->tx_stale == before && n++ < 10 * TURNS)
		turn(self);
	return n;
}

TEST_F(channels, rest__found_in_time)
{
	uint32_t worst = 0;

	let_rest(self);
	for (int k = 0; k < CHANNELS; k += 5) {
		uint32_t n = turns_until_taken(self, (k * 37) % CHANNELS);

		if (n > worst)
			worst = n;
		let_rest(self);
	}
	EXPECT_GE(TURNS, worst);
	/* Not all are looked at in each turn. */
	EXPECT_LT(1, worst);
}

TEST_F(channels, active__at_once)
{
	let_rest(self);
	turns_until_taken(self, 77);
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(1, turns_until_taken(self, 77));
		/* Its slots are given back in the same turn. */
		EXPECT_EQ(self->apps[77].tx.self, self->apps[77].tx.ctl->cons);
		for (int k = 0; k < REST / 2; k++)
			turn(self);
	}
}

/* Everybody speaks up: those at rest are found as soon as one would be, then all in each turn. */
TEST_F(channels, active__all)
{
	let_rest(self);
	for (int round = 0; round < 3; round++) {
		uint64_t before = self->st->tx_stale;

		for (int i = 0; i < CHANNELS; i++)
			ASSERT_TRUE(sim_send(&self->apps[i], NO_FLOW, 100));
		for (int i = 0; i < (round ? 1 : TURNS); i++)
			EXPECT_TRUE(turn(self));
		EXPECT_EQ(before + CHANNELS, self->st->tx_stale);
	}
}

TEST_F(channels, flood__of_one)
{
	uint64_t before;

	turns_until_taken(self, 0);
	turns_until_taken(self, 1);
	turns_until_taken(self, 200);
	for (int i = 0; i < 4000; i++)
		ASSERT_TRUE(sim_send(&self->apps[0], NO_FLOW, 1));
	for (int i = 0; i < 20; i++) {
		before = self->st->tx_stale;
		ASSERT_TRUE(sim_send(&self->apps[1], NO_FLOW, 1));
		ASSERT_TRUE(sim_send(&self->apps[200], NO_FLOW, 1));
		turn(self);
		EXPECT_EQ(BATCH + 2, self->st->tx_stale - before);
		EXPECT_EQ(self->apps[1].tx.self, self->apps[1].tx.ctl->cons);
		EXPECT_EQ(self->apps[200].tx.self, self->apps[200].tx.ctl->cons);
	}
}

/* An engine that wants to sleep looks at all, and finds at once what it has found then. */
TEST_F(channels, sleep__looks_at_all)
{
	let_rest(self);
	EXPECT_TRUE(mn_stack_arm(self->stack));
	mn_stack_disarm(self->stack);
	for (int k = 0; k < CHANNELS; k += 51) {
		uint64_t before = self->st->tx_stale;

		ASSERT_TRUE(sim_send(&self->apps[k], NO_FLOW, 1));
		EXPECT_FALSE(mn_stack_arm(self->stack));
		turn(self);
		EXPECT_EQ(before + 1, self->st->tx_stale);
		EXPECT_TRUE(mn_stack_arm(self->stack));
		mn_stack_disarm(self->stack);
	}
}

/* Some go, at rest and at work; the others do not notice. */
TEST_F(channels, del)
{
	uint64_t before;

	let_rest(self);
	for (int k = 0; k < 10; k++)
		turns_until_taken(self, 3 * k);
	for (int k = 0; k < CHANNELS; k += 2)
		mn_stack_del_channel(self->stack, &self->apps[k].ch, MN_END_OWNER_DIED);
	before = self->st->tx_stale;
	for (int k = 1; k < CHANNELS; k += 2)
		ASSERT_TRUE(sim_send(&self->apps[k], NO_FLOW, 1));
	for (int i = 0; i < TURNS; i++)
		turn(self);
	EXPECT_EQ(before + CHANNELS / 2, self->st->tx_stale);
}

TEST_HARNESS_MAIN
