// SPDX-License-Identifier: MIT
/* Numbers of packets as ranges, against a bitmap that says the same. */
#include <string.h>

#include <kselftest_harness.h>

#include "random.h"
#include "transport/arrivals.h"

#define NUMBERS	2000u

FIXTURE(arrivals)
{
	struct mn_arrivals a;
	bool there[NUMBERS + 2];	/* at or above the floor */
	uint64_t rng;
};

FIXTURE_SETUP(arrivals)
{
	mn_arrivals_init(&self->a);
	self->rng = 0x61727276;
}

FIXTURE_TEARDOWN(arrivals)
{
}

/* The ranges are those of the bitmap: ascending, apart, all of them. */
static bool agrees(const struct mn_arrivals *a, const bool *there)
{
	uint64_t n = 1;
	uint32_t i = 0;

	while (n <= NUMBERS) {
		uint64_t first;

		if (!there[n]) {
			n++;
			continue;
		}
		first = n;
		while (n <= NUMBERS && there[n])
			n++;
		if (i == a->n || a->r[i].first != first || a->r[i].end != n)
			return false;
		i++;
	}
	return i == a->n && (!i || a->r[0].first >= a->floor);
}

static void forget_below(bool *there, uint64_t least)
{
	memset(there, 0, (least < NUMBERS ? least : NUMBERS + 1) * sizeof(*there));
}

TEST_F(arrivals, add__in_order)
{
	for (uint64_t n = 1; n <= 100; n++) {
		EXPECT_TRUE(mn_arrivals_add(&self->a, n));
		EXPECT_FALSE(mn_arrivals_add(&self->a, n));
	}
	EXPECT_EQ(1, self->a.n);
	EXPECT_EQ(1, mn_arrivals_top(&self->a, 0)->first);
	EXPECT_EQ(101, mn_arrivals_top(&self->a, 0)->end);
	EXPECT_FALSE(mn_arrivals_add(&self->a, 0));
}

TEST_F(arrivals, add__joins)
{
	EXPECT_TRUE(mn_arrivals_add(&self->a, 5));
	EXPECT_TRUE(mn_arrivals_add(&self->a, 7));
	EXPECT_EQ(2, self->a.n);
	EXPECT_EQ(7, mn_arrivals_top(&self->a, 0)->first);
	EXPECT_EQ(5, mn_arrivals_top(&self->a, 1)->first);
	EXPECT_TRUE(mn_arrivals_add(&self->a, 6));
	ASSERT_EQ(1, self->a.n);
	EXPECT_EQ(5, self->a.r[0].first);
	EXPECT_EQ(8, self->a.r[0].end);
	EXPECT_TRUE(mn_arrivals_add(&self->a, 4));
	EXPECT_EQ(4, self->a.r[0].first);
	EXPECT_EQ(1, self->a.n);
}

/* Local disorder, duplicates, and the sender's floor behind it: never too many holes. */
TEST_F(arrivals, add__random_order_against_a_bitmap)
{
	uint64_t base = 1;

	while (base + 150 < NUMBERS) {
		uint64_t n = base + random_below(&self->rng, 150);
		bool is_new = n >= self->a.floor && !self->there[n];

		ASSERT_EQ(is_new, mn_arrivals_add(&self->a, n));
		self->there[n] |= is_new;
		if (!random_below(&self->rng, 40)) {
			base += random_below(&self->rng, 30);
			mn_arrivals_forget(&self->a, base);
			forget_below(self->there, base);
		}
		ASSERT_TRUE(agrees(&self->a, self->there));
	}
}

