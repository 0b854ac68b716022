// SPDX-License-Identifier: MIT
/* An application leaves right after sending: what a send call accepted is delivered. */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

FIXTURE(leave)
{
	struct sim *sim;
	uint64_t flow[2];	/* of a connection at host 0 and host 1 */
};

FIXTURE_SETUP(leave)
{
	self->sim = sim_new(1);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 1000, NULL);
}

FIXTURE_TEARDOWN(leave)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static struct sim_app *app(struct sim *sim, int host)
{
	return &sim->host[host].apps[0];
}

static void leave(struct sim *sim, int host)
{
	app(sim, host)->alien = true;
	mn_stack_leave_channel(sim->host[host].stack, &app(sim, host)->ch);
}

static const struct mn_stack_event *left(struct sim *sim, int host)
{
	return sim_last_event(sim, host, MN_STACK_EVENT_LEFT);
}

static uint64_t resets(struct sim *sim)
{
	return mn_stack_stats(sim->host[0].stack)->aborts_sent +
	       mn_stack_stats(sim->host[1].stack)->aborts_sent;
}

static void delivers(struct __test_metadata *_metadata, struct sim *sim, const uint64_t flow[2],
		     uint32_t len, unsigned int n)
{
	struct sim_flow *f = sim_flow(app(sim, 1), flow[1]);

	for (unsigned int i = 0; i < n; i++)
		ASSERT_TRUE(sim_send(app(sim, 0), flow[0], len));
	leave(sim, 0);
	sim_run(sim, 20000000, NULL);
	EXPECT_EQ(n, f->received) TH_LOG("%u messages of %u bytes", n, len);
	EXPECT_TRUE(f->ended);
	EXPECT_EQ(0, f->error);
	ASSERT_NE(NULL, left(sim, 0));
	EXPECT_EQ(MN_END_CLOSED, sim_last_event(sim, 0, MN_STACK_EVENT_END)->why);
	EXPECT_EQ(0, sim_conns(sim, 0) + sim_conns(sim, 1));
	EXPECT_EQ(0, resets(sim));
	mn_stack_del_channel(sim->host[0].stack, &app(sim, 0)->ch, MN_END_OWNER_DIED);
	EXPECT_EQ(0, mn_stack_stats(sim->host[0].stack)->finish_aborted);
}

TEST_F(leave, delivers_what_the_stack_has_not_seen)
{
	delivers(_metadata, self->sim, self->flow, 12, 40);
}

TEST_F(leave, delivers_the_longest_messages)
{
	delivers(_metadata, self->sim, self->flow, 8 << 20, 2);
}

TEST_F(leave, delivers_with_losses)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim *sim = sim_new(seed);
		uint64_t flow[2];

		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
		sim_run(sim, 1000, NULL);
		sim->net.loss = 100000;
		delivers(_metadata, sim, flow, seed % 2 ? 200 : 100000, 10);
		EXPECT_EQ(0, sim->errors);
		sim_free(sim);
	}
}

TEST_F(leave, after_close)
{
	struct sim_flow *f = sim_flow(app(self->sim, 1), self->flow[1]);

	ASSERT_TRUE(sim_send(app(self->sim, 0), self->flow[0], 1000000));
	ASSERT_TRUE(sim_close(app(self->sim, 0), self->flow[0]));
	leave(self->sim, 0);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(1, f->received);
	EXPECT_EQ(0, f->error);
	EXPECT_TRUE(f->ended);
	EXPECT_NE(NULL, left(self->sim, 0));
	EXPECT_EQ(0, resets(self->sim));
}

TEST_F(leave, without_anything_to_do)
{
	struct sim_host *h = &self->sim->host[0];

	mn_stack_leave_channel(h->stack, &h->apps[1].ch);
	sim_turn(self->sim);
	ASSERT_NE(NULL, left(self->sim, 0));
	EXPECT_EQ(h->apps[1].ch.id, left(self->sim, 0)->channel);
}

/* What it puts on its ring afterwards, or a process that has inherited it, is void. */
TEST_F(leave, later_messages_are_void)
{
	ASSERT_TRUE(sim_send(app(self->sim, 0), self->flow[0], 100));
	leave(self->sim, 0);
	sim_send(app(self->sim, 0), self->flow[0], 100);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(1, sim_flow(app(self->sim, 1), self->flow[1])->received);
	EXPECT_NE(NULL, left(self->sim, 0));
}

