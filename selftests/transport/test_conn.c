// SPDX-License-Identifier: MIT
/* A connection from its first packet to its last: two stacks over a network in virtual time. */
#include <errno.h>

#include <kselftest_harness.h>

#include "core/conn.h"
#include "sim.h"

FIXTURE(conn)
{
	struct sim *sim;
	uint32_t flow[2];	/* of a connection at host 0 and host 1 */
};

FIXTURE_SETUP(conn)
{
	self->sim = sim_new(1);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
}

FIXTURE_TEARDOWN(conn)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static struct sim_flow *end_of(struct sim *sim, int host, uint32_t handle)
{
	return sim_flow(&sim->host[host].apps[0], handle);
}

static int close_flow(struct sim *sim, int host, uint32_t flow)
{
	return mn_stack_close(sim->host[host].stack, &sim->host[host].apps[0].ch, flow);
}

static uint64_t wanted;

static bool got_wanted(struct sim *sim)
{
	return sim->host[1].apps[0].flows[0].received == wanted;
}

TEST_F(conn, connect__tells_both_ends)
{
	const struct mn_stack_event *a = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP);
	const struct mn_stack_event *b = sim_last_event(self->sim, 1, MN_STACK_EVENT_UP);

	EXPECT_FALSE(a->accepted);
	EXPECT_TRUE(b->accepted);
	EXPECT_NE(0, a->request);
	EXPECT_EQ(0, b->request);
	EXPECT_EQ(a->id, b->remote_id);
	EXPECT_EQ(b->id, a->remote_id);
	EXPECT_EQ(3, a->id & 0xff);
	EXPECT_EQ(4, b->id & 0xff);
	EXPECT_EQ(4, a->remote_engine);
	EXPECT_EQ(3, b->remote_engine);
	EXPECT_EQ(SIM_PORT, b->path.local_port);
	sim_run(self->sim, 1000, NULL);
	EXPECT_TRUE(end_of(self->sim, 0, self->flow[0])->open);
	EXPECT_TRUE(end_of(self->sim, 1, self->flow[1])->open);
}

TEST_F(conn, data__sizes)
{
	static const uint32_t sizes[] = {
		1, 2, 3, 4, 5, 63, 64, 1000, 1400, 1420, 1421, 1424, 1500, 4095, 4096, 4097, 8192,
		65535, 65536, 1000000, MN_MSG_MAX - 1, MN_MSG_MAX,
	};
	const int n = sizeof(sizes) / sizeof(sizes[0]);

	for (int i = 0; i < n; i++) {
		wanted = i + 1;
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], sizes[i]));
		ASSERT_TRUE(sim_run(self->sim, 1000000, got_wanted)) TH_LOG("size %u", sizes[i]);
	}
	/* Buffers are back when the last acknowledgement has come. */
	sim_run(self->sim, 1000, NULL);
	EXPECT_TRUE(sim_is_clean(self->sim));
	EXPECT_EQ(0, mn_stack_stats(self->sim->host[0].stack)->tx_retransmits);
}

TEST_F(conn, data__many_small_in_few_packets)
{
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[0].stack);

	sim_run(self->sim, 1000, NULL);
	wanted = 1000;
	for (int i = 0; i < 1000; i++)
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 64));
	EXPECT_TRUE(sim_run(self->sim, 1000000, got_wanted));
	EXPECT_GT(150, st->tx_packets);
}

/* A request and its answer are two packets: the answer acknowledges, the timer the answer. */
TEST_F(conn, data__answers_acknowledge)
{
	const struct mn_stack_stats *st[2] = {
		mn_stack_stats(self->sim->host[0].stack), mn_stack_stats(self->sim->host[1].stack),
	};
	uint64_t packets;

	sim_run(self->sim, 1000, NULL);
	packets = st[0]->tx_packets + st[1]->tx_packets;
	for (int i = 0; i < 100; i++) {
		uint64_t from_us = self->sim->now_us;

		wanted = i + 1;
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 64));
		ASSERT_TRUE(sim_run(self->sim, 10000, got_wanted));
		EXPECT_GE(12, self->sim->now_us - from_us);
		ASSERT_TRUE(sim_send(&self->sim->host[1].apps[0], self->flow[1], 64));
		while (end_of(self->sim, 0, self->flow[0])->received <= (uint64_t)i)
			sim_run(self->sim, 1, NULL);
	}
	packets = st[0]->tx_packets + st[1]->tx_packets - packets;
	EXPECT_GE(205, packets);
}

