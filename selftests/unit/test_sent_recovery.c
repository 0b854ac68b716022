// SPDX-License-Identifier: MIT
/* Packets by number: what acknowledgements, time and timeouts make of them. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport/record.h"
#include "transport/recovery.h"

#define LEN	1000u
#define RTT_US	40u
#define MOST	(3 * MN_SENT_MAX)

FIXTURE(recovery)
{
	struct mn_recovery r;
	struct mn_acked got;
	uint64_t now;
	/* What came back of each number, which is its record, too. */
	uint8_t arrived[MOST], lost[MOST];
	uint32_t n_arrived, n_lost;
};

static void back(void *ctx, struct mn_sent *s, bool lost)
{
	FIXTURE_DATA(recovery) *self = ctx;

	if (lost) {
		self->lost[s->records]++;
		self->n_lost++;
	} else {
		self->arrived[s->records]++;
		self->n_arrived++;
	}
}

FIXTURE_SETUP(recovery)
{
	self->now = 5000000;
	mn_recovery_init(&self->r, back, self, self->now);
	for (int i = 0; i < 50; i++)
		mn_rtt_sample(&self->r.rtt, RTT_US, self->now);
}

FIXTURE_TEARDOWN(recovery)
{
	uint32_t under_way = self->r.inflight + self->r.lazy, before = self->n_lost;

	mn_recovery_fini(&self->r);
	EXPECT_EQ(before + under_way, self->n_lost);
}

static int send_one(FIXTURE_DATA(recovery) *self, enum mn_sent_state state)
{
	int ret = mn_recovery_reserve(&self->r, self->now);

	if (!ret)
		mn_recovery_sent(&self->r, state, self->r.next, LEN, self->now++);
	return ret;
}

/* A microsecond apart. */
static void send_packets(FIXTURE_DATA(recovery) *self, int n)
{
	while (n--)
		send_one(self, MN_SENT_FLYING);
}

/* Numbers [first, end) in an acknowledgement of their own; returns how many are lost by it. */
static uint32_t ack(FIXTURE_DATA(recovery) *self, uint64_t first, uint64_t end)
{
	self->got = (struct mn_acked){ 0 };
	mn_recovery_ack(&self->r, first, end, self->now, &self->got);
	return mn_recovery_acked(&self->r, self->now, &self->got);
}

TEST_F(recovery, ack__in_order)
{
	send_packets(self, 10);
	EXPECT_EQ(10, self->r.inflight);
	self->now += RTT_US;
	EXPECT_EQ(0, ack(self, 1, 5));
	EXPECT_EQ(4, self->got.delivered);
	/* Of the largest: it was sent six microseconds before the last. */
	EXPECT_EQ(RTT_US + 7, self->got.rtt_us);
	EXPECT_EQ(6, self->r.inflight);
	EXPECT_EQ(5, self->r.head);
	/* Once more: nothing is new. */
	EXPECT_EQ(0, ack(self, 1, 5));
	EXPECT_FALSE(self->got.any);
	EXPECT_EQ(0, ack(self, 1, 11));
	EXPECT_EQ(6, self->got.delivered);
	EXPECT_TRUE(mn_recovery_idle(&self->r));
	EXPECT_EQ(10, self->n_arrived);
	EXPECT_EQ(0, self->n_lost);
}

TEST_F(recovery, rack__loss_after_the_window)
{
	uint64_t at;

	send_packets(self, 10);
	self->now += RTT_US;
	EXPECT_EQ(0, ack(self, 2, 11));
	EXPECT_EQ(9, self->got.delivered);
	at = self->r.reo_deadline_us;
	ASSERT_LT(self->now, at);
	EXPECT_GE(self->now + 2 * RTT_US, at);
	EXPECT_EQ(0, mn_recovery_detect(&self->r, at - 1));
	EXPECT_EQ(0, self->n_lost);
	EXPECT_EQ(1, mn_recovery_detect(&self->r, at));
	EXPECT_EQ(1, self->lost[1]);
	EXPECT_EQ(1, self->n_lost);
	EXPECT_EQ(0, self->r.inflight);
	EXPECT_EQ(0, self->r.reo_deadline_us);
}

/* What was sent behind the last that arrived is not lost by it. */
TEST_F(recovery, rack__only_below_the_largest)
{
	send_packets(self, 10);
	self->now += RTT_US;
	ack(self, 5, 6);
	EXPECT_EQ(4, mn_recovery_detect(&self->r, self->now + 1000));
	EXPECT_EQ(5, self->r.inflight);
	EXPECT_EQ(0, self->lost[6]);
}

