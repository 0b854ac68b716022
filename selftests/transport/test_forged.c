// SPDX-License-Identifier: MIT
/* Packets that are real but old, and packets whose bits have flipped where no checksum saw it. */
#include <errno.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "transport/path.h"
#include "sim.h"

#define TAPED_MAX	4096

/* What went from host 0 to host 1. */
struct tape {
	uint32_t n, len[TAPED_MAX];
	uint8_t *data[TAPED_MAX];
};

FIXTURE(forged)
{
	struct sim *sim;
	struct tape *tape;
	uint64_t flow[2];
	struct mn_tuple path;		/* from host 0 to host 1 */
	const struct mn_stack_stats *st;	/* of host 1 */
};

static bool record(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct tape *t = sim->filter_ctx;

	if (from == 0 && t->n < TAPED_MAX) {
		t->data[t->n] = malloc(len);
		memcpy(t->data[t->n], data, len);
		t->len[t->n++] = len;
	}
	return false;
}

FIXTURE_SETUP(forged)
{
	self->sim = sim_new(31);
	self->tape = calloc(1, sizeof(*self->tape));
	self->sim->filter = record;
	self->sim->filter_ctx = self->tape;
	ASSERT_TRUE(sim_pair(self->sim, &self->flow[0], &self->flow[1]));
	sim_run(self->sim, 10000, NULL);
	self->path = sim_last_event(self->sim, 0, MN_STACK_EVENT_UP)->tuple;
	self->st = mn_stack_stats(self->sim->host[1].stack);
}

FIXTURE_TEARDOWN(forged)
{
	EXPECT_EQ(0, self->sim->errors);
	for (uint32_t i = 0; i < self->tape->n; i++)
		free(self->tape->data[i]);
	free(self->tape);
	sim_free(self->sim);
}

/* All that host 0 has ever sent comes once more, as fast as an attacker likes. */
static void replay(struct sim *sim, const struct mn_tuple *path)
{
	const struct tape *t = sim->filter_ctx;
	uint32_t n = t->n;

	for (uint32_t i = 0; i < n; i++) {
		sim_inject(sim, 1, path, t->data[i], t->len[i]);
		sim_run(sim, 20, NULL);
	}
}

static uint64_t received(struct sim *sim, int host, const uint64_t flow[2])
{
	return sim_flow(&sim->host[host].apps[0], flow[host])->received;
}

static void exchange(struct sim *sim, const uint64_t flow[2])
{
	for (int i = 0; i < 10; i++) {
		sim_send(&sim->host[0].apps[0], flow[0], 1 + 1000 * i);
		sim_send(&sim->host[1].apps[0], flow[1], 1 + 1000 * i);
		sim_run(sim, 2000, NULL);
	}
}

TEST_F(forged, replay__while_it_is_open)
{
	exchange(self->sim, self->flow);
	ASSERT_EQ(10, received(self->sim, 1, self->flow));
	replay(self->sim, &self->path);
	EXPECT_EQ(10, received(self->sim, 1, self->flow));
	exchange(self->sim, self->flow);
	EXPECT_EQ(20, received(self->sim, 1, self->flow));
	EXPECT_EQ(20, received(self->sim, 0, self->flow));
	EXPECT_EQ(1, self->st->accepts);
	EXPECT_EQ(1, sim_paths(self->sim, 1));
}

static bool record_only(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	record(sim, from, data, len);
	return true;
}

/* The path and the connection have ended; the real host is there, or does not object. */
static void check_after_the_end(struct __test_metadata *_metadata, struct sim *sim,
				const uint64_t flow[2], const struct mn_tuple *path, bool objects)
{
	const struct mn_stack_stats *st = mn_stack_stats(sim->host[1].stack);
	uint64_t unknown = st->drop_unknown_path;

	exchange(sim, flow);
	ASSERT_TRUE(sim_close(&sim->host[0].apps[0], flow[0]));
	sim_run(sim, 4 * MN_PATH_IDLE_US, NULL);
	ASSERT_EQ(0, sim_conns(sim, 0) + sim_conns(sim, 1));
	ASSERT_EQ(0, sim_paths(sim, 0) + sim_paths(sim, 1));
	if (!objects)
		sim->filter = record_only;
	replay(sim, path);
	sim_run(sim, 2 * MN_INIT_GIVE_UP_US, NULL);
	EXPECT_EQ(1, st->accepts);
	EXPECT_EQ(1, sim->host[1].apps[0].n_flows);
	EXPECT_LT(unknown + 10, st->drop_unknown_path);
	EXPECT_EQ(0, sim_conns(sim, 1) + sim_paths(sim, 1));
}

TEST_F(forged, replay__after_its_end)
{
	check_after_the_end(_metadata, self->sim, self->flow, &self->path, true);
}

TEST_F(forged, replay__no_host_objects)
{
	check_after_the_end(_metadata, self->sim, self->flow, &self->path, false);
}

TEST(corruption_breaks_nothing)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct sim *sim = sim_new(seed);
		uint64_t flow[2];

		ASSERT_TRUE(sim_pair(sim, &flow[0], &flow[1]));
		sim->net = (struct sim_net){
			.delay_us = 20, .corrupt = 50000, .loss = 10000, .bytes_per_us = 1250,
		};
		for (int i = 0; i < 20; i++) {
			sim_send(&sim->host[0].apps[0], flow[0], 1 + sim_random(sim, 40000));
			sim_send(&sim->host[1].apps[0], flow[1], 1 + sim_random(sim, 40000));
			sim_run(sim, 2000, NULL);
		}
		sim->net.corrupt = sim->net.loss = 0;
		for (int i = 0; i < 2; i++)
			mn_stack_del_channel(sim->host[i].stack, &sim->host[i].apps[0].ch,
					     MN_END_ADMIN);
		sim_run(sim, 60000000, NULL);
		EXPECT_EQ(0, sim->host[0].held + sim->host[1].held);
		EXPECT_EQ(0, sim_conns(sim, 0) + sim_conns(sim, 1)) TH_LOG("seed %lu", seed);
		EXPECT_EQ(0, sim_paths(sim, 0) + sim_paths(sim, 1)) TH_LOG("seed %lu", seed);
		sim_free(sim);
	}
}

TEST_HARNESS_MAIN
