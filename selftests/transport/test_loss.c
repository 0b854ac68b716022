// SPDX-License-Identifier: MIT
/* What a bad network does to a connection: everything still arrives, once, in order, and soon. */
#include <errno.h>

#include <kselftest_harness.h>

#include "peek.h"
#include "sim.h"

FIXTURE(loss)
{
	struct sim *sim;
	uint64_t flow[2];
};

FIXTURE_SETUP(loss)
{
	self->sim = sim_new(7);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
}

FIXTURE_TEARDOWN(loss)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

/* How the transfer under way is to end: messages received by the first application of host 1. */
static uint64_t wanted, wanted_back;

static bool all_arrived(struct sim *sim)
{
	return sim->host[1].apps[0].flows[0].received == wanted &&
	       sim->host[0].apps[0].flows[0].received == wanted_back;
}

/* count messages of up to max bytes each way; the time that it took, 0: longer than limit_us. */
static uint64_t transfer(struct sim *sim, const uint64_t flow[2], uint32_t count, uint32_t max,
			 uint64_t limit_us)
{
	uint64_t from_us = sim->now_us;
	uint32_t sent[2] = { 0, 0 };

	sim_run(sim, 1000, NULL);
	wanted = sim_flow(&sim->host[1].apps[0], flow[1])->received + count;
	wanted_back = sim_flow(&sim->host[0].apps[0], flow[0])->received + count;
	while (sim->now_us - from_us < limit_us) {
		for (int i = 0; i < 2; i++)
			while (sent[i] < count &&
			       sim_send(&sim->host[i].apps[0], flow[i], 1 + sim_random(sim, max)))
				sent[i]++;
		if (sim_run(sim, 500, all_arrived))
			return sim->now_us - from_us;
	}
	return 0;
}

/* The transfer ends, and afterwards nothing is left anywhere. */
static bool transfer_clean(struct sim *sim, const uint64_t flow[2], uint32_t count, uint32_t max,
			   uint64_t limit_us)
{
	if (!transfer(sim, flow, count, max, limit_us))
		return false;
	sim->net.loss = sim->net.dup = sim->net.reorder = 0;
	sim_run(sim, 2500000, NULL);
	return sim_is_clean(sim);
}

TEST_F(loss, random_1_percent)
{
	self->sim->net.loss = 10000;
	EXPECT_TRUE(transfer_clean(self->sim, self->flow, 300, 30000, 5000000));
	EXPECT_LT(0, mn_stack_stats(self->sim->host[0].stack)->tx_retransmits);
}

TEST_F(loss, random_5_percent)
{
	self->sim->net.loss = 50000;
	EXPECT_TRUE(transfer_clean(self->sim, self->flow, 200, 30000, 10000000));
}

TEST_F(loss, random_20_percent)
{
	self->sim->net.loss = 200000;
	EXPECT_TRUE(transfer_clean(self->sim, self->flow, 100, 20000, 30000000));
}

TEST_F(loss, bursts)
{
	self->sim->net.loss = 5000;
	self->sim->net.burst_us = 300;
	EXPECT_TRUE(transfer_clean(self->sim, self->flow, 200, 30000, 30000000));
}

TEST_F(loss, everything_at_once)
{
	self->sim->net = (struct sim_net){
		.delay_us = 50, .loss = 20000, .dup = 20000, .reorder = 50000, .reorder_us = 300,
	};
	EXPECT_TRUE(transfer_clean(self->sim, self->flow, 200, 30000, 30000000));
}

