// SPDX-License-Identifier: MIT
/* test_move_channel.c - channels move between the engines of a host, with their connections */
#include <errno.h>

#include <kselftest_harness.h>

#include "sim.h"

#define ENGINES		3
#define CONNS		8
#define MESSAGES	50

/* A connection between two applications, with messages to be sent at both ends. */
struct line {
	int app[2];
	uint64_t flow[2];
	uint32_t left[2];	/* to be sent */
};

struct world {
	struct sim *sim;
	struct line line[CONNS];
	uint32_t largest, asked;
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

static bool set_up(struct world *w, uint64_t seed, uint32_t largest)
{
	*w = (struct world){
		.sim = sim_new_engines(seed, ENGINES, ENGINES, 128),
		.largest = largest,
	};
	set_network(w->sim, seed);
	if (!sim_listen(w->sim, 1, 0, SIM_PORT))
		return false;
	for (int i = 0; i < CONNS; i++) {
		struct line *l = &w->line[i];

		l->app[0] = i & 1;
		l->left[0] = l->left[1] = MESSAGES;
		if (!sim_connect(w->sim, l->app[0], &l->flow[0], &l->flow[1]))
			return false;
	}
	return true;
}

static struct sim_app *app_of(const struct world *w, const struct line *l, int side)
{
	return &w->sim->host[side].apps[l->app[side]];
}

static void send_some(struct world *w)
{
	for (int i = 0; i < CONNS; i++) {
		struct line *l = &w->line[i];

		for (int side = 0; side < 2; side++) {
			uint32_t most = sim_random(w->sim, 6) ? 400 : w->largest;

			if (l->left[side] && sim_random(w->sim, 4) &&
			    sim_send(app_of(w, l, side), l->flow[side],
				     1 + sim_random(w->sim, most)))
				l->left[side]--;
		}
	}
}

static bool is_done(const struct world *w)
{
	for (int i = 0; i < CONNS; i++)
		for (int side = 0; side < 2; side++) {
			const struct line *l = &w->line[i];
			struct sim_app *to = app_of(w, l, !side);

			if (l->left[side] || sim_flow(to, l->flow[!side])->received != MESSAGES)
				return false;
		}
	return true;
}

static void move_any(struct world *w)
{
	int host = sim_random(w->sim, 2), app = sim_random(w->sim, 2);

	w->asked += !sim_move(w->sim, host, app, sim_random(w->sim, ENGINES));
}

static void run(struct world *w, uint32_t moves_every)
{
	for (int i = 0; i < 20000 && !is_done(w); i++) {
		send_some(w);
		if (!sim_random(w->sim, moves_every))
			move_any(w);
		sim_run(w->sim, 1 + sim_random(w->sim, 100), NULL);
	}
}

static uint64_t total(const struct world *w, size_t counter)
{
	uint64_t n = 0;

	for (int i = 0; i < 2; i++)
		for (int e = 0; e < ENGINES; e++)
			n += *(const uint64_t *)((const char *)mn_stack_stats(
					w->sim->host[i].stacks[e]) + counter);
	return n;
}

#define TOTAL(w, name)	total(w, offsetof(struct mn_stack_stats, name))

static void expect_all(struct __test_metadata *_metadata, struct world *w, uint64_t seed)
{
	EXPECT_TRUE(is_done(w)) {
		TH_LOG("seed %lu", seed);
	}
	for (int i = 0; i < CONNS; i++) {
		sim_close(app_of(w, &w->line[i], i & 1), w->line[i].flow[i & 1]);
		move_any(w);
		sim_run(w->sim, 50, NULL);
	}
	sim_run(w->sim, 8000000, NULL);
	EXPECT_EQ(0, w->sim->errors);
	EXPECT_EQ(0, sim_conns(w->sim, 0) + sim_conns(w->sim, 1));
	EXPECT_EQ(0, TOTAL(w, aborts_sent));
	EXPECT_EQ(2 * CONNS, TOTAL(w, ends));
	EXPECT_TRUE(sim_is_clean(w->sim)) {
		TH_LOG("seed %lu", seed);
	}
}

/* Channels of both hosts, which have connections to each other, move at any time. */
static void many(struct __test_metadata *_metadata, uint64_t first)
{
	uint64_t taken = 0, asked = 0;

	for (uint64_t seed = first; seed < 120; seed += 4) {
		struct world w;

		ASSERT_TRUE(set_up(&w, seed, 20000));
		run(&w, 10);
		expect_all(_metadata, &w, seed);
		taken += TOTAL(&w, channels_taken);
		asked += w.asked;
		sim_free(w.sim);
	}
	EXPECT_GT(taken, asked / 2);
	EXPECT_GT(taken, 100);
}

TEST(move_channel__quiet_network)
{
	many(_metadata, 0);
}

TEST(move_channel__reordering)
{
	many(_metadata, 1);
}

TEST(move_channel__loss)
{
	many(_metadata, 2);
}

TEST(move_channel__loss_and_reordering)
{
	many(_metadata, 3);
}

#define MANY		1000
#define ROUNDS		4

/* A channel with a thousand connections, all of which have something to send, both ways. */
TEST(move_channel__thousand_connections)
{
	for (uint64_t seed = 0; seed < 2; seed++) {
		struct sim *sim = sim_new_engines(seed, 2, 2, 2048);
		struct sim_app *a = &sim->host[0].apps[0], *b = &sim->host[1].apps[0];
		static uint64_t flow[2][MANY];

		sim->net.loss = seed ? 5000 : 0;
		ASSERT_TRUE(sim_listen(sim, 1, 0, SIM_PORT));
		for (int i = 0; i < MANY; i++)
			ASSERT_TRUE(sim_connect(sim, 0, &flow[0][i], &flow[1][i]));
		for (int r = 0; r < ROUNDS; r++) {
			for (int i = 0; i < MANY; i++) {
				ASSERT_TRUE(sim_send(a, flow[0][i], 1 + (i * 7 + r) % 200));
				ASSERT_TRUE(sim_send(b, flow[1][i], 1 + (i * 5 + r) % 200));
			}
			sim_run(sim, 100 * r, NULL);
			EXPECT_EQ(0, sim_move(sim, 0, 0, !a->engine));
			if (r & 1)
				EXPECT_EQ(0, sim_move(sim, 1, 0, !b->engine));
			sim_run(sim, 2000000, NULL);
		}
		for (int i = 0; i < MANY; i++) {
			EXPECT_EQ(ROUNDS, sim_flow(a, flow[0][i])->received);
			EXPECT_EQ(ROUNDS, sim_flow(b, flow[1][i])->received);
		}
		EXPECT_EQ(ROUNDS & 1, a->engine);
		EXPECT_EQ(ROUNDS / 2 & 1, b->engine);
		EXPECT_EQ(0, sim->errors);
		EXPECT_EQ(MANY, sim_conns(sim, 0));
		EXPECT_EQ(MANY, sim_conns(sim, 1));
		EXPECT_TRUE(sim_is_clean(sim));
		sim_free(sim);
	}
}

TEST_HARNESS_MAIN
