// SPDX-License-Identifier: MIT
/* The window against delay and loss, round by round. */
#include <kselftest_harness.h>

#include "core/swift.h"

FIXTURE(swift)
{
	struct mn_swift sw;
	struct mn_rtt rtt;
	uint64_t now;
};

FIXTURE_SETUP(swift)
{
	self->now = 1000000;
	mn_rtt_init(&self->rtt, self->now);
	mn_rtt_sample(&self->rtt, 40, self->now);
	mn_swift_init(&self->sw, 256, self->now);
}

FIXTURE_TEARDOWN(swift)
{
	EXPECT_LE(1, mn_swift_cwnd(&self->sw));
	EXPECT_GE(256, mn_swift_cwnd(&self->sw));
}

/* Round trips in which a full window arrives with this delay, except lost packets. */
static void rounds(struct mn_swift *sw, struct mn_rtt *rtt, uint64_t *now, int n, uint32_t delay_us,
		   uint32_t lost)
{
	while (n--) {
		uint32_t cwnd = mn_swift_cwnd(sw);

		*now += delay_us + mn_rtt_smoothed_us(rtt);
		mn_swift_lost(sw, lost);
		mn_swift_acked(sw, rtt, delay_us, cwnd > lost ? cwnd - lost : 1, true, *now);
	}
}

TEST_F(swift, slow_start__doubles_until_delay)
{
	rounds(&self->sw, &self->rtt, &self->now, 2, 40, 0);
	EXPECT_LE(32, mn_swift_cwnd(&self->sw));
	rounds(&self->sw, &self->rtt, &self->now, 1, 1000, 0);
	EXPECT_FALSE(self->sw.slow_start);
	EXPECT_GE(32, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, delay__one_packet_per_round_below_the_target)
{
	uint32_t before;

	self->sw.slow_start = false;
	before = mn_swift_cwnd(&self->sw);
	rounds(&self->sw, &self->rtt, &self->now, 4, 40, 0);
	EXPECT_EQ(before + 4, mn_swift_cwnd(&self->sw));
	/* Later some more, but never in leaps. */
	rounds(&self->sw, &self->rtt, &self->now, 4, 40, 0);
	EXPECT_LT(before + 8, mn_swift_cwnd(&self->sw));
	EXPECT_GE(before + 4 + 4 * 8, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, delay__shrinks_in_proportion)
{
	uint32_t slightly, much;

	self->sw.slow_start = false;
	self->sw.cwnd = 100 << 8;
	rounds(&self->sw, &self->rtt, &self->now, 1, mn_swift_target_us(&self->sw, &self->rtt) + 10,
	       0);
	slightly = mn_swift_cwnd(&self->sw);
	EXPECT_GT(100, slightly);
	EXPECT_LT(85, slightly);
	self->sw.cwnd = 100 << 8;
	rounds(&self->sw, &self->rtt, &self->now, 1, 10000, 0);
	much = mn_swift_cwnd(&self->sw);
	EXPECT_EQ(50, much);
	/* Not to nothing: that takes losses. */
	rounds(&self->sw, &self->rtt, &self->now, 40, 10000, 0);
	EXPECT_EQ(8, mn_swift_cwnd(&self->sw));
	rounds(&self->sw, &self->rtt, &self->now, 10, 10000, 10);
	EXPECT_EQ(1, mn_swift_cwnd(&self->sw));
	rounds(&self->sw, &self->rtt, &self->now, 1, 10000, 0);
	EXPECT_EQ(1, mn_swift_cwnd(&self->sw));
}

/* Only the delay of the quickest packet of a round counts. */
TEST_F(swift, delay__one_late_packet)
{
	uint32_t before;

	self->sw.slow_start = false;
	mn_swift_acked(&self->sw, &self->rtt, 40, 1, true, self->now++);
	before = mn_swift_cwnd(&self->sw);
	mn_swift_acked(&self->sw, &self->rtt, 5000, 1, true, self->now);
	mn_swift_acked(&self->sw, &self->rtt, 40, 1, true, self->now);
	mn_swift_acked(&self->sw, &self->rtt, 5000, 1, true, self->now + 1000);
	EXPECT_LT(before, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, idle__does_not_grow)
{
	for (int i = 0; i < 20; i++) {
		self->now += 1000;
		mn_swift_acked(&self->sw, &self->rtt, 40, 1, false, self->now);
	}
	EXPECT_EQ(MN_SWIFT_CWND_INITIAL, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, loss__a_little_is_borne_much_is_not)
{
	self->sw.slow_start = false;
	self->sw.cwnd = 100 << 8;
	rounds(&self->sw, &self->rtt, &self->now, 20, 40, 1);
	EXPECT_LT(50, mn_swift_cwnd(&self->sw));
	self->sw.cwnd = 100 << 8;
	rounds(&self->sw, &self->rtt, &self->now, 1, 40, 50);
	EXPECT_EQ(50, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, timeout__and_back)
{
	mn_swift_timeout(&self->sw, 1);
	EXPECT_EQ(8, mn_swift_cwnd(&self->sw));
	mn_swift_undo(&self->sw);
	EXPECT_EQ(16, mn_swift_cwnd(&self->sw));
	mn_swift_timeout(&self->sw, 1);
	mn_swift_timeout(&self->sw, 2);
	mn_swift_timeout(&self->sw, 3);
	EXPECT_EQ(1, mn_swift_cwnd(&self->sw));
	EXPECT_TRUE(self->sw.slow_start);
}

/* Flows with small windows bear more delay: that is what makes them meet. */
TEST_F(swift, target__falls_with_the_window)
{
	uint32_t last = UINT32_MAX;

	for (uint32_t cwnd = 1; cwnd <= 128; cwnd *= 2) {
		self->sw.cwnd = cwnd << 8;
		EXPECT_GE(last, mn_swift_target_us(&self->sw, &self->rtt));
		last = mn_swift_target_us(&self->sw, &self->rtt);
		EXPECT_LE(90, last);
		EXPECT_GE(190, last);
	}
}

TEST_HARNESS_MAIN
