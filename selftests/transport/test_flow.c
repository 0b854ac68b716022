// SPDX-License-Identifier: MIT
/* Receive buffers, shares, fairness: slow readers, many senders, large and small messages. */
#include <kselftest_harness.h>

#include "peek.h"
#include "sim.h"

FIXTURE(flow)
{
	struct sim *sim;
	uint64_t flow[2];
};

FIXTURE_SETUP(flow)
{
	self->sim = sim_new(5);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 1000, NULL);
}

FIXTURE_TEARDOWN(flow)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static uint64_t wanted;

static bool wanted_messages(struct sim *sim)
{
	uint64_t n = 0;

	for (int a = 0; a < SIM_APPS; a++)
		for (uint32_t i = 0; i < sim->host[1].apps[a].n_flows; i++)
			n += sim->host[1].apps[a].flows[i].received;
	return n == wanted;
}

/* Sends count messages of len as room permits while time passes. */
static uint32_t pump(struct sim *sim, struct sim_app *app, uint64_t flow, uint32_t count,
		     uint32_t len, uint64_t us)
{
	uint64_t end_us = sim->now_us + us;
	uint32_t sent = 0;

	while (sim->now_us < end_us) {
		while (sent < count && sim_send(app, flow, len))
			sent++;
		sim_run(sim, 100, NULL);
	}
	return sent;
}

static void check_stopped_reader(struct __test_metadata *_metadata, struct sim *sim, uint64_t flow,
				 uint32_t len)
{
	struct sim_app *src = &sim->host[0].apps[0], *dst = &sim->host[1].apps[0];
	const struct mn_stack_stats *st = mn_stack_stats(sim->host[1].stack);
	uint64_t packets;
	uint32_t sent;

	dst->reads = false;
	sent = pump(sim, src, flow, 20000, len, 200000);
	/* It stands still, but for probes; nobody has given up. */
	packets = sim->host[0].sent;
	sim_run(sim, 3000000, NULL);
	EXPECT_GT(60, sim->host[0].sent - packets);
	EXPECT_EQ(0, dst->ch.rx_free_count > dst->ch.rx_bufs);
	EXPECT_GE(0, mn_stack_stats(sim->host[0].stack)->rto_fired);
	EXPECT_GT(300, st->drop_beyond_credit);
	dst->reads = true;
	wanted = sent;
	/* It is told: its own questions have become rare by now. */
	EXPECT_TRUE(sim_run(sim, 50000, wanted_messages)) TH_LOG("%u sent", sent);
	sim_run(sim, 10000, NULL);
	EXPECT_TRUE(sim_is_clean(sim));
}

TEST_F(flow, stopped_reader__small_messages)
{
	check_stopped_reader(_metadata, self->sim, self->flow[0], 64);
}

TEST_F(flow, stopped_reader__one_byte)
{
	check_stopped_reader(_metadata, self->sim, self->flow[0], 1);
}

TEST_F(flow, stopped_reader__packets)
{
	check_stopped_reader(_metadata, self->sim, self->flow[0], 1400);
}

TEST_F(flow, stopped_reader__large_messages)
{
	check_stopped_reader(_metadata, self->sim, self->flow[0], 300000);
}

TEST_F(flow, stopped_reader__largest_messages)
{
	check_stopped_reader(_metadata, self->sim, self->flow[0], MN_MSG_MAX);
}

TEST_F(flow, stopped_reader__does_not_stop_others)
{
	struct sim_host *h = self->sim->host;
	struct mn_addr any = mn_addr_from_v4(0);
	uint64_t other[2];

	/* Another application on the same host, with a listener of its own. */
	mn_stack_unlisten(h[1].stack, &any, SIM_PORT);
	ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[1].ch, &any, SIM_PORT));
	ASSERT_TRUE(sim_connect(self->sim, 1, &other[0], &other[1]));
	h[1].apps[0].reads = false;
	pump(self->sim, &h[0].apps[0], self->flow[0], 20000, 1400, 100000);
	for (int i = 1; i <= 100; i++) {
		uint64_t from_us = self->sim->now_us;

		ASSERT_TRUE(sim_send(&h[0].apps[1], other[0], 64));
		wanted = i;
		ASSERT_TRUE(sim_run(self->sim, 1000, wanted_messages));
		EXPECT_GE(15, self->sim->now_us - from_us);
	}
	EXPECT_EQ(100, sim_flow(&h[1].apps[1], other[1])->received);
}

