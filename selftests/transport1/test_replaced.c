// SPDX-License-Identifier: MIT
/* A peer's application dies unheard, and its next connection has the same ports. */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

FIXTURE(replaced)
{
	struct sim *sim;
	struct sim_app *app;		/* of host 1, which lives */
	uint64_t id;			/* of the old connection there */
	uint64_t flow;
	struct mn_path path;		/* as the peer sees it */
};

FIXTURE_SETUP(replaced)
{
	uint64_t flow;
	struct sim_host *h;

	self->sim = sim_new(1);
	h = self->sim->host;
	self->app = &h[1].apps[0];
	ASSERT_TRUE(sim_pair(self->sim, &flow, &self->flow));
	self->path = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->path;
	self->id = sim_last_event(self->sim, 1, MN_STACK_EVENT_UP)->id;
	sim_run(self->sim, 1000, NULL);
	self->sim->net.loss = 1000000;
	mn_stack_del_channel(h[0].stack, &h[0].apps[0].ch, MN_END_OWNER_DIED);
	sim_run(self->sim, 1000, NULL);
	self->sim->net.loss = 0;
}

FIXTURE_TEARDOWN(replaced)
{
	/* Two openings with the same ports, and no end between them, are an error. */
	EXPECT_EQ(0, self->sim->errors);
	EXPECT_TRUE(sim_is_clean(self->sim));
	sim_free(self->sim);
}

/* As if all slots of the ring held what the application has not read yet. */
static void fill_ring(struct sim_app *app)
{
	uint32_t cons = app->ch.rx.self;

	app->reads = false;
	app->ch.rx.self += app->ch.rx.size;
	app->ch.rx.other = cons;
	__atomic_store_n(&app->ch.rx.ctl->cons, cons, __ATOMIC_RELEASE);
}

/* As if it had read all that. */
static void empty_ring(struct sim_app *app)
{
	app->rx.self += app->ch.rx.size;
	app->rx.other = app->rx.self;
	__atomic_store_n(&app->ch.rx.ctl->cons, app->rx.self, __ATOMIC_RELEASE);
	app->reads = true;
}

static int connect_again(struct sim *sim, const struct mn_path *path)
{
	return mn_stack_connect(sim->host[0].stack, &sim->host[0].apps[1].ch, path, 7);
}

static struct sim_flow *accepted(struct sim *sim)
{
	return sim_flow(&sim->host[1].apps[0], sim_last_event(sim, 1, MN_STACK_EVENT_UP)->flow);
}

TEST_F(replaced, end_before_opening)
{
	struct sim_flow *old = sim_flow(self->app, self->flow);

	fill_ring(self->app);
	ASSERT_EQ(0, connect_again(self->sim, &self->path));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(2, mn_stack_stats(self->sim->host[1].stack)->accepts);
	EXPECT_EQ(1, mn_stack_stats(self->sim->host[1].stack)->replaced);
	empty_ring(self->app);
	sim_run(self->sim, 10000, NULL);
	EXPECT_TRUE(old->ended);
	EXPECT_EQ(ECONNRESET, old->error);
	EXPECT_TRUE(accepted(self->sim)->open);
	EXPECT_FALSE(accepted(self->sim)->ended);
}

/* The packet that confirms the new connection is under way. */
static bool read_meanwhile(struct sim *sim)
{
	struct sim_app *app = &sim->host[1].apps[0];

	if (mn_stack_stats(sim->host[0].stack)->connects == 2 && !app->reads)
		empty_ring(app);
	return false;
}

/* Room is found just when the other one comes up, with the first one's end still waiting for it. */
TEST_F(replaced, opening_does_not_overtake)
{
	struct sim_flow *old = sim_flow(self->app, self->flow);

	/* Host 1 has a turn now and then: what has come first, its channels behind. */
	self->sim->net.ring_slots = self->sim->net.ring_burst = 256;
	self->sim->net.ring_every_us = 50;
	fill_ring(self->app);
	ASSERT_EQ(0, mn_stack_abort(self->sim->host[1].stack, self->id, MN_END_ADMIN));
	ASSERT_EQ(0, connect_again(self->sim, &self->path));
	sim_run(self->sim, 10000, read_meanwhile);
	EXPECT_EQ(0, mn_stack_stats(self->sim->host[1].stack)->replaced);
	EXPECT_TRUE(old->ended);
	EXPECT_EQ(ECONNABORTED, old->error);
	EXPECT_TRUE(accepted(self->sim)->open);
}

TEST_HARNESS_MAIN
