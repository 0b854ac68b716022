// SPDX-License-Identifier: MIT
/* How a connection ends: in order, by reset, with its channel; and that nothing is left of it. */
#include <errno.h>

#include <kselftest_harness.h>

#include "peek.h"
#include "sim.h"

FIXTURE(end)
{
	struct sim *sim;
	uint64_t flow[2];	/* of a connection at host 0 and host 1 */
};

FIXTURE_SETUP(end)
{
	self->sim = sim_new(1);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
}

FIXTURE_TEARDOWN(end)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static struct sim_flow *end_of(struct sim *sim, int host, uint64_t handle)
{
	return sim_flow(&sim->host[host].apps[0], handle);
}

static int close_flow(struct sim *sim, int host, uint64_t flow)
{
	return sim_close(&sim->host[host].apps[0], flow) ? 0 : -ENOSPC;
}

/* What was sent is delivered before the end, also what the stack has not even seen yet. */
TEST_F(end, close__delivers_first)
{
	struct sim_flow *f = end_of(self->sim, 1, self->flow[1]);

	sim_run(self->sim, 1000, NULL);
	for (int i = 0; i < 5; i++)
		ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 500000));
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
	/* Once is enough. */
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
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

TEST_F(end, close__both_at_once)
{
	sim_run(self->sim, 1000, NULL);
	for (int i = 0; i < 2; i++) {
		struct sim_host *h = &self->sim->host[i];

		ASSERT_TRUE(sim_send(&h->apps[0], self->flow[i], 100000));
		ASSERT_TRUE(sim_close(&h->apps[0], self->flow[i]));
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
TEST_F(end, close__while_the_peer_sends)
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

TEST_F(end, close__with_losses)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct sim *sim = sim_new(seed);
		uint64_t flow[2];

		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
		sim->net.loss = 300000;
		ASSERT_TRUE(sim_send(&sim->host[0].apps[0], flow[0], 5000));
		ASSERT_TRUE(sim_close(&sim->host[0].apps[0], flow[0]));
		if (seed % 2)
			ASSERT_TRUE(sim_close(&sim->host[1].apps[0], flow[1]));
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

TEST_F(end, close__nobody_answers)
{
	sim_run(self->sim, 1000, NULL);
	self->sim->host[1].dead = true;
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 5000));
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
	sim_run(self->sim, 6500000, NULL);
	EXPECT_EQ(MN_END_TIMED_OUT, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
}

/* The peer's application is gone, and the word of it gets lost: it is sent again. */
TEST_F(end, abort__is_lost)
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
	sim_run(self->sim, 20000, NULL);
	EXPECT_TRUE(f->ended);
	EXPECT_EQ(ECONNRESET, f->error);
	EXPECT_EQ(MN_END_RESET, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

TEST_F(end, abort__tells_everybody)
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
TEST_F(end, stale_handle)
{
	struct sim_host *h = &self->sim->host[0];
	uint64_t old = self->flow[0], flow[2];

	ASSERT_TRUE(sim_close(&h->apps[0], old));
	sim_run(self->sim, 100000, NULL);
	for (int i = 0; i < 300; i++) {
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
		EXPECT_NE(old, flow[0]);
		ASSERT_TRUE(sim_send(&h->apps[0], old, 100));
		ASSERT_TRUE(sim_close(&h->apps[0], old));
		/* The other channel does not own it. */
		ASSERT_TRUE(sim_close(&h->apps[1], flow[0]));
		ASSERT_TRUE(sim_close(&h->apps[0], flow[0]));
		sim_run(self->sim, 20000, NULL);
	}
	EXPECT_EQ(300, mn_stack_stats(h->stack)->tx_stale);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* What a closed connection has queued is in its slot's account: no other one inherits it. */
TEST_F(end, close__slot_is_kept_while_bytes_are_queued)
{
	struct sim_host *h = self->sim->host;
	uint32_t slots = h[0].apps[0].ch.flows - 1;
	uint64_t flow[2];

	h[1].apps[0].reads = false;
	for (int i = 0; i < 4; i++)
		ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 3000000));
	sim_run(self->sim, 100000, NULL);
	ASSERT_EQ(0, close_flow(self->sim, 0, self->flow[0]));
	ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	EXPECT_NE(self->flow[0] & slots, flow[0] & slots);
	h[1].apps[0].reads = true;
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(4, end_of(self->sim, 1, self->flow[1])->received);
}

TEST_F(end, del_channel__mid_transfer)
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
TEST_F(end, del_channel__after_close)
{
	struct sim_host *h = self->sim->host;

	sim_run(self->sim, 1000, NULL);
	ASSERT_TRUE(sim_send(&h[0].apps[0], self->flow[0], 5000));
	ASSERT_TRUE(sim_close(&h[0].apps[0], self->flow[0]));
	sim_run(self->sim, 22, NULL);
	mn_stack_del_channel(h[0].stack, &h[0].apps[0].ch, MN_END_OWNER_DIED);
	mn_channel_close(&h[0].apps[0].ch, ENETDOWN);
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(1, end_of(self->sim, 1, self->flow[1])->received);
	EXPECT_EQ(0, end_of(self->sim, 1, self->flow[1])->error);
	EXPECT_EQ(MN_END_CLOSED, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(0, sim_conns(self->sim, 0) + sim_conns(self->sim, 1));
}

static bool lose_first_accept(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)from;
	if (!peek_has(data, len, MN_FRAME_ACCEPT))
		return false;
	sim->filter = NULL;
	return true;
}

static bool has_accepted(struct sim *sim)
{
	return mn_stack_stats(sim->host[1].stack)->accepts == 2;
}

/* The acceptor closes while its answer is lost: the end is there before the beginning. */
TEST_F(end, close__overtakes_accept)
{
	struct mn_tuple path = sim_path(self->sim, 0, 0);
	const struct mn_stack_event *up;

	self->sim->filter = lose_first_accept;
	ASSERT_TRUE(sim_open(&self->sim->host[0].apps[0], &path, 77));
	ASSERT_TRUE(sim_run(self->sim, 100000, has_accepted));
	up = sim_last_event(self->sim, 1, MN_STACK_EVENT_UP);
	ASSERT_EQ(0, close_flow(self->sim, 1, up->flow));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(NULL, self->sim->filter);
	up = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP);
	ASSERT_EQ(77, up->request);
	EXPECT_TRUE(end_of(self->sim, 0, up->flow)->ended);
	EXPECT_EQ(0, end_of(self->sim, 0, up->flow)->error);
	EXPECT_EQ(1, sim_conns(self->sim, 0));
	EXPECT_EQ(1, sim_conns(self->sim, 1));
}

/* Their last credits fill several packets, and nothing else is to be sent. */
TEST(end__many_at_once)
{
	enum { MANY = 1000 };
	struct sim *sim = sim_new_sized(78, 2048, 64);
	uint64_t flow[MANY][2];

	ASSERT_TRUE(sim_pair(sim, &flow[0][0], &flow[0][1]));
	for (int i = 1; i < MANY; i++)
		ASSERT_TRUE(sim_connect(sim, 0, &flow[i][0], &flow[i][1]));
	for (int i = 0; i < MANY; i++)
		ASSERT_TRUE(sim_close(&sim->host[0].apps[0], flow[i][0]));
	sim_run(sim, 100000, NULL);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, sim_conns(sim, i));
	EXPECT_EQ(0, sim->errors);
	sim_free(sim);
}

TEST_HARNESS_MAIN