/* It arrives after it was given up: this was needless, and the window grows, once a round. */
TEST_F(recovery, spurious__widens_the_window)
{
	uint64_t first, second;

	send_packets(self, 10);
	self->now += RTT_US;
	ack(self, 3, 11);
	first = self->r.reo_deadline_us - self->now;
	self->now += 1000;
	EXPECT_EQ(2, mn_recovery_detect(&self->r, self->now));
	ack(self, 1, 2);
	EXPECT_TRUE(self->got.spurious);
	EXPECT_FALSE(self->got.undo);
	EXPECT_EQ(0, self->got.delivered);
	EXPECT_EQ(2, self->r.reo_mult);
	ack(self, 2, 3);
	EXPECT_TRUE(self->got.spurious);
	EXPECT_EQ(2, self->r.reo_mult);
	/* The records had gone back: they do not come twice. */
	EXPECT_EQ(1, self->lost[1]);
	EXPECT_EQ(0, self->arrived[1]);
	send_packets(self, 10);
	self->now += RTT_US;
	ack(self, 13, 21);
	second = self->r.reo_deadline_us - self->now;
	EXPECT_LT(first, second);
}

/* After several recoveries without such news it is as before. */
TEST_F(recovery, spurious__wears_off)
{
	send_packets(self, 3);
	self->now += RTT_US;
	ack(self, 2, 4);
	self->now += 1000;
	mn_recovery_detect(&self->r, self->now);
	ack(self, 1, 2);
	ASSERT_EQ(2, self->r.reo_mult);
	for (int i = 0; i < 100 && self->r.reo_mult > 1; i++) {
		uint64_t n = self->r.next;

		send_packets(self, 3);
		self->now += RTT_US;
		ack(self, n + 1, n + 3);
		self->now += 1000;
		EXPECT_EQ(1, mn_recovery_detect(&self->r, self->now));
		EXPECT_LE(i, 20);
	}
	EXPECT_EQ(1, self->r.reo_mult);
}

/* The last packet's records go into the probe. */
TEST_F(recovery, probe__gives_back_the_last)
{
	uint64_t at;

	send_packets(self, 3);
	at = mn_recovery_probe_us(&self->r);
	ASSERT_LT(self->now, at);
	EXPECT_LT(at, mn_recovery_timeout_us(&self->r));
	self->now = at;
	mn_recovery_probe(&self->r);
	EXPECT_EQ(1, self->lost[3]);
	EXPECT_EQ(1, self->n_lost);
	EXPECT_EQ(2, self->r.inflight);
	/* One, until something is acknowledged. */
	EXPECT_EQ(0, mn_recovery_probe_us(&self->r));
	send_packets(self, 1);
	EXPECT_EQ(0, mn_recovery_probe_us(&self->r));
	self->now += RTT_US;
	ack(self, 4, 5);
	EXPECT_FALSE(self->r.probing);
}

/* The original was late, not lost: that is no reason for a wider window. */
TEST_F(recovery, probe__late_original_is_not_spurious)
{
	send_packets(self, 1);
	self->now = mn_recovery_probe_us(&self->r);
	mn_recovery_probe(&self->r);
	send_packets(self, 1);
	ack(self, 1, 2);
	EXPECT_TRUE(self->got.any);
	EXPECT_FALSE(self->got.spurious);
	EXPECT_EQ(1, self->r.reo_mult);
}

/* A packet that stands alone waits for as long as the peer holds acknowledgements back. */
TEST_F(recovery, probe__waits_for_the_peer)
{
	uint64_t first, late;

	send_packets(self, 1);
	first = mn_recovery_probe_us(&self->r);
	mn_rtt_delayed(&self->r.rtt, MN_ACK_DELAY_INITIAL_US + 300);
	late = mn_recovery_probe_us(&self->r);
	EXPECT_EQ(first + 300, late);
	send_packets(self, 1);
	EXPECT_GT(late, mn_recovery_probe_us(&self->r));
}

