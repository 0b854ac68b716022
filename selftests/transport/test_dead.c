// SPDX-License-Identifier: MIT
/* Peers that fall silent: how long it takes until that is an end, in each state, and which. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "transport/frame.h"
#include "transport/path.h"
#include "sim.h"

FIXTURE(dead)
{
	struct sim *sim;
	uint64_t flow[2];	/* of a connection at host 0 and host 1 */
	uint64_t id;		/* at host 0 */
	struct mn_tuple peer, peer_tuple;	/* of its path, at host 0 and host 1 */
	struct sim_flow *f[2];
};

FIXTURE_SETUP(dead)
{
	self->sim = sim_new(51);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 10000, NULL);
	self->id = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->id;
	self->peer = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->tuple;
	self->peer_tuple = sim_last_event(self->sim, 1, MN_STACK_EVENT_UP)->tuple;
	for (int i = 0; i < 2; i++)
		self->f[i] = sim_flow(&self->sim->host[i].apps[0], self->flow[i]);
}

FIXTURE_TEARDOWN(dead)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static enum mn_end end_at(struct sim *sim, int host)
{
	const struct mn_stack_event *ev = sim_last_event(sim, host, MN_STACK_EVENT_END);

	return ev ? ev->why : MN_END_NONE;
}

/* An idle one: seen in 5 s of silence, and one keepalive more if it was just due. */
TEST_F(dead, open__idle)
{
	self->sim->host[1].dead = true;
	sim_run(self->sim, 4900000, NULL);
	EXPECT_FALSE(self->f[0]->ended);
	sim_run(self->sim, 1200000, NULL);
	EXPECT_EQ(ETIMEDOUT, self->f[0]->error);
	EXPECT_EQ(MN_END_TIMED_OUT, end_at(self->sim, 0));
	EXPECT_EQ(0, sim_conns(self->sim, 0));
}

/* With data under way it does not take longer, nor less. */
TEST_F(dead, open__in_the_middle_of_a_message)
{
	ASSERT_TRUE(sim_send(&self->sim->host[0].apps[0], self->flow[0], 1000000));
	sim_run(self->sim, 200, NULL);
	self->sim->host[1].dead = true;
	sim_run(self->sim, 4900000, NULL);
	EXPECT_FALSE(self->f[0]->ended);
	sim_run(self->sim, 1200000, NULL);
	EXPECT_EQ(ETIMEDOUT, self->f[0]->error);
	EXPECT_TRUE(sim_is_clean(self->sim));
}

/* The control plane knows that there is no way: the same time, another word. */
TEST_F(dead, open__unreachable)
{
	struct mn_stack *stack = self->sim->host[0].stack;

	EXPECT_EQ(-ENOENT, mn_stack_set_unreachable(stack, &self->peer.remote, &self->peer.remote,
						    true));
	ASSERT_EQ(0, mn_stack_set_unreachable(stack, &self->peer.local, &self->peer.remote, true));
	/* As long as packets get through all the same, nothing happens. */
	sim_run(self->sim, 10000000, NULL);
	EXPECT_FALSE(self->f[0]->ended);
	self->sim->host[1].dead = true;
	sim_run(self->sim, 4900000, NULL);
	EXPECT_FALSE(self->f[0]->ended);
	sim_run(self->sim, 1200000, NULL);
	EXPECT_EQ(EHOSTUNREACH, self->f[0]->error);
	EXPECT_EQ(MN_END_UNREACHABLE, end_at(self->sim, 0));
}

TEST_F(dead, open__reachable_again)
{
	struct mn_stack *stack = self->sim->host[0].stack;

	ASSERT_EQ(0, mn_stack_set_unreachable(stack, &self->peer.local, &self->peer.remote, true));
	ASSERT_EQ(0, mn_stack_set_unreachable(stack, &self->peer.local, &self->peer.remote,
					      false));
	self->sim->host[1].dead = true;
	sim_run(self->sim, 6100000, NULL);
	EXPECT_EQ(ETIMEDOUT, self->f[0]->error);
}

/* Ended by the control plane at once. */
TEST_F(dead, abort__unreachable)
{
	EXPECT_EQ(0, mn_stack_abort(self->sim->host[0].stack, self->id, MN_END_UNREACHABLE));
	sim_run(self->sim, 100, NULL);
	EXPECT_EQ(EHOSTUNREACH, self->f[0]->error);
	EXPECT_EQ(ECONNRESET, self->f[1]->error);
}

/* It has closed, and dies before it learns that its end was accepted. */
TEST_F(dead, leaving)
{
	struct sim_host *h = self->sim->host;

	ASSERT_TRUE(sim_close(&h[0].apps[0], self->flow[0]));
	sim_turn(self->sim);
	h[0].dead = true;
	sim_run(self->sim, 20000, NULL);
	EXPECT_TRUE(self->f[1]->ended);
	EXPECT_EQ(0, self->f[1]->error);
	EXPECT_EQ(1, sim_conns(self->sim, 1));
	sim_run(self->sim, 6000000, NULL);
	EXPECT_EQ(0, sim_conns(self->sim, 1));
	EXPECT_EQ(MN_END_PEER_CLOSED, end_at(self->sim, 1));
}

