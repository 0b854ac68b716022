// SPDX-License-Identifier: MIT
/*
 * balance.c - channels move to engines that have less to do
 *
 * An engine has the work of its channels: messages, and bytes by the KiB. From time to time the
 * channels that bring the engines with most and least work closest together move from one to the
 * other, if it makes a difference: what RSS++ (Barbette et al., CoNEXT 2019) does by the NIC's
 * table. Engines that are not to be used give their channels away. When there has been next to
 * nothing to do for a while the first engine gets all channels, so that the others and their CPUs
 * rest; they spread again with the work.
 */
#include <errno.h>

#include "dp/dp_priv.h"

/* Work in a period below which it does not matter where it is done. */
#define WORK_MIN	256u
/* Engines whose work differs by less than this part of it are even. */
#define EVEN_SHARE	5u
/* Channels that move at the same time at most. */
#define MOVES		8
/* Periods after that in which the new work is measured. */
#define REST		3u
/* Work of all engines below which a period is idle; after so many, 30 s, one engine is enough. */
#define IDLE_WORK	16u
#define IDLE_PERIODS	(30000u / MACHNET_DP_BALANCE_MS)

static bool is_movable(const struct machnet_dp *dp, uint32_t i)
{
	const struct dp_channel *c = &dp->channels[i];

	return c->mem && !c->left && !c->deleted && !c->moving;
}

/* What each channel and engine has had to do in a period; of channels a mean over some. */
static void measure(struct machnet_dp *dp, uint64_t *load)
{
	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++) {
		struct dp_channel *c = &dp->channels[i];
		uint64_t work;

		if (!c->mem)
			continue;
		work = __atomic_load_n(&c->mem->work, __ATOMIC_RELAXED);
		c->load = (3 * c->load + work - c->work) / 4;
		c->work = work;
		load[c->engine] += c->load;
	}
}

/* Among the first n engines. */
static unsigned int coolest(unsigned int n, const uint64_t *load)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < n; i++)
		if (load[i] < load[best])
			best = i;
	return best;
}

static unsigned int hottest(unsigned int n, const uint64_t *load)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < n; i++)
		if (load[i] > load[best])
			best = i;
	return best;
}

static bool move(struct machnet_dp *dp, uint32_t i, unsigned int to, uint64_t *load)
{
	struct dp_channel *c = &dp->channels[i];

	if (dp_channel_move(dp, i, to))
		return false;
	load[c->engine] -= c->load;
	load[to] += c->load;
	return true;
}

/* Channels of the engines from that one on go to the others. */
static bool evacuate(struct machnet_dp *dp, unsigned int first, uint64_t *load)
{
	bool any = false;

	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++)
		if (is_movable(dp, i) && dp->channels[i].engine >= first)
			any |= move(dp, i, coolest(first, load), load);
	return any;
}

static bool is_idle(struct machnet_dp *dp, const uint64_t *load)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < dp->n_engines; i++)
		sum += load[i];
	dp->idle_periods = sum < IDLE_WORK ? dp->idle_periods + 1 : 0;
	return dp->idle_periods >= IDLE_PERIODS;
}

/* The difference that remains when a channel with this load moves. */
static uint64_t remains(uint64_t difference, uint64_t load)
{
	return difference > 2 * load ? difference - 2 * load : 2 * load - difference;
}

static bool even_out(struct machnet_dp *dp, uint64_t *load)
{
	unsigned int from = hottest(dp->used_engines, load);
	unsigned int to = coolest(dp->used_engines, load);
	uint64_t difference = load[from] - load[to], best = difference;
	uint32_t which = MACHNET_DP_CHANNEL_IDS;

	if (load[from] < WORK_MIN || difference <= load[from] / EVEN_SHARE)
		return false;
	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++) {
		const struct dp_channel *c = &dp->channels[i];

		if (!is_movable(dp, i) || c->engine != from ||
		    remains(difference, c->load) >= best)
			continue;
		best = remains(difference, c->load);
		which = i;
	}
	return which < MACHNET_DP_CHANNEL_IDS && move(dp, which, to, load);
}

void machnet_dp_balance(struct machnet_dp *dp)
{
	uint64_t load[MACHNET_DP_ENGINES_MAX] = { 0 };
	bool idle;

	measure(dp, load);
	idle = is_idle(dp, load);
	if (dp->n_moving)
		return;
	/* They need not wait for their work to be known. */
	if (evacuate(dp, idle ? 1 : dp->used_engines, load))
		return;
	if (dp->balance_rest) {
		dp->balance_rest--;
		return;
	}
	for (int i = 0; i < MOVES && even_out(dp, load); i++)
		dp->balance_rest = REST;
}

int machnet_dp_use_engines(struct machnet_dp *dp, unsigned int n)
{
	if (!n || n > dp->n_engines)
		return -EINVAL;
	dp->used_engines = n;
	dp->balance_rest = 0;
	return 0;
}