TEST_F(conn, info)
{
	struct mn_conn_info info;

	wanted = 1;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 100000));
	ASSERT_TRUE(sim_run(self->sim, 1000000, got_wanted));
	sim_run(self->sim, 1000, NULL);
	ASSERT_TRUE(sim_info(self->sim, 0, self->flow[0], &info));
	EXPECT_EQ(1, info.tx_messages);
	EXPECT_EQ(100004, info.tx_bytes);
	EXPECT_EQ(0, info.inflight_bytes);
	EXPECT_LE(15, info.srtt_us);
	EXPECT_GE(40, info.srtt_us);
	EXPECT_LT(0, info.cwnd_bytes);
	EXPECT_LT(100000, info.credit_bytes);
	EXPECT_EQ(0, info.channel);
	ASSERT_TRUE(sim_info(self->sim, 1, self->flow[1], &info));
	EXPECT_EQ(1, info.rx_messages);
	EXPECT_EQ(100004, info.rx_bytes);
	EXPECT_EQ(10, info.channel);
}

/* What was sent is delivered before the end, also what the stack has not even seen yet. */
TEST_F(conn, close__delivers_first)
{
	struct sim_flow *f = end_of(self->sim, 1, self->flow[1]);

	sim_run(self->sim, 1000, NULL);
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 500000));
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
	EXPECT_EQ(-ENOENT, close_flow(self->sim, 0, self->flow[0]));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(5, f->received);
	EXPECT_TRUE(f->ended);
	EXPECT_EQ(0, f->error);
	EXPECT_FALSE(end_of(self->sim, 0, self->flow[0])->ended);
	EXPECT_EQ(MN_END_CLOSED, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(MN_END_PEER_CLOSED, sim_last_event(self->sim, 1, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
	EXPECT_EQ(0, sim_conns(self->sim, 1));
	EXPECT_TRUE(sim_is_clean(self->sim));
	EXPECT_EQ(0, mn_stack_stats(self->sim->host[0].stack)->resets_sent);
	EXPECT_EQ(0, mn_stack_stats(self->sim->host[1].stack)->resets_sent);
}

TEST_F(conn, close__both_at_once)
{
	sim_run(self->sim, 1000, NULL);
	for (int i = 0; i < 2; i++) {
		struct sim_host *h = &self->sim->host[i];

		ASSERT_TRUE(sim_send(&h->apps[0], self->flow[i], 100000));
		ASSERT_EQ(0, mn_stack_close(h->stack, &h->apps[0].ch, self->flow[i]));
	}
	sim_run(self->sim, 100000, NULL);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(MN_END_CLOSED, sim_last_event(self->sim, i, MN_STACK_EVENT_END)->why);
		EXPECT_FALSE(end_of(self->sim, i, self->flow[i])->ended);
		EXPECT_EQ(0, sim_conns(self->sim, i));
	}
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* The peer is in the middle of a message of its own. */
TEST_F(conn, close__while_the_peer_sends)
{
	sim_run(self->sim, 1000, NULL);
	self->sim->net.bytes_per_us = 125;
	ASSERT_TRUE(sim_send(&self->sim->host[1].apps[0], self->flow[1], 3000000));
	sim_run(self->sim, 2000, NULL);
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 5000));
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(1, end_of(self->sim, 1, self->flow[1])->received);
	EXPECT_TRUE(end_of(self->sim, 1, self->flow[1])->ended);
	EXPECT_EQ(0, end_of(self->sim, 0, self->flow[0])->received);
	EXPECT_EQ(0, sim_conns(self->sim, 0) + sim_conns(self->sim, 1));
	EXPECT_TRUE(sim_is_clean(self->sim));
}

TEST_F(conn, close__with_losses)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct sim *sim = sim_new(seed);
		uint32_t flow[2];

		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
		sim->net.loss = 300000;
		ASSERT_TRUE(sim_send(&sim->host[0].apps[0], flow[0], 5000));
		ASSERT_EQ(0, mn_stack_close(sim->host[0].stack, &sim->host[0].apps[0].ch, flow[0]));
		if (seed % 2)
			mn_stack_close(sim->host[1].stack, &sim->host[1].apps[0].ch, flow[1]);
		sim_run(sim, 10000000, NULL);
		if (seed % 2 == 0) {
			EXPECT_EQ(1, end_of(sim, 1, flow[1])->received) TH_LOG("seed %lu", seed);
			EXPECT_EQ(0, end_of(sim, 1, flow[1])->error);
			EXPECT_TRUE(end_of(sim, 1, flow[1])->ended);
		}
		EXPECT_EQ(0, sim_conns(sim, 0) + sim_conns(sim, 1)) TH_LOG("seed %lu", seed);
		EXPECT_TRUE(sim_is_clean(sim)) TH_LOG("seed %lu", seed);
		EXPECT_EQ(0, sim->errors) TH_LOG("seed %lu", seed);
		sim_free(sim);
	}
}

