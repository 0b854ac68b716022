// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_mempool.h>

#include <linux/machnet.h>
#include "dp/frame.h"
#include "dp/log.h"
#include "dp/nic.h"

/*
 * Shallow rings are what cloud vNICs offer; credits and bounded flight make
 * them enough. A pool covers both rings, what reassembly holds, hand-off and caches.
 */
#define NIC_RX_DESC	512
#define NIC_TX_DESC	512
#define NIC_POOL_SIZE	8191
#define NIC_POOL_CACHE	256
/* The driver's default. */
#define NIC_MEMIF_BSIZE	2048

/* The first port of the device, RTE_MAX_ETHPORTS when it has none. */
static uint16_t nic_find(const char *device)
{
	struct rte_dev_iterator it;
	uint16_t port, found = RTE_MAX_ETHPORTS;

	RTE_ETH_FOREACH_MATCHING_DEV(port, device, &it)
		if (found == RTE_MAX_ETHPORTS)
			found = port;
	return found;
}

/* A PCI device was probed when DPDK started, others are probed now. */
static int nic_attach(struct dp_nic *nic, const struct machnet_dp_config *cfg)
{
	int ret = 0;

	nic->port = nic_find(cfg->device);
	if (nic->port == RTE_MAX_ETHPORTS) {
		ret = rte_dev_probe(cfg->device);
		nic->port = nic_find(cfg->device);
	}
	if (nic->port != RTE_MAX_ETHPORTS)
		return 0;
	dp_log(cfg, LOG_ERR, "no DPDK driver took device %s%s%s", cfg->device, ret ? ": " : "",
	       ret ? strerror(-ret) : "");
	return ret && ret != -ENOENT ? ret : -ENODEV;
}

static bool nic_is_memif(const struct dp_nic *nic)
{
	return !strncmp(nic->driver, "net_memif", strlen("net_memif"));
}

/*
 * A call that sends has its price where it is a system call or a write to a device: it is shared by
 * many packets. To memif it has none as long as the peer polls, and so the peer's processor gets
 * each packet as soon as it is written, and works on it while the next one is.
 */
static unsigned int nic_tx_burst(const struct dp_nic *nic)
{
	return nic_is_memif(nic) ? 1 : DP_BURST;
}

/*
 * memif has no setting for its MTU: it passes what fits into its buffers, in pieces when it does
 * not, and loses the pieces.
 */
static int nic_check_memif(const struct dp_nic *nic, const struct machnet_dp_config *cfg)
{
	const char *bsize = strstr(cfg->device, "bsize=");
	unsigned long have = bsize ? strtoul(bsize + strlen("bsize="), NULL, 10) : NIC_MEMIF_BSIZE;

	if (!nic_is_memif(nic) || have >= nic->mtu + (unsigned long)RTE_ETHER_HDR_LEN)
		return 0;
	dp_log(cfg, LOG_ERR, "packets of %u bytes do not fit into %lu: add bsize=%u to the vdev",
	       nic->mtu, have, RTE_ALIGN_CEIL(nic->mtu + RTE_ETHER_HDR_LEN, 1024u));
	return -EINVAL;
}

/* The device's MAC; the MTU that the caller wants, or the device's. */
static int nic_identity(struct dp_nic *nic, const struct machnet_dp_config *cfg,
			const struct rte_eth_dev_info *info)
{
	struct rte_ether_addr mac;
	uint16_t mtu;
	int ret;

	ret = rte_eth_macaddr_get(nic->port, &mac);
	if (ret)
		return ret;
	memcpy(nic->mac, &mac, sizeof(nic->mac));
	ret = rte_eth_dev_get_mtu(nic->port, &mtu);
	if (ret)
		return ret;
	nic->mtu = cfg->mtu ? cfg->mtu : mtu;
	if (nic->mtu <= info->max_mtu)
		return 0;
	dp_log(cfg, LOG_ERR, "an MTU of %u is more than %s can have, which is %u", nic->mtu,
	       cfg->device, info->max_mtu);
	return -EINVAL;
}

static unsigned int nic_queues(const struct machnet_dp_config *cfg,
			       const struct rte_eth_dev_info *info)
{
	unsigned int n = cfg->engines;

	n = RTE_MIN(n, info->max_rx_queues);
	return RTE_MIN(n, info->max_tx_queues);
}

/*
 * RSS over ports where the device says that it can. A device that says nothing may
 * spread the packets all the same (a TAP's flow hash): several queues are always served.
 */
static void nic_rss(struct rte_eth_conf *conf, const struct dp_nic *nic,
		    const struct rte_eth_dev_info *info)
{
	uint64_t hf = info->flow_type_rss_offloads &
		      (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV4_UDP |
		       RTE_ETH_RSS_NONFRAG_IPV6_UDP);

	if (nic->queues < 2 || !hf)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = hf;
}

