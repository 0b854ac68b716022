// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <linux/machnet.h>

#include <rte_ethdev.h>
#include <rte_random.h>

#include "dp/dp_priv.h"
#include "dp/rss.h"

/* Pairs of addresses: each path of each engine may have its own. */
#define RSS_PEERS	4096u

/*
 * Drivers fail, return less than they were asked for, or zeros. What they say is a hypothesis for
 * arrivals to confirm; without it the hash is learned.
 */
static int read_table(uint16_t port, const struct rte_eth_dev_info *dev, uint16_t *table)
{
	struct rte_eth_rss_reta_entry64 reta[MN_STEER_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE];
	unsigned int n = dev->reta_size;

	if (!n || n > MN_STEER_TABLE_MAX)
		return -EINVAL;
	memset(reta, 0, sizeof(reta));
	for (unsigned int i = 0; i < n; i++)
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |=
			UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
	if (rte_eth_dev_rss_reta_query(port, reta, n))
		return -EINVAL;
	for (unsigned int i = 0; i < n; i++)
		table[i] = reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
	return n;
}

static void read_device(struct mn_steer *s, uint16_t port)
{
	uint8_t key[MN_STEER_KEY_MAX] = { 0 };
	uint16_t table[MN_STEER_TABLE_MAX];
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = sizeof(key) };
	struct rte_eth_dev_info dev;
	int n;

	if (rte_eth_dev_info_get(port, &dev) || !dev.hash_key_size ||
	    dev.hash_key_size > sizeof(key))
		return;
	conf.rss_key_len = dev.hash_key_size;
	if (rte_eth_dev_rss_hash_conf_get(port, &conf))
		return;
	n = read_table(port, &dev, table);
	if (n > 0)
		mn_steer_set_device(s, key, dev.hash_key_size, table, n);
}

int dp_rss_open(struct mn_steer **s, const struct dp_nic *nic, uint16_t port_first,
		uint16_t port_count, bool opaque)
{
	struct mn_steer_config cfg = {
		.queues = nic->queues,
		.port_first = port_first,
		.port_count = port_count,
		.max_peers = RSS_PEERS,
		.seed = rte_rand(),
		.patient = true,
	};

	if (nic->queues < 2)
		return 0;
	*s = mn_steer_new(&cfg);
	if (!*s)
		return -ENOMEM;
	if (!opaque)
		read_device(*s, nic->port);
	return 0;
}

void dp_rss_info(struct mn_steer *s, struct machnet_dp_rss *info)
{
	static const uint32_t classes[] = {
		[MN_STEER_UNKNOWN] = MACHNET_RSS_CLASS_UNKNOWN,
		[MN_STEER_SINGLE] = MACHNET_RSS_CLASS_SINGLE,
		[MN_STEER_LABELS] = MACHNET_RSS_CLASS_LABELLED,
		[MN_STEER_LEARNED] = MACHNET_RSS_CLASS_LEARNED,
		[MN_STEER_COMPUTED] = MACHNET_RSS_CLASS_COMPUTED,
		[MN_STEER_CONFINED] = MACHNET_RSS_CLASS_CONFINED,
	};
	struct mn_steer_info i;

	memset(info, 0, sizeof(*info));
	info->rss_class = MACHNET_RSS_CLASS_SINGLE;
	if (!s)
		return;
	mn_steer_info(s, &i);
	info->rss_class = classes[i.class];
	info->ignores_ports = i.ignores_ports;
	info->rank = i.rank;
	info->rank_full = i.rank_full;
	info->peers = i.peers;
	info->labels = i.labels;
	info->observations = i.observations;
	info->contradictions = i.contradictions;
	info->candidates = i.candidates;
	info->refused = i.refused;
}

size_t machnet_dp_rss_save(struct machnet_dp *dp, void *buf, size_t cap)
{
	return dp->steer ? mn_steer_save(dp->steer, buf, cap) : 0;
}

int machnet_dp_rss_load(struct machnet_dp *dp, const void *buf, size_t len)
{
	return dp->steer ? mn_steer_load(dp->steer, buf, len) : -EINVAL;
}
