// SPDX-License-Identifier: MIT
/* Paths between engines behind NICs whose spread is not known: where their packets arrive. */
#include <kselftest_harness.h>

#include "transport/stack_priv.h"
#include "steer_net.h"

#define ASK_US		500u
#define SEEDS		8u

FIXTURE(steering)
{
	struct steer_net net;
};

FIXTURE_SETUP(steering)
{
}

FIXTURE_TEARDOWN(steering)
{
}

static bool is_open(struct steer_net *n)
{
	for (int i = 0; i < n->host[0].engines; i++)
		for (int j = 0; j < n->host[1].engines; j++)
			if (!steer_net_path(n, 0, i, j) || !steer_net_path(n, 1, j, i))
				return false;
	return n->host[0].ended + n->host[1].ended == 0;
}

/* How many packets are misplaced in 50 ms. */
static uint64_t still_misplaced(struct steer_net *n)
{
	uint64_t before = steer_net_both(n, rx_misplaced);

	steer_net_run(n, 50000, ASK_US);
	return steer_net_both(n, rx_misplaced) - before;
}

/* All paths at once, for a while. */
static void start(struct steer_net *n, const struct steer_config *cfg, uint64_t for_us)
{
	steer_net_init(n, cfg);
	steer_net_open_all(n);
	steer_net_run(n, for_us, ASK_US);
}

static struct steer_config config(int from, int to, enum soft_nic_hash hash, uint64_t seed)
{
	struct steer_config cfg = { .engines = { from, to }, .v6 = seed % 2, .seed = seed };

	for (int i = 0; i < 2; i++)
		cfg.nic[i] = (struct soft_nic_config){
			.hash = hash, .table_len = 128, .seed = seed + i,
		};
	return cfg;
}

TEST_F(steering, every_pair_of_engines)
{
	static const int sizes[][2] = { { 1, 4 }, { 2, 2 }, { 4, 4 }, { 3, 5 }, { 8, 8 } };
	static const enum soft_nic_hash hashes[] = {
		SOFT_NIC_TOEPLITZ, SOFT_NIC_FANOUT, SOFT_NIC_KEYED, SOFT_NIC_SYMMETRIC,
	};

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		for (int k = 0; k < 5; k++) {
			struct steer_config cfg = config(sizes[k][0], sizes[k][1],
							 hashes[seed % 4], seed);

			/* The same secret at both ends, as two namespaces of a host have it. */
			cfg.nic[1].seed = cfg.nic[0].seed + seed / 4 % 2;
			start(&self->net, &cfg, 100000);
			EXPECT_EQ(steer_net_can_steer(&self->net, 0) &&
				  steer_net_can_steer(&self->net, 1),
				  !still_misplaced(&self->net)) {
				TH_LOG("%dx%d hash %d seed %lu", sizes[k][0], sizes[k][1],
				       cfg.nic[0].hash, seed);
			}
			EXPECT_TRUE(is_open(&self->net));
			steer_net_fini(&self->net);
		}
	}
}

TEST_F(steering, sixteen_engines)
{
	struct steer_config cfg = config(16, 16, SOFT_NIC_KEYED, 5);

	start(&self->net, &cfg, 60000);
	EXPECT_EQ(0, still_misplaced(&self->net));
	EXPECT_TRUE(is_open(&self->net));
	steer_net_fini(&self->net);
}

TEST_F(steering, one_packet_of_a_hundred_lost)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct steer_config cfg = config(4, 4, SOFT_NIC_KEYED, seed);

		cfg.loss_ppm = 10000;
		start(&self->net, &cfg, 150000);
		EXPECT_EQ(0, still_misplaced(&self->net)) {
			TH_LOG("seed %lu", seed);
		}
		EXPECT_TRUE(is_open(&self->net));
		steer_net_fini(&self->net);
	}
}

TEST_F(steering, key_and_table_that_change)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct steer_config cfg = config(4, 4, seed % 2 ? SOFT_NIC_KEYED :
						 SOFT_NIC_TOEPLITZ, seed);

		start(&self->net, &cfg, 100000);
		EXPECT_EQ(0, still_misplaced(&self->net));
		soft_nic_change(&self->net.host[1].nic, true, SOFT_NIC_SHUFFLED, seed + 99);
		EXPECT_NE(0, still_misplaced(&self->net));
		steer_net_run(&self->net, 200000, ASK_US);
		EXPECT_EQ(0, still_misplaced(&self->net)) {
			TH_LOG("seed %lu", seed);
		}
		EXPECT_TRUE(is_open(&self->net));
		EXPECT_EQ(0, steer_net_stat(&self->net, 0, tx_lost));
		steer_net_fini(&self->net);
	}
}

/* What a host that opens the paths may stand behind, and what the other one may. */
TEST_F(steering, firewalls_and_nat)
{
	static const enum soft_way_kind ways[][2] = {
		{ SOFT_WAY_FILTER, SOFT_WAY_OPEN }, { SOFT_WAY_NAT, SOFT_WAY_OPEN },
		{ SOFT_WAY_NAT_STRICT, SOFT_WAY_OPEN }, { SOFT_WAY_OPEN, SOFT_WAY_ONE_PORT },
		{ SOFT_WAY_FILTER, SOFT_WAY_ONE_PORT }, { SOFT_WAY_NAT, SOFT_WAY_ONE_PORT },
		{ SOFT_WAY_OPEN, SOFT_WAY_ANSWERS }, { SOFT_WAY_FILTER, SOFT_WAY_ANSWERS },
	};

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		for (int k = 0; k < 8; k++) {
			struct steer_config cfg = config(4, 4, SOFT_NIC_KEYED, seed);

			cfg.way[0] = ways[k][0];
			cfg.way[1] = ways[k][1];
			start(&self->net, &cfg, 300000);
			EXPECT_EQ(0, still_misplaced(&self->net)) {
				TH_LOG("ways %d %d seed %lu", ways[k][0], ways[k][1], seed);
			}
			EXPECT_TRUE(is_open(&self->net));
			steer_net_fini(&self->net);
		}
	}
}

/* A hash of addresses leads all to one queue: they are handed over, and few tuples are tried. */
TEST_F(steering, ports_that_do_not_matter)
{
	struct steer_config cfg = config(4, 4, SOFT_NIC_ADDRESSES, 3);
	uint64_t asked;

	start(&self->net, &cfg, 1000000);
	EXPECT_TRUE(is_open(&self->net));
	EXPECT_LT(0, still_misplaced(&self->net));
	EXPECT_LT(0, steer_net_stat(&self->net, 1, rx_confined));
	asked = steer_net_stat(&self->net, 1, advices_sent);
	steer_net_run(&self->net, 500000, ASK_US);
	EXPECT_GE(16, steer_net_stat(&self->net, 1, advices_sent) - asked);
	steer_net_fini(&self->net);
}

TEST_F(steering, path_without_traffic_asks_nothing)
{
	struct steer_config cfg = config(4, 4, SOFT_NIC_KEYED, 1);
	uint64_t probes;

	start(&self->net, &cfg, 100000);
	probes = self->net.host[0].probes + self->net.host[1].probes;
	steer_net_run(&self->net, 500000, 0);
	EXPECT_EQ(probes, self->net.host[0].probes + self->net.host[1].probes);
	steer_net_fini(&self->net);
}

TEST_HARNESS_MAIN
