// SPDX-License-Identifier: MIT
/* Claims on buffers and shares of them. */
#include <kselftest_harness.h>

#include <machnet/shm.h>
#include "transport/credit.h"

#define TOTAL	4096u
#define LARGE	2048u	/* buffers of the largest message */

FIXTURE(credit)
{
	struct mn_credit cr;
	struct mn_claim cl[8];
};

FIXTURE_SETUP(credit)
{
	mn_credit_init(&self->cr, TOTAL);
	for (int i = 0; i < 8; i++)
		mn_claim_init(&self->cl[i]);
}

FIXTURE_TEARDOWN(credit)
{
}

TEST_F(credit, claim__met_and_used)
{
	EXPECT_TRUE(mn_credit_claim(&self->cr, &self->cl[0], LARGE, TOTAL));
	EXPECT_EQ(TOTAL - LARGE, mn_credit_room(&self->cr, TOTAL));
	mn_credit_use(&self->cr, &self->cl[0], 2000);
	EXPECT_EQ(TOTAL - LARGE, mn_credit_room(&self->cr, TOTAL - 2000));
	mn_credit_end(&self->cr, &self->cl[0]);
	EXPECT_EQ(0, self->cr.claimed);
}

/* Large messages wait in line, and are served in order, whatever is given back when. */
TEST_F(credit, claim__line)
{
	uint32_t free = 1000;

	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[0], LARGE, free));
	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[1], 100, free));
	/* Small ones pass. */
	EXPECT_TRUE(mn_credit_claim(&self->cr, &self->cl[2], 1, free));
	for (; free < 2 * TOTAL / 3; free += 100)
		if (mn_credit_settle(&self->cr, free))
			break;
	EXPECT_TRUE(self->cl[0].granted);
	EXPECT_FALSE(self->cl[1].granted);
	EXPECT_LE(self->cr.claimed, free);
	EXPECT_EQ(&self->cl[1], mn_credit_settle(&self->cr, TOTAL));
}

/* Small messages that take every buffer that comes free do not starve a large one for ever. */
TEST_F(credit, claim__large_beside_greedy_small)
{
	uint32_t free = 0, turns = 0;

	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[0], LARGE, free));
	while (!self->cl[0].granted && turns++ < 10000) {
		free += 8;
		while (mn_credit_settle(&self->cr, free))
			;
		while (mn_credit_room(&self->cr, free)) {
			ASSERT_TRUE(mn_credit_claim(&self->cr, &self->cl[1], 1, free));
			mn_credit_use(&self->cr, &self->cl[1], 1);
			mn_credit_end(&self->cr, &self->cl[1]);
			free--;
		}
	}
	EXPECT_TRUE(self->cl[0].granted);
	EXPECT_GT(1000, turns);
}

/* A claim that only the reserve for small messages stood against is met without returns. */
TEST_F(credit, claim__met_later_without_returns)
{
	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[0], LARGE, LARGE + 100));
	EXPECT_EQ(NULL, mn_credit_settle(&self->cr, LARGE + 100));
	EXPECT_EQ(&self->cl[0], mn_credit_settle(&self->cr, LARGE + TOTAL / 4 + 100));
}

TEST_F(credit, claim__dropped_in_line)
{
	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[0], LARGE, 100));
	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[1], LARGE, 100));
	mn_credit_settle(&self->cr, 1000);
	EXPECT_LT(0, self->cr.claimed);
	mn_credit_end(&self->cr, &self->cl[0]);
	EXPECT_EQ(0, self->cr.claimed);
	EXPECT_EQ(&self->cl[1], mn_credit_settle(&self->cr, TOTAL));
}

/* Messages that are begun and do not go on, large or small, leave room for those that need less. */
TEST_F(credit, claim__quota)
{
	static struct mn_claim many[2 * TOTAL];
	uint32_t free = TOTAL;

	for (int i = 0; i < 2 * (int)TOTAL; i++)
		mn_claim_init(&many[i]);
	for (int i = 0; i < 4; i++)
		mn_credit_claim(&self->cr, &self->cl[i], LARGE, free);
	for (int i = 0; i < 100; i++)
		mn_credit_settle(&self->cr, free);
	EXPECT_EQ(TOTAL / 8, mn_credit_room(&self->cr, free));
	EXPECT_TRUE(mn_credit_claim(&self->cr, &self->cl[4], 16, free));
	for (int i = 0; i < 2 * (int)TOTAL; i++)
		if (mn_credit_claim(&self->cr, &many[i], 1, free)) {
			mn_credit_use(&self->cr, &many[i], 1);
			free--;
		}
	EXPECT_EQ(TOTAL / 16, mn_credit_room(&self->cr, free));
	EXPECT_FALSE(mn_credit_is_low(&self->cr, free));
	for (int i = 0; i < 2 * (int)TOTAL; i++)
		mn_credit_end(&self->cr, &many[i]);
	for (int i = 0; i < 5; i++)
		mn_credit_end(&self->cr, &self->cl[i]);
	EXPECT_EQ(0, self->cr.claimed);
	EXPECT_EQ(0, self->cr.begun);
	EXPECT_EQ(0, self->cr.begun_large);
}

