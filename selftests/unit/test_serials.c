// SPDX-License-Identifier: MIT
/* Serials of openings: each once, none too far ahead. */
#include <kselftest_harness.h>

#include "random.h"
#include "transport/serials.h"

FIXTURE(serials)
{
	struct mn_serials s;
};

FIXTURE_SETUP(serials)
{
	mn_serials_init(&self->s);
}

FIXTURE_TEARDOWN(serials)
{
}

TEST_F(serials, is_open__the_window)
{
	EXPECT_FALSE(mn_serials_is_open(&self->s, 0));
	EXPECT_TRUE(mn_serials_is_open(&self->s, 1));
	EXPECT_TRUE(mn_serials_is_open(&self->s, MN_OPENS_MAX));
	EXPECT_FALSE(mn_serials_is_open(&self->s, MN_OPENS_MAX + 1));
	EXPECT_FALSE(mn_serials_is_open(&self->s, UINT64_MAX));
	mn_serials_set_done(&self->s, 1);
	EXPECT_FALSE(mn_serials_is_open(&self->s, 1));
	EXPECT_TRUE(mn_serials_is_open(&self->s, MN_OPENS_MAX + 1));
	EXPECT_FALSE(mn_serials_is_open(&self->s, MN_OPENS_MAX + 2));
}

/* The one that is missing holds the window; then it moves over all that are done. */
TEST_F(serials, set_done__the_lowest_last)
{
	for (uint64_t n = 2; n <= MN_OPENS_MAX; n++)
		mn_serials_set_done(&self->s, n);
	EXPECT_EQ(1, self->s.base);
	EXPECT_TRUE(mn_serials_is_open(&self->s, 1));
	EXPECT_FALSE(mn_serials_is_open(&self->s, MN_OPENS_MAX + 1));
	mn_serials_set_done(&self->s, 1);
	EXPECT_EQ(MN_OPENS_MAX + 1, self->s.base);
	for (uint64_t n = 1; n <= 3 * MN_OPENS_MAX; n++)
		EXPECT_EQ(n > MN_OPENS_MAX && n <= 2 * MN_OPENS_MAX,
			  mn_serials_is_open(&self->s, n));
}

/* In any order within the window, several times around the bitmap. */
TEST_F(serials, set_done__random_order_against_a_list)
{
	enum { MOST = 20 * MN_OPENS_MAX };
	static bool done[MOST + 1];
	uint64_t rng = 0x7365726c, base = 1;

	while (base < MOST - MN_OPENS_MAX) {
		uint64_t n = base + random_below(&rng, random_below(&rng, 8) ? 64 : MN_OPENS_MAX);

		ASSERT_EQ(!done[n], mn_serials_is_open(&self->s, n));
		if (!done[n]) {
			done[n] = true;
			mn_serials_set_done(&self->s, n);
		}
		while (done[base])
			base++;
		ASSERT_EQ(base, self->s.base);
		ASSERT_FALSE(mn_serials_is_open(&self->s, base - 1));
		ASSERT_FALSE(mn_serials_is_open(&self->s, base + MN_OPENS_MAX));
	}
}

TEST_HARNESS_MAIN
