// SPDX-License-Identifier: MIT
/* Filters and NATs between a host that steers and its peers. */
#include "kselftest_harness.h"
#include "steer_world.h"

#define QUEUES	4
#define PEERS	4

FIXTURE(way)
{
	struct steer_world w;
	struct soft_way way;
	struct mn_steer_info info;
	uint32_t found[PEERS];	/* queues */
};

FIXTURE_VARIANT(way)
{
	enum soft_nic_hash hash;
	bool v6;
};

FIXTURE_SETUP(way)
{
	const struct soft_nic_config nic = {
		.hash = variant->hash, .table_len = 128, .queues = QUEUES, .seed = 11,
	};

	world_init(&self->w, &nic, 9);
	self->w.v6 = variant->v6;
}

FIXTURE_TEARDOWN(way)
{
	world_fini(&self->w);
	soft_way_fini(&self->way);
}

FIXTURE_VARIANT_ADD(way, fanout) { .hash = SOFT_NIC_FANOUT };
FIXTURE_VARIANT_ADD(way, fanout_v6) { .hash = SOFT_NIC_FANOUT, .v6 = true };
FIXTURE_VARIANT_ADD(way, toeplitz) { .hash = SOFT_NIC_TOEPLITZ };
FIXTURE_VARIANT_ADD(way, toeplitz_v6) { .hash = SOFT_NIC_TOEPLITZ, .v6 = true };

static void steer_all(struct _test_data_way *self)
{
	for (uint32_t peer = 0; peer < PEERS; peer++) {
		world_meet(&self->w, peer);
		self->found[peer] = 0;
		for (uint8_t queue = 0; queue < QUEUES; queue++)
			self->found[peer] += !!world_steer(&self->w, peer, queue);
	}
	mn_steer_info(self->w.steer, &self->info);
}

/* The way in front of the host; a packet to it passes if it is for port, or an answer. */
static void put_before_host(struct _test_data_way *self, enum soft_way_kind kind, uint16_t port)
{
	soft_way_init(&self->way, kind, port, 3);
	self->w.way = &self->way;
}

static void put_before_peers(struct _test_data_way *self, enum soft_way_kind kind)
{
	soft_way_init(&self->way, kind, 0, 3);
	self->w.far = &self->way;
}

TEST_F(way, a_filter_passes_home_tuples_alone)
{
	put_before_host(self, SOFT_WAY_FILTER, 0);
	steer_all(self);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		EXPECT_EQ(1, self->found[peer]);
	EXPECT_EQ(MN_STEER_CONFINED, self->info.class);
	/* Three of each kind for each peer, and no more for the other queues. */
	EXPECT_EQ(9 * PEERS, self->info.candidates);
	EXPECT_EQ(9 * PEERS, self->info.refused);
}

TEST_F(way, a_filter_that_is_removed_is_noticed)
{
	put_before_host(self, SOFT_WAY_FILTER, 0);
	steer_all(self);
	self->w.way = NULL;
	for (int i = 0; i < 100; i++)
		steer_all(self);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		EXPECT_EQ(QUEUES, self->found[peer]);
	EXPECT_NE(MN_STEER_CONFINED, self->info.class);
}

TEST_F(way, one_open_port_of_ours_is_enough)
{
	put_before_host(self, SOFT_WAY_ONE_PORT, WORLD_PORT);
	steer_all(self);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		EXPECT_EQ(QUEUES, self->found[peer]);
	EXPECT_NE(MN_STEER_CONFINED, self->info.class);
	EXPECT_LE(self->info.candidates, 20 * PEERS);
	EXPECT_LE(self->info.refused, 3 * PEERS);
}

TEST_F(way, peers_behind_a_nat_are_labelled)
{
	put_before_peers(self, SOFT_WAY_NAT);
	steer_all(self);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		EXPECT_EQ(QUEUES, self->found[peer]);
	EXPECT_EQ(0, self->info.refused);
	/* The home tuple is of no use: its source port is not one of the peer. */
	EXPECT_LE(self->info.candidates, 20 * PEERS);
}

TEST_F(way, peers_behind_a_strict_nat_are_labelled)
{
	put_before_peers(self, SOFT_WAY_NAT_STRICT);
	steer_all(self);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		EXPECT_EQ(QUEUES, self->found[peer]);
}

TEST_F(way, a_nat_that_has_forgotten_its_ports_changes_labels_and_nothing_else)
{
	uint64_t contradictions;

	put_before_peers(self, SOFT_WAY_NAT_STRICT);
	for (int i = 0; i < 10; i++)
		steer_all(self);
	contradictions = self->info.contradictions;
	soft_way_forget(&self->way);
	steer_all(self);
	for (uint32_t peer = 0; peer < PEERS; peer++)
		EXPECT_EQ(QUEUES, self->found[peer]);
	/* The ports on arrival are others: that is no change of the NIC. */
	if (variant->hash == SOFT_NIC_TOEPLITZ)
		EXPECT_EQ(contradictions, self->info.contradictions);
}

TEST_HARNESS_MAIN
