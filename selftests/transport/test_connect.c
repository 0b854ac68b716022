// SPDX-License-Identifier: MIT
/* Connects through the channel: when the control thread is asked, what becomes of its answer. */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

FIXTURE(connect)
{
	struct sim *sim;
	struct sim_host *h;
	struct sim_app *app;
	uint64_t flow[2];
};

FIXTURE_SETUP(connect)
{
	self->sim = sim_new(5);
	self->h = &self->sim->host[0];
	self->app = &self->h->apps[0];
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	ASSERT_EQ(1, self->h->asks);
}

FIXTURE_TEARDOWN(connect)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static struct mn_tuple from_any(struct sim *sim)
{
	struct mn_tuple to = sim_path(sim, 0, 0);

	to.local = mn_addr_from_v4(0);
	return to;
}

static bool connect_as(struct sim *sim, const struct mn_tuple *to, uint64_t request)
{
	const struct mn_stack_event *up;

	if (!sim_open(&sim->host[0].apps[0], to, request))
		return false;
	sim_run(sim, 10000, NULL);
	up = sim_last_event(sim, 0, MN_STACK_EVENT_UP);
	return up && up->request == request;
}

/* Where a path exists nobody is asked. */
TEST_F(connect, a_known_peer_is_not_asked_for)
{
	for (int i = 0; i < 10; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_EQ(1, self->h->asks);
	ASSERT_TRUE(sim_send(self->app, self->flow[0], 5000));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(1, sim_flow(&self->sim->host[1].apps[0], self->flow[1])->received);
}

TEST_F(connect, an_unreachable_peer_is_asked_for)
{
	struct mn_tuple to = sim_path(self->sim, 0, 0);

	ASSERT_EQ(0, mn_stack_set_unreachable(self->h->stack, &to.local, &to.remote, true));
	ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_EQ(2, self->h->asks);
	ASSERT_EQ(0, mn_stack_set_unreachable(self->h->stack, &to.local, &to.remote, false));
	ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_EQ(2, self->h->asks);
}

/* The host may have given up the address: the control thread knows. */
TEST_F(connect, an_address_that_has_left_is_asked_for)
{
	struct mn_tuple to = sim_path(self->sim, 0, 0);

	mn_stack_forget_source(self->h->stack, &to.remote);
	ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_EQ(1, self->h->asks);
	mn_stack_forget_source(self->h->stack, &to.local);
	ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_EQ(2, self->h->asks);
	ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[0], &self->flow[1]));
	EXPECT_EQ(2, self->h->asks);
}

/* What the routing table prefers is believed for a second. */
TEST_F(connect, the_default_address_is_asked_for_now_and_then)
{
	struct mn_tuple to = from_any(self->sim);

	for (uint64_t i = 1; i <= 3; i++)
		ASSERT_TRUE(connect_as(self->sim, &to, i));
	EXPECT_EQ(2, self->h->asks);
	sim_run(self->sim, 1000000, NULL);
	for (uint64_t i = 4; i <= 6; i++)
		ASSERT_TRUE(connect_as(self->sim, &to, i));
	EXPECT_EQ(3, self->h->asks);
}

TEST_F(connect, a_refusal_has_its_errno)
{
	struct mn_tuple to = sim_path(self->sim, 0, 0);
	uint32_t conns = sim_conns(self->sim, 0);

	self->h->deaf = true;
	to.remote = mn_addr_from_v4(htonl(0x0a000009));
	ASSERT_TRUE(sim_open(self->app, &to, 77));
	sim_run(self->sim, 1000, NULL);
	ASSERT_EQ(1, self->h->n_asked);
	EXPECT_EQ(0, self->app->n_failed);
	mn_stack_refuse(self->h->stack, self->h->asked[0].id, ENETUNREACH);
	/* Once. */
	mn_stack_refuse(self->h->stack, self->h->asked[0].id, EHOSTUNREACH);
	EXPECT_EQ(-ENOENT, mn_stack_connect(self->h->stack, self->h->asked[0].id, &to, false));
	sim_run(self->sim, 1000, NULL);
	EXPECT_EQ(1, self->app->n_failed);
	EXPECT_EQ(77, self->app->failed);
	EXPECT_EQ(ENETUNREACH, self->app->failed_error);
	EXPECT_EQ(conns, sim_conns(self->sim, 0));
	EXPECT_EQ(77, sim_last_event(self->sim, 0, MN_STACK_EVENT_END)->request);
}

TEST_F(connect, what_names_no_peer_fails_at_once)
{
	struct mn_tuple to[] = { sim_path(self->sim, 0, 0), sim_path(self->sim, 0, 0) };

	to[0].remote = mn_addr_from_v4(0);
	to[1].remote_port = 0;
	for (uint64_t i = 0; i < 2; i++) {
		ASSERT_TRUE(sim_open(self->app, &to[i], 10 + i));
		sim_run(self->sim, 1000, NULL);
		EXPECT_EQ(10 + i, self->app->failed);
		EXPECT_EQ(EINVAL, self->app->failed_error);
	}
	EXPECT_EQ(1, self->h->asks);
}

/* No slot: there is an answer to each. */
TEST_F(connect, too_many)
{
	struct mn_tuple to = sim_path(self->sim, 0, 0);
	uint32_t conns = sim_conns(self->sim, 0);

	for (uint64_t i = 1; i <= 200; i++)
		ASSERT_TRUE(sim_open(self->app, &to, i));
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(ENOSPC, self->app->failed_error);
	EXPECT_EQ(200, self->app->n_failed + sim_conns(self->sim, 0) - conns);
}

/* An application that does not read gets its answers later; what it sends goes on. */
TEST_F(connect, answers_wait_for_room)
{
	struct mn_tuple to = sim_path(self->sim, 0, 0);
	struct mn_channel *ch = &self->app->ch;

	self->app->reads = false;
	ASSERT_TRUE(sim_send(self->app, self->flow[0], 100));
	while (mn_channel_rx_has_room(ch))
		ASSERT_EQ(0, mn_channel_post_failed(ch, 5, EIO));
	mn_channel_flush(ch);
	ASSERT_TRUE(sim_open(self->app, &to, 77));
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(1, sim_flow(&self->sim->host[1].apps[0], self->flow[1])->received);
	EXPECT_EQ(1, sim_conns(self->sim, 0));
	self->app->reads = true;
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(77, sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->request);
}

/* Its application leaves before the answer: nothing is opened. */
TEST_F(connect, leaving_before_the_answer)
{
	struct mn_tuple to = sim_path(self->sim, 0, 0);

	self->h->deaf = true;
	to.remote = mn_addr_from_v4(htonl(0x0a000009));
	ASSERT_TRUE(sim_open(self->app, &to, 77));
	sim_run(self->sim, 1000, NULL);
	ASSERT_EQ(1, self->h->n_asked);
	mn_stack_del_channel(self->h->stack, &self->app->ch, MN_END_OWNER_DIED);
	mn_channel_close(&self->app->ch, ECONNRESET);
	EXPECT_EQ(-ENOENT, mn_stack_connect(self->h->stack, self->h->asked[0].id, &to, false));
	sim_run(self->sim, 10000000, NULL);
	EXPECT_EQ(0, sim_conns(self->sim, 0));
}

TEST_HARNESS_MAIN