TEST_F(arrivals, forget__inside_and_between_ranges)
{
	for (uint64_t n = 1; n <= 30; n++)
		if (n % 10)
			mn_arrivals_add(&self->a, n);
	ASSERT_EQ(3, self->a.n);
	mn_arrivals_forget(&self->a, 5);
	ASSERT_EQ(3, self->a.n);
	EXPECT_EQ(5, self->a.r[0].first);
	/* It never goes back. */
	mn_arrivals_forget(&self->a, 2);
	EXPECT_FALSE(mn_arrivals_add(&self->a, 4));
	mn_arrivals_forget(&self->a, 10);
	ASSERT_EQ(2, self->a.n);
	EXPECT_EQ(11, self->a.r[0].first);
	EXPECT_TRUE(mn_arrivals_add(&self->a, 10));
	mn_arrivals_forget(&self->a, 1000);
	EXPECT_EQ(0, self->a.n);
	EXPECT_FALSE(mn_arrivals_add(&self->a, 999));
	EXPECT_TRUE(mn_arrivals_add(&self->a, 1000));
}

static void fill_holes(struct mn_arrivals *a, uint64_t first)
{
	for (uint64_t i = 0; i < MN_ARRIVAL_RANGES; i++)
		mn_arrivals_add(a, first + 2 * i);
}

/* One hole too many: the lowest range goes, and what lies below counts as known. */
TEST_F(arrivals, add__too_many_holes)
{
	fill_holes(&self->a, 10);
	ASSERT_EQ(MN_ARRIVAL_RANGES, self->a.n);
	EXPECT_TRUE(mn_arrivals_add(&self->a, 10 + 2 * MN_ARRIVAL_RANGES));
	EXPECT_EQ(MN_ARRIVAL_RANGES, self->a.n);
	EXPECT_EQ(12, self->a.r[0].first);
	EXPECT_FALSE(mn_arrivals_add(&self->a, 10));
	EXPECT_FALSE(mn_arrivals_add(&self->a, 9));
	/* What fills a hole needs no range. */
	EXPECT_TRUE(mn_arrivals_add(&self->a, 13));
	EXPECT_EQ(MN_ARRIVAL_RANGES - 1, self->a.n);
}

/* A new range in the middle. */
TEST_F(arrivals, add__too_many_holes_in_the_middle)
{
	fill_holes(&self->a, 10);
	mn_arrivals_add(&self->a, 1000);
	EXPECT_TRUE(mn_arrivals_add(&self->a, 500));
	ASSERT_EQ(MN_ARRIVAL_RANGES, self->a.n);
	EXPECT_EQ(1000, mn_arrivals_top(&self->a, 0)->first);
	EXPECT_EQ(500, mn_arrivals_top(&self->a, 1)->first);
	EXPECT_EQ(501, mn_arrivals_top(&self->a, 1)->end);
	EXPECT_EQ(8 + 2 * MN_ARRIVAL_RANGES, mn_arrivals_top(&self->a, 2)->first);
	EXPECT_EQ(14, self->a.r[0].first);
}

/* What would be the lowest is forgotten itself: it is not acknowledged, and not delivered. */
TEST_F(arrivals, add__too_many_holes_below_all)
{
	fill_holes(&self->a, 10);
	EXPECT_FALSE(mn_arrivals_add(&self->a, 5));
	EXPECT_EQ(MN_ARRIVAL_RANGES, self->a.n);
	EXPECT_EQ(10, self->a.r[0].first);
	EXPECT_FALSE(mn_arrivals_add(&self->a, 4));
	/* Above it numbers are new, as long as they lengthen a range. */
	EXPECT_TRUE(mn_arrivals_add(&self->a, 9));
	EXPECT_EQ(9, self->a.r[0].first);
}

/* Any numbers: nothing that was forgotten is new again, nothing is new twice. */
TEST_F(arrivals, add__far_more_holes_than_ranges)
{
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t n = 1 + random_below(&self->rng, NUMBERS), floor = self->a.floor;
		bool got = mn_arrivals_add(&self->a, n);

		EXPECT_FALSE(got && (n < floor || self->there[n]));
		EXPECT_LE(floor, self->a.floor);
		EXPECT_GE(MN_ARRIVAL_RANGES, self->a.n);
		self->there[n] |= got;
		forget_below(self->there, self->a.floor);
		ASSERT_TRUE(agrees(&self->a, self->there));
	}
	EXPECT_LT(1, self->a.floor);
}

TEST_HARNESS_MAIN
