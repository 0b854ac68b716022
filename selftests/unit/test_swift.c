// SPDX-License-Identifier: MIT
/* The window against delay and loss, round by round. */
#include <kselftest_harness.h>

#include "transport/swift.h"

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
	EXPECT_LE(MN_SWIFT_CWND_MIN, self->sw.cwnd);
	EXPECT_GE(256, mn_swift_cwnd(&self->sw));
}

/* A round trip that the hosts may be the cause of; that the network is. */
static struct mn_swift_delay of_hosts(uint32_t us)
{
	return (struct mn_swift_delay){ us, 0 };
}

static struct mn_swift_delay of_network(uint32_t us)
{
	return (struct mn_swift_delay){ us, us };
}

/* Round trips in which a full window arrives with this delay, except lost packets. */
static void rounds_of(struct mn_swift *sw, struct mn_rtt *rtt, uint64_t *now, int n,
		      struct mn_swift_delay delay, uint32_t lost)
{
	while (n--) {
		uint32_t cwnd = mn_swift_cwnd(sw);

		*now += delay.rtt_us + mn_rtt_smoothed_us(rtt);
		mn_swift_lost(sw, lost);
		mn_swift_acked(sw, rtt, delay, cwnd > lost ? cwnd - lost : 1, true, *now);
	}
}

static void rounds(struct mn_swift *sw, struct mn_rtt *rtt, uint64_t *now, int n, uint32_t delay_us,
		   uint32_t lost)
{
	rounds_of(sw, rtt, now, n, of_hosts(delay_us), lost);
}

