// SPDX-License-Identifier: MIT
/* A connection from its first packet to its last: two stacks over a network in virtual time. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport/path.h"
#include "transport/packet.h"
#include "sim.h"

FIXTURE(conn)
{
	struct sim *sim;
	uint64_t flow[2];	/* of a connection at host 0 and host 1 */
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

static struct sim_flow *end_of(struct sim *sim, int host, uint64_t handle)
{
	return sim_flow(&sim->host[host].apps[0], handle);
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
	EXPECT_NE(0, a->id);
	EXPECT_NE(0, b->id);
	EXPECT_EQ(4, a->remote_engine);
	EXPECT_EQ(3, b->remote_engine);
	EXPECT_EQ(SIM_PORT, a->remote_port);
	EXPECT_EQ(SIM_PORT, b->local_port);
	EXPECT_EQ(a->local_port, b->remote_port);
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

/* Without an answer to carry it the acknowledgement comes by itself, in time. */
TEST_F(conn, data__delayed_acknowledgement)
{
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[0].stack);

	sim_run(self->sim, 1000, NULL);
	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 64));
		sim_run(self->sim, 20 + MN_ACK_DELAY_US / 2, NULL);
		EXPECT_FALSE(sim_is_clean(self->sim));
		sim_run(self->sim, 20 + MN_ACK_DELAY_US / 2, NULL);
		EXPECT_TRUE(sim_is_clean(self->sim));
	}
	EXPECT_EQ(0, st->tlp_fired);
	EXPECT_EQ(0, st->tx_retransmits);
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
	struct mn_path_info path;

	wanted = 1;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 100000));
	ASSERT_TRUE(sim_run(self->sim, 1000000, got_wanted));
	sim_run(self->sim, 1000, NULL);
	ASSERT_TRUE(sim_info(self->sim, 0, self->flow[0], &info));
	EXPECT_EQ(1, info.tx_messages);
	EXPECT_EQ(100004, info.tx_bytes);
	EXPECT_EQ(0, info.unsent_bytes);
	EXPECT_EQ(0, info.unaccepted_bytes);
	EXPECT_LT(100000, info.credit_bytes);
	EXPECT_EQ(0, info.channel);
	ASSERT_TRUE(sim_info(self->sim, 1, self->flow[1], &info));
	EXPECT_EQ(1, info.rx_messages);
	EXPECT_EQ(100004, info.rx_bytes);
	EXPECT_EQ(10, info.channel);
	ASSERT_TRUE(sim_path_info(self->sim, 0, 0, &path));
	EXPECT_NE(info.path, path.number);
	EXPECT_TRUE(path.open);
	EXPECT_EQ(1, path.connections);
	EXPECT_EQ(0, path.inflight_packets);
	EXPECT_LE(15, path.srtt_us);
	EXPECT_GE(40, path.srtt_us);
	EXPECT_LT(0, path.cwnd_packets);
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

/* The peer is alive, but large packets vanish and nobody says so: smaller ones are sent. */
TEST_F(conn, black_hole__is_found)
{
	struct mn_path_info path;

	sim_run(self->sim, 1000, NULL);
	self->sim->filter = lose_large;
	wanted = 1;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 500000));
	EXPECT_TRUE(sim_run(self->sim, 2000000, got_wanted));
	/* Not before the news of the control plane; then at once. */
	self->sim->filter = NULL;
	wanted = 2;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 500000));
	EXPECT_TRUE(sim_run(self->sim, 2000000, got_wanted));
	ASSERT_TRUE(sim_path_info(self->sim, 0, 0, &path));
	EXPECT_GT(1000, path.mss);
}

static bool lose_all_but_questions(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)sim;
	(void)data;
	return from == 0 && len > 120;
}

/* The peer answers, and accepts nothing. */
TEST_F(conn, no_progress__ends)
{
	sim_run(self->sim, 1000, NULL);
	self->sim->filter = lose_all_but_questions;
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
	struct mn_tuple path;
	uint8_t buf[2048];
	struct sim_host *h = self->sim->host;

	sim_run(self->sim, 1000, NULL);
	/* Packets are under way that are acknowledged only afterwards. */
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 100));
	sim_run(self->sim, 5, NULL);
	self->sim->now_us += 20000000;
	mn_stack_advance(h[0].stack, self->sim->now_us);
	EXPECT_GE(self->sim->now_us, mn_stack_deadline(h[0].stack));
	EXPECT_EQ(0, mn_stack_output(h[0].stack, buf, sizeof(buf), &path, NULL));
	wanted = 1;
	EXPECT_TRUE(sim_run(self->sim, 1000, got_wanted));
	EXPECT_FALSE(end_of(self->sim, 0, self->flow[0])->ended);
	EXPECT_FALSE(end_of(self->sim, 1, self->flow[1])->ended);
}