TEST_F(recovery, timeout__all_are_lost_and_undone)
{
	uint64_t at;

	/* Long enough that lost packets are still known after the timeout. */
	for (int i = 0; i < 200; i++)
		mn_rtt_sample(&self->r.rtt, 1000, self->now);
	send_packets(self, 5);
	at = mn_recovery_timeout_us(&self->r);
	EXPECT_LE(self->now + MN_RTO_MIN_US - 5, at);
	self->now = at;
	mn_recovery_timeout(&self->r, at);
	EXPECT_EQ(5, self->n_lost);
	EXPECT_EQ(0, self->r.inflight);
	EXPECT_EQ(1, self->r.backoff);
	EXPECT_EQ(0, mn_recovery_probe_us(&self->r));
	send_packets(self, 1);
	EXPECT_LE(at + 2 * MN_RTO_MIN_US, mn_recovery_timeout_us(&self->r));
	/* All of them were only late. */
	self->now += 10;
	ack(self, 1, 3);
	EXPECT_TRUE(self->got.undo);
	EXPECT_TRUE(self->got.spurious);
	EXPECT_EQ(0, self->r.backoff);
	/* It is undone once. */
	ack(self, 3, 6);
	EXPECT_FALSE(self->got.undo);
	EXPECT_TRUE(self->got.spurious);
	ack(self, 6, 7);
	EXPECT_EQ(1, self->arrived[6]);
}

/* The answer to what was sent after the timeout undoes nothing. */
TEST_F(recovery, timeout__was_right)
{
	send_packets(self, 2);
	self->now = mn_recovery_timeout_us(&self->r);
	mn_recovery_timeout(&self->r, self->now);
	send_packets(self, 2);
	self->now += RTT_US;
	ack(self, 3, 5);
	EXPECT_EQ(2, self->got.delivered);
	EXPECT_FALSE(self->got.undo);
	EXPECT_FALSE(self->got.spurious);
}

/* They are not counted, wait for long, and their loss is found all the same. */
TEST_F(recovery, lazy__not_counted)
{
	send_one(self, MN_SENT_LAZY);
	EXPECT_EQ(0, self->r.inflight);
	EXPECT_FALSE(mn_recovery_idle(&self->r));
	EXPECT_EQ(0, mn_recovery_probe_us(&self->r));
	EXPECT_LT(self->now + 5 * MN_RTO_MIN_US, mn_recovery_timeout_us(&self->r));
	send_packets(self, 1);
	EXPECT_GT(self->now + 2 * MN_RTO_MIN_US, mn_recovery_timeout_us(&self->r));
	self->now += RTT_US;
	ack(self, 2, 3);
	self->now += 1000;
	/* It is no sign of congestion. */
	EXPECT_EQ(0, mn_recovery_detect(&self->r, self->now));
	EXPECT_EQ(1, self->lost[1]);
	EXPECT_TRUE(mn_recovery_idle(&self->r));
}

/* A packet that carries nothing but an acknowledgement is nothing to wait for. */
TEST_F(recovery, done__holds_nothing_up)
{
	send_one(self, MN_SENT_DONE);
	EXPECT_TRUE(mn_recovery_idle(&self->r));
	send_packets(self, 1);
	self->now += RTT_US;
	ack(self, 1, 3);
	EXPECT_EQ(1, self->got.delivered);
	EXPECT_EQ(1, self->n_arrived);
	EXPECT_EQ(3, self->r.head);
}

/* The memory follows what is under way, and no record is lost on the way. */
TEST_F(recovery, reserve__grows_and_shrinks)
{
	send_packets(self, 10);
	EXPECT_EQ(MN_SENT_INITIAL, self->r.size);
	self->now += RTT_US;
	ack(self, 1, 11);
	/* Wrapped around when it grows. */
	send_packets(self, 300);
	EXPECT_EQ(512, self->r.size);
	for (uint64_t i = 11; i < 311; i++)
		EXPECT_EQ(i, mn_recovery_at(&self->r, i)->records);
	mn_recovery_trim(&self->r);
	EXPECT_EQ(512, self->r.size);
	self->now += RTT_US;
	ack(self, 11, 311);
	EXPECT_EQ(300, self->got.delivered);
	mn_recovery_trim(&self->r);
	EXPECT_EQ(MN_SENT_INITIAL, self->r.size);
}

TEST_F(recovery, reserve__bound)
{
	/* At one time: none of them is lost before the others. */
	for (uint32_t i = 0; i < MN_SENT_MAX; i++, self->now--)
		ASSERT_EQ(0, send_one(self, MN_SENT_FLYING));
	EXPECT_EQ(MN_SENT_MAX, self->r.size);
	EXPECT_EQ(-ENOSPC, send_one(self, MN_SENT_FLYING));
	self->now += RTT_US;
	/* The first holds all the others. */
	EXPECT_EQ(0, ack(self, 2, MN_SENT_MAX + 1));
	EXPECT_EQ(-ENOSPC, send_one(self, MN_SENT_FLYING));
	self->now += 1000;
	EXPECT_EQ(1, mn_recovery_detect(&self->r, self->now));
	/* Not even that it was lost is worth its place now. */
	EXPECT_EQ(0, send_one(self, MN_SENT_FLYING));
	EXPECT_EQ(MN_SENT_MAX + 1, self->r.head);
	ack(self, 1, 2);
	EXPECT_FALSE(self->got.any);
}

