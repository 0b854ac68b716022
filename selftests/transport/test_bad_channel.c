// SPDX-License-Identifier: MIT
/* Applications that do not keep to the rules of their channel, or do not look at it. */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

FIXTURE(channel)
{
	struct sim *sim;
	uint64_t flow[2];
};

FIXTURE_SETUP(channel)
{
	self->sim = sim_new(11);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 1000, NULL);
}

FIXTURE_TEARDOWN(channel)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static void scribble(struct sim_app *app, uint64_t flow, uint32_t what)
{
	struct mn_desc d = { flow, MN_DESC_MSG, 100, 5 };

	switch (what) {
	case 0:
		d.len = MN_MSG_MAX + 1;
		break;
	case 1:
		d.buf = app->ch.tx_bufs;
		break;
	case 2:
		d.type = 77;
		break;
	case 3:
		app->tx.self += 2 * app->tx.size;
		break;
	case 4:
		mn_ring_put(&app->rxc, &d);
		mn_ring_publish(&app->rxc);
		return;
	}
	mn_ring_put(&app->tx, &d);
	mn_ring_publish(&app->tx);
}

/* An application that lies loses its channel; its peers are told; its neighbour notices nothing. */
TEST_F(channel, corrupt_channel)
{
	for (uint32_t what = 0; what < 5; what++) {
		struct sim *sim = sim_new(what);
		struct sim_host *h = sim->host;
		uint64_t flow[2], other[2];

		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
		ASSERT_TRUE(sim_connect(sim, 1, &other[0], &other[1]));
		sim_run(sim, 1000, NULL);
		sim_send(&h[0].apps[0], flow[0], 1000000);
		sim_send(&h[0].apps[1], other[0], 1000000);
		sim_run(sim, 50, NULL);
		scribble(&h[0].apps[0], flow[0], what);
		sim_run(sim, 10000, NULL);
		EXPECT_EQ(1, mn_stack_stats(h[0].stack)->channels_corrupt);
		EXPECT_TRUE(h[0].apps[0].ch.dead);
		EXPECT_EQ(EPROTO, h[0].apps[0].ch.hdr->closed);
		EXPECT_EQ(ECONNRESET, sim_flow(&h[1].apps[0], flow[1])->error);
		EXPECT_EQ(1, sim_flow(&h[1].apps[0], other[1])->received);
		EXPECT_FALSE(sim_flow(&h[1].apps[0], other[1])->ended);
		EXPECT_EQ(1, sim_conns(sim, 0));
		mn_stack_del_channel(h[0].stack, &h[0].apps[0].ch, MN_END_OWNER_DIED);
		EXPECT_EQ(0, sim->errors);
		sim_free(sim);
	}
}

/* An application that does not look at its ring: what is due waits, and comes in order. */
TEST_F(channel, full_ring)
{
	struct sim_host *h = self->sim->host;
	struct sim_app *app = &h[1].apps[0];
	uint32_t slots = app->ch.rx.size;
	uint64_t flow[2];

	app->reads = false;
	/* As if so many entries were unread: the engine finds the ring full. */
	app->ch.rx.self += slots;
	app->ch.rx.other = app->ch.rx.self - slots;
	app->ch.hdr->closed = 0;
	__atomic_store_n(&app->ch.rx.ctl->cons, app->ch.rx.self - slots, __ATOMIC_RELEASE);
	ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	ASSERT_TRUE(sim_send(&h[0].apps[0], flow[0], 64));
	ASSERT_TRUE(sim_close(&h[0].apps[0], flow[0]));
	sim_run(self->sim, 100000, NULL);
	/* It reads at last. */
	app->rx.self = app->ch.rx.self;
	app->rx.other = app->ch.rx.self;
	__atomic_store_n(&app->ch.rx.ctl->cons, app->ch.rx.self, __ATOMIC_RELEASE);
	app->reads = true;
	sim_run(self->sim, 1000000, NULL);
	EXPECT_EQ(1, sim_flow(app, flow[1])->received);
	EXPECT_TRUE(sim_flow(app, flow[1])->ended);
	EXPECT_EQ(0, sim_flow(app, flow[1])->error);
	EXPECT_EQ(1, sim_conns(self->sim, 0));
	EXPECT_EQ(1, sim_conns(self->sim, 1));
}

TEST_HARNESS_MAIN