/* What the stack sends goes to itself. */
static void loop_back(struct sim *sim)
{
	struct mn_stack *stack = sim->host[0].stack;
	struct mn_tuple path, back;
	uint8_t buf[2048];
	uint32_t len;

	sim->now_us++;
	mn_stack_advance(stack, sim->now_us);
	mn_stack_poll_channels(stack);
	sim_answer(sim, &sim->host[0]);
	while ((len = mn_stack_output(stack, buf, sizeof(buf), &path, NULL))) {
		struct mn_pkt pkt = { .tuple = &back, .data = buf, .len = len };

		back = path;
		back.local_port = path.remote_port;
		back.remote_port = path.local_port;
		sim->host[0].held++;
		if (!mn_stack_input(stack, &pkt))
			sim->host[0].held--;
	}
	mn_stack_flush(stack);
	for (int a = 0; a < SIM_APPS; a++)
		sim_app_read(sim, &sim->host[0].apps[a]);
}

/* Two applications of one host: both ends of the connection are in one stack. */
TEST_F(conn, path_local_host)
{
	struct sim_host *h = &self->sim->host[0];
	const struct mn_stack_event *ups[4] = { NULL };
	struct mn_tuple path = sim_path(self->sim, 0, 50000);
	struct mn_addr any = mn_addr_from_v4(0);
	uint64_t server, client;
	uint32_t n = 0;

	/* The fixture's connection has nothing to say for a while. */
	sim_run(self->sim, 20000, NULL);
	path.remote = path.local;
	path.local_host = true;
	ASSERT_EQ(0, mn_stack_listen(h->stack, &h->apps[1].ch, &any, SIM_PORT));
	ASSERT_TRUE(sim_open(&h->apps[0], &path, 5));
	for (int i = 0; i < 10; i++)
		loop_back(self->sim);
	for (uint32_t i = 0; i < h->n_events && n < 4; i++)
		if (h->events[i].type == MN_STACK_EVENT_UP)
			ups[n++] = &h->events[i];
	ASSERT_EQ(3, n);
	client = ups[1]->accepted ? ups[2]->flow : ups[1]->flow;
	server = ups[1]->accepted ? ups[1]->flow : ups[2]->flow;
	EXPECT_TRUE(ups[1]->tuple.local_host);
	EXPECT_TRUE(ups[2]->tuple.local_host);
	ASSERT_TRUE(sim_send(&h->apps[0], client, 500000));
	ASSERT_TRUE(sim_send(&h->apps[1], server, 500000));
	for (int i = 0; i < 1000; i++)
		loop_back(self->sim);
	EXPECT_EQ(1, sim_flow(&h->apps[0], client)->received);
	EXPECT_EQ(1, sim_flow(&h->apps[1], server)->received);
	ASSERT_TRUE(sim_close(&h->apps[1], server));
	for (int i = 0; i < 20000; i++)
		loop_back(self->sim);
	EXPECT_TRUE(sim_flow(&h->apps[0], client)->ended);
	EXPECT_EQ(1, sim_conns(self->sim, 0));
}

/* The first one came with a false source MAC: what it damaged, its repetition mends. */
TEST_F(conn, connect__again_from_another_mac)
{
	struct mn_stack *stack = self->sim->host[1].stack;
	struct mn_tuple path = sim_path(self->sim, 1, SIM_PORT), to;
	struct mn_packet init = {
		.type = MN_WIRE_INIT,
		.init = {
			.id = 0x1234600, .instance = 7, .mss = 1472, .window = 1,
			.port_first = SIM_BLOCK, .port_count = 1,
		},
	};
	uint8_t buf[2048], out[2048];
	struct mn_pkt pkt = { .tuple = &path, .data = buf,
				      .len = mn_packet_write(buf, &init) };

	sim_turn(self->sim);
	path.remote_port = 50004;
	mn_addr_parse(&path.remote, "10.0.0.77");
	path.mac[5] ^= 1;
	EXPECT_FALSE(mn_stack_input(stack, &pkt));
	ASSERT_NE(0, mn_stack_output(stack, out, sizeof(out), &to, NULL));
	EXPECT_EQ(0, memcmp(to.mac, path.mac, sizeof(to.mac)));
	path.mac[5] ^= 1;
	EXPECT_FALSE(mn_stack_input(stack, &pkt));
	ASSERT_NE(0, mn_stack_output(stack, out, sizeof(out), &to, NULL));
	EXPECT_EQ(0, memcmp(to.mac, path.mac, sizeof(to.mac)));
	EXPECT_EQ(2, sim_paths(self->sim, 1));
}