/* An application that holds on to nearly all buffers still gets what fits into the others. */
TEST_F(flow, hoarding_reader)
{
	struct sim_app *dst = &self->sim->host[1].apps[0];
	uint32_t sent;

	dst->returns = false;
	sent = pump(self->sim, &self->sim->host[0].apps[0], self->flow[0], 5000, 100, 1000000);
	sim_run(self->sim, 20000000, NULL);
	EXPECT_LT(dst->ch.rx_bufs * 95 / 100, sim_flow(dst, self->flow[1])->received);
	EXPECT_FALSE(sim_flow(dst, self->flow[1])->ended);
	dst->returns = true;
	sim_return_kept(dst);
	wanted = sent;
	EXPECT_TRUE(sim_run(self->sim, 3000000, wanted_messages));
	sim_run(self->sim, 10000, NULL);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* The update that opens the window again gets lost. */
static bool lose_from_receiver(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)data;
	(void)len;
	return from == 1 && *(uint64_t *)sim->filter_ctx > sim->now_us;
}

TEST_F(flow, lost_window_update)
{
	struct sim_app *dst = &self->sim->host[1].apps[0];
	uint64_t until_us;
	uint32_t sent;

	dst->reads = false;
	sent = pump(self->sim, &self->sim->host[0].apps[0], self->flow[0], 20000, 1000, 50000);
	until_us = self->sim->now_us + 20000;
	self->sim->filter_ctx = &until_us;
	self->sim->filter = lose_from_receiver;
	dst->reads = true;
	wanted = sent;
	EXPECT_TRUE(sim_run(self->sim, 300000, wanted_messages));
}

#define MANY	1000u
#define ROUNDS	20

/*
 * A message or two that wait for their reader are no shortage: the peers learn of the room with
 * the acknowledgement, and not once more, by packets of their own, when they have been read.
 */
TEST(unread_messages_of_many_connections_ask_for_no_report)
{
	struct sim *sim = sim_new_sized(5, MANY + 1, 64);
	struct sim_app *src = &sim->host[0].apps[0], *dst = &sim->host[1].apps[0];
	const struct mn_stack_stats *st = mn_stack_stats(sim->host[1].stack);
	uint64_t flows[MANY], back, before;

	ASSERT_TRUE(sim_pair(sim, &flows[0], &back));
	for (uint32_t i = 1; i < MANY; i++)
		ASSERT_TRUE(sim_connect(sim, 0, &flows[i], &back));
	/* As many share the buffers from here on. */
	for (uint32_t i = 0; i < MANY; i++)
		ASSERT_TRUE(sim_send(src, flows[i], 64));
	sim_run(sim, 2000, NULL);
	before = st->tx_packets;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		dst->reads = false;
		for (uint32_t k = 0; k < 32; k++)
			ASSERT_TRUE(sim_send(src, flows[(32 * i + k) % MANY], 64));
		sim_run(sim, 150, NULL);
		dst->reads = true;
		sim_run(sim, 150, NULL);
	}
	EXPECT_GE(ROUNDS + ROUNDS / 4, st->tx_packets - before)
		TH_LOG("%lu packets", st->tx_packets - before);
	EXPECT_EQ(0, sim->errors);
	sim_free(sim);
}

/* Credit given for large messages is used for tiny ones, and nobody reads: more comes than fits. */
TEST_F(flow, credit_was_too_large)
{
	struct sim_app *src = &self->sim->host[0].apps[0], *dst = &self->sim->host[1].apps[0];
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[1].stack);
	uint32_t sent;

	sent = pump(self->sim, src, self->flow[0], 200, 200000, 100000);
	dst->reads = false;
	sent += pump(self->sim, src, self->flow[0], 20000, 1, 3000000);
	EXPECT_LT(0, st->drop_beyond_credit);
	EXPECT_FALSE(mn_channel_rx_has_room(&dst->ch));
	/* What did not fit is sent again as soon as there is credit, not by a timer. */
	dst->reads = true;
	wanted = sent;
	EXPECT_TRUE(sim_run(self->sim, 20000, wanted_messages));
	sim_run(self->sim, 10000, NULL);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* Four messages of 8 MiB at a time into 16 MiB: they must not block each other half-way. */
