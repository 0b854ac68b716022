// SPDX-License-Identifier: MIT
/* Ports that change under traffic: by a broken way, by an attacker, by the hosts themselves. */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "transport/path.h"
#include "transport/stack_priv.h"
#include "sim.h"

#define PORTS	65536

FIXTURE(tuples)
{
	struct sim *sim;
	uint64_t flow[2];
	struct mn_path *path[2];
	const struct mn_stack_stats *st[2];
};

FIXTURE_SETUP(tuples)
{
	struct mn_path_info info;

	self->sim = sim_new(3);
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(sim_path_info(self->sim, i, 0, &info));
		self->path[i] = mn_path_by_id(self->sim->host[i].stack, info.id);
		ASSERT_NE(NULL, self->path[i]);
		self->st[i] = mn_stack_stats(self->sim->host[i].stack);
	}
}

FIXTURE_TEARDOWN(tuples)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

static void send_both(FIXTURE_DATA(tuples) *self, uint32_t len)
{
	for (int i = 0; i < 2; i++)
		sim_send(&self->sim->host[i].apps[0], self->flow[i], len);
}

/* Messages of both ends, for a while. */
static void exchange(FIXTURE_DATA(tuples) *self, uint32_t n, uint32_t every_us)
{
	for (uint32_t i = 0; i < n; i++) {
		send_both(self, 1 + sim_random(self->sim, 8000));
		sim_run(self->sim, every_us, NULL);
	}
}

static uint32_t received(FIXTURE_DATA(tuples) *self, int host)
{
	return sim_flow(&self->sim->host[host].apps[0], self->flow[host])->received;
}

static bool agree(FIXTURE_DATA(tuples) *self)
{
	return self->path[0]->local_port == self->path[1]->remote_port &&
	       self->path[1]->local_port == self->path[0]->remote_port;
}

/* --- a way that is broken --- */

struct broken {
	uint16_t from[2], to[2];	/* ports of the packets of host 0 and 1 that are lost */
	bool lost[2];			/* whether any are */
};

static bool is_broken(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	const struct broken *b = sim->filter_ctx;

	(void)data;
	(void)len;
	return b->lost[from] && sim->way->local_port == b->from[from] &&
	       sim->way->remote_port == b->to[from];
}

/* The tuples that are used now lose all from here on, in these directions. */
static void expect_detour(struct __test_metadata *_metadata, FIXTURE_DATA(tuples) *self,
			  bool there, bool back)
{
	struct broken b = { .lost = { there, back } };

	exchange(self, 20, 500);
	for (int i = 0; i < 2; i++) {
		b.from[i] = self->path[i]->local_port;
		b.to[i] = self->path[i]->remote_port;
	}
	self->sim->filter_ctx = &b;
	self->sim->filter = is_broken;
	exchange(self, 20, 500);
	/* Three timeouts, of 2, 4 and 8 ms, and some more if the peer has to follow. */
	sim_run(self->sim, 80000, NULL);
	EXPECT_EQ(40, received(self, 0));
	EXPECT_EQ(40, received(self, 1));
	EXPECT_TRUE(agree(self));
	EXPECT_LE(1, self->st[0]->tuples_changed + self->st[1]->tuples_changed);
	EXPECT_LE(1, self->st[0]->tuples_followed + self->st[1]->tuples_followed);
	exchange(self, 20, 500);
	sim_run(self->sim, 5000, NULL);
	EXPECT_EQ(60, received(self, 0));
	EXPECT_EQ(60, received(self, 1));
	EXPECT_EQ(0, self->st[0]->ends + self->st[1]->ends);
}

TEST_F(tuples, broken__both_directions)
{
	expect_detour(_metadata, self, true, true);
}

TEST_F(tuples, broken__there)
{
	expect_detour(_metadata, self, true, false);
}

TEST_F(tuples, broken__back)
{
	expect_detour(_metadata, self, false, true);
}

/* Nothing is sent when it breaks: the probe of the idle path finds it, and the way around. */
TEST_F(tuples, broken__while_idle)
{
	struct broken b = { .lost = { true, true } };

	for (int i = 0; i < 2; i++) {
		b.from[i] = self->path[i]->local_port;
		b.to[i] = self->path[i]->remote_port;
	}
	self->sim->filter_ctx = &b;
	self->sim->filter = is_broken;
	sim_run(self->sim, 30000000, NULL);
	EXPECT_EQ(0, self->st[0]->ends + self->st[1]->ends);
	EXPECT_TRUE(agree(self));
	send_both(self, 100);
	sim_run(self->sim, 1000, NULL);
	EXPECT_EQ(1, received(self, 0));
	EXPECT_EQ(1, received(self, 1));
}