TEST_F(conn, path_ipv6)
{
	struct sim_host *h = self->sim->host;
	struct mn_addr any;
	uint64_t flow[2];

	mn_addr_parse(&h[0].addr, "2001:db8::1");
	mn_addr_parse(&h[1].addr, "2001:db8::2");
	mn_addr_parse(&any, "::");
	self->sim->net.mtu = 1500;
	/* The listener there is, on 0.0.0.0, is for IPv4 alone. */
	EXPECT_FALSE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	EXPECT_EQ(1, mn_stack_stats(h[1].stack)->drop_no_listener);
	/* Over two seconds: the keepalive of the fixture's connection is an event. */
	sim_run(self->sim, 20000, NULL);
	ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT));
	EXPECT_EQ(-EADDRINUSE, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT));
	ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	ASSERT_TRUE(sim_send(&h[0].apps[0], flow[0], 100000));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(1, end_of(self->sim, 1, flow[1])->received);
	EXPECT_EQ(0, h[0].lost);
}

static bool lose_first_large(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)data;
	if (from != 0 || len < 1000)
		return false;
	sim->filter = NULL;
	return true;
}

static bool peer_holds(struct sim *sim)
{
	return sim->host[1].held;
}

/* 25 buffers, from the sender's to the receiver's, and packets that wait for a lost one. */
TEST_F(conn, gauges__tell_what_is_in_use)
{
	struct sim_host *h = self->sim->host;
	struct mn_channel_usage usage[2];
	struct mn_stack_gauges g;

	sim_run(self->sim, 1000, NULL);
	h[1].apps[0].reads = false;
	self->sim->filter = lose_first_large;
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 25 * MN_SHM_BUF_SIZE));
	ASSERT_TRUE(sim_run(self->sim, 1000, peer_holds));
	mn_stack_gauges(h[1].stack, &g);
	EXPECT_EQ(h[1].held, g.held);
	EXPECT_EQ(1, g.connections);
	EXPECT_EQ(SIM_APPS, g.channels);
	mn_channel_usage(&h[0].apps[0].ch, &usage[0]);
	EXPECT_EQ(25, usage[0].tx_bufs);
	sim_run(self->sim, 20000, NULL);
	mn_channel_usage(&h[0].apps[0].ch, &usage[0]);
	mn_channel_usage(&h[1].apps[0].ch, &usage[1]);
	EXPECT_EQ(0, usage[0].tx_bufs);
	EXPECT_EQ(25, usage[1].rx_bufs);
	h[1].apps[0].reads = true;
	ASSERT_TRUE(sim_close(&h[0].apps[0], self->flow[0]));
	sim_run(self->sim, 100000, NULL);
	mn_channel_usage(&h[1].apps[0].ch, &usage[1]);
	EXPECT_EQ(0, usage[1].rx_bufs);
	for (int i = 0; i < 2; i++) {
		mn_stack_gauges(h[i].stack, &g);
		EXPECT_EQ(0, g.held);
		EXPECT_EQ(0, g.connections);
	}
}

/*
 * Connects to many listeners before there is a path: each opens one, since each listener may be on
 * an engine of its own. When all turn out to be on one engine a single path remains.
 */
static void check_cold_start(struct __test_metadata *_metadata, uint32_t loss)
{
	enum { PORTS = 16, EACH = 4 };
	struct sim *sim = sim_new(77);
	struct mn_addr any = mn_addr_from_v4(0);
	struct sim_host *h = sim->host;

	sim->net.loss = loss;
	for (int i = 0; i < PORTS; i++)
		ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT + i));
	for (int i = 0; i < PORTS * EACH; i++) {
		struct mn_tuple to = sim_path(sim, 0, 0);

		to.remote_port += i % PORTS;
		ASSERT_TRUE(sim_open(&h[0].apps[0], &to, i + 1));
	}
	sim_run(sim, 2000000, NULL);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(PORTS * EACH, h[i].apps[0].n_flows);
		EXPECT_EQ(PORTS * EACH, sim_conns(sim, i));
		EXPECT_EQ(1, sim_paths(sim, i));
	}
	EXPECT_EQ(0, h[0].apps[0].n_failed);
	EXPECT_EQ(0, sim->errors);
	sim_free(sim);
}

TEST(cold_start__one_path_remains)
{
	check_cold_start(_metadata, 0);
}

TEST(cold_start__with_loss)
{
	check_cold_start(_metadata, 200000);
}

TEST_HARNESS_MAIN
