// SPDX-License-Identifier: MIT
/* test_move.c - connections move between the paths of two engines, under load */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

#define CONNS	6
#define PATHS	3
#define SEEDS	240

/* A connection with messages to be sent at both ends. */
struct line {
	uint64_t flow[2];
	uint32_t left[2];	/* to be sent */
	uint32_t total[2];
};

struct moves {
	struct sim *sim;
	struct line line[CONNS];
	uint32_t largest;
	uint32_t asked;		/* moves that began */
};

static void set_network(struct sim *sim, uint64_t seed)
{
	if (seed % 4 == 0)
		return;
	sim->net.loss = seed % 4 == 1 ? 0 : 20000;
	sim->net.reorder = seed % 4 == 2 ? 0 : 100000;
	sim->net.reorder_us = 200;
	sim->net.dup = 20000;
	sim->net.bytes_per_us = seed % 3 ? 1250 : 0;
}

static bool open_lines(struct moves *m)
{
	struct sim *sim = m->sim;

	if (!sim_listen(sim, 1, 0, SIM_PORT))
		return false;
	for (int i = 0; i < CONNS; i++) {
		struct line *l = &m->line[i];

		if (!sim_connect(sim, 0, &l->flow[0], &l->flow[1]))
			return false;
	}
	return true;
}

/* Mostly small ones. */
static uint32_t any_len(struct moves *m)
{
	switch (sim_random(m->sim, 8)) {
	case 0:
		return 1 + sim_random(m->sim, m->largest);
	case 1:
	case 2:
		return 1 + sim_random(m->sim, 20000);
	default:
		return 1 + sim_random(m->sim, 300);
	}
}

static void send_some(struct moves *m)
{
	for (int i = 0; i < CONNS; i++) {
		struct line *l = &m->line[i];

		for (int side = 0; side < 2; side++)
			if (l->left[side] && sim_random(m->sim, 4) &&
			    sim_send(&m->sim->host[side].apps[0], l->flow[side], any_len(m)))
				l->left[side]--;
	}
}

static int move_any(struct moves *m)
{
	int host = sim_random(m->sim, 2);
	struct line *l = &m->line[sim_random(m->sim, CONNS)];
	uint32_t n = sim_random(m->sim, sim_paths(m->sim, host));
	struct mn_conn_info info;
	struct mn_path_info path;

	if (!sim_info(m->sim, host, l->flow[host], &info) ||
	    !sim_path_info(m->sim, host, n, &path))
		return -ENOENT;
	return mn_stack_move(m->sim->host[host].stack, info.id, path.number);
}

static bool is_done(const struct moves *m)
{
	for (int i = 0; i < CONNS; i++)
		for (int side = 0; side < 2; side++) {
			struct sim_app *app = &m->sim->host[!side].apps[0];
			const struct line *l = &m->line[i];

			if (l->left[side] ||
			    sim_flow(app, l->flow[!side])->received != l->total[side])
				return false;
		}
	return true;
}

static void run(struct moves *m, uint32_t every_us)
{
	for (int i = 0; i < 20000 && !is_done(m); i++) {
		send_some(m);
		if (!move_any(m))
			m->asked++;
		sim_run(m->sim, 1 + sim_random(m->sim, every_us), NULL);
	}
}

static void close_lines(struct moves *m)
{
	for (int i = 0; i < CONNS; i++) {
		sim_close(&m->sim->host[i & 1].apps[0], m->line[i].flow[i & 1]);
		if (!move_any(m))
			m->asked++;
	}
	sim_run(m->sim, 8000000, NULL);
}

static uint64_t total_moved(const struct moves *m)
{
	return mn_stack_stats(m->sim->host[0].stack)->conns_moved +
	       mn_stack_stats(m->sim->host[1].stack)->conns_moved;
}

static void set_up(struct moves *m, uint64_t seed, uint32_t messages, uint32_t largest)
{
	*m = (struct moves){ .sim = sim_new_paths(seed, PATHS), .largest = largest };
	for (int i = 0; i < CONNS; i++)
		for (int side = 0; side < 2; side++)
			m->line[i].left[side] = m->line[i].total[side] = messages;
}

static void expect_all(struct __test_metadata *_metadata, struct moves *m, uint64_t seed)
{
	EXPECT_TRUE(is_done(m)) {
		TH_LOG("seed %lu", seed);
	}
	close_lines(m);
	EXPECT_EQ(0, m->sim->errors) {
		TH_LOG("seed %lu", seed);
	}
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, sim_conns(m->sim, i)) {
			TH_LOG("seed %lu", seed);
		}
		EXPECT_EQ(0, mn_stack_stats(m->sim->host[i].stack)->aborts_sent);
		EXPECT_EQ(CONNS, mn_stack_stats(m->sim->host[i].stack)->ends);
	}
	EXPECT_TRUE(sim_is_clean(m->sim)) {
		TH_LOG("seed %lu", seed);
	}
}

/* Both directions loaded, both hosts move: nothing is lost, nothing comes twice, order is kept. */
static void many(struct __test_metadata *_metadata, uint64_t first)
{
	uint64_t moved = 0, asked = 0;

	for (uint64_t seed = first; seed < SEEDS; seed += 4) {
		struct moves m;

		set_up(&m, seed, 60, 30000);
		set_network(m.sim, seed);
		ASSERT_TRUE(open_lines(&m));
		run(&m, 200);
		expect_all(_metadata, &m, seed);
		moved += total_moved(&m);
		asked += m.asked;
		sim_free(m.sim);
	}
	/* Those that both hosts asked for at once, and those of closed ones, do not happen. */
	EXPECT_GT(moved, asked * 3 / 4);
	EXPECT_GT(moved, 1000);
}

TEST(move__quiet_network)
{
	many(_metadata, 0);
}

TEST(move__reordering)
{
	many(_metadata, 1);
}

TEST(move__loss)
{
	many(_metadata, 2);
}

TEST(move__loss_and_reordering)
{
	many(_metadata, 3);
}

TEST(move__large_messages)
{
	for (uint64_t seed = 0; seed < 24; seed++) {
		struct moves m;

		set_up(&m, seed, 6, 1 << 20);
		set_network(m.sim, seed);
		ASSERT_TRUE(open_lines(&m));
		run(&m, 500);
		expect_all(_metadata, &m, seed);
		EXPECT_GT(total_moved(&m), 0);
		sim_free(m.sim);
	}
}

TEST_HARNESS_MAIN