TEST_F(loss, many_seeds)
{
	for (uint64_t seed = 100; seed < 140; seed++) {
		struct sim *sim = sim_new(seed);
		uint64_t flow[2];

		sim->net = (struct sim_net){
			.delay_us = 5 + sim_random(sim, 200), .loss = sim_random(sim, 150000),
			.burst_us = sim_random(sim, 50), .dup = sim_random(sim, 50000),
			.reorder = sim_random(sim, 200000), .reorder_us = 1 + sim_random(sim, 400),
			.bytes_per_us = sim_random(sim, 2) * 125, .queue_us = 300,
		};
		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1])) TH_LOG("seed %lu", seed);
		EXPECT_TRUE(transfer_clean(sim, flow, 40, 20000, 60000000)) {
			TH_LOG("seed %lu", seed);
		}
		EXPECT_EQ(0, sim->errors) TH_LOG("seed %lu", seed);
		sim_free(sim);
	}
}

/* 1 % of loss costs less than half of the throughput. */
TEST_F(loss, random_1_percent_leaves_most_of_the_throughput)
{
	uint64_t clean_us, lossy_us;

	self->sim->net.bytes_per_us = 1250;
	self->sim->net.delay_us = 25;
	ASSERT_NE(0, transfer(self->sim, self->flow, 100, 60000, 1000000));
	clean_us = transfer(self->sim, self->flow, 1000, 60000, 10000000);
	self->sim->net.loss = 10000;
	lossy_us = transfer(self->sim, self->flow, 1000, 60000, 10000000);
	ASSERT_NE(0, clean_us);
	ASSERT_NE(0, lossy_us);
	EXPECT_LT(lossy_us, 2 * clean_us) TH_LOG("%lu us, %lu us", clean_us, lossy_us);
}

TEST_F(loss, duplicates_are_dropped)
{
	self->sim->net.dup = 300000;
	EXPECT_TRUE(transfer_clean(self->sim, self->flow, 200, 30000, 5000000));
	EXPECT_LT(0, mn_stack_stats(self->sim->host[1].stack)->rx_duplicates);
}

/* 10 Gbit/s: a packet takes 1.2 us, so that 10 us are 8 packets. */
TEST_F(loss, reordering_by_8_packets_retransmits_almost_nothing)
{
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[0].stack);

	self->sim->net = (struct sim_net){
		.delay_us = 20, .bytes_per_us = 1250, .reorder = 100000, .reorder_us = 10,
	};
	ASSERT_TRUE(transfer_clean(self->sim, self->flow, 1000, 60000, 10000000));
	EXPECT_LT(1000, mn_stack_stats(self->sim->host[1].stack)->rx_out_of_order);
	EXPECT_LT(st->tx_retransmits * 1000, st->tx_packets)
		TH_LOG("%lu of %lu packets", st->tx_retransmits, st->tx_packets);
}

/* Also when the window has to be learned: much later packets. */
TEST_F(loss, reordering_window_adapts)
{
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[0].stack);
	uint64_t before, packets;

	self->sim->net = (struct sim_net){
		.delay_us = 100, .bytes_per_us = 1250, .reorder = 20000, .reorder_us = 150,
	};
	ASSERT_NE(0, transfer(self->sim, self->flow, 500, 60000, 10000000));
	before = st->tx_retransmits;
	packets = st->tx_packets;
	ASSERT_NE(0, transfer(self->sim, self->flow, 500, 60000, 10000000));
	EXPECT_LT((st->tx_retransmits - before) * 100, st->tx_packets - packets)
		TH_LOG("%lu of %lu packets", st->tx_retransmits - before, st->tx_packets - packets);
}

/*
 * And when it is longer than two round trips, as where a packet that was overtaken waits for the
 * next burst: here the least round trip is 4 us, and a packet may be 120 us late.
 */
TEST_F(loss, reordering_window_outgrows_a_short_round_trip)
{
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[0].stack);
	uint64_t before, packets;

	self->sim->net = (struct sim_net){
		.delay_us = 2, .bytes_per_us = 1250, .reorder = 20000, .reorder_us = 120,
	};
	ASSERT_NE(0, transfer(self->sim, self->flow, 500, 60000, 10000000));
	before = st->tx_retransmits;
	packets = st->tx_packets;
	ASSERT_NE(0, transfer(self->sim, self->flow, 2000, 60000, 10000000));
	EXPECT_LT((st->tx_retransmits - before) * 1000, st->tx_packets - packets)
		TH_LOG("%lu of %lu packets", st->tx_retransmits - before, st->tx_packets - packets);
}

