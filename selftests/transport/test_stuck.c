// SPDX-License-Identifier: MIT
/*
 * A peer that never reads, on one connection of a channel with 1,000 others: their messages all
 * arrive, as soon as without it.
 */
#include <kselftest_harness.h>

#include "sim.h"

#define OTHERS		1000
#define ROUNDS		20
/* What a connection may queue, as the library has it: less than an eighth of a channel. */
#define QUEUED_MAX	(1u << 20)
#define STUCK_PORT	(SIM_PORT + 1)

FIXTURE(stuck)
{
	struct sim *sim;
	struct sim_app *app;		/* the channel of all */
	uint64_t flow;			/* of the one that is stuck */
	uint64_t other[OTHERS][2];
};

FIXTURE_VARIANT(stuck)
{
	uint32_t len;			/* of the messages that are not read */
};

FIXTURE_VARIANT_ADD(stuck, small) { .len = 64 };
FIXTURE_VARIANT_ADD(stuck, packets) { .len = 1024 };
FIXTURE_VARIANT_ADD(stuck, buffers) { .len = 65536 };

FIXTURE_SETUP(stuck)
{
	struct mn_addr any = mn_addr_from_v4(0);
	struct sim_host *h;
	struct mn_tuple to;

	self->sim = sim_new_sized(6, 2048, 1024);
	h = self->sim->host;
	self->app = &h[0].apps[0];
	ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT));
	ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[1].ch, &any, STUCK_PORT));
	for (int i = 0; i < OTHERS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &self->other[i][0], &self->other[i][1]));
	to = sim_path(self->sim, 0, 0);
	to.remote_port = STUCK_PORT;
	ASSERT_TRUE(sim_open(self->app, &to, 1));
	sim_run(self->sim, 5000, NULL);
	self->flow = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->flow;
	h[1].apps[1].reads = false;
}

FIXTURE_TEARDOWN(stuck)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static void push(struct _test_data_stuck *self, uint32_t len)
{
	struct mn_conn_info info;

	while (sim_info(self->sim, 0, self->flow, &info) &&
	       info.unsent_bytes + info.unaccepted_bytes < QUEUED_MAX &&
	       sim_send(self->app, self->flow, len))
		sim_turn(self->sim);
}

static uint64_t wanted;

static bool have_all(struct sim *sim)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < sim->host[1].apps[0].n_flows; i++)
		n += sim->host[1].apps[0].flows[i].received;
	return n == wanted;
}

/* A message over each of the others; returns how long it took until all had arrived, or 0. */
static uint64_t round_us(struct _test_data_stuck *self)
{
	uint64_t from_us = self->sim->now_us;

	for (int i = 0; i < OTHERS; i++)
		if (!sim_send(self->app, self->other[i][0], 64))
			return 0;
	wanted += OTHERS;
	return sim_run(self->sim, 100000, have_all) ? self->sim->now_us - from_us + 1 : 0;
}

TEST_F(stuck, others_go_on)
{
	uint64_t alone_us = 0, beside_us = 0, us;
	struct mn_conn_info info;

	wanted = 0;
	for (int i = 0; i < ROUNDS; i++) {
		us = round_us(self);
		ASSERT_NE(0, us);
		alone_us += us;
	}
	for (int i = 0; i < 200; i++) {
		push(self, variant->len);
		sim_run(self->sim, 1000, NULL);
	}
	for (int i = 0; i < ROUNDS; i++) {
		push(self, variant->len);
		us = round_us(self);
		ASSERT_NE(0, us);
		beside_us += us;
	}
	EXPECT_GE(3 * alone_us, 2 * beside_us) TH_LOG("%lu us, alone %lu", beside_us, alone_us);
	/* And it was stuck: messages of it are there, and may not be sent. */
	ASSERT_TRUE(sim_info(self->sim, 0, self->flow, &info));
	EXPECT_LT(0, info.unsent_bytes);
	EXPECT_EQ(0, info.credit_bytes);
	/* It goes on when it is read. */
	self->sim->host[1].apps[1].reads = true;
	sim_run(self->sim, 1000000, NULL);
	ASSERT_TRUE(sim_info(self->sim, 0, self->flow, &info));
	EXPECT_EQ(0, info.unsent_bytes + info.unaccepted_bytes);
	EXPECT_EQ(sim_flow(self->app, self->flow)->sent,
		  self->sim->host[1].apps[1].flows[0].received);
}

TEST_HARNESS_MAIN
