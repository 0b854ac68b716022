// SPDX-License-Identifier: MIT
/* SYNs from addresses that are not the sender's: they cost little, and others get in. */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport1/packet.h"
#include "sim.h"

#define MAX_CONNS	1024
/* An eighth of them: from here on SYNs are answered by cookies. */
#define CROWD		128

/* What host 1 sends to forged addresses, and the types of what host 0 sends. */
static struct mn_seg last_seg;
static uint64_t answers, answer_bytes;
static int lose_acks;

/* Ids of forged SYNs are small. Their answers go where nobody is. */
static bool network(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct mn_seg seg;

	(void)sim;
	if (mn_packet_parse(data, len, &seg))
		return false;
	if (from == 0)
		return seg.type == MN_WIRE_ACK && lose_acks-- > 0;
	if (seg.id > UINT32_MAX || seg.type == MN_WIRE_DATA || seg.type == MN_WIRE_ACK)
		return false;
	last_seg = seg;
	answers++;
	answer_bytes += len;
	return true;
}

FIXTURE(flood)
{
	struct sim *sim;
	uint64_t flow[2];
	const struct mn_stack_stats *st[2];
	uint64_t syns;
};

FIXTURE_SETUP(flood)
{
	self->sim = sim_new_sized(21, MAX_CONNS, 64);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	for (int i = 0; i < 2; i++)
		self->st[i] = mn_stack_stats(self->sim->host[i].stack);
	self->syns = 0;
	answers = answer_bytes = 0;
	lose_acks = 0;
	self->sim->filter = network;
}

FIXTURE_TEARDOWN(flood)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static void inject(struct sim *sim, const struct mn_path *path, const struct mn_seg *seg)
{
	uint8_t buf[128];
	uint32_t len = mn_packet_write(buf, seg);

	sim_inject(sim, 1, path, buf, len);
	sim_turn(sim);
}

/* The nth SYN of a flood; its answer is last_seg. */
static void forge_syn(struct sim *sim, uint64_t n, uint64_t cookie)
{
	struct mn_seg seg = {
		.type = MN_WIRE_SYN, .ts = 5,
		.syn = { .id = 1 + n, .mss = 1472, .cookie = cookie },
	};
	struct mn_path path = sim_path(sim, 0, 1000 + n % 60000);

	path.local = mn_addr_from_v4(htonl(0xc0000200 + n % 256));
	inject(sim, &path, &seg);
}

static void crowd(struct sim *sim)
{
	for (int i = 0; i < CROWD; i++)
		forge_syn(sim, i, 0);
}

static int connect_to(struct sim *sim, uint16_t local_port)
{
	struct sim_host *h = &sim->host[0];
	struct mn_path path = sim_path(sim, 0, local_port);

	return mn_stack_connect(h->stack, &h->apps[0].ch, &path, local_port);
}

/* 100,000 SYNs a second from everywhere, for a second. */
TEST_F(flood, honest_ones_get_in)
{
	struct sim_flow *f = sim_flow(&self->sim->host[1].apps[0], self->flow[1]);
	uint64_t connects = self->st[0]->connects, accepts = self->st[1]->accepts;

	for (int i = 0; i < 1000; i++) {
		if (i % 50 == 10)
			ASSERT_EQ(0, connect_to(self->sim, 50000 + i));
		if (i % 50 == 11) {
			/* No timer was needed: it took two round trips instead of one. */
			EXPECT_EQ(++connects, self->st[0]->connects);
			EXPECT_EQ(++accepts, self->st[1]->accepts);
		}
		if (i % 10 == 0)
			ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 5000));
		for (int k = 0; k < 100; k++) {
			forge_syn(self->sim, self->syns++, 0);
			sim_run(self->sim, 10, NULL);
		}
		EXPECT_GE(CROWD + 21, sim_conns(self->sim, 1));
	}
	EXPECT_EQ(100, f->received);
	EXPECT_EQ(20, self->st[0]->syn_cookies_received);
	EXPECT_EQ(20, self->st[1]->syn_cookies_accepted);
	EXPECT_EQ(0, self->st[1]->syn_cookies_bad);
	EXPECT_LT(99000, self->st[1]->syn_cookies_sent);
	EXPECT_EQ(0, self->st[1]->drop_reply_limit);
	/* One answer to each, and none larger than what it answers. */
	EXPECT_EQ(self->syns, answers);
	EXPECT_GE(72 * self->syns, answer_bytes);
	/* The application has seen those who are there, and nobody else. */
	EXPECT_EQ(21, self->sim->host[1].apps[0].n_flows);
	sim_run(self->sim, 1100000, NULL);
	EXPECT_EQ(21, sim_conns(self->sim, 1));
}

