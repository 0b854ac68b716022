// SPDX-License-Identifier: MIT
/* Small messages whose peer does not take them: they fill the chunks, then the ring. */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

#define OTHER_PORT	(SIM_PORT + 1)
/* Too long for a small chunk. */
#define LEN		1000

/* Connection 0 leads to an application that does not read, connection 1 to one that does. */
FIXTURE(backlog)
{
	struct sim *sim;
	struct mn_stack *s;
	struct sim_app *app, *deaf, *other;
	uint64_t flow[2], peer[2];
	uint64_t id;		/* of connection 0 */
};

static bool connect_other(struct sim *sim, struct sim_app *app, uint64_t *flow, uint64_t *peer)
{
	struct mn_tuple path = sim_path(sim, 0, 45000 + sim_conns(sim, 0));
	const struct mn_stack_event *up;

	path.remote_port = OTHER_PORT;
	if (!sim_open(app, &path, path.local_port))
		return false;
	sim_run(sim, 5000, NULL);
	up = sim_last_event(sim, 0, MN_STACK_EVENT_UP);
	*flow = up->flow;
	*peer = sim_last_event(sim, 1, MN_STACK_EVENT_UP)->flow;
	return up->request == path.local_port;
}

FIXTURE_SETUP(backlog)
{
	struct mn_addr any = mn_addr_from_v4(0);

	self->sim = sim_new(5);
	self->s = self->sim->host[0].stack;
	self->app = &self->sim->host[0].apps[0];
	self->deaf = &self->sim->host[1].apps[0];
	self->other = &self->sim->host[1].apps[1];
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->peer[0]));
	self->id = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->id;
	ASSERT_EQ(0, mn_stack_listen(self->sim->host[1].stack, &self->other->ch, &any, OTHER_PORT));
	ASSERT_TRUE(connect_other(self->sim, self->app, &self->flow[1], &self->peer[1]));
	sim_run(self->sim, 1000, NULL);
	self->deaf->reads = false;
}

FIXTURE_TEARDOWN(backlog)
{
	EXPECT_EQ(0, self->sim->errors);
	EXPECT_TRUE(sim_is_clean(self->sim));
	sim_free(self->sim);
}

/* Sends until all chunks are taken; the ring has room left. */
static void fill_chunks(struct sim *sim, struct sim_app *app, uint64_t flow)
{
	for (int i = 0; i < 10000 && !app->ch.tx_held; i++) {
		for (int n = 0; n < 32; n++)
			sim_send(app, flow, LEN);
		sim_run(sim, 10, NULL);
	}
}

/* And until the ring is full, too. */
static void fill(struct sim *sim, struct sim_app *app, uint64_t flow, uint32_t len)
{
	for (int i = 0; i < 10000 && !(app->ch.tx_held && !sim_send(app, flow, len)); i++) {
		while (sim_send(app, flow, len))
			;
		sim_run(sim, 100, NULL);
	}
}

static bool all_came(struct sim_app *from, uint64_t flow, struct sim_app *to, uint64_t peer)
{
	return sim_flow(to, peer)->received == sim_flow(from, flow)->sent;
}

/* What has no chunk stays in the ring, and goes on in order when chunks come back. */
TEST_F(backlog, exhausted)
{
	for (int i = 0; i < 2; i++) {
		uint32_t len = i ? 100 : LEN;

		self->deaf->reads = false;
		fill(self->sim, self->app, self->flow[0], len);
		ASSERT_TRUE(self->app->ch.tx_held);
		EXPECT_EQ(0, self->app->ch.tx_arena.n_large);
		/* The small ones are no use for long messages. */
		EXPECT_EQ(len > MN_TX_ARENA_SMALL_SIZE, self->app->ch.tx_arena.n_small > 0);
		EXPECT_FALSE(all_came(self->app, self->flow[0], self->deaf, self->peer[0]));
		/* It is no reason to stay awake. */
		sim_run(self->sim, 100000, NULL);
		EXPECT_TRUE(mn_stack_arm(self->s));
		mn_stack_disarm(self->s);
		self->deaf->reads = true;
		sim_run(self->sim, 2000000, NULL);
		EXPECT_TRUE(all_came(self->app, self->flow[0], self->deaf, self->peer[0]));
		EXPECT_FALSE(self->app->ch.tx_held);
		EXPECT_TRUE(sim_is_clean(self->sim));
	}
}

