// SPDX-License-Identifier: MIT
#include "selftests/transport/steer_net.h"
#include "paths.h"

#define SEEDS		10u
#define ASK_US		1000u
/* Without a misplaced packet for so long it has settled. */
#define QUIET_MS	20u
#define LONGEST_MS	1000u

static uint64_t probes(const struct steer_net *n)
{
	return n->host[0].probes + n->host[1].probes;
}

/* Milliseconds; LONGEST_MS: it does not. */
static uint32_t settle(struct steer_net *n)
{
	uint64_t before = steer_net_both(n, rx_misplaced), now;
	uint32_t ms = 0, last = 0;

	while (ms < LONGEST_MS && ms - last < QUIET_MS) {
		steer_net_run(n, 1000, ASK_US);
		ms++;
		now = steer_net_both(n, rx_misplaced);
		if (now != before)
			last = ms;
		before = now;
	}
	return ms < LONGEST_MS ? last : LONGEST_MS;
}

static void measure(struct steer_net *n, struct paths_cost *c)
{
	double share = 1.0 / SEEDS / n->host[0].engines / n->host[1].engines;
	uint64_t handoffs = steer_net_both(n, rx_misplaced), gone = steer_net_both(n, tx_lost);
	uint64_t tried = probes(n);
	uint32_t ms = settle(n);

	c->settled_ms += (double)ms / SEEDS;
	c->unsettled += ms == LONGEST_MS;
	c->handoffs += (steer_net_both(n, rx_misplaced) - handoffs) * share;
	c->probes += (probes(n) - tried) * share;
	c->lost += steer_net_both(n, tx_lost) - gone;
	c->ended += n->host[0].ended + n->host[1].ended;
}

void paths_measure(const struct hosts_kind *kind, uint8_t engines, uint32_t loss_ppm,
		   struct paths_cost *first, struct paths_cost *changed)
{
	*first = *changed = (struct paths_cost){ 0 };
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct steer_config cfg = {
			.engines = { engines, engines }, .loss_ppm = loss_ppm, .seed = seed,
		};
		struct steer_net n;

		for (int i = 0; i < 2; i++)
			cfg.nic[i] = (struct soft_nic_config){
				.hash = kind->hash, .table = kind->table, .table_len = 128,
				.seed = kind->equal ? seed : 2 * seed + i,
			};
		steer_net_init(&n, &cfg);
		steer_net_open_all(&n);
		measure(&n, first);
		soft_nic_change(&n.host[1].nic, true, SOFT_NIC_SHUFFLED, seed + 1000);
		measure(&n, changed);
		steer_net_fini(&n);
	}
}