/* Faster than the host sends: what it cannot answer it drops; connections get their share. */
TEST_F(flood, faster_than_answers)
{
	struct sim_flow *f = sim_flow(&self->sim->host[1].apps[0], self->flow[1]);
	uint32_t accepts = self->st[1]->accepts;
	uint8_t buf[128];

	crowd(self->sim);
	ASSERT_TRUE(sim_send(&self->sim->host[1].apps[0], self->flow[1], 100000));
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 100000));
	ASSERT_EQ(0, connect_to(self->sim, 50000));
	/* A turn of the host is over with 32 packets sent. */
	for (int i = 0; i < 2000; i++) {
		for (int k = 0; k < 64; k++) {
			struct mn_seg seg = {
				.type = MN_WIRE_SYN, .ts = 5, .syn = { .id = 1000 + i },
			};
			struct mn_path path = sim_path(self->sim, 0, 1000 + k);

			sim_inject(self->sim, 1, &path, buf, mn_packet_write(buf, &seg));
		}
		self->sim->now_us += 10;
		sim_turn(self->sim);
	}
	EXPECT_LT(50000, self->st[1]->drop_reply_limit);
	EXPECT_EQ(1, f->received);
	EXPECT_EQ(1, sim_flow(&self->sim->host[0].apps[0], self->flow[0])->received);
	EXPECT_EQ(accepts + 1, self->st[1]->accepts);
}

/* Without a crowd there is no challenge, and no round trip more. */
TEST_F(flood, few_need_no_cookie)
{
	uint64_t flow[2];

	for (int i = 0; i < CROWD - 1; i++)
		forge_syn(self->sim, i, 0);
	ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	EXPECT_EQ(0, self->st[1]->syn_cookies_sent);
	EXPECT_EQ(0, self->st[0]->syn_cookies_received);
}

TEST_F(flood, cookies)
{
	uint64_t cookie, conns;

	crowd(self->sim);
	EXPECT_EQ(MN_WIRE_SYN_ACK, last_seg.type);
	conns = sim_conns(self->sim, 1);
	forge_syn(self->sim, 5000, 0);
	ASSERT_EQ(MN_WIRE_RETRY, last_seg.type);
	EXPECT_EQ(5001, last_seg.id);
	cookie = last_seg.syn.cookie;
	/* The same for the same; another one for others; a wrong one gets the right one. */
	forge_syn(self->sim, 5000, 0);
	EXPECT_EQ(cookie, last_seg.syn.cookie);
	forge_syn(self->sim, 5001, cookie);
	ASSERT_EQ(MN_WIRE_RETRY, last_seg.type);
	EXPECT_NE(cookie, last_seg.syn.cookie);
	EXPECT_EQ(1, self->st[1]->syn_cookies_bad);
	EXPECT_EQ(3, self->st[1]->syn_cookies_sent);
	EXPECT_EQ(conns, sim_conns(self->sim, 1));
	/* Long ago. */
	sim_run(self->sim, 20000000, NULL);
	crowd(self->sim);
	forge_syn(self->sim, 5000, cookie);
	ASSERT_EQ(MN_WIRE_RETRY, last_seg.type);
	EXPECT_NE(cookie, last_seg.syn.cookie);
	EXPECT_EQ(2, self->st[1]->syn_cookies_bad);
	forge_syn(self->sim, 5000, last_seg.syn.cookie);
	EXPECT_EQ(MN_WIRE_SYN_ACK, last_seg.type);
	EXPECT_EQ(1, self->st[1]->syn_cookies_accepted);
}

/* Addresses that are proved, but nobody goes on: half of the slots, the oldest give way. */
TEST_F(flood, proved_ones_that_stay_silent)
{
	uint64_t flow[2];

	crowd(self->sim);
	for (int i = CROWD; i < 1000; i++) {
		forge_syn(self->sim, i, 0);
		ASSERT_EQ(MN_WIRE_RETRY, last_seg.type);
		forge_syn(self->sim, i, last_seg.syn.cookie);
		ASSERT_EQ(MN_WIRE_SYN_ACK, last_seg.type);
		EXPECT_GE(MAX_CONNS / 2 + 1, sim_conns(self->sim, 1));
	}
	EXPECT_EQ(1000 - MAX_CONNS / 2, self->st[1]->drop_conn_limit);
	EXPECT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
}

