// SPDX-License-Identifier: MIT
/* Records of sent packets: what acknowledgements, time and timeouts make of them. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport1/recovery.h"

#define LEN	1000

FIXTURE(recovery)
{
	struct mn_recovery r;
	struct mn_acked got;
	uint64_t now;
};

FIXTURE_SETUP(recovery)
{
	self->now = 5000000;
	mn_recovery_init(&self->r, self->now);
	/* The round trip is known: 40 us. */
	for (int i = 0; i < 50; i++)
		mn_rtt_sample(&self->r.rtt, 40, self->now);
}

FIXTURE_TEARDOWN(recovery)
{
	mn_recovery_fini(&self->r);
}

static void send_one(struct mn_recovery *r, uint64_t seq, uint64_t now)
{
	if (!mn_recovery_reserve(r))
		mn_recovery_sent(r, seq, LEN, now);
}

/* n packets of LEN bytes, a microsecond apart. */
static void send_packets(struct mn_recovery *r, uint64_t *now, uint64_t from, int n)
{
	for (int i = 0; i < n; i++)
		send_one(r, from + i * LEN, (*now)++);
}

/* Packets [a, b) were received, and everything before ack. ts_echo as from the last of them. */
static void ack(struct mn_recovery *r, uint64_t n_ack, uint64_t a, uint64_t b, uint32_t ts,
		uint64_t now, struct mn_acked *got)
{
	struct mn_wire_sack s = { a * LEN, b * LEN };

	mn_recovery_ack(r, n_ack * LEN, &s, a < b, ts, now, got);
}

TEST_F(recovery, ack__in_order)
{
	send_packets(&self->r, &self->now, 0, 10);
	EXPECT_EQ(10, self->r.inflight);
	ack(&self->r, 4, 0, 0, 0, self->now + 40, &self->got);
	EXPECT_EQ(4, self->got.delivered);
	EXPECT_TRUE(self->got.progress);
	EXPECT_FALSE(self->got.spurious);
	EXPECT_EQ(6, self->r.inflight);
	EXPECT_EQ(0, mn_recovery_detect(&self->r, self->now + 1000000));
	ack(&self->r, 10, 0, 0, 0, self->now + 50, &self->got);
	EXPECT_EQ(0, self->r.inflight);
	EXPECT_TRUE(mn_recovery_empty(&self->r));
}

/* The receiver took a part of a packet. */
TEST_F(recovery, ack__inside_a_packet)
{
	send_packets(&self->r, &self->now, 0, 2);
	mn_recovery_ack(&self->r, 300, NULL, 0, 0, self->now, &self->got);
	EXPECT_EQ(0, self->got.delivered);
	EXPECT_TRUE(self->got.progress);
	EXPECT_EQ(300, self->r.ring[0].seq);
	EXPECT_EQ(700, self->r.ring[0].len);
	EXPECT_EQ(2, self->r.inflight);
}

TEST_F(recovery, rack__loss_after_the_window)
{
	send_packets(&self->r, &self->now, 0, 10);
	self->now += 40;
	ack(&self->r, 0, 1, 10, 0, self->now, &self->got);
	EXPECT_EQ(9, self->got.delivered);
	EXPECT_FALSE(self->got.progress);
	EXPECT_EQ(1, self->r.inflight);
	EXPECT_EQ(0, mn_recovery_detect(&self->r, self->now));
	ASSERT_NE(0, self->r.reo_deadline_us);
	EXPECT_GE(self->now + 40, self->r.reo_deadline_us);
	EXPECT_EQ(0, mn_recovery_detect(&self->r, self->r.reo_deadline_us - 1));
	EXPECT_EQ(1, mn_recovery_detect(&self->r, self->r.reo_deadline_us));
	EXPECT_EQ(0, self->r.inflight);
	ASSERT_EQ(&self->r.ring[0], mn_recovery_first_lost(&self->r));
	mn_recovery_resent(&self->r, &self->r.ring[0], self->now + 50);
	EXPECT_EQ(1, self->r.inflight);
	EXPECT_EQ(NULL, mn_recovery_first_lost(&self->r));
	ack(&self->r, 10, 0, 0, self->now + 50, self->now + 90, &self->got);
	EXPECT_EQ(1, self->got.delivered);
	EXPECT_FALSE(self->got.spurious);
	EXPECT_TRUE(mn_recovery_empty(&self->r));
	EXPECT_EQ(0, self->r.sacked + self->r.lost + self->r.resent + self->r.inflight);
}