TEST_F(flow, many_largest_messages)
{
	struct sim_host *h = self->sim->host;
	uint64_t flow[8][2];

	for (int i = 0; i < 8; i++)
		ASSERT_TRUE(sim_connect(self->sim, i % 2, &flow[i][0], &flow[i][1]));
	for (int round = 1; round <= 4; round++) {
		for (int i = 0; i < 4; i++)
			ASSERT_TRUE(sim_send(&h[0].apps[i % 2], flow[(round % 2) * 4 + i][0],
					     MN_MSG_MAX));
		wanted = 4 * round;
		ASSERT_TRUE(sim_run(self->sim, 10000000, wanted_messages));
		sim_run(self->sim, 10000, NULL);
	}
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* While a large message waits for buffers small ones get through, and it gets its turn. */
TEST_F(flow, small_beside_large)
{
	struct sim_host *h = self->sim->host;
	struct sim_app *dst = &h[1].apps[0];
	uint64_t large[2], small[2];
	uint64_t from_us;

	ASSERT_TRUE(sim_connect(self->sim, 0, &large[0], &large[1]));
	ASSERT_TRUE(sim_connect(self->sim, 1, &small[0], &small[1]));
	/* The application holds on to 2400 of 4096 buffers: no room for 2048 more. */
	dst->returns = false;
	for (int i = 0; i < 8; i++)
		ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 300 * MN_SHM_BUF_SIZE));
	sim_run(self->sim, 100000, NULL);
	ASSERT_EQ(8, dst->n_kept);
	dst->returns = true;
	ASSERT_TRUE(sim_send(&h[0].apps[0], large[0], MN_MSG_MAX));
	sim_run(self->sim, 10000, NULL);
	from_us = self->sim->now_us;
	for (int i = 1; i <= 200; i++) {
		ASSERT_TRUE(sim_send(&h[0].apps[1], small[0], 64));
		sim_run(self->sim, 100, NULL);
		EXPECT_EQ(i, sim_flow(dst, small[1])->received);
	}
	EXPECT_GE(40000, self->sim->now_us - from_us);
	EXPECT_EQ(0, sim_flow(dst, large[1])->received);
	sim_return_kept(dst);
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(1, sim_flow(dst, large[1])->received);
	sim_run(self->sim, 10000, NULL);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* A large message does not hold up the small ones of other connections. */
TEST_F(flow, output_takes_turns)
{
	struct sim_host *h = self->sim->host;
	uint64_t small[2];

	ASSERT_TRUE(sim_connect(self->sim, 0, &small[0], &small[1]));
	self->sim->net.bytes_per_us = 1250;
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], MN_MSG_MAX));
	sim_run(self->sim, 1000, NULL);
	for (int i = 1; i <= 20; i++) {
		ASSERT_TRUE(sim_send(&h[0].apps[0], small[0], 64));
		sim_run(self->sim, 250, NULL);
		EXPECT_EQ(i, sim_flow(&h[1].apps[0], small[1])->received);
	}
	EXPECT_EQ(0, sim_flow(&h[1].apps[0], self->flow[1])->received);
}

/* Two connections that both have much to send share each few packets by bytes. */
static void check_shares(struct __test_metadata *_metadata, struct sim *sim, uint64_t flow,
			 uint32_t packets)
{
	struct sim_host *h = sim->host;
	uint64_t bytes[2] = { 0 }, other[2], diff;
	uint32_t first = 0, len;
	uint8_t buf[9000];
	struct mn_tuple to;
	struct mn_frame f;

	ASSERT_TRUE(sim_connect(sim, 0, &other[0], &other[1]));
	/* A window for all of them. */
	for (int i = 0; i < 10; i++) {
		ASSERT_TRUE(sim_send(&h[0].apps[0], flow, 200000));
		sim_run(sim, 10000, NULL);
	}
	ASSERT_TRUE(sim_send(&h[0].apps[0], flow, 1000000));
	ASSERT_TRUE(sim_send(&h[0].apps[0], other[0], 1000000));
	mn_stack_poll_channels(h[0].stack);
	for (uint32_t i = 0; i < packets; i++) {
		len = mn_stack_output(h[0].stack, buf, sizeof(buf), &to, NULL);
		ASSERT_NE(0, len);
		ASSERT_TRUE(peek_frame(buf, len, MN_FRAME_DATA, &f));
		first = first ? first : f.conn;
		bytes[f.conn != first] += f.len;
	}
	diff = bytes[0] > bytes[1] ? bytes[0] - bytes[1] : bytes[1] - bytes[0];
	EXPECT_GE(2 * 2800 + 9000, diff) TH_LOG("%lu and %lu bytes", bytes[0], bytes[1]);
	EXPECT_LT(0, bytes[1]);
}

