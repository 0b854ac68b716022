// SPDX-License-Identifier: MIT
/* stats.c - every counter of the datapath under one numbering */
#include <stdio.h>

#include <rte_common.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dp/dp_priv.h"

/* What an engine and its channels hold now. */
struct gauge {
	const char *name;
	uint64_t (*read)(const struct machnet_dp *dp, const struct dp_engine *e);
};

struct counter {
	const char *name;
	size_t offset;
};

#define DP_X(field)	{ #field, offsetof(struct dp_engine_stats, field) },
static const struct counter engine_counters[] = { DP_ENGINE_COUNTERS(DP_X) };
#undef DP_X

#define MN_X(field)	{ #field, offsetof(struct mn_stack_stats, field) },
static const struct counter stack_counters[] = { MN_STACK_COUNTERS(MN_X) };
#undef MN_X

#define DP_X(field)	{ #field, offsetof(struct dp_fault_stats, field) },
static const struct counter fault_counters[] = { DP_FAULT_COUNTERS(DP_X) };
#undef DP_X

static const struct counter nic_counters[] = {
	{ "rx_packets", offsetof(struct rte_eth_stats, ipackets) },
	{ "tx_packets", offsetof(struct rte_eth_stats, opackets) },
	{ "rx_bytes", offsetof(struct rte_eth_stats, ibytes) },
	{ "tx_bytes", offsetof(struct rte_eth_stats, obytes) },
	{ "rx_missed", offsetof(struct rte_eth_stats, imissed) },
	{ "rx_errors", offsetof(struct rte_eth_stats, ierrors) },
	{ "tx_errors", offsetof(struct rte_eth_stats, oerrors) },
	{ "rx_no_mbuf", offsetof(struct rte_eth_stats, rx_nombuf) },
};

static const struct counter exception_counters[] = {
	{ "from_kernel", offsetof(struct dp_exception, rx_packets) },
	{ "to_kernel", offsetof(struct dp_exception, tx_packets) },
	{ "drop_from_kernel", offsetof(struct dp_exception, rx_dropped) },
	{ "drop_to_kernel", offsetof(struct dp_exception, tx_dropped) },
};

static uint64_t mbufs_in_use(const struct machnet_dp *dp, const struct dp_engine *e)
{
	return rte_mempool_in_use_count(dp->nic.pools[e->index]);
}

static struct mn_stack_gauges stack_gauges(const struct dp_engine *e)
{
	struct mn_stack_gauges g;

	mn_stack_gauges(e->stack, &g);
	return g;
}

static uint64_t channels(const struct machnet_dp *dp, const struct dp_engine *e)
{
	(void)dp;
	return stack_gauges(e).channels;
}

static uint64_t connections(const struct machnet_dp *dp, const struct dp_engine *e)
{
	(void)dp;
	return stack_gauges(e).connections;
}

static uint64_t paths(const struct machnet_dp *dp, const struct dp_engine *e)
{
	(void)dp;
	return stack_gauges(e).paths;
}

static uint64_t held_packets(const struct machnet_dp *dp, const struct dp_engine *e)
{
	(void)dp;
	return stack_gauges(e).held;
}

static uint64_t fault_held(const struct machnet_dp *dp, const struct dp_engine *e)
{
	(void)dp;
	return dp_fault_held(&e->fault);
}

/* The control thread makes and destroys the channels, and it is the one that asks. */
static struct mn_channel_usage usage(const struct machnet_dp *dp, const struct dp_engine *e)
{
	struct mn_channel_usage sum = { 0 }, u;

	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++) {
		if (!dp->channels[i].mem || dp->channels[i].engine != e->index)
			continue;
		mn_channel_usage(dp->channels[i].mem, &u);
		sum.tx_bufs += u.tx_bufs;
		sum.rx_bufs += u.rx_bufs;
	}
	return sum;
}

static uint64_t tx_buffers(const struct machnet_dp *dp, const struct dp_engine *e)
{
	return usage(dp, e).tx_bufs;
}

static uint64_t rx_buffers(const struct machnet_dp *dp, const struct dp_engine *e)
{
	return usage(dp, e).rx_bufs;
}

static const struct gauge gauges[] = {
	{ "mbufs_in_use", mbufs_in_use },
	{ "channels", channels },
	{ "connections", connections },
	{ "paths", paths },
	{ "held_packets", held_packets },
	{ "tx_buffers", tx_buffers },
	{ "rx_buffers", rx_buffers },
	{ "fault_held", fault_held },
};

/* Takes the counter out of a group if index falls into it, or moves index past the group. */
static bool group(const char *prefix, const struct counter *counters, size_t n, const void *values,
		  unsigned int *index, char *name, size_t size, uint64_t *value)
{
	if (*index >= n) {
		*index -= n;
		return false;
	}
	snprintf(name, size, "%s.%s", prefix, counters[*index].name);
	*value = __atomic_load_n((const uint64_t *)((const char *)values + counters[*index].offset),
				 __ATOMIC_RELAXED);
	return true;
}

static bool gauge(const char *prefix, const struct machnet_dp *dp, const struct dp_engine *e,
		  unsigned int *index, char *name, size_t size, uint64_t *value)
{
	if (*index >= RTE_DIM(gauges)) {
		*index -= RTE_DIM(gauges);
		return false;
	}
	snprintf(name, size, "%s.%s", prefix, gauges[*index].name);
	*value = gauges[*index].read(dp, e);
	return true;
}

static bool engine_stat(const struct machnet_dp *dp, const struct dp_engine *e,
			unsigned int *index, char *name, size_t size, uint64_t *value)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "engine%u", e->index);
	return group(prefix, engine_counters, RTE_DIM(engine_counters), &e->stats, index, name,
		     size, value) ||
	       group(prefix, stack_counters, RTE_DIM(stack_counters), mn_stack_stats(e->stack),
		     index, name, size, value) ||
	       group(prefix, fault_counters, RTE_DIM(fault_counters), &e->fault.stats, index, name,
		     size, value) ||
	       gauge(prefix, dp, e, index, name, size, value);
}

bool machnet_dp_stat(struct machnet_dp *dp, unsigned int index, char *name, size_t size,
		     uint64_t *value)
{
	struct rte_eth_stats nic = { 0 };

	if (index < RTE_DIM(nic_counters) && rte_eth_stats_get(dp->nic.port, &nic))
		memset(&nic, 0, sizeof(nic));
	if (group("nic", nic_counters, RTE_DIM(nic_counters), &nic, &index, name, size, value))
		return true;
	if (dp->cfg.tap && group("exception", exception_counters, RTE_DIM(exception_counters),
				 &dp->exception, &index, name, size, value))
		return true;
	for (unsigned int i = 0; i < dp->n_engines; i++)
		if (engine_stat(dp, &dp->engines[i], &index, name, size, value))
			return true;
	return false;
}