TEST_F(conn, close__nobody_answers)
{
	sim_run(self->sim, 1000, NULL);
	self->sim->host[1].dead = true;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 5000));
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
	sim_run(self->sim, 6500000, NULL);
	EXPECT_EQ(MN_END_TIMED_OUT, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
}

TEST_F(conn, keepalive__finds_a_dead_peer)
{
	struct sim_flow *f = end_of(self->sim, 0, self->flow[0]);
	const struct mn_stack_event *end;

	sim_run(self->sim, 3000000, NULL);
	EXPECT_FALSE(f->ended);
	self->sim->host[1].dead = true;
	sim_run(self->sim, MN_DEAD_US - 1100000, NULL);
	EXPECT_FALSE(f->ended);
	sim_run(self->sim, 1200000, NULL);
	end = sim_last_event(self->sim, 0, MN_STACK_EVENT_END);
	ASSERT_NE(NULL, end);
	EXPECT_EQ(MN_END_TIMED_OUT, end->why);
	EXPECT_TRUE(f->ended);
	EXPECT_EQ(ETIMEDOUT, f->error);
}

TEST_F(conn, keepalive__keeps_an_idle_connection)
{
	uint64_t packets;

	sim_run(self->sim, 1000000, NULL);
	packets = mn_stack_stats(self->sim->host[0].stack)->tx_packets;
	sim_run(self->sim, 60000000, NULL);
	EXPECT_FALSE(end_of(self->sim, 0, self->flow[0])->ended);
	EXPECT_FALSE(end_of(self->sim, 1, self->flow[1])->ended);
	EXPECT_GE(130, mn_stack_stats(self->sim->host[0].stack)->tx_packets - packets);
	wanted = 1;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 64));
	EXPECT_TRUE(sim_run(self->sim, 1000, got_wanted));
}

static bool lose_large(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)sim;
	(void)data;
	return from == 0 && len > 1000;
}

/* The peer is alive, but the way swallows large packets and nobody says so. */
TEST_F(conn, no_progress__ends)
{
	sim_run(self->sim, 1000, NULL);
	self->sim->filter = lose_large;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 5000));
	sim_run(self->sim, 8000000, NULL);
	EXPECT_FALSE(end_of(self->sim, 0, self->flow[0])->ended);
	sim_run(self->sim, 8000000, NULL);
	EXPECT_EQ(ETIMEDOUT, end_of(self->sim, 0, self->flow[0])->error);
	EXPECT_EQ(ECONNRESET, end_of(self->sim, 1, self->flow[1])->error);
}

/* The whole machine slept: what it missed is no silence of the peer. */
TEST_F(conn, keepalive__own_absence)
{
	struct mn_path path;
	uint8_t buf[2048];
	struct sim_host *h = self->sim->host;

	sim_run(self->sim, 1000, NULL);
	/* Packets are under way that are acknowledged only afterwards. */
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 100));
	sim_run(self->sim, 5, NULL);
	self->sim->now_us += 20000000;
	mn_stack_advance(h[0].stack, self->sim->now_us);
	EXPECT_GE(self->sim->now_us, mn_stack_deadline(h[0].stack));
	EXPECT_EQ(0, mn_stack_output(h[0].stack, buf, sizeof(buf), &path));
	wanted = 1;
	EXPECT_TRUE(sim_run(self->sim, 1000, got_wanted));
	EXPECT_FALSE(end_of(self->sim, 0, self->flow[0])->ended);
	EXPECT_FALSE(end_of(self->sim, 1, self->flow[1])->ended);
}