/* With RX interrupts where the driver has them, without where it refuses. */
static int nic_configure(struct dp_nic *nic, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };
	uint64_t udp = RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	int ret;

	nic_rss(&conf, nic, info);
	if ((info->tx_offload_capa & udp) == udp) {
		conf.txmode.offloads |= udp;
		nic->udp_offload = true;
	}
	nic->rx_interrupts = true;
	/* Its refusal is expected, and nothing that anybody has to read of. */
	rte_log_set_level_pattern("*", RTE_LOG_CRIT);
	ret = rte_eth_dev_configure(nic->port, nic->queues, nic->queues, &conf);
	rte_log_set_level_pattern("*", RTE_LOG_ERR);
	if (ret) {
		conf.intr_conf.rxq = 0;
		nic->rx_interrupts = false;
		ret = rte_eth_dev_configure(nic->port, nic->queues, nic->queues, &conf);
	}
	return ret;
}

static int nic_setup_queue(struct dp_nic *nic, const struct machnet_dp_config *cfg, uint16_t q)
{
	uint16_t room = RTE_PKTMBUF_HEADROOM + DP_FRAME_HDR_MAX + RTE_MAX(nic->mtu, 2048u);
	int socket = rte_eth_dev_socket_id(nic->port);
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret;

	snprintf(name, sizeof(name), "mbufs%u", q);
	nic->pools[q] =
		rte_pktmbuf_pool_create(name, NIC_POOL_SIZE, NIC_POOL_CACHE, 0, room, socket);
	if (!nic->pools[q]) {
		dp_log(cfg, LOG_ERR, "no memory for %u packet buffers of queue %u: %s",
		       NIC_POOL_SIZE, q, rte_strerror(rte_errno));
		return -rte_errno;
	}
	ret = rte_eth_rx_queue_setup(nic->port, q, nic->rx_desc, socket, NULL, nic->pools[q]);
	if (!ret)
		ret = rte_eth_tx_queue_setup(nic->port, q, nic->tx_desc, socket, NULL);
	if (ret)
		dp_log(cfg, LOG_ERR, "%s refuses queue pair %u: %s", nic->driver, q,
		       strerror(-ret));
	return ret;
}

int dp_nic_open(struct dp_nic *nic, const struct machnet_dp_config *cfg)
{
	struct rte_eth_dev_info info;
	int ret;

	memset(nic, 0, sizeof(*nic));
	nic->port = RTE_MAX_ETHPORTS;
	ret = nic_attach(nic, cfg);
	if (ret)
		return ret;
	ret = rte_eth_dev_info_get(nic->port, &info);
	if (ret)
		return ret;
	snprintf(nic->driver, sizeof(nic->driver), "%s", info.driver_name);
	ret = nic_identity(nic, cfg, &info);
	if (!ret)
		ret = nic_check_memif(nic, cfg);
	if (ret)
		return ret;
	nic->tx_burst = nic_tx_burst(nic);
	nic->queues = nic_queues(cfg, &info);
	ret = nic_configure(nic, &info);
	if (ret) {
		dp_log(cfg, LOG_ERR, "%s cannot be configured with %u queue pairs: %s", nic->driver,
		       nic->queues, strerror(-ret));
		return ret;
	}
	nic->rx_desc = NIC_RX_DESC;
	nic->tx_desc = NIC_TX_DESC;
	ret = rte_eth_dev_adjust_nb_rx_tx_desc(nic->port, &nic->rx_desc, &nic->tx_desc);
	for (uint16_t q = 0; !ret && q < nic->queues; q++)
		ret = nic_setup_queue(nic, cfg, q);
	return ret;
}

/*
 * Drivers that have no setting for it pass any size that fits the buffers. net_af_packet's is that
 * of the kernel's interface, which the kernel goes on using.
 */
static int nic_set_mtu(const struct dp_nic *nic, const struct machnet_dp_config *cfg)
{
	int ret;

	if (!cfg->mtu || !strcmp(nic->driver, "net_af_packet"))
		return 0;
	ret = rte_eth_dev_set_mtu(nic->port, nic->mtu);
	if (!ret || ret == -ENOTSUP)
		return 0;
	dp_log(cfg, LOG_ERR, "%s refuses an MTU of %u: %s", nic->driver, nic->mtu, strerror(-ret));
	return ret;
}

int dp_nic_start(struct dp_nic *nic, const struct machnet_dp_config *cfg)
{
	int ret;

	ret = nic_set_mtu(nic, cfg);
	if (ret)
		return ret;
	ret = rte_eth_dev_start(nic->port);
	if (ret) {
		dp_log(cfg, LOG_ERR, "%s does not start: %s", nic->driver, strerror(-ret));
		return ret;
	}
	nic->started = true;
	/* Neighbour discovery and the kernel's multicast; drivers without filters pass it anyway.
	 */
	rte_eth_allmulticast_enable(nic->port);
	return 0;
}

void dp_nic_close(struct dp_nic *nic)
{
	struct rte_eth_dev_info info;

	if (nic->port == RTE_MAX_ETHPORTS)
		return;
	if (nic->started)
		rte_eth_dev_stop(nic->port);
	if (rte_eth_dev_info_get(nic->port, &info))
		info.device = NULL;
	rte_eth_dev_close(nic->port);
	if (info.device)
		rte_dev_remove(info.device);
	for (unsigned int q = 0; q < nic->queues; q++)
		rte_mempool_free(nic->pools[q]);
	nic->port = RTE_MAX_ETHPORTS;
}