static int to_lose, data_seen;

static bool lose_nth_data(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)sim;
	return from == 0 && peek_has(data, len, MN_FRAME_DATA) && data_seen++ == to_lose;
}

/* Microseconds that a message of 10 packets takes when packet n is lost; -1: none. */
static uint64_t time_of_loss(struct sim *sim, const uint64_t flow[2], int n)
{
	uint64_t from_us;

	to_lose = n;
	data_seen = 0;
	sim->filter = lose_nth_data;
	wanted = sim_flow(&sim->host[1].apps[0], flow[1])->received + 1;
	wanted_back = 0;
	from_us = sim->now_us;
	if (!sim_send(&sim->host[0].apps[0], flow[0], 14000) || !sim_run(sim, 1000000, all_arrived))
		return 1000000;
	sim->filter = NULL;
	from_us = sim->now_us - from_us;
	sim_run(sim, 5000, NULL);
	return from_us;
}

TEST_F(loss, one_lost_packet_costs_less_than_a_millisecond)
{
	uint64_t clean_us;

	self->sim->net.delay_us = 20;
	sim_run(self->sim, 10000, NULL);
	for (int i = 0; i < 20; i++)
		time_of_loss(self->sim, self->flow, -1);
	clean_us = time_of_loss(self->sim, self->flow, -1);
	EXPECT_GE(100, clean_us);
	for (int n = 0; n < 10; n++) {
		uint64_t us = time_of_loss(self->sim, self->flow, n);

		EXPECT_GT(clean_us + 1000, us) TH_LOG("packet %d: %lu us, %lu us", n, us, clean_us);
	}
	EXPECT_EQ(0, mn_stack_stats(self->sim->host[0].stack)->rto_fired);
}

static bool lose_two_last(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)sim;
	if (from || !peek_has(data, len, MN_FRAME_DATA))
		return false;
	data_seen++;
	return data_seen == 10 || data_seen == 11;
}

/* The tail and its first repetition: the timeout's case. */
TEST_F(loss, lost_probe_is_recovered_by_the_timeout)
{
	uint64_t from_us;

	sim_run(self->sim, 1000, NULL);
	wanted = 1;
	wanted_back = 0;
	data_seen = 0;
	self->sim->filter = lose_two_last;
	from_us = self->sim->now_us;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 14000));
	EXPECT_TRUE(sim_run(self->sim, 20000, all_arrived));
	EXPECT_GT(10000, self->sim->now_us - from_us);
	EXPECT_EQ(1, mn_stack_stats(self->sim->host[0].stack)->rto_fired);
	EXPECT_LE(1, mn_stack_stats(self->sim->host[0].stack)->tlp_fired);
}

static bool lose_acks(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	return from == 1 && peek_has(data, len, MN_FRAME_ACK) && sim_random(sim, 100) < 50;
}

TEST_F(loss, lost_acknowledgements)
{
	self->sim->filter = lose_acks;
	wanted = 50;
	wanted_back = 0;
	for (int i = 0; i < 50; i++)
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 20000));
	EXPECT_TRUE(sim_run(self->sim, 10000000, all_arrived));
	self->sim->filter = NULL;
	sim_run(self->sim, 2000000, NULL);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* The way gets narrower while data is under way. */
