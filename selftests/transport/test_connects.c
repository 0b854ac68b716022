// SPDX-License-Identifier: MIT
/*
 * Applications that connect between hosts with any numbers of engines, behind NICs of all kinds:
 * no connect fails, and none waits for packets to find their way.
 *
 * IPv4 and IPv6 take turns over the kinds, the other way round in the program with loss.
 */
#include <kselftest_harness.h>

#include "steer_storm.h"

#ifndef LOSS_PPM
#define LOSS_PPM	0u
#endif
#define CONNECTS	10000u
#define TEST_SECONDS	200	/* where other programs take most of the processor */

/* With one engine at each host and without loss, IPv4 and IPv6. */
struct singles {
	struct steer_storm storm[2];
};

static void run_singles(struct __test_metadata *_metadata, struct singles *s)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct steer_storm_config cfg = {
			.kind = &steer_kinds[0], .engines = { 1, 1 }, .connects = CONNECTS,
			.v6 = v6, .seed = 1,
		};

		ASSERT_TRUE(steer_storm_run(&cfg, &s->storm[v6]));
		/* Two round trips, three with the path's, and the turns of the engines. */
		ASSERT_GE(5 * STEER_DELAY_US, s->storm[v6].storm.half_us);
		ASSERT_GE(8 * STEER_DELAY_US, s->storm[v6].storm.longest_us);
	}
}

static void run(struct __test_metadata *_metadata, const struct steer_storm_config *cfg,
		const struct singles *singles)
{
	struct steer_storm s;
	const char *fault;

	ASSERT_TRUE(steer_storm_run(cfg, &s));
	fault = steer_storm_fault(cfg, &s, &singles->storm[cfg->v6]);
	EXPECT_EQ(NULL, fault) {
		TH_LOG("%s %dx%d IPv%d seed %lu ways %d %d: %s", cfg->kind->name, cfg->engines[0],
		       cfg->engines[1], cfg->v6 ? 6 : 4, cfg->seed, cfg->way[0], cfg->way[1],
		       fault);
		TH_LOG("%u accepted, %u answered; half in %u us, 99 of 100 in %u, all in %u, "
		       "on paths that were there in %u; %lu handed over, then %lu",
		       s.storm.accepted, s.storm.answered, s.storm.half_us, s.storm.most_us,
		       s.storm.longest_us, s.storm.longest_open_us, s.storm.handoffs,
		       s.after.handoffs);
	}
}

FIXTURE(connects)
{
	struct singles singles;
};

FIXTURE_VARIANT(connects)
{
	int from, to;
};

#define GRID(a, b) \
	FIXTURE_VARIANT_ADD(connects, grid_##a##x##b) { a, b }

GRID(1, 1);
GRID(1, 4);
GRID(4, 4);
GRID(3, 5);
GRID(8, 8);
GRID(16, 16);

FIXTURE_SETUP(connects)
{
	run_singles(_metadata, &self->singles);
}

FIXTURE_TEARDOWN(connects)
{
}

TEST_F_TIMEOUT(connects, every_kind_of_nic, TEST_SECONDS)
{
	for (uint32_t k = 0; k < steer_n_kinds; k++) {
		struct steer_storm_config cfg = {
			.kind = &steer_kinds[k], .engines = { variant->from, variant->to },
			.connects = CONNECTS, .loss_ppm = LOSS_PPM,
			.v6 = (k + variant->from + !LOSS_PPM) % 2, .seed = 1 + k,
		};

		run(_metadata, &cfg, &self->singles);
		/* One queue: the kinds do not differ. */
		if (variant->from + variant->to == 2)
			break;
	}
}

FIXTURE(behind)
{
	struct singles singles;
};

FIXTURE_SETUP(behind)
{
	run_singles(_metadata, &self->singles);
}

FIXTURE_TEARDOWN(behind)
{
}

/* Of the host that connects, and of the one that accepts; each with a few kinds of NIC. */
TEST_F_TIMEOUT(behind, firewalls_and_nat, TEST_SECONDS)
{
	static const enum soft_way_kind ways[][2] = {
		{ SOFT_WAY_FILTER, SOFT_WAY_OPEN }, { SOFT_WAY_NAT, SOFT_WAY_OPEN },
		{ SOFT_WAY_NAT_STRICT, SOFT_WAY_OPEN }, { SOFT_WAY_OPEN, SOFT_WAY_ONE_PORT },
		{ SOFT_WAY_FILTER, SOFT_WAY_ONE_PORT }, { SOFT_WAY_NAT, SOFT_WAY_ONE_PORT },
		{ SOFT_WAY_OPEN, SOFT_WAY_ANSWERS }, { SOFT_WAY_FILTER, SOFT_WAY_ANSWERS },
	};

	for (uint32_t k = 0; k < 3 * sizeof(ways) / sizeof(ways[0]); k++) {
		struct steer_storm_config cfg = {
			.kind = &steer_kinds[7 * k % steer_n_kinds], .engines = { 4, 4 },
			.way = { ways[k % 8][0], ways[k % 8][1] }, .connects = CONNECTS,
			.loss_ppm = LOSS_PPM, .v6 = k / 8 % 2, .seed = 1 + k,
		};

		run(_metadata, &cfg, &self->singles);
	}
}

TEST_HARNESS_MAIN