/* A claim is kept by going on, or while nothing waits for it. */
TEST_F(credit, claim__expires)
{
	uint64_t now_us = 1000;

	EXPECT_TRUE(mn_credit_claim(&self->cr, &self->cl[0], LARGE, TOTAL));
	EXPECT_TRUE(mn_credit_claim(&self->cr, &self->cl[1], LARGE / 2, TOTAL));
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(NULL, mn_credit_expired(&self->cr, now_us += MN_CREDIT_CLAIM_US));
	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[2], LARGE, TOTAL));
	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(NULL, mn_credit_expired(&self->cr, now_us));
		mn_credit_use(&self->cr, &self->cl[0], LARGE / 16);
		mn_credit_use(&self->cr, &self->cl[1], LARGE / 32);
		now_us += MN_CREDIT_CLAIM_US;
	}
	EXPECT_EQ(NULL, mn_credit_expired(&self->cr, now_us));
	mn_credit_use(&self->cr, &self->cl[0], LARGE / 16);
	mn_credit_use(&self->cr, &self->cl[1], LARGE / 32 - 1);
	EXPECT_EQ(NULL, mn_credit_expired(&self->cr, now_us + MN_CREDIT_CLAIM_US - 1));
	EXPECT_EQ(&self->cl[1], mn_credit_expired(&self->cr, now_us + MN_CREDIT_CLAIM_US));
	mn_credit_end(&self->cr, &self->cl[1]);
	EXPECT_EQ(NULL, mn_credit_expired(&self->cr, now_us + MN_CREDIT_CLAIM_US));
	/* One that has all of its buffers waits for the application. */
	mn_credit_use(&self->cr, &self->cl[0], LARGE - 9 * (LARGE / 16));
	EXPECT_FALSE(mn_credit_claim(&self->cr, &self->cl[3], LARGE, LARGE));
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(NULL, mn_credit_expired(&self->cr, now_us += MN_CREDIT_CLAIM_US));
}

/* A ring that never is what limits. */
#define RING	(1u << 30)

/* Of streams whose messages lie in buffers. */
static uint32_t share(const struct mn_credit *cr, uint32_t free, uint32_t bufs16, uint32_t least)
{
	struct mn_cost cost = { .bufs16 = bufs16, .ring16 = 1 };

	return mn_credit_share(cr, free, RING, &cost, least);
}

TEST_F(credit, share__follows_room_and_cost)
{
	/* Messages that fill their buffers; messages of 64 bytes, each in a buffer of its own. */
	const uint32_t small16 = 16 * MN_SHM_BUF_SIZE / 68;
	uint32_t cheap = share(&self->cr, TOTAL, 16, 3000);
	uint32_t dear = share(&self->cr, TOTAL, small16, 3000);

	EXPECT_EQ(MN_CREDIT_MAX, cheap);
	/* All of it sent as such messages has room. */
	EXPECT_GE(TOTAL, dear / 68);
	EXPECT_LE(TOTAL / 2, dear / 68);
	EXPECT_GT(dear, share(&self->cr, TOTAL / 2, small16, 3000));
	EXPECT_EQ(3000, share(&self->cr, TOTAL / 8 + 1, 16 * MN_SHM_BUF_SIZE, 3000));
	EXPECT_GT(3000, share(&self->cr, TOTAL / 32 + 10, small16, 3000));
	EXPECT_LT(0, share(&self->cr, TOTAL / 32 + 10, small16, 3000));
	EXPECT_EQ(0, share(&self->cr, TOTAL / 32, 16, 3000));
	EXPECT_TRUE(mn_credit_is_low(&self->cr, TOTAL / 32));
}

TEST_F(credit, share__of_the_ring)
{
	/* Messages of 64 bytes that lie in the ring, and no buffer in use. */
	struct mn_cost cost = { .bufs16 = 0, .ring16 = 16 * 80 / 68 };
	uint32_t half = mn_credit_share(&self->cr, TOTAL, 1u << 18, &cost, 0);
	uint32_t epoch[2] = { 0 };

	EXPECT_EQ(MN_CREDIT_MAX, mn_credit_share(&self->cr, TOTAL, RING, &cost, 0));
	/* All of it sent as such messages has room. */
	EXPECT_GE(1u << 18, half / 68 * 80);
	EXPECT_LE(1u << 17, half / 68 * 80);
	for (int i = 0; i < 2; i++)
		mn_sharers_touch(&self->cr.sharers, &epoch[i], 5000);
	EXPECT_EQ(half / 2, mn_credit_share(&self->cr, TOTAL, 1u << 18, &cost, 0));
	EXPECT_EQ(0, mn_credit_share(&self->cr, TOTAL, MN_SHM_INLINE_MAX, &cost, 3000));
}

TEST_F(credit, share__among_the_active)
{
	uint32_t epoch[10] = { 0 }, alone, cost = 16 * MN_SHM_BUF_SIZE / 68;

	mn_sharers_touch(&self->cr.sharers, &epoch[0], 5000);
	alone = share(&self->cr, TOTAL, cost, 0);
	for (int i = 0; i < 10; i++)
		mn_sharers_touch(&self->cr.sharers, &epoch[i], 5000);
	EXPECT_EQ(alone / 10, share(&self->cr, TOTAL, cost, 0));
	/* Those that fell silent do not count for long. */
	mn_sharers_touch(&self->cr.sharers, &epoch[0], 7500);
	mn_sharers_touch(&self->cr.sharers, &epoch[0], 9000);
	EXPECT_EQ(alone, share(&self->cr, TOTAL, cost, 0));
}

TEST_HARNESS_MAIN
