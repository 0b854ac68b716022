// SPDX-License-Identifier: MIT
/* test_engines.c - hosts with several engines: each packet reaches the engine that it belongs to */
#include <kselftest_harness.h>

#include "sim.h"

#define MESSAGES	50

static const struct { int here, there; } counts[] = { { 1, 2 }, { 2, 1 }, { 2, 2 }, { 3, 4 } };
#define N_COUNTS	(sizeof(counts) / sizeof(counts[0]))

static bool exchange(struct sim *sim, struct sim_app *a, uint64_t fa, struct sim_app *b,
		     uint64_t fb)
{
	for (int i = 0; i < MESSAGES; i++) {
		if (!sim_send(a, fa, 1 + i * 401) || !sim_send(b, fb, 1 + i * 97))
			return false;
		sim_run(sim, 500, NULL);
	}
	sim_run(sim, 2000000, NULL);
	return sim_flow(a, fa)->received == MESSAGES && sim_flow(b, fb)->received == MESSAGES;
}

/* From app of host 0 to the listener of the other host's application. */
static bool connect_apps(struct sim *sim, int here, int there)
{
	uint64_t f0, f1;

	if (!sim_listen(sim, 1, there, SIM_PORT) || !sim_connect(sim, here, &f0, &f1))
		return false;
	if (!exchange(sim, &sim->host[0].apps[here], f0, &sim->host[1].apps[there], f1))
		return false;
	if (!sim_close(&sim->host[0].apps[here], f0))
		return false;
	sim_run(sim, 1000000, NULL);
	for (int e = 0; e < sim->host[1].n_engines; e++) {
		struct mn_addr any = mn_addr_from_v4(0);

		mn_stack_unlisten(sim->host[1].stacks[e], &any, SIM_PORT);
	}
	sim->host[1].apps[there].port = 0;
	return true;
}

/* Whatever engines the two applications are on. */
TEST(engines__connect)
{
	for (uint32_t n = 0; n < N_COUNTS; n++) {
		struct sim *sim = sim_new_engines(n, counts[n].here, counts[n].there, 128);

		for (int i = 0; i < 4; i++)
			EXPECT_TRUE(connect_apps(sim, i & 1, i >> 1));
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(sim_conns(sim, i), 0);
			for (int e = 0; e < sim->host[i].n_engines; e++)
				EXPECT_EQ(mn_stack_stats(sim->host[i].stacks[e])->drop_unknown_path,
					  0);
		}
		EXPECT_EQ(sim->errors, 0);
		EXPECT_TRUE(sim_is_clean(sim));
		sim_free(sim);
	}
}

/* An INIT for a port goes to its listener's engine: no path leads to another one. */
TEST(engines__paths)
{
	struct sim *sim = sim_new_engines(1, 2, 2, 128);
	struct mn_path_info info;
	uint64_t f0, f1;

	ASSERT_TRUE(sim_listen(sim, 1, 1, SIM_PORT));
	ASSERT_TRUE(sim_connect(sim, 0, &f0, &f1));
	EXPECT_EQ(sim_paths(sim, 0), 1);
	ASSERT_TRUE(sim_path_info(sim, 0, 0, &info));
	EXPECT_EQ(info.remote_engine, 1);
	EXPECT_EQ(mn_stack_stats(sim->host[0].stacks[0])->opens_moved, 0);
	/* From the other engine another one. */
	ASSERT_TRUE(sim_connect(sim, 1, &f0, &f1));
	EXPECT_EQ(sim_paths(sim, 0), 2);
	EXPECT_EQ(sim_paths(sim, 1), 2);
	EXPECT_GT(sim->host[0].handoffs, 0);
	EXPECT_EQ(sim->errors, 0);
	sim_free(sim);
}

/* With loss, and two engines that send at once. */
TEST(engines__loss)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct sim *sim = sim_new_engines(seed, 2, 2, 128);

		sim->net.loss = 10000;
		sim->net.reorder = 50000;
		sim->net.reorder_us = 100;
		sim->net.dup = 10000;
		for (int i = 0; i < 2; i++)
			EXPECT_TRUE(connect_apps(sim, i, 1 - i));
		EXPECT_EQ(sim->errors, 0);
		EXPECT_TRUE(sim_is_clean(sim));
		sim_free(sim);
	}
}

TEST_HARNESS_MAIN