TEST_F(flow, output_alternates)
{
	check_shares(_metadata, self->sim, self->flow[0], 16);
}

TEST_F(flow, output_alternates__large_packets)
{
	struct sim_host *h = self->sim->host;
	const struct mn_stack_event *up = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP);
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	ASSERT_EQ(0, mn_stack_set_route(h[0].stack, &up->tuple.local, &up->tuple.remote, mac,
					9000));
	check_shares(_metadata, self->sim, self->flow[0], 8);
}

/* Jain's index of n throughputs, times 1000. */
static uint64_t fairness(const uint64_t *x, int n)
{
	uint64_t sum = 0, squares = 0;

	for (int i = 0; i < n; i++) {
		sum += x[i] / 1000;
		squares += (x[i] / 1000) * (x[i] / 1000);
	}
	return 1000 * sum * sum / (n * squares);
}

static void check_fair(struct __test_metadata *_metadata, struct sim *sim, int n,
		       uint32_t bytes_per_us)
{
	struct sim_host *h = sim->host;
	uint64_t flow[8][2];
	uint64_t bytes[8];
	uint64_t end_us;

	sim->net = (struct sim_net){
		.delay_us = 15, .bytes_per_us = bytes_per_us, .queue_us = 1000,
	};
	for (int i = 0; i < n; i++)
		ASSERT_TRUE(sim_connect(sim, i % 2, &flow[i][0], &flow[i][1]));
	/* The first has the link for itself for a while. */
	end_us = sim->now_us + 60000;
	for (int round = 0; sim->now_us < end_us; round++) {
		for (int i = 0; i < (round < 50 ? 1 : n); i++)
			while (sim_flow(&h[0].apps[i % 2], flow[i][0])->sent <
			       sim_flow(&h[1].apps[0], flow[i][1])->received + 15)
				ASSERT_TRUE(sim_send(&h[0].apps[i % 2], flow[i][0], 50000));
		sim_run(sim, 200, NULL);
		if (round == 80)
			for (int i = 0; i < n; i++)
				bytes[i] = sim_flow(&h[1].apps[0], flow[i][1])->bytes;
	}
	for (int i = 0; i < n; i++) {
		bytes[i] = sim_flow(&h[1].apps[0], flow[i][1])->bytes - bytes[i];
	}
	EXPECT_LT(900, fairness(bytes, n)) {
		for (int i = 0; i < n; i++)
			TH_LOG("%d: %lu bytes", i, bytes[i]);
	}
	/* And the link is used: 44 ms of it were measured. */
	for (int i = 1; i < n; i++)
		bytes[0] += bytes[i];
	EXPECT_LT(44000UL * bytes_per_us * 8 / 10, bytes[0]);
}

TEST_F(flow, fair_two)
{
	check_fair(_metadata, self->sim, 2, 1250);
}

TEST_F(flow, fair_eight)
{
	check_fair(_metadata, self->sim, 8, 1250);
}

/* One connection fills the link, and the queue stays short. */
TEST_F(flow, one_connection_fills_the_link)
{
	struct mn_path_info info;
	uint64_t bytes, from_us;

	self->sim->net = (struct sim_net){ .delay_us = 15, .bytes_per_us = 1250 };
	pump(self->sim, &self->sim->host[0].apps[0], self->flow[0], 1000000, 50000, 20000);
	bytes = sim_flow(&self->sim->host[1].apps[0], self->flow[1])->bytes;
	from_us = self->sim->now_us;
	pump(self->sim, &self->sim->host[0].apps[0], self->flow[0], 1000000, 50000, 20000);
	bytes = sim_flow(&self->sim->host[1].apps[0], self->flow[1])->bytes - bytes;
	EXPECT_LT((self->sim->now_us - from_us) * 1250 * 9 / 10, bytes);
	ASSERT_TRUE(sim_path_info(self->sim, 0, 0, &info));
	EXPECT_GT(250, info.srtt_us);
}

TEST_HARNESS_MAIN
