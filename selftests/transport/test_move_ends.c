// SPDX-License-Identifier: MIT
/* test_move_ends.c - what else happens to connections while their channel moves */
#include <errno.h>

#include <kselftest_harness.h>

#include "transport/stack_priv.h"
#include "sim.h"

#define CONNS	6
#define SEEDS	40

FIXTURE(move)
{
	struct sim *sim;
	struct sim_app *here, *there;
	uint64_t flow[2][CONNS];
};

static void open_all(struct __test_metadata *_metadata, FIXTURE_DATA(move) *self, uint64_t seed)
{
	self->sim = sim_new_engines(seed, 2, 2, 256);
	self->here = &self->sim->host[0].apps[0];
	self->there = &self->sim->host[1].apps[0];
	if (seed & 1)
		self->sim->net.loss = 10000;
	ASSERT_TRUE(sim_listen(self->sim, 1, 0, SIM_PORT));
	for (int i = 0; i < CONNS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0][i], &self->flow[1][i]));
}

static void close_sim(struct __test_metadata *_metadata, FIXTURE_DATA(move) *self)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

FIXTURE_SETUP(move)
{
	(void)self;
}

FIXTURE_TEARDOWN(move)
{
	(void)self;
}

static struct mn_stack *stack_of(FIXTURE_DATA(move) *self, int host, const struct sim_app *app)
{
	return self->sim->host[host].stacks[app->engine];
}

static void send_all(FIXTURE_DATA(move) *self, uint32_t len)
{
	for (int i = 0; i < CONNS; i++) {
		sim_send(self->here, self->flow[0][i], len);
		sim_send(self->there, self->flow[1][i], len);
	}
}

static uint32_t ends(const struct sim_app *app, const uint64_t *flow, int error)
{
	uint32_t n = 0;

	for (int i = 0; i < CONNS; i++) {
		const struct sim_flow *f = sim_flow((struct sim_app *)app, flow[i]);

		n += f->ended && f->error == error;
	}
	return n;
}

/* A channel that is on its way belongs to no engine, and what is to be done to it waits. */
static void until_owned(FIXTURE_DATA(move) *self, const struct sim_app *app)
{
	while (!app->ch.owner)
		sim_run(self->sim, 1, NULL);
}

/* The application is gone at any time of the move: its peers learn it, nothing is left. */
TEST_F(move, application_dies)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		open_all(_metadata, self, seed);
		send_all(self, 3000);
		ASSERT_EQ(0, sim_move(self->sim, 0, 0, 1));
		sim_run(self->sim, seed * 4, NULL);
		until_owned(self, self->here);
		mn_stack_del_channel(stack_of(self, 0, self->here), &self->here->ch,
				     MN_END_OWNER_DIED);
		mn_channel_close(&self->here->ch, 0);
		sim_run(self->sim, 3000000, NULL);
		EXPECT_EQ(CONNS, ends(self->there, self->flow[1], ECONNRESET)) {
			TH_LOG("seed %lu", seed);
		}
		EXPECT_EQ(0, sim_conns(self->sim, 0) + sim_conns(self->sim, 1));
		close_sim(_metadata, self);
	}
}

/* It ends in order: what it had sent is delivered, wherever its channel is. */
TEST_F(move, application_leaves)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		const struct mn_stack_event *ev;

		open_all(_metadata, self, seed);
		send_all(self, 3000);
		ASSERT_EQ(0, sim_move(self->sim, 0, 0, 1));
		sim_run(self->sim, seed * 4, NULL);
		until_owned(self, self->here);
		mn_stack_leave_channel(stack_of(self, 0, self->here), &self->here->ch);
		sim_run(self->sim, 3000000, NULL);
		ev = sim_last_event(self->sim, 0, MN_STACK_EVENT_LEFT);
		ASSERT_NE(NULL, ev);
		EXPECT_EQ(self->here->ch.id, ev->channel);
		EXPECT_EQ(1, self->here->engine);
		EXPECT_EQ(CONNS, ends(self->there, self->flow[1], 0));
		for (int i = 0; i < CONNS; i++)
			EXPECT_EQ(1, sim_flow(self->there, self->flow[1][i])->received);
		close_sim(_metadata, self);
	}
}

/* Ids stay, and find the connection at its new engine; its port goes back to the old one. */
TEST_F(move, ids_and_ports)
{
	struct mn_conn_info before[CONNS], after;

	open_all(_metadata, self, 0);
	for (int i = 0; i < CONNS; i++)
		ASSERT_TRUE(sim_info(self->sim, 0, self->flow[0][i], &before[i]));
	ASSERT_EQ(0, sim_move(self->sim, 0, 0, 1));
	sim_run(self->sim, 10000, NULL);
	ASSERT_EQ(1, self->here->engine);
	for (int i = 0; i < CONNS; i++) {
		ASSERT_TRUE(sim_info(self->sim, 0, self->flow[0][i], &after));
		EXPECT_EQ(before[i].id, after.id);
		EXPECT_EQ(before[i].local_port, after.local_port);
		EXPECT_NE(before[i].path, after.path);
	}
	EXPECT_EQ(CONNS, self->sim->host[0].stacks[0]->client_ports.used);
	EXPECT_EQ(-ENOENT, mn_stack_abort(self->sim->host[0].stacks[0], before[0].id,
					  MN_END_ADMIN));
	EXPECT_EQ(0, mn_stack_abort(self->sim->host[0].stacks[1], before[0].id, MN_END_ADMIN));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(1, ends(self->there, self->flow[1], ECONNRESET));
	EXPECT_EQ(CONNS - 1, self->sim->host[0].stacks[0]->client_ports.used);
	/* And back. */
	ASSERT_EQ(0, sim_move(self->sim, 0, 0, 0));
	sim_run(self->sim, 10000, NULL);
	ASSERT_EQ(0, self->here->engine);
	for (int i = 1; i < CONNS; i++)
		EXPECT_EQ(0, mn_stack_abort(self->sim->host[0].stack, before[i].id,
					    MN_END_ADMIN));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(0, self->sim->host[0].stack->client_ports.used);
	EXPECT_EQ(CONNS, ends(self->there, self->flow[1], ECONNRESET));
	close_sim(_metadata, self);
}