/* A retransmission that is lost, too, is found by later packets. */
TEST_F(recovery, rack__lost_retransmission)
{
	uint64_t resent;

	send_packets(&self->r, &self->now, 0, 4);
	self->now += 40;
	ack(&self->r, 0, 1, 4, 0, self->now, &self->got);
	mn_recovery_detect(&self->r, self->now);
	EXPECT_EQ(1, mn_recovery_detect(&self->r, self->r.reo_deadline_us));
	resent = self->now + 30;
	mn_recovery_resent(&self->r, &self->r.ring[0], resent);
	self->now = resent + 1;
	send_packets(&self->r, &self->now, 4 * LEN, 1);
	self->now += 40;
	ack(&self->r, 0, 1, 5, resent + 1, self->now, &self->got);
	mn_recovery_detect(&self->r, self->now);
	ASSERT_NE(0, self->r.reo_deadline_us);
	EXPECT_EQ(1, mn_recovery_detect(&self->r, self->r.reo_deadline_us));
}

/* The answer is to the first transmission: the second was needless, and the window grows. */
TEST_F(recovery, spurious__widens_the_window)
{
	uint64_t sent = self->now, before, after;

	send_packets(&self->r, &self->now, 0, 10);
	self->now += 40;
	ack(&self->r, 0, 1, 10, 0, self->now, &self->got);
	mn_recovery_detect(&self->r, self->now);
	before = self->r.reo_deadline_us - self->now;
	mn_recovery_detect(&self->r, self->r.reo_deadline_us);
	mn_recovery_resent(&self->r, &self->r.ring[0], self->now + 50);
	ack(&self->r, 10, 0, 0, sent, self->now + 60, &self->got);
	EXPECT_TRUE(self->got.spurious);
	EXPECT_EQ(2, self->r.reo_mult);
	self->r.reo_mult = 4;
	self->now += 1000;
	send_packets(&self->r, &self->now, 10 * LEN, 10);
	self->now += 40;
	ack(&self->r, 10, 11, 20, 0, self->now, &self->got);
	mn_recovery_detect(&self->r, self->now);
	after = self->r.reo_deadline_us - self->now;
	EXPECT_LT(before, after);
	/* But not for ever. */
	self->r.reo_mult = 1000;
	mn_recovery_detect(&self->r, self->now);
	EXPECT_EQ(mn_recovery_at(&self->r, self->r.head)->sent_us + self->r.rack_rtt_us + 80,
		  self->r.reo_deadline_us);
}

TEST_F(recovery, probe__once_per_tail)
{
	uint64_t at;

	send_packets(&self->r, &self->now, 0, 3);
	at = mn_recovery_probe_us(&self->r);
	ASSERT_NE(0, at);
	EXPECT_GT(self->now + 500, at);
	EXPECT_LT(at, mn_recovery_timeout_us(&self->r));
	self->r.probing = true;
	EXPECT_EQ(0, mn_recovery_probe_us(&self->r));
	mn_recovery_resent(&self->r, &self->r.ring[2], at);
	self->r.ring[2].flags |= MN_SENT_PROBE;
	/* It was the tail that was lost: that counts as congestion. */
	ack(&self->r, 3, 0, 0, at, at + 40, &self->got);
	EXPECT_EQ(1, self->got.repaired);
	EXPECT_FALSE(self->r.probing);
}

/* A single packet waits for as long as the peer has held acknowledgements back. */
TEST_F(recovery, probe__waits_for_the_peer)
{
	uint64_t first, quick, late;

	send_packets(&self->r, &self->now, 0, 1);
	first = mn_recovery_probe_us(&self->r);
	for (int i = 0; i < 100; i++)
		mn_rtt_delayed(&self->r.rtt, 10);
	quick = mn_recovery_probe_us(&self->r);
	EXPECT_EQ(first - MN_ACK_DELAY_INITIAL_US + MN_ACK_DELAY_US, quick);
	mn_rtt_delayed(&self->r.rtt, MN_ACK_DELAY_US + 400);
	late = mn_recovery_probe_us(&self->r);
	EXPECT_EQ(quick + 400, late);
	mn_rtt_delayed(&self->r.rtt, 10);
	EXPECT_GT(late, mn_recovery_probe_us(&self->r));
	EXPECT_LT(quick, mn_recovery_probe_us(&self->r));
	mn_rtt_delayed(&self->r.rtt, UINT32_MAX);
	EXPECT_GE(quick + MN_RTO_MIN_US, mn_recovery_probe_us(&self->r));
}