/* A backlog that leaves chunks is in nobody's way, and one of another channel never is. */
TEST_F(backlog, others_beside_a_backlog)
{
	struct sim_app *neighbour = &self->sim->host[0].apps[1];
	uint64_t flow[2];

	ASSERT_TRUE(connect_other(self->sim, neighbour, &flow[0], &flow[1]));
	for (int i = 0; i < 5000; i++) {
		ASSERT_TRUE(sim_send(self->app, self->flow[0], LEN));
		if (i % 100 == 0)
			sim_run(self->sim, 100, NULL);
	}
	ASSERT_FALSE(self->app->ch.tx_held);
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(sim_send(self->app, self->flow[1], LEN));
	sim_run(self->sim, 10000, NULL);
	EXPECT_TRUE(all_came(self->app, self->flow[1], self->other, self->peer[1]));
	fill(self->sim, self->app, self->flow[0], LEN);
	ASSERT_TRUE(self->app->ch.tx_held);
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(sim_send(neighbour, flow[0], LEN));
	sim_run(self->sim, 10000, NULL);
	EXPECT_TRUE(all_came(neighbour, flow[0], self->other, flow[1]));
	self->deaf->reads = true;
	sim_run(self->sim, 2000000, NULL);
	EXPECT_TRUE(all_came(self->app, self->flow[0], self->deaf, self->peer[0]));
}

/* Behind a backlog that has taken all chunks the others wait, but only as long as it lasts. */
TEST_F(backlog, a_backlog_is_aborted)
{
	fill_chunks(self->sim, self->app, self->flow[0]);
	ASSERT_TRUE(self->app->ch.tx_held);
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(sim_send(self->app, self->flow[1], LEN));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(0, sim_flow(self->other, self->peer[1])->received);
	ASSERT_EQ(0, mn_stack_abort(self->s, self->id, MN_END_ADMIN));
	self->deaf->reads = true;
	sim_run(self->sim, 100000, NULL);
	EXPECT_TRUE(all_came(self->app, self->flow[1], self->other, self->peer[1]));
	EXPECT_TRUE(sim_flow(self->deaf, self->peer[0])->ended);
	/* What had been in the ring for it was taken and dropped. */
	EXPECT_LT(0, mn_stack_stats(self->s)->tx_stale);
}

/* In order: what is still in the ring is delivered before the end, of either connection. */
TEST_F(backlog, closed_with_messages_in_the_ring)
{
	uint32_t sent = 0;

	fill_chunks(self->sim, self->app, self->flow[0]);
	ASSERT_TRUE(self->app->ch.tx_held);
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(sim_send(self->app, self->flow[i % 2], LEN));
	for (int i = 0; i < 2; i++) {
		/* Once more changes nothing. */
		ASSERT_TRUE(sim_close(self->app, self->flow[1]));
		ASSERT_TRUE(sim_close(self->app, self->flow[0]));
	}
	sim_run(self->sim, 100000, NULL);
	EXPECT_FALSE(sim_flow(self->other, self->peer[1])->ended);
	self->deaf->reads = true;
	sim_run(self->sim, 2000000, NULL);
	for (int i = 0; i < 2; i++) {
		struct sim_app *to = i ? self->other : self->deaf;

		EXPECT_TRUE(all_came(self->app, self->flow[i], to, self->peer[i]));
		EXPECT_TRUE(sim_flow(to, self->peer[i])->ended);
		EXPECT_EQ(0, sim_flow(to, self->peer[i])->error);
		sent += sim_flow(self->app, self->flow[i])->sent;
	}
	EXPECT_EQ(sent, mn_stack_stats(self->s)->tx_messages);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
}

/* Whoever has closed and whose messages wait is ended by the peer, or goes with the channel. */
TEST_F(backlog, closed_and_ended_while_it_waits)
{

	fill_chunks(self->sim, self->app, self->flow[0]);
	ASSERT_TRUE(self->app->ch.tx_held);
	ASSERT_TRUE(sim_send(self->app, self->flow[1], LEN));
	ASSERT_TRUE(sim_close(self->app, self->flow[1]));
	ASSERT_TRUE(sim_close(self->app, self->flow[0]));
	ASSERT_TRUE(sim_close(self->other, self->peer[1]));
	sim_run(self->sim, 20000, NULL);
	ASSERT_TRUE(sim_close(self->app, self->flow[1]));
	EXPECT_EQ(0, sim_flow(self->other, self->peer[1])->received);
	mn_stack_del_channel(self->s, &self->app->ch, MN_END_OWNER_DIED);
	mn_channel_close(&self->app->ch, ECONNRESET);
	self->deaf->reads = true;
	sim_run(self->sim, 2000000, NULL);
	EXPECT_EQ(ECONNRESET, sim_flow(self->deaf, self->peer[0])->error);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
	EXPECT_EQ(0, sim_conns(self->sim, 1));
}

TEST_HARNESS_MAIN