/* What host 1 sends passes only as an answer to what has passed from host 0. */
struct firewall {
	bool open[PORTS];	/* by the port of host 0, towards the port of the handshake */
	uint16_t port;		/* of host 1 */
	bool dark;
};

static bool is_stopped(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct firewall *f = sim->filter_ctx;

	(void)data;
	(void)len;
	if (f->dark)
		return true;
	if (from == 0) {
		f->open[sim->way->local_port] |= sim->way->remote_port == f->port;
		return sim->way->remote_port != f->port;
	}
	return sim->way->local_port != f->port || !f->open[sim->way->remote_port];
}

/* In the dark both ends try other ports; the firewall admits but that of the handshake. */
TEST_F(tuples, firewall__home_again)
{
	struct firewall *f = calloc(1, sizeof(*f));

	f->port = self->path[1]->local_port;
	f->open[self->path[0]->local_port] = true;
	self->sim->filter_ctx = f;
	self->sim->filter = is_stopped;
	for (uint32_t dark_us = 1000; dark_us < 500000; dark_us *= 2) {
		uint32_t before = received(self, 1);

		send_both(self, 20000);
		f->dark = true;
		sim_run(self->sim, dark_us, NULL);
		f->dark = false;
		sim_run(self->sim, 2000000, NULL);
		EXPECT_EQ(before + 1, received(self, 1));
		EXPECT_EQ(before + 1, received(self, 0));
		EXPECT_TRUE(agree(self));
	}
	EXPECT_LE(4, self->st[1]->tuples_changed);
	EXPECT_EQ(0, self->st[0]->ends + self->st[1]->ends);
	free(f);
}

/* --- an attacker --- */

struct forger {
	bool own_block;			/* the ports are the real host's */
	uint32_t forged;
};

/* Each packet of host 0 comes once more, earlier than itself, and from another port. */
static bool forge(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct forger *f = sim->filter_ctx;
	struct mn_tuple t = *sim->way;

	if (from == 1)
		return !f->own_block && (sim->way->remote_port < SIM_BLOCK ||
					 sim->way->remote_port >= SIM_BLOCK + 64);
	t.local_port = f->own_block ? SIM_BLOCK + sim_random(sim, 64) :
				      1 + sim_random(sim, SIM_BLOCK - 1);
	sim_inject(sim, 1, &t, data, len);
	f->forged++;
	return false;
}

/* No RESPONSE comes from ports that nobody has: the path stays where it is. */
TEST_F(tuples, forged__ports_of_nobody)
{
	struct forger f = { 0 };
	uint16_t port = self->path[1]->remote_port;

	self->sim->filter_ctx = &f;
	self->sim->filter = forge;
	for (int i = 0; i < 500; i++) {
		send_both(self, 2000);
		sim_run(self->sim, 200, NULL);
		ASSERT_EQ(port, self->path[1]->remote_port);
	}
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(500, received(self, 0));
	EXPECT_EQ(500, received(self, 1));
	EXPECT_LT(500, f.forged);
	/* 100 ms: one each. */
	EXPECT_LT(10, self->st[1]->challenges_sent);
	EXPECT_GE(112, self->st[1]->challenges_sent);
	EXPECT_EQ(0, self->st[1]->tuples_followed);
	EXPECT_GE(1, self->st[0]->tx_retransmits);
}

/* The real host answers on its other ports, too: they lead to it, and nothing is lost. */
TEST_F(tuples, forged__ports_of_the_host)
{
	struct forger f = { .own_block = true };

	self->sim->filter_ctx = &f;
	self->sim->filter = forge;
	exchange(self, 500, 200);
	sim_run(self->sim, 10000, NULL);
	EXPECT_EQ(500, received(self, 0));
	EXPECT_EQ(500, received(self, 1));
	self->sim->filter = NULL;
	exchange(self, 10, 2000);
	EXPECT_TRUE(agree(self));
	EXPECT_EQ(0, self->st[0]->ends + self->st[1]->ends);
}