/* The last answer arrives though the application has not read all that it was sent. */
TEST_F(leave, with_unread_data)
{
	struct sim_flow *f = sim_flow(app(self->sim, 0), self->flow[0]);

	ASSERT_TRUE(sim_send(app(self->sim, 0), self->flow[0], 100));
	sim_run(self->sim, 1000, NULL);
	app(self->sim, 1)->reads = false;
	for (int i = 0; i < 10; i++)
		ASSERT_TRUE(sim_send(app(self->sim, 0), self->flow[0], 100000));
	ASSERT_TRUE(sim_send(app(self->sim, 1), self->flow[1], 300000));
	leave(self->sim, 1);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(1, f->received);
	EXPECT_TRUE(f->ended);
	EXPECT_EQ(0, f->error);
	EXPECT_NE(NULL, left(self->sim, 1));
	EXPECT_EQ(0, resets(self->sim));
}

/* A connection that it never learned of cannot have been served. */
TEST_F(leave, an_unknown_connection_is_reset)
{
	uint64_t flow[2];

	app(self->sim, 1)->reads = false;
	ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	ASSERT_TRUE(sim_send(app(self->sim, 0), flow[0], 100));
	sim_run(self->sim, 1000, NULL);
	leave(self->sim, 1);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(ECONNRESET, sim_flow(app(self->sim, 0), flow[0])->error);
	EXPECT_EQ(0, sim_flow(app(self->sim, 0), self->flow[0])->error);
	EXPECT_TRUE(sim_flow(app(self->sim, 0), self->flow[0])->ended);
	EXPECT_NE(NULL, left(self->sim, 1));
}

/* A listener that has left refuses. */
TEST_F(leave, listeners_end)
{
	uint64_t flow[2];

	leave(self->sim, 1);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_FALSE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	EXPECT_EQ(MN_END_REFUSED, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->why);
}

/* A peer that never reads cannot hold what was left for ever. */
TEST_F(leave, bounded_in_time_without_progress)
{
	app(self->sim, 1)->reads = false;
	app(self->sim, 1)->returns = false;
	for (int i = 0; i < 4; i++)
		sim_send(app(self->sim, 0), self->flow[0], 8 << 20);
	sim_run(self->sim, 1000000, NULL);
	for (int i = 0; i < 4; i++)
		sim_send(app(self->sim, 0), self->flow[0], 8 << 20);
	leave(self->sim, 0);
	sim_run(self->sim, 50000000, NULL);
	EXPECT_EQ(NULL, left(self->sim, 0));
	sim_run(self->sim, 20000000, NULL);
	EXPECT_NE(NULL, left(self->sim, 0));
	EXPECT_EQ(1, mn_stack_stats(self->sim->host[0].stack)->finish_timeouts);
}

TEST_F(leave, aborted_by_the_control_thread)
{
	ASSERT_TRUE(sim_send(app(self->sim, 0), self->flow[0], 8 << 20));
	leave(self->sim, 0);
	sim_run(self->sim, 100, NULL);
	mn_stack_del_channel(self->sim->host[0].stack, &app(self->sim, 0)->ch, MN_END_OWNER_DIED);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(NULL, left(self->sim, 0));
	EXPECT_EQ(1, mn_stack_stats(self->sim->host[0].stack)->finish_aborted);
	EXPECT_EQ(ECONNRESET, sim_flow(app(self->sim, 1), self->flow[1])->error);
}

TEST_F(leave, a_corrupt_channel)
{
	leave(self->sim, 0);
	mn_stack_leave_channel(self->sim->host[0].stack, &self->sim->host[0].apps[1].ch);
	sim_turn(self->sim);
	self->sim->host[1].apps[0].alien = true;
	__atomic_store_n(&app(self->sim, 1)->ch.tx.ctl->prod, 1u << 31, __ATOMIC_RELAXED);
	leave(self->sim, 1);
	sim_run(self->sim, 1000000, NULL);
	EXPECT_NE(NULL, left(self->sim, 1));
	EXPECT_EQ(1, mn_stack_stats(self->sim->host[1].stack)->channels_corrupt);
}

TEST_HARNESS_MAIN
