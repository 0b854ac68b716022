// SPDX-License-Identifier: MIT
/* Several paths between two engines: how many, on which ports, and what each carries. */
#include <arpa/inet.h>

#include <kselftest_harness.h>

#include "transport/path.h"
#include "sim.h"

#define PATHS	4
#define CONNS	40

FIXTURE(paths)
{
	struct sim *sim;
};

static void listen_on(struct sim *sim, int host)
{
	struct mn_addr any = mn_addr_from_v4(0);

	mn_stack_listen(sim->host[host].stack, &sim->host[host].apps[0].ch, &any, SIM_PORT);
}

FIXTURE_SETUP(paths)
{
	self->sim = sim_new_paths(7, PATHS);
	listen_on(self->sim, 1);
}

FIXTURE_TEARDOWN(paths)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

/* Connects n times before any answer can come; requests from 1 on. */
static void burst(struct sim *sim, int from, int n)
{
	struct mn_tuple to = sim_path(sim, from, 0);

	for (int i = 1; i <= n; i++)
		sim_open(&sim->host[from].apps[0], &to, i);
	sim_run(sim, 100000, NULL);
}

static bool has_port(struct sim *sim, int host, uint32_t first, uint32_t n, uint16_t port)
{
	struct mn_path_info p;

	for (uint32_t i = first; i < n; i++)
		if (sim_path_info(sim, host, i, &p) && p.tuple.local_port == port)
			return true;
	return false;
}

/* Each path of the host has so many connections, and a port of its own. */
static void expect_even(struct __test_metadata *_metadata, struct sim *sim, int host,
			uint32_t conns)
{
	struct mn_path_info p;

	ASSERT_EQ(PATHS, sim_paths(sim, host));
	for (uint32_t i = 0; i < PATHS; i++) {
		ASSERT_TRUE(sim_path_info(sim, host, i, &p));
		EXPECT_TRUE(p.open);
		EXPECT_EQ(conns, p.connections);
		EXPECT_LE(SIM_BLOCK, p.tuple.local_port);
		EXPECT_GT(SIM_BLOCK + 64, p.tuple.local_port);
		EXPECT_FALSE(has_port(sim, host, i + 1, PATHS, p.tuple.local_port));
	}
}

TEST_F(paths, burst__is_spread_evenly)
{
	burst(self->sim, 0, CONNS);
	expect_even(_metadata, self->sim, 0, CONNS / PATHS);
	EXPECT_EQ(CONNS, sim_conns(self->sim, 1));
}

TEST_F(paths, one_by_one__is_spread_evenly)
{
	uint64_t flow[2];

	for (int i = 0; i < CONNS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	expect_even(_metadata, self->sim, 0, CONNS / PATHS);
}

/* What the first one has found is known to the next ones: they need no detour. */
TEST_F(paths, next_ones__any_port_of_the_peers_block)
{
	struct mn_path_info p;
	uint32_t others = 0;
	uint64_t flow[2];

	for (int i = 0; i < PATHS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	for (uint32_t i = 0; i < PATHS; i++) {
		ASSERT_TRUE(sim_path_info(self->sim, 0, i, &p));
		EXPECT_LE(SIM_BLOCK, p.tuple.remote_port);
		EXPECT_GT(SIM_BLOCK + 64, p.tuple.remote_port);
		others += p.tuple.remote_port != SIM_BLOCK;
	}
	EXPECT_LT(0, others);
	EXPECT_EQ(0, mn_stack_stats(self->sim->host[1].stack)->rx_duplicates);
}

static bool lose_all_but_contact(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)data;
	(void)len;
	return from == 0 && sim->way->remote_port != SIM_BLOCK;
}

/* A firewall admits the contact port alone: the second INIT goes there. */
TEST_F(paths, next_ones__contact_port_alone)
{
	uint64_t flow[2];

	self->sim->filter = lose_all_but_contact;
	for (int i = 0; i < CONNS; i++) {
		uint64_t at_us = self->sim->now_us;

		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
		/* sim_connect() looks every 5 ms. */
		EXPECT_GE(at_us + MN_INIT_RETRY_US + 5000, self->sim->now_us);
	}
	expect_even(_metadata, self->sim, 0, CONNS / PATHS);
}

static bool lose_first_ports(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)data;
	(void)len;
	return from == 0 && sim->way->remote_port != SIM_BLOCK &&
	       sim->way->remote_port != SIM_PORT;
}

/* It admits the port of the listener, too. */
TEST_F(paths, next_ones__port_that_is_not_admitted)
{
	uint64_t flow[2];

	self->sim->filter = lose_first_ports;
	for (int i = 0; i < CONNS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &flow[0], &flow[1]));
	expect_even(_metadata, self->sim, 0, CONNS / PATHS);
}

/* Both hosts open paths at once: all of them are used, by both. */
TEST_F(paths, both_at_once)
{
	struct mn_tuple there = sim_path(self->sim, 0, 0), back = there;
	struct mn_path_info p;

	listen_on(self->sim, 0);
	back.local = there.remote;
	back.remote = there.local;
	for (int i = 1; i <= CONNS; i++) {
		sim_open(&self->sim->host[0].apps[0], &there, i);
		sim_open(&self->sim->host[1].apps[0], &back, i);
	}
	sim_run(self->sim, 100000, NULL);
	EXPECT_EQ(2 * PATHS, sim_paths(self->sim, 0));
	EXPECT_EQ(2 * PATHS, sim_paths(self->sim, 1));
	for (uint32_t i = 0; i < 2 * PATHS; i++) {
		ASSERT_TRUE(sim_path_info(self->sim, 0, i, &p));
		EXPECT_TRUE(p.open);
		EXPECT_EQ(CONNS / PATHS, p.connections);
	}
}

/* --- loss --- */

static bool lose_a_tenth(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	const uint16_t *port = sim->filter_ctx;

	(void)from;
	(void)data;
	(void)len;
	return (sim->way->local_port == *port || sim->way->remote_port == *port) &&
	       !sim_random(sim, 10);
}

TEST_F(paths, loss__harms_its_own_connections_alone)
{
	struct sim_app *app = &self->sim->host[0].apps[0];
	struct mn_path_info lossy, p;
	struct mn_conn_info c;

	burst(self->sim, 0, CONNS);
	ASSERT_TRUE(sim_path_info(self->sim, 0, 1, &lossy));
	self->sim->filter = lose_a_tenth;
	self->sim->filter_ctx = &lossy.tuple.local_port;
	for (int n = 0; n < 100; n++) {
		for (uint32_t i = 0; i < app->n_flows; i++)
			sim_send(app, app->flows[i].handle, 3000);
		sim_run(self->sim, 2000, NULL);
	}
	sim_run(self->sim, 1000000, NULL);
	for (uint32_t i = 0; i < app->n_flows; i++) {
		ASSERT_TRUE(sim_info(self->sim, 0, app->flows[i].handle, &c));
		EXPECT_EQ(100, c.tx_messages);
		EXPECT_EQ(0, c.unaccepted_bytes + c.unsent_bytes);
		EXPECT_EQ(c.path == lossy.number, c.retransmits > 10);
		EXPECT_EQ(c.path != lossy.number, c.retransmits == 0);
	}
	for (uint32_t i = 0; i < PATHS; i++) {
		ASSERT_TRUE(sim_path_info(self->sim, 0, i, &p));
		EXPECT_LT(100, p.tx_packets);
		EXPECT_LT(100, p.rx_packets);
	}
}

TEST_HARNESS_MAIN