/* Challenges and what follows them get lost like anything else. */
TEST_F(flood, with_losses)
{
	uint64_t accepts = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim *sim = sim_new_sized(seed, MAX_CONNS, 64);
		struct mn_addr any = mn_addr_from_v4(0);
		const struct mn_stack_stats *st = mn_stack_stats(sim->host[1].stack);

		ASSERT_EQ(0, mn_stack_listen(sim->host[1].stack, &sim->host[1].apps[0].ch, &any,
					     SIM_PORT));
		sim->filter = network;
		crowd(sim);
		sim->net.loss = 300000;
		ASSERT_EQ(0, connect_to(sim, 50000));
		/* The crowd is gone after a second. */
		sim_run(sim, 900000, NULL);
		EXPECT_LE(1, st->syn_cookies_sent);
		EXPECT_GE(1, st->accepts) TH_LOG("seed %lu", seed);
		accepts += st->accepts;
		sim_free(sim);
	}
	/* Two of eight SYNs have to be answered, which one of 25 times they are not. */
	EXPECT_LE(17, accepts);
}

/* To an address that may be forged goes one answer. */
TEST_F(flood, one_answer_and_no_more)
{
	uint64_t conns = sim_conns(self->sim, 1);

	forge_syn(self->sim, 0, 0);
	EXPECT_EQ(1, answers);
	sim_run(self->sim, 990000, NULL);
	EXPECT_EQ(conns + 1, sim_conns(self->sim, 1));
	sim_run(self->sim, 20000, NULL);
	EXPECT_EQ(conns, sim_conns(self->sim, 1));
	EXPECT_EQ(1, answers);
}

/* The packet that makes the acceptor's end come up is lost, and nobody has anything to say. */
TEST_F(flood, confirmation_lost)
{
	uint64_t accepts = self->st[1]->accepts, from_us;

	lose_acks = 3;
	ASSERT_EQ(0, connect_to(self->sim, 50000));
	from_us = self->sim->now_us;
	while (self->st[1]->accepts == accepts && self->sim->now_us < from_us + 1000000)
		sim_run(self->sim, 100, NULL);
	/* Asked 5 and 15 ms after the SYN_ACK in vain, at 35 ms with success. */
	EXPECT_LT(14000, self->sim->now_us - from_us);
	EXPECT_GT(16000, self->sim->now_us - from_us);
	sim_run(self->sim, 500000, NULL);
	EXPECT_EQ(0, self->st[1]->resets_sent);
	EXPECT_EQ(accepts + 1, self->st[1]->accepts);
}

/* Only he who asked is challenged. */
TEST_F(flood, forged_retry)
{
	struct mn_seg seg = { .type = MN_WIRE_RETRY, .ts = 5, .syn = { .cookie = 77 } };
	struct mn_path path = sim_path(self->sim, 0, 50000);
	uint8_t buf[128];

	seg.id = sim_last_event(self->sim, 1, MN_STACK_EVENT_UP)->id;
	inject(self->sim, &path, &seg);
	EXPECT_EQ(1, self->st[1]->drop_bad_state);
	seg.id ^= 0x100;
	inject(self->sim, &path, &seg);
	EXPECT_EQ(1, self->st[1]->drop_unknown_conn);
	EXPECT_EQ(0, self->st[1]->resets_sent);
	/* A cookie that the listener did not give does no harm. */
	ASSERT_EQ(0, connect_to(self->sim, 50000));
	seg.id = 0x123456789a03;
	path = (struct mn_path){
		.local = self->sim->host[1].addr, .remote = self->sim->host[0].addr,
		.local_port = SIM_PORT, .remote_port = 50000,
	};
	sim_inject(self->sim, 0, &path, buf, mn_packet_write(buf, &seg));
	sim_run(self->sim, 100, NULL);
	EXPECT_EQ(0, self->st[0]->syn_cookies_received);
	EXPECT_EQ(2, self->st[1]->accepts);
}

TEST_HARNESS_MAIN