/* A listener whose channel moves refuses nobody. */
TEST_F(move, connects_meanwhile)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct mn_tuple to;
		uint32_t n = 0;

		open_all(_metadata, self, seed);
		to = sim_path(self->sim, 0, 0);
		for (int i = 0; i < 8; i++) {
			ASSERT_EQ(0, sim_move(self->sim, 1, 0, !self->there->engine));
			for (int k = 0; k < 10; k++) {
				n += sim_open(&self->sim->host[0].apps[k & 1], &to, 1000 + n);
				sim_run(self->sim, sim_random(self->sim, 60), NULL);
			}
			sim_run(self->sim, 100000, NULL);
		}
		sim_run(self->sim, 2000000, NULL);
		EXPECT_EQ(0, self->here->n_failed + self->sim->host[0].apps[1].n_failed) {
			TH_LOG("seed %lu: %d", seed, self->here->failed_error);
		}
		EXPECT_EQ(CONNS + n, sim_conns(self->sim, 0));
		EXPECT_EQ(CONNS + n, sim_conns(self->sim, 1));
		close_sim(_metadata, self);
	}
}

/* The peer's host dies at any time of the move: all end, and the channel is at one engine. */
TEST_F(move, peer_dies)
{
	for (uint64_t seed = 0; seed < SEEDS; seed += 2) {
		open_all(_metadata, self, seed);
		send_all(self, 3000);
		ASSERT_EQ(0, sim_move(self->sim, 0, 0, 1));
		sim_run(self->sim, seed * 4, NULL);
		self->sim->host[1].dead = true;
		sim_run(self->sim, 30000000, NULL);
		EXPECT_EQ(CONNS, ends(self->here, self->flow[0], ETIMEDOUT) +
				 ends(self->here, self->flow[0], ECONNRESET)) {
			TH_LOG("seed %lu", seed);
		}
		EXPECT_EQ(0, sim_conns(self->sim, 0));
		EXPECT_NE(NULL, self->here->ch.owner);
		close_sim(_metadata, self);
	}
}

/* The other engine has no place for all: the channel stays, and nothing has happened to it. */
TEST_F(move, no_place)
{
	struct mn_addr any = mn_addr_from_v4(0);
	const struct mn_stack_event *ev;
	uint64_t f0, f1;

	self->sim = sim_new_engines(1, 2, 2, CONNS + 2);
	self->here = &self->sim->host[0].apps[0];
	self->there = &self->sim->host[1].apps[0];
	ASSERT_TRUE(sim_listen(self->sim, 1, 1, SIM_PORT));
	for (int i = 0; i < 4; i++)
		ASSERT_TRUE(sim_connect(self->sim, 1, &f0, &f1));
	mn_stack_unlisten(self->sim->host[1].stacks[1], &any, SIM_PORT);
	self->sim->host[1].apps[1].port = 0;
	ASSERT_TRUE(sim_listen(self->sim, 1, 0, SIM_PORT));
	for (int i = 0; i < CONNS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0][i], &self->flow[1][i]));
	ASSERT_EQ(0, sim_move(self->sim, 0, 0, 1));
	sim_run(self->sim, 100000, NULL);
	ev = sim_last_event(self->sim, 0, MN_STACK_EVENT_CHANNEL);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(0, ev->engine);
	EXPECT_EQ(0, self->here->engine);
	send_all(self, 5000);
	sim_run(self->sim, 100000, NULL);
	for (int i = 0; i < CONNS; i++) {
		EXPECT_EQ(1, sim_flow(self->there, self->flow[1][i])->received);
		EXPECT_EQ(1, sim_flow(self->here, self->flow[0][i])->received);
	}
	EXPECT_EQ(4 + CONNS, sim_conns(self->sim, 0));
	/* The places that were kept for it are free again. */
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(sim_connect(self->sim, 1, &f0, &f1));
	close_sim(_metadata, self);
}

/* An application that does not read: what waits for room on its ring comes along. */
TEST_F(move, reader_stops)
{
	for (uint64_t seed = 0; seed < SEEDS / 4; seed++) {
		uint32_t sent = 0;

		open_all(_metadata, self, seed);
		self->there->reads = false;
		for (int i = 0; i < 4000; i++) {
			sent += sim_send(self->here, self->flow[0][0], 1 + i % 200);
			sim_run(self->sim, 20, NULL);
		}
		for (int i = 1; i < CONNS; i++)
			sim_close(self->here, self->flow[0][i]);
		sim_run(self->sim, 100000, NULL);
		ASSERT_EQ(0, sim_move(self->sim, 1, 0, 1));
		sim_run(self->sim, 100000, NULL);
		EXPECT_EQ(1, self->there->engine);
		self->there->reads = true;
		sim_run(self->sim, 2000000, NULL);
		EXPECT_EQ(sent, sim_flow(self->there, self->flow[1][0])->received);
		EXPECT_EQ(CONNS - 1, ends(self->there, self->flow[1], 0));
		close_sim(_metadata, self);
	}
}

TEST_HARNESS_MAIN