TEST_F(recovery, timeout__everything_is_lost_and_found)
{
	uint64_t sent = self->now, at;

	send_packets(&self->r, &self->now, 0, 5);
	at = mn_recovery_timeout_us(&self->r);
	EXPECT_LE(self->now + MN_RTO_MIN_US - 5, at);
	mn_recovery_timeout(&self->r, at);
	EXPECT_EQ(5, self->r.lost);
	EXPECT_EQ(0, self->r.inflight);
	EXPECT_EQ(1, self->r.backoff);
	EXPECT_LE(at + 2 * MN_RTO_MIN_US, mn_recovery_timeout_us(&self->r));
	mn_recovery_resent(&self->r, mn_recovery_first_lost(&self->r), at);
	/* The answer to the first transmission of all of them was only late. */
	ack(&self->r, 1, 0, 0, sent, at + 1, &self->got);
	EXPECT_TRUE(self->got.spurious);
	EXPECT_EQ(0, self->r.lost);
	EXPECT_EQ(4, self->r.inflight);
	EXPECT_EQ(0, self->r.backoff);
}

/* A peer that does not keep what it said that it had. */
TEST_F(recovery, timeout__reneging)
{
	send_packets(&self->r, &self->now, 0, 3);
	ack(&self->r, 0, 1, 3, 0, self->now + 40, &self->got);
	mn_recovery_ack(&self->r, LEN, NULL, 0, 0, self->now + 50, &self->got);
	EXPECT_EQ(2, self->r.sacked);
	mn_recovery_timeout(&self->r, self->now + 5000);
	EXPECT_EQ(0, self->r.sacked);
	EXPECT_EQ(2, self->r.lost);
	EXPECT_EQ(&self->r.ring[1], mn_recovery_first_lost(&self->r));
}

TEST_F(recovery, full_ring_wraps)
{
	uint64_t seq = 0;

	for (int round = 0; round < 5; round++) {
		while (!mn_recovery_reserve(&self->r)) {
			mn_recovery_sent(&self->r, seq, LEN, self->now++);
			seq += LEN;
		}
		EXPECT_EQ(MN_SENT_MAX, self->r.inflight);
		mn_recovery_ack(&self->r, seq - 50 * LEN, NULL, 0, 0, self->now, &self->got);
		EXPECT_EQ(50, self->r.inflight);
	}
}

/* The memory follows what is under way, in both directions, and no record is lost on the way. */
TEST_F(recovery, ring_grows_and_shrinks)
{
	ASSERT_EQ(0, mn_recovery_reserve(&self->r));
	EXPECT_EQ(MN_SENT_INITIAL, self->r.size);
	/* Wrapped around when it grows. */
	send_packets(&self->r, &self->now, 0, 10);
	ack(&self->r, 10, 0, 0, 0, self->now, &self->got);
	send_packets(&self->r, &self->now, 10 * LEN, 300);
	EXPECT_EQ(512, self->r.size);
	for (uint32_t i = 0; i < 300; i++)
		EXPECT_EQ((10 + i) * LEN, mn_recovery_at(&self->r, self->r.head + i)->seq);
	mn_recovery_trim(&self->r);
	EXPECT_EQ(512, self->r.size);
	ack(&self->r, 310, 0, 0, 0, self->now, &self->got);
	EXPECT_EQ(300, self->got.delivered);
	mn_recovery_trim(&self->r);
	EXPECT_EQ(MN_SENT_INITIAL, self->r.size);
	send_packets(&self->r, &self->now, 310 * LEN, 3000);
	EXPECT_EQ(MN_SENT_MAX, self->r.size);
	EXPECT_EQ(MN_SENT_MAX, self->r.inflight);
	EXPECT_EQ(-ENOSPC, mn_recovery_reserve(&self->r));
}

TEST(rtt__estimates)
{
	struct mn_rtt r;

	mn_rtt_init(&r, 0);
	EXPECT_EQ(MN_RTO_INITIAL_US, mn_rtt_rto_us(&r, 0));
	for (int i = 0; i < 200; i++)
		mn_rtt_sample(&r, 1000, i);
	EXPECT_LE(990, mn_rtt_smoothed_us(&r));
	EXPECT_GE(1000, mn_rtt_smoothed_us(&r));
	EXPECT_EQ(MN_RTO_MIN_US, mn_rtt_rto_us(&r, 0));
	EXPECT_EQ(2 * MN_RTO_MIN_US, mn_rtt_rto_us(&r, 1));
	EXPECT_EQ(MN_RTO_MAX_US, mn_rtt_rto_us(&r, 40));
	/* The floor forgets. */
	EXPECT_EQ(1000, mn_rtt_min_us(&r));
	mn_rtt_sample(&r, 2000, MN_RTT_WINDOW_US + 1);
	EXPECT_EQ(1000, mn_rtt_min_us(&r));
	mn_rtt_sample(&r, 2000, 2 * MN_RTT_WINDOW_US + 2);
	EXPECT_EQ(2000, mn_rtt_min_us(&r));
	/* Nonsense is no measurement. */
	mn_rtt_sample(&r, UINT32_MAX, 3 * MN_RTT_WINDOW_US);
	EXPECT_GE(2000, mn_rtt_smoothed_us(&r));
}

TEST_HARNESS_MAIN