TEST_F(loss, mtu_lowered)
{
	const struct mn_stack_event *up = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP);
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	self->sim->net.bytes_per_us = 1250;
	sim_run(self->sim, 1000, NULL);
	wanted = 2;
	wanted_back = 0;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 3000000));
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 1000000));
	EXPECT_FALSE(sim_run(self->sim, 1000, all_arrived));
	self->sim->net.mtu = 700;
	EXPECT_FALSE(sim_run(self->sim, 2000, all_arrived));
	EXPECT_EQ(-ENOENT, mn_stack_set_route(self->sim->host[0].stack, &up->tuple.local,
					     &up->tuple.local, mac, 700));
	ASSERT_EQ(0, mn_stack_set_route(self->sim->host[0].stack, &up->tuple.local,
					&up->tuple.remote, mac, 700));
	EXPECT_TRUE(sim_run(self->sim, 1000000, all_arrived));
	sim_run(self->sim, 100000, NULL);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* Only small packets pass, and the engine is so slow that timeout and question fall together. */
TEST_F(loss, mtu_lowered__nobody_says)
{
	const struct mn_stack_event *up = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP);
	struct sim_host *h = &self->sim->host[0];
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	wanted = 1;
	wanted_back = 0;
	sim_run(self->sim, 1000, NULL);
	self->sim->net.mtu = 700;
	ASSERT_TRUE(sim_send(&h->apps[0], self->flow[0], 500000));
	for (int i = 0; i < 15; i++) {
		sim_run(self->sim, 1000, NULL);
		h->dead = true;
		sim_run(self->sim, 499000, NULL);
		h->dead = false;
	}
	ASSERT_FALSE(sim_flow(&h->apps[0], self->flow[0])->ended);
	ASSERT_EQ(0, mn_stack_set_route(h->stack, &up->tuple.local, &up->tuple.remote, mac, 700));
	EXPECT_TRUE(sim_run(self->sim, 100000, all_arrived));
}

static bool lose_from(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)data;
	(void)len;
	return *(int *)sim->filter_ctx == from;
}

/* A path stays broken until the timeouts are long; the new one is tried at once. */
static void check_new_path(struct __test_metadata *_metadata, struct sim *sim, uint64_t flow,
			   int broken, uint16_t mtu)
{
	const struct mn_stack_event *up = sim_last_event(sim, broken, MN_STACK_EVENT_UP);
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	wanted = 1;
	wanted_back = 0;
	sim->net.bytes_per_us = 1250;
	sim->net.mtu = mtu;
	sim_run(sim, 1000, NULL);
	ASSERT_TRUE(sim_send(&sim->host[0].apps[0], flow, 500000));
	sim_run(sim, 100, NULL);
	sim->filter_ctx = &broken;
	sim->filter = lose_from;
	EXPECT_FALSE(sim_run(sim, 2500000, all_arrived));
	sim->filter = NULL;
	ASSERT_EQ(0, mn_stack_set_route(sim->host[broken].stack, &up->tuple.local,
					&up->tuple.remote, mac, mtu));
	EXPECT_TRUE(sim_run(sim, 10000, all_arrived));
	sim_run(sim, 100000, NULL);
	EXPECT_TRUE(sim_is_clean(sim));
}

TEST_F(loss, new_path_of_the_sender)
{
	check_new_path(_metadata, self->sim, self->flow[0], 0, 1500);
}

TEST_F(loss, new_path_of_the_sender__narrow)
{
	check_new_path(_metadata, self->sim, self->flow[0], 0, 700);
}

TEST_F(loss, new_path_of_the_receiver)
{
	check_new_path(_metadata, self->sim, self->flow[0], 1, 1500);
}

/* Held packets are bounded, and the transfer ends nevertheless. */
TEST(bounded_held_packets)
{
	struct sim *sim = sim_new_sized(3, 16, 8);
	uint64_t flow[2];

	ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
	sim->net.loss = 30000;
	EXPECT_TRUE(transfer_clean(sim, flow, 100, 40000, 20000000));
	EXPECT_LT(0, mn_stack_stats(sim->host[1].stack)->drop_no_memory);
	EXPECT_EQ(0, sim->errors);
	sim_free(sim);
}

TEST_HARNESS_MAIN