/* --- the hosts themselves --- */

TEST_F(tuples, changes__at_any_time)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct sim *sim = sim_new(seed);
		FIXTURE_DATA(tuples) t = { .sim = sim };
		struct mn_path_info info;

		ASSERT_TRUE(sim_pair(sim, &t.flow[0], &t.flow[1]));
		for (int i = 0; i < 2; i++) {
			ASSERT_TRUE(sim_path_info(sim, i, 0, &info));
			t.path[i] = mn_path_by_id(sim->host[i].stack, info.id);
			t.st[i] = mn_stack_stats(sim->host[i].stack);
		}
		sim->net = (struct sim_net){
			.delay_us = 20, .loss = 10000, .dup = 10000, .reorder = 50000,
			.reorder_us = 100, .bytes_per_us = 1250,
		};
		for (int n = 0; n < 200; n++) {
			if (!sim_random(sim, 4)) {
				struct mn_path *p = t.path[sim_random(sim, 2)];

				mn_path_use_tuple(p, mn_path_own_port(p), p->remote_port);
			}
			exchange(&t, 1, 300);
		}
		sim->net.loss = sim->net.reorder = 0;
		sim_run(sim, 1000000, NULL);
		exchange(&t, 5, 3000);
		EXPECT_EQ(205, received(&t, 0)) TH_LOG("seed %lu", seed);
		EXPECT_EQ(205, received(&t, 1)) TH_LOG("seed %lu", seed);
		EXPECT_TRUE(agree(&t)) TH_LOG("seed %lu", seed);
		EXPECT_LT(5, t.st[0]->tuples_followed) TH_LOG("seed %lu", seed);
		EXPECT_LT(5, t.st[1]->tuples_followed) TH_LOG("seed %lu", seed);
		EXPECT_EQ(0, t.st[0]->ends + t.st[1]->ends + sim->errors);
		sim_free(sim);
	}
}

static bool lose_one(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	uint32_t *left = sim->filter_ctx;

	(void)data;
	(void)len;
	if (from || !*left)
		return false;
	--*left;
	return true;
}

/* What was lost just before is sent again, though all that follows arrives. */
TEST_F(tuples, changes__after_a_loss)
{
	uint32_t before, left = 1;

	exchange(self, 20, 100);
	sim_run(self->sim, 5000, NULL);
	before = received(self, 1);
	self->sim->filter_ctx = &left;
	self->sim->filter = lose_one;
	send_both(self, 100);
	sim_turn(self->sim);
	ASSERT_EQ(0, left);
	mn_path_use_tuple(self->path[0], mn_path_own_port(self->path[0]),
			  self->path[0]->remote_port);
	for (uint32_t us = 0; us < 3 * MN_RTO_MIN_US; us += 20) {
		send_both(self, 100);
		sim_run(self->sim, 20, NULL);
	}
	/* Behind it, in order: all but what is under way. */
	EXPECT_LE(before + 3 * MN_RTO_MIN_US / 20 - 5, received(self, 1));
	EXPECT_EQ(0, self->st[0]->rto_fired);
}

/* A change under full load costs no retransmission, and the window is kept. */
TEST_F(tuples, changes__cost_nothing)
{
	uint32_t cwnd, least_us;

	self->sim->net.delay_us = 50;
	exchange(self, 200, 100);
	sim_run(self->sim, 5000, NULL);
	cwnd = self->path[0]->swift.cwnd;
	least_us = mn_rtt_min_us(&self->path[0]->rec.rtt);
	for (int i = 0; i < 20; i++) {
		mn_path_use_tuple(self->path[0], mn_path_own_port(self->path[0]),
				  self->path[0]->remote_port);
		EXPECT_GE(least_us, mn_rtt_min_us(&self->path[0]->rec.rtt));
		exchange(self, 20, 100);
	}
	sim_run(self->sim, 5000, NULL);
	EXPECT_EQ(20, self->st[1]->tuples_followed);
	EXPECT_EQ(0, self->st[0]->tx_retransmits + self->st[1]->tx_retransmits);
	EXPECT_EQ(0, self->st[0]->rto_fired + self->st[1]->rto_fired);
	EXPECT_LE(cwnd, self->path[0]->swift.cwnd);
	EXPECT_EQ(600, received(self, 1));
}

TEST_HARNESS_MAIN