/* The peer's host has started anew. */
TEST_F(conn, unknown__the_peer_forgot_it)
{
	struct sim_host *h = &self->sim->host[1];
	struct sim_flow *f = end_of(self->sim, 0, self->flow[0]);

	sim_run(self->sim, 1000, NULL);
	mn_stack_del_channel(h->stack, &h->apps[0].ch, MN_END_OWNER_DIED);
	/* Its reset is lost. */
	self->sim->net.loss = 1000000;
	sim_run(self->sim, 1000, NULL);
	self->sim->net.loss = 0;
	EXPECT_FALSE(f->ended);
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 64));
	sim_run(self->sim, 1000, NULL);
	EXPECT_TRUE(f->ended);
	EXPECT_EQ(ECONNRESET, f->error);
	EXPECT_EQ(MN_END_RESET, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

TEST_F(conn, abort__tells_everybody)
{
	const struct mn_stack_event *up = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP);

	sim_run(self->sim, 1000, NULL);
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 3000000));
	sim_run(self->sim, 100, NULL);
	EXPECT_EQ(0, mn_stack_abort(self->sim->host[0].stack, up->id, MN_END_ADMIN));
	EXPECT_EQ(-ENOENT, mn_stack_abort(self->sim->host[0].stack, up->id, MN_END_ADMIN));
	sim_run(self->sim, 1000, NULL);
	EXPECT_EQ(ECONNABORTED, end_of(self->sim, 0, self->flow[0])->error);
	EXPECT_EQ(ECONNRESET, end_of(self->sim, 1, self->flow[1])->error);
	EXPECT_EQ(MN_END_ADMIN, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(MN_END_RESET, sim_last_event(self->sim, 1, MN_STACK_EVENT_END)->why);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* A handle is not taken for the connection that has the slot now. */
TEST_F(conn, stale_handle)
{
	struct sim_host *h = &self->sim->host[0];
	uint32_t old = self->flow[0], flow[2];

	ASSERT_EQ(0, mn_stack_close(h->stack, &h->apps[0].ch, old));
	sim_run(self->sim, 100000, NULL);
	for (int i = 0; i < 300; i++) {
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
		EXPECT_NE(old, flow[0]);
		ASSERT_TRUE(sim_send(&h->apps[0], old, 100));
		EXPECT_EQ(-ENOENT, mn_stack_close(h->stack, &h->apps[0].ch, old));
		/* The other channel does not own it. */
		EXPECT_EQ(-ENOENT, mn_stack_close(h->stack, &h->apps[1].ch, flow[0]));
		ASSERT_EQ(0, mn_stack_close(h->stack, &h->apps[0].ch, flow[0]));
		sim_run(self->sim, 20000, NULL);
	}
	EXPECT_EQ(300, mn_stack_stats(h->stack)->tx_stale);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

TEST_F(conn, del_channel__mid_transfer)
{
	struct sim_host *h = self->sim->host;

	sim_run(self->sim, 1000, NULL);
	self->sim->net.loss = 50000;
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 5000000));
	ASSERT_TRUE(sim_send(&h[1].apps[0], self->flow[1], 5000000));
	sim_run(self->sim, 500, NULL);
	self->sim->net.loss = 0;
	mn_stack_del_channel(h[1].stack, &h[1].apps[0].ch, MN_END_OWNER_DIED);
	EXPECT_EQ(MN_END_OWNER_DIED, sim_last_event(self->sim, 1, MN_STACK_EVENT_END)->why);
	mn_channel_close(&h[1].apps[0].ch, ENETDOWN);
	sim_run(self->sim, 1000, NULL);
	EXPECT_TRUE(end_of(self->sim, 0, self->flow[0])->ended);
	EXPECT_EQ(ECONNRESET, end_of(self->sim, 0, self->flow[0])->error);
	EXPECT_EQ(0, h[0].held + h[1].held);
	EXPECT_EQ(0, sim_conns(self->sim, 0) + sim_conns(self->sim, 1));
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* Sent, closed, and the application is gone, all at once: what arrived already is not reset. */
TEST_F(conn, del_channel__after_close)
{
	struct sim_host *h = self->sim->host;

	sim_run(self->sim, 1000, NULL);
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 5000));
	ASSERT_EQ(0, mn_stack_close(h[0].stack, &h[0].apps[0].ch, self->flow[0]));
	sim_run(self->sim, 22, NULL);
	mn_stack_del_channel(h[0].stack, &h[0].apps[0].ch, MN_END_OWNER_DIED);
	mn_channel_close(&h[0].apps[0].ch, ENETDOWN);
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(1, end_of(self->sim, 1, self->flow[1])->received);
	EXPECT_EQ(0, end_of(self->sim, 1, self->flow[1])->error);
	EXPECT_EQ(MN_END_CLOSED, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(0, sim_conns(self->sim, 0) + sim_conns(self->sim, 1));
}

TEST_F(conn, path_ipv6)
{
	struct sim_host *h = self->sim->host;
	struct mn_addr any;
	uint32_t flow[2];

	mn_addr_parse(&h[0].addr, "2001:db8::1");
	mn_addr_parse(&h[1].addr, "2001:db8::2");
	mn_addr_parse(&any, "::");
	/* It is the same any-address. */
	EXPECT_EQ(-EADDRINUSE, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT));
	self->sim->net.mtu = 1500;
	ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	ASSERT_TRUE(sim_send(&h[0].apps[0], flow[0], 100000));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(1, end_of(self->sim, 1, flow[1])->received);
	EXPECT_EQ(0, h[0].lost);
}

TEST_HARNESS_MAIN
