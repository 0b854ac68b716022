// SPDX-License-Identifier: MIT
/* Shares of a link that many connections meet at, and what its short queue loses. */
#include <kselftest_harness.h>

#include "sim_load.h"

/* 10 Gbit/s. */
#define RATE	1250
#define LOADS	128

FIXTURE(fair)
{
	struct sim *sim;
	struct sim_load load[LOADS];
};

FIXTURE_SETUP(fair)
{
	struct mn_addr any = mn_addr_from_v4(0);

	self->sim = sim_new_sized(11, 256, 1024);
	sim_add_third(self->sim);
	self->sim->poll_us = 2;
	self->sim->net = (struct sim_net){
		.delay_us = 10, .in_bytes_per_us = RATE, .in_queue = 256,
	};
	ASSERT_EQ(0, mn_stack_listen(self->sim->host[1].stack, &self->sim->host[1].apps[0].ch, &any,
				     SIM_PORT));
}

FIXTURE_TEARDOWN(fair)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

/* n connections, half of each sending host. */
static void open_incast(struct __test_metadata *_metadata, struct sim *sim, struct sim_load *l,
			int n)
{
	ASSERT_TRUE(sim_load_open(sim, l, n / 2, 0, 0));
	ASSERT_TRUE(sim_load_open(sim, l + n / 2, n - n / 2, 2, 1));
	for (int i = 0; i < n; i++) {
		l[i].len = 8000;
		l[i].window = 16;
	}
}

/*
 * They all begin at once, and after a while the link is shared in equal parts, full, and loses
 * nothing. percent: of the link that arrives as messages.
 */
static void check_incast(struct __test_metadata *_metadata, struct sim *sim, struct sim_load *l,
			 int n, uint32_t us, uint32_t percent)
{
	uint64_t lost, sent, wanted = (uint64_t)us * sim->net.in_bytes_per_us * percent / 100;

	open_incast(_metadata, sim, l, n);
	sim_load_run(sim, l, n, us);
	sim_load_count(sim, l, n);
	lost = sim->host[1].overflows;
	sent = sim->host[0].sent + sim->host[2].sent;
	sim_load_run(sim, l, n, us);
	lost = sim->host[1].overflows - lost;
	sent = sim->host[0].sent + sim->host[2].sent - sent;
	EXPECT_LT(950, sim_load_fairness(l, n));
	EXPECT_LT(wanted, sim_load_bytes(l, n));
	EXPECT_GT(sent, lost * 1000) TH_LOG("%lu of %lu packets lost", lost, sent);
}

TEST_F(fair, incast_2)
{
	check_incast(_metadata, self->sim, self->load, 2, 20000, 90);
}

TEST_F(fair, incast_16)
{
	check_incast(_metadata, self->sim, self->load, 16, 20000, 90);
}

TEST_F(fair, incast_100)
{
	check_incast(_metadata, self->sim, self->load, 100, 40000, 90);
}

/* At 1 Gbit/s the path and a short queue hold fewer packets than there are connections. */
TEST_F(fair, incast_100__below_one_packet)
{
	uint64_t cwnd = 0;

	self->sim->net.in_bytes_per_us = RATE / 10;
	check_incast(_metadata, self->sim, self->load, 100, 400000, 85);
	for (int i = 0; i < 100; i++) {
		struct mn_path_info info;

		ASSERT_TRUE(sim_path_info(self->sim, self->load[i].host, 0, &info));
		cwnd += info.cwnd_packets;
	}
	EXPECT_GT(100 * 100, cwnd);
}

