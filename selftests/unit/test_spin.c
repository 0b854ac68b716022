// SPDX-License-Identifier: MIT
#include <kselftest_harness.h>

#include "base/spin.h"

#define MS	1000000u

/* The budget that is used in most waits. */
static uint32_t usual(struct mn_spin *s)
{
	s->times = 0;
	return mn_spin_begin(s, 0);
}

TEST(spin__learns_the_length_of_waits)
{
	struct mn_spin s = { 0 };

	EXPECT_EQ(0, usual(&s));
	mn_spin_hit(&s, 1000);
	EXPECT_EQ(2000, usual(&s));
	/* Never more than the longest, however long it has taken. */
	mn_spin_hit(&s, 50 * MS);
	EXPECT_EQ(MN_SPIN_MAX_NS, usual(&s));
	for (int i = 0; i < 100; i++)
		mn_spin_hit(&s, 500);
	EXPECT_GE(1020, usual(&s));
	EXPECT_LE(1000, usual(&s));
}

TEST(spin__gives_up_where_it_is_no_use)
{
	struct mn_spin s = { 0 };

	mn_spin_hit(&s, MN_SPIN_MAX_NS);
	for (int i = 0; i < 40; i++)
		mn_spin_miss(&s, 0);
	EXPECT_GT(10, usual(&s));
}

TEST(spin__tries_again_now_and_then)
{
	struct mn_spin s = { 0 };
	int longest = 0;

	for (uint32_t i = 0; i < 10 * MN_SPIN_TRY; i++)
		longest += mn_spin_begin(&s, 0) == MN_SPIN_MAX_NS;
	EXPECT_EQ(10, longest);
}

/* Waits until the longest spin was tried, in vain. */
static uint32_t waits_for_try(struct mn_spin *s)
{
	uint32_t n = 1;

	while (mn_spin_begin(s, 0) != MN_SPIN_MAX_NS) {
		mn_spin_miss(s, 0);
		n++;
	}
	mn_spin_miss(s, 0);
	return n;
}

TEST(spin__tries_less_often_when_it_is_in_vain)
{
	struct mn_spin s = { 0 };
	const uint32_t rarest = MN_SPIN_TRY << MN_SPIN_VAIN_MAX;

	EXPECT_EQ(MN_SPIN_TRY, waits_for_try(&s));
	for (int i = 0; i < 20; i++)
		waits_for_try(&s);
	EXPECT_EQ(rarest, waits_for_try(&s));
	/* What is there at the first look says nothing about spinning. */
	mn_spin_hit(&s, MN_SPIN_LOOK_NS);
	EXPECT_EQ(rarest, waits_for_try(&s));
	mn_spin_hit(&s, 4000);
	EXPECT_GE(MN_SPIN_TRY, waits_for_try(&s));
}

/* However well it goes: then somebody else must have the processor. */
TEST(spin__not_for_ever)
{
	struct mn_spin s = { 0 };

	mn_spin_hit(&s, 1000);
	EXPECT_EQ(2000, mn_spin_begin(&s, MN_SPIN_HITS - 1));
	EXPECT_EQ(0, mn_spin_begin(&s, MN_SPIN_HITS));
	/* Which does not say that it is no use. */
	mn_spin_miss(&s, MN_SPIN_HITS);
	EXPECT_EQ(2000, mn_spin_begin(&s, 0));
}

TEST(crowd__short_yields_are_none)
{
	struct mn_crowd c = { 0 };

	mn_crowd_yielded(&c, MS, MS + MN_CROWD_YIELD_NS);
	EXPECT_FALSE(mn_crowd_is(&c, MS + MN_CROWD_YIELD_NS));
}

/* One long yield is nothing; a neighbour that never gives way gets a small part of the time. */
TEST(crowd__pause_grows_with_repetition)
{
	struct mn_crowd c = { 0 };
	uint64_t now = 1000 * MS, before, pause = 0;

	mn_crowd_yielded(&c, now, now + 3 * MS);
	EXPECT_FALSE(mn_crowd_is(&c, now + 3 * MS));
	now += 3 * MS + 1000;
	mn_crowd_yielded(&c, now, now + 3 * MS);
	EXPECT_TRUE(mn_crowd_is(&c, now + 6 * MS - 1));
	EXPECT_FALSE(mn_crowd_is(&c, now + 6 * MS));
	for (int i = 0; i < 10; i++) {
		before = c.until_ns;
		mn_crowd_yielded(&c, before, before + 3 * MS);
		EXPECT_LE(pause, c.until_ns - before - 3 * MS);
		pause = c.until_ns - before - 3 * MS;
	}
	EXPECT_EQ((uint64_t)3 * MS * MN_CROWD_FACTOR_MAX, pause);
	/* It has gone away for a while. */
	before = c.until_ns + 1000 * MS;
	mn_crowd_yielded(&c, before, before + 3 * MS);
	EXPECT_FALSE(mn_crowd_is(&c, before + 3 * MS));
}

/* Who was stopped for seconds, again and again, learns nothing of its neighbours by it. */
TEST(crowd__who_was_stopped)
{
	struct mn_crowd c = { 0 };
	const uint64_t s = 1000 * MS;
	uint64_t now = s;

	for (int i = 0; i < 5; i++) {
		mn_crowd_yielded(&c, now, now + 3 * s);
		EXPECT_FALSE(mn_crowd_is(&c, now + 3 * s));
		now += 5 * s;
	}
}

TEST_HARNESS_MAIN