/* A peer that says so: all is accepted, and nothing of its own stream's end. */
static uint32_t write_accepted(struct sim *sim, uint64_t number, uint8_t *buf)
{
	struct mn_packet p = { .type = MN_WIRE_FRAMES, .engine = 4, .number = number, .least = 1 };
	struct mn_frame f = { .type = MN_FRAME_CREDIT, .accepted = 1, .credit = 1000 };
	struct mn_path_info path;
	uint32_t n;

	sim_path_info(sim, 0, 0, &path);
	p.path = path.id;
	f.conn = sim_last_event(sim, 0, MN_STACK_EVENT_UP)->id >> 16;
	n = mn_packet_write(buf, &p);
	return n + mn_frame_write(buf + n, &f);
}

TEST_F(dead, closing__without_an_end)
{
	struct sim_host *h = self->sim->host;
	uint64_t number = 1000;
	uint8_t buf[128];

	h[1].dead = true;
	ASSERT_TRUE(sim_close(&h[0].apps[0], self->flow[0]));
	sim_run(self->sim, 100, NULL);
	for (int i = 0; i < 14; i++) {
		sim_inject(self->sim, 0, &self->peer_tuple, buf,
			   write_accepted(self->sim, number++, buf));
		sim_run(self->sim, 500000, NULL);
		if (i < 9)
			EXPECT_EQ(MN_END_NONE, end_at(self->sim, 0));
	}
	EXPECT_EQ(MN_END_CLOSED, end_at(self->sim, 0));
}

/* --- a host with many connections --- */

#define MANY		10000u
#define MANY_SLOTS	16384u

struct many {
	struct sim *sim;
	uint8_t opened[MANY_SLOTS], ended[MANY_SLOTS];	/* at host 0, by slot */
	uint32_t n_opened, n_ended;
	int error;		/* of all ends; -1: they differ */
};

/* The application of a host, beside those of the simulation, which know few connections. */
static void read_all(struct many *m, int host)
{
	struct sim_app *app = &m->sim->host[host].apps[0];
	struct mn_desc d;

	while (mn_ring_avail(&app->rx) > 0) {
		mn_ring_get(&app->rx, &d);
		app->rx.self += mn_ring_extra(&app->rx, &d);
		if (d.type == MN_DESC_OPEN) {
			m->n_opened += !host;
			m->opened[d.flow % MANY_SLOTS] += !host;
		} else if (d.type == MN_DESC_END && !host) {
			m->error = !m->n_ended || m->error == (int)d.len ? (int)d.len : -1;
			m->n_ended++;
			m->ended[d.flow % MANY_SLOTS]++;
		}
	}
	mn_ring_release(&app->rx);
}

static void many_run(struct many *m, uint64_t us)
{
	for (uint64_t end_us = m->sim->now_us + us; m->sim->now_us < end_us;) {
		sim_run(m->sim, 1000, NULL);
		read_all(m, 0);
		read_all(m, 1);
	}
}

/* They end at the same time, each once, and with the same error. */
TEST(dead__ten_thousand_connections)
{
	struct many *m = calloc(1, sizeof(*m));
	struct mn_addr any = mn_addr_from_v4(0);
	const struct mn_stack_stats *st;
	struct sim_host *h;

	m->sim = sim_new_sized(52, MANY_SLOTS, 64);
	h = m->sim->host;
	for (int i = 0; i < 2; i++)
		h[i].apps[0].reads = false;
	/* An engine of these hosts has 8,064 client ports for each port of a listener. */
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT + i));
	for (uint32_t i = 0; i < MANY; i++) {
		struct mn_tuple to = sim_path(m->sim, 0, 0);

		to.remote_port += i % 2;
		if (!sim_open(&h[0].apps[0], &to, i + 1)) {
			many_run(m, 1000);
			ASSERT_TRUE(sim_open(&h[0].apps[0], &to, i + 1));
		}
		/* The path that the first one opens is that of all. */
		if (!i)
			many_run(m, 10000);
	}
	many_run(m, 100000);
	ASSERT_EQ(MANY, m->n_opened);
	h[1].dead = true;
	many_run(m, 4800000);
	EXPECT_EQ(0, m->n_ended);
	many_run(m, 1200000);
	EXPECT_EQ(MANY, m->n_ended);
	EXPECT_EQ(ETIMEDOUT, m->error);
	EXPECT_EQ(0, memcmp(m->opened, m->ended, sizeof(m->opened)));
	/* To the control thread, too. */
	st = mn_stack_stats(h[0].stack);
	EXPECT_EQ(MANY, st->ends);
	EXPECT_EQ(1, st->paths_ended);
	EXPECT_EQ(0, sim_conns(m->sim, 0));
	/* A keepalive per second, not one per connection. */
	EXPECT_GT(20, st->tx_probes);
	sim_free(m->sim);
	free(m);
}

TEST_HARNESS_MAIN