/* Those who come later get their share of those who are there. */
TEST_F(fair, newcomers)
{
	struct sim_load *l = self->load;

	open_incast(_metadata, self->sim, l, 10);
	sim_load_run(self->sim, l + 2, 8, 20000);
	sim_load_run(self->sim, l, 10, 20000);
	sim_load_count(self->sim, l, 10);
	sim_load_run(self->sim, l, 10, 20000);
	EXPECT_LT(950, sim_load_fairness(l, 10));
	/* Also when a single one has filled the link. */
	sim_load_run(self->sim, l, 1, 20000);
	sim_load_run(self->sim, l, 2, 20000);
	sim_load_count(self->sim, l, 2);
	sim_load_run(self->sim, l, 2, 20000);
	EXPECT_LT(950, sim_load_fairness(l, 2));
}

static uint64_t small_arrived;

static bool is_small_here(struct sim *sim)
{
	return sim_flow(&sim->host[1].apps[0], *(uint32_t *)sim->filter_ctx)->received ==
	       small_arrived;
}

/* Longest time that a message of 64 bytes takes beside the load. */
static uint64_t slowest_small(struct sim *sim,
			      struct sim_load *l, int n, struct sim_load *small)
{
	uint64_t slowest = 0, us;

	sim->filter_ctx = &small->flow[1];
	for (int i = 0; i < 200; i++) {
		sim_load_run(sim, l, n, 100);
		us = sim->now_us;
		small_arrived++;
		if (!sim_send(&sim->host[small->host].apps[small->app], small->flow[0], 64) ||
		    !sim_run(sim, 100000, is_small_here))
			return UINT64_MAX;
		us = sim->now_us - us;
		slowest = us > slowest ? us : slowest;
	}
	return slowest;
}

/* Two send messages of 8 MiB, and the queue that both keep is what a small one waits for. */
TEST_F(fair, small_beside_bulk)
{
	struct sim_load *l = self->load;
	uint64_t us;

	for (int host = 0; host <= 2; host += 2) {
		ASSERT_TRUE(sim_load_open(self->sim, &l[host / 2], 1, host, 0));
		ASSERT_TRUE(sim_load_open(self->sim, &l[2 + host / 2], 1, host, 1));
		l[host / 2].len = MN_MSG_MAX;
		l[host / 2].window = 1;
	}
	sim_load_run(self->sim, l, 2, 20000);
	for (int i = 2; i < 4; i++) {
		small_arrived = 0;
		us = slowest_small(self->sim, l, 2, &l[i]);
		/* It shares a window, and the queue that this makes, with the large ones. */
		EXPECT_GE(200, us);
	}
}

/*
 * The receiver looks every 100 us and finds at most 256 packets: 40 Gbit/s bring more than that in.
 * What bounds them is credit.
 */
static void check_ring(struct __test_metadata *_metadata, struct sim *sim, struct sim_load *l,
		       int n, uint32_t len)
{
	uint64_t overflows;

	sim->net.in_bytes_per_us = 5000;
	sim->net.in_queue = SIM_QUEUE_MAX;
	open_incast(_metadata, sim, l, n);
	for (int i = 0; i < n; i++) {
		l[i].len = len;
		l[i].window = 32;
	}
	sim->net.ring_slots = 256;
	sim->net.ring_burst = 64;
	sim->net.ring_every_us = 100;
	sim_load_run(sim, l, n, 50000);
	overflows = sim->host[1].overflows;
	sim_load_count(sim, l, n);
	sim_load_run(sim, l, n, 100000);
	EXPECT_EQ(overflows, sim->host[1].overflows);
	EXPECT_LT(900, sim_load_fairness(l, n));
}

TEST_F(fair, shallow_ring_1)
{
	check_ring(_metadata, self->sim, self->load, 1, 8000);
}

TEST_F(fair, shallow_ring_16)
{
	check_ring(_metadata, self->sim, self->load, 16, 8000);
}

TEST_F(fair, shallow_ring_64)
{
	check_ring(_metadata, self->sim, self->load, 64, 8000);
}

TEST_F(fair, shallow_ring_64__small_messages)
{
	check_ring(_metadata, self->sim, self->load, 64, 64);
}

TEST_HARNESS_MAIN