/* Packets of the old route are not compared with those of the new one. */
TEST_F(recovery, moved__no_comparison)
{
	send_packets(self, 5);
	mn_recovery_moved(&self->r);
	send_packets(self, 5);
	self->now += RTT_US;
	EXPECT_EQ(0, ack(self, 6, 11));
	self->now += 1000;
	EXPECT_EQ(0, mn_recovery_detect(&self->r, self->now));
	EXPECT_EQ(5, self->r.inflight);
	/* They arrive late, or time out. */
	ack(self, 1, 3);
	EXPECT_EQ(2, self->got.delivered);
	mn_recovery_timeout(&self->r, self->now);
	EXPECT_EQ(3, self->n_lost);
	EXPECT_EQ(1, self->lost[3]);
}

/* Sends one packet and has it acknowledged, every round trip for so long; returns what is lost. */
static uint32_t go_on(FIXTURE_DATA(recovery) *self, uint64_t for_us)
{
	uint64_t end_us = self->now + for_us;
	uint32_t lost = 0;

	while (self->now < end_us) {
		send_packets(self, 1);
		self->now += RTT_US;
		lost += ack(self, self->r.next - 1, self->r.next);
	}
	return lost;
}

/* One of the old route was lost: traffic on the new one does not put that off for ever. */
TEST_F(recovery, moved__lost_before_it)
{
	uint64_t at;

	send_packets(self, 2);
	self->now += RTT_US;
	ack(self, 1, 2);
	at = self->now;
	mn_recovery_moved(&self->r);
	EXPECT_EQ(0, go_on(self, MN_RTO_MIN_US - 3 * RTT_US));
	EXPECT_LT(self->now, mn_recovery_detect_us(&self->r));
	EXPECT_GE(at + MN_RTO_MIN_US, mn_recovery_detect_us(&self->r));
	EXPECT_EQ(1, go_on(self, 4 * RTT_US));
	EXPECT_EQ(1, self->lost[2]);
	EXPECT_EQ(0, mn_recovery_detect_us(&self->r));
	EXPECT_TRUE(mn_recovery_idle(&self->r));
	EXPECT_EQ(self->r.next, self->r.head);
}

/* Nor does a path that changes all the time; each packet has the time of a timeout. */
TEST_F(recovery, moved__again_and_again)
{
	uint32_t lost = 0;

	send_packets(self, 1);
	for (uint32_t i = 0; i < 2 * MN_RTO_MIN_US / RTT_US; i++) {
		mn_recovery_moved(&self->r);
		/* Of two that are sent one arrives. */
		send_packets(self, 1);
		lost += go_on(self, 1);
		EXPECT_GE(MN_RTO_MIN_US / RTT_US + 3, self->r.inflight);
	}
	EXPECT_LT(0, lost);
	EXPECT_EQ(1, self->lost[1]);
}

/* The one that the new route overtakes has the time that it would have had on the old one. */
TEST_F(recovery, moved__from_a_long_route)
{
	for (int i = 0; i < 200; i++)
		mn_rtt_sample(&self->r.rtt, 100 * RTT_US, self->now);
	send_packets(self, 1);
	mn_recovery_moved(&self->r);
	for (int i = 0; i < 200; i++)
		mn_rtt_sample(&self->r.rtt, RTT_US, self->now);
	EXPECT_EQ(0, go_on(self, 99 * RTT_US));
	ack(self, 1, 2);
	EXPECT_EQ(1, self->got.delivered);
	EXPECT_FALSE(self->got.spurious);
	EXPECT_EQ(0, mn_recovery_detect_us(&self->r));
}

/* Another packet of the new route is lost as always meanwhile. */
TEST_F(recovery, moved__new_losses)
{
	send_packets(self, 1);
	mn_recovery_moved(&self->r);
	send_packets(self, 3);
	self->now += RTT_US;
	EXPECT_EQ(0, ack(self, 3, 5));
	EXPECT_GE(self->now + 2 * RTT_US, mn_recovery_detect_us(&self->r));
	self->now += 2 * RTT_US;
	EXPECT_EQ(1, mn_recovery_detect(&self->r, self->now));
	EXPECT_EQ(1, self->lost[2]);
	EXPECT_EQ(0, self->lost[1]);
	/* What is sent last is probed for, though the first is still awaited. */
	send_packets(self, 1);
	EXPECT_LT(self->now, mn_recovery_probe_us(&self->r));
}

TEST_HARNESS_MAIN