TEST_F(swift, slow_start__doubles_until_delay)
{
	rounds(&self->sw, &self->rtt, &self->now, 2, 40, 0);
	EXPECT_LE(32, mn_swift_cwnd(&self->sw));
	rounds_of(&self->sw, &self->rtt, &self->now, 1, of_network(1000), 0);
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

TEST_F(swift, delay_of_the_network__shrinks_in_proportion)
{
	uint32_t target_us;

	self->sw.slow_start = false;
	self->sw.cwnd = 100 * MN_SWIFT_ONE;
	target_us = mn_swift_target_us(&self->sw, &self->rtt);
	rounds_of(&self->sw, &self->rtt, &self->now, 1, of_network(target_us + 10), 0);
	EXPECT_GT(100, mn_swift_cwnd(&self->sw));
	EXPECT_LT(85, mn_swift_cwnd(&self->sw));
	self->sw.cwnd = 100 * MN_SWIFT_ONE;
	rounds_of(&self->sw, &self->rtt, &self->now, 1, of_network(10000), 0);
	EXPECT_EQ(50, mn_swift_cwnd(&self->sw));
}

/* It ends the doubling and nothing else: a host that is late has no queue to drain. */
TEST_F(swift, delay_of_hosts__does_not_shrink)
{
	rounds(&self->sw, &self->rtt, &self->now, 1, 10000, 0);
	EXPECT_FALSE(self->sw.slow_start);
	self->sw.cwnd = MN_SWIFT_ONE;
	rounds(&self->sw, &self->rtt, &self->now, 50, 10000, 0);
	EXPECT_LE(40, mn_swift_cwnd(&self->sw));
	/* Many losses are another matter. */
	rounds(&self->sw, &self->rtt, &self->now, 50, 10000, 40);
	EXPECT_EQ(1, mn_swift_cwnd(&self->sw));
	EXPECT_LE(MN_SWIFT_ONE, self->sw.cwnd);
}

/* After a collapse the window is back within some rounds, whatever else is wrong. */
TEST_F(swift, collapse__does_not_last)
{
	mn_swift_timeout(&self->sw, 3);
	EXPECT_EQ(1, mn_swift_cwnd(&self->sw));
	rounds(&self->sw, &self->rtt, &self->now, 30, 10000, 0);
	EXPECT_LE(16, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, delay_of_the_network__below_one_packet)
{
	uint32_t srtt = 1000;

	self->sw.slow_start = false;
	EXPECT_EQ(0, mn_swift_pace_us(&self->sw, srtt));
	rounds_of(&self->sw, &self->rtt, &self->now, 5, of_network(10000), 0);
	EXPECT_EQ(MN_SWIFT_ONE / 2, self->sw.cwnd);
	EXPECT_EQ(0, mn_swift_cwnd(&self->sw));
	EXPECT_EQ(2 * srtt, mn_swift_pace_us(&self->sw, srtt));
	rounds_of(&self->sw, &self->rtt, &self->now, 50, of_network(10000), 0);
	EXPECT_EQ(MN_SWIFT_CWND_MIN, self->sw.cwnd);
	EXPECT_EQ(64 * 20, mn_swift_pace_us(&self->sw, 20));
	EXPECT_EQ(MN_SWIFT_PACE_MAX_US, mn_swift_pace_us(&self->sw, srtt));
	EXPECT_EQ(10000, mn_swift_pace_us(&self->sw, 10000));
	/* And back, by less than a packet at once. */
	rounds_of(&self->sw, &self->rtt, &self->now, 5, of_network(40), 0);
	EXPECT_EQ(0, mn_swift_cwnd(&self->sw));
	rounds_of(&self->sw, &self->rtt, &self->now, 15, of_network(40), 0);
	EXPECT_LE(8, mn_swift_cwnd(&self->sw));
}

/* Windows below a packet go on shrinking by timeouts, those above stop at one. */
TEST_F(swift, timeout__below_one_packet)
{
	self->sw.cwnd = MN_SWIFT_ONE;
	for (int n = 1; n < 20; n++)
		mn_swift_timeout(&self->sw, n);
	EXPECT_EQ(MN_SWIFT_CWND_MIN, self->sw.cwnd);
}

/* A ring's worth and what is on the way. */
TEST_F(swift, bound__by_the_round_trip)
{
	mn_swift_init(&self->sw, 2048, self->now);
	rounds(&self->sw, &self->rtt, &self->now, 1000, 40, 0);
	EXPECT_EQ(256 + 4 * 40, mn_swift_cwnd(&self->sw));
	mn_rtt_init(&self->rtt, self->now);
	mn_rtt_sample(&self->rtt, 1000, self->now);
	rounds(&self->sw, &self->rtt, &self->now, 1000, 1000, 0);
	EXPECT_EQ(2048, mn_swift_cwnd(&self->sw));
	mn_swift_init(&self->sw, 256, self->now);
}

/* Only the delay of the quickest packet of a round counts. */
TEST_F(swift, delay__one_late_packet)
{
	uint32_t before;

	self->sw.slow_start = false;
	mn_swift_acked(&self->sw, &self->rtt, of_hosts(40), 1, true, self->now++);
	before = mn_swift_cwnd(&self->sw);
	mn_swift_acked(&self->sw, &self->rtt, of_hosts(5000), 1, true, self->now);
	mn_swift_acked(&self->sw, &self->rtt, of_hosts(40), 1, true, self->now);
	mn_swift_acked(&self->sw, &self->rtt, of_hosts(5000), 1, true, self->now + 1000);
	EXPECT_LT(before, mn_swift_cwnd(&self->sw));
}

TEST_F(swift, idle__does_not_grow)
{
	for (int i = 0; i < 20; i++) {
		self->now += 1000;
		mn_swift_acked(&self->sw, &self->rtt, of_hosts(40), 1, false, self->now);
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

/* A few losses are chance where no queue is seen; with one they are not. */
TEST_F(swift, loss__with_and_without_a_queue)
{
	uint32_t half_us = 40 + (mn_swift_target_us(&self->sw, &self->rtt) - 40) / 2 + 1;

	self->sw.slow_start = false;
	self->sw.cwnd = 100 * MN_SWIFT_ONE;
	rounds_of(&self->sw, &self->rtt, &self->now, 1, of_hosts(half_us), 4);
	EXPECT_EQ(101, mn_swift_cwnd(&self->sw));
	self->sw.cwnd = 100 * MN_SWIFT_ONE;
	rounds_of(&self->sw, &self->rtt, &self->now, 1, of_network(half_us), 4);
	EXPECT_EQ(92, mn_swift_cwnd(&self->sw));
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
