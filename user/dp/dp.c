// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include "dp/dp_priv.h"
#include "dp/eal.h"
#include "dp/hugepages.h"
#include "dp/log.h"
#include "dp/rss.h"
#include "dp/sleep.h"

/* How long the connections of a datapath that goes down may take to be reset. */
#define DP_DRAIN_US	500000

static bool dp_exists;

static int dp_config_check(const struct machnet_dp_config *cfg)
{
	if (!cfg->device || !*cfg->device || !cfg->event)
		return -EINVAL;
	if (!cfg->engines || cfg->engines > MACHNET_DP_ENGINES_MAX)
		return -EINVAL;
	if (cfg->mtu && (cfg->mtu < 576 || cfg->mtu > 9000))
		return -EINVAL;
	if (cfg->path_ports > MACHNET_DP_PATH_PORTS_MAX ||
	    (cfg->path_ports && (!cfg->path_port_first ||
				 cfg->path_port_first + cfg->path_ports > 65536)))
		return -EINVAL;
	if (cfg->paths > MACHNET_DP_PATHS_MAX || (cfg->path_ports && cfg->paths > cfg->path_ports))
		return -EINVAL;
	return cfg->max_conns > 1u << 20 ? -EINVAL : 0;
}

static void dp_kick_first(void *ctx)
{
	struct machnet_dp *dp = ctx;

	dp_engine_kick(&dp->engines[0]);
}

/* Not 0; peers tell by it that this host has started anew. */
static uint64_t dp_new_instance(void)
{
	uint64_t instance = 0;

	while (!instance)
		if (getrandom(&instance, sizeof(instance), 0) != sizeof(instance))
			instance = 0;
	return instance;
}

/* The parts of an engine that are shared are set before any engine runs. */
static int dp_open_engines(struct machnet_dp *dp)
{
	uint64_t instance = dp_new_instance();
	int ret;

	dp->n_engines = dp->used_engines = dp->nic.queues;
	dp->ports.path_first = MACHNET_DP_PATH_PORT_FIRST;
	dp->ports.path_count = MACHNET_DP_PATH_PORTS;
	if (dp->cfg.path_ports) {
		dp->ports.path_first = dp->cfg.path_port_first;
		dp->ports.path_count = dp->cfg.path_ports;
	}
	ret = dp_rss_open(&dp->steer, &dp->nic, dp->ports.path_first, dp->ports.path_count,
			  dp->cfg.rss_opaque);
	for (unsigned int i = 0; !ret && i < dp->n_engines; i++) {
		struct dp_engine *e = &dp->engines[i];

		e->engines = dp->n_engines;
		e->all = dp->engines;
		e->nic = &dp->nic;
		e->exception = dp->cfg.tap ? &dp->exception : NULL;
		e->ports = &dp->ports;
		e->steer = dp->steer;
		e->instance = instance;
		e->control_efd = dp->efd;
		ret = dp_engine_init(e, i, &dp->cfg);
		dp->inited_engines = i + 1;
	}
	if (ret)
		dp_log(&dp->cfg, LOG_ERR, "no memory for the engines: %s", strerror(-ret));
	return ret;
}

static int dp_start(struct machnet_dp *dp)
{
	int ret = dp_nic_start(&dp->nic, &dp->cfg);

	if (!ret && dp->cfg.tap)
		ret = dp_exception_start(&dp->exception, dp->nic.pools[0], dp_kick_first, dp);
	for (unsigned int i = 0; !ret && i < dp->n_engines; i++) {
		dp_engine_watch_rx(&dp->engines[i]);
		ret = rte_eal_remote_launch(dp_engine_main, &dp->engines[i], i + 1);
		dp->running_engines = ret ? i : i + 1;
	}
	return ret;
}

static int dp_open(struct machnet_dp *dp)
{
	int ret;

	dp->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (dp->efd < 0)
		return -errno;
	ret = dp_eal_init(&dp->cfg);
	if (ret)
		return ret;
	ret = dp_nic_open(&dp->nic, &dp->cfg);
	if (ret)
		return ret;
	if (dp->cfg.tap)
		ret = dp_exception_open(&dp->exception, &dp->cfg, dp->nic.mac, dp->nic.mtu);
	if (!ret)
		ret = dp_open_engines(dp);
	if (!ret)
		dp_unplug_watch(dp);
	return ret ? ret : dp_start(dp);
}

static void dp_close(struct machnet_dp *dp)
{
	dp_unplug_unwatch(dp);
	for (unsigned int i = 0; i < dp->running_engines; i++) {
		__atomic_store_n(&dp->engines[i].stop, 1, __ATOMIC_SEQ_CST);
		dp_engine_kick(&dp->engines[i]);
		rte_eal_wait_lcore(i + 1);
	}
	if (dp->cfg.tap)
		dp_exception_close(&dp->exception);
	for (unsigned int i = 0; i < dp->inited_engines; i++)
		dp_engine_fini(&dp->engines[i]);
	mn_steer_free(dp->steer);
	dp_nic_close(&dp->nic);
	dp_moves_free(dp);
	dp_channels_free(dp);
	dp_hugepages_release();
	if (dp->efd >= 0)
		close(dp->efd);
	free(dp->listeners);
	free(dp->conns_snapshot.list);
	free(dp->paths_snapshot.list);
	free(dp);
	dp_exists = false;
}

int machnet_dp_create(const struct machnet_dp_config *cfg, struct machnet_dp **out)
{
	struct machnet_dp *dp;
	int ret = dp_config_check(cfg);

	if (ret)
		return ret;
	if (dp_exists)
		return -EBUSY;
	dp = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*dp), 64));
	if (!dp)
		return -ENOMEM;
	memset(dp, 0, sizeof(*dp));
	dp->cfg = *cfg;
	dp->nic.port = RTE_MAX_ETHPORTS;
	dp->exception.fd = -1;
	dp->exception.efd = -1;
	dp_exists = true;
	ret = dp_open(dp);
	if (ret) {
		dp_close(dp);
		return ret;
	}
	*out = dp;
	return 0;
}

void machnet_dp_destroy(struct machnet_dp *dp)
{
	uint64_t end = dp_clock_us() + DP_DRAIN_US;

	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++)
		machnet_dp_channel_del(dp, i);
	while (dp->n_channels && dp_clock_us() < end) {
		machnet_dp_dispatch(dp);
		sched_yield();
	}
	dp_close(dp);
}

static void add_steering(const struct dp_engine *e, struct machnet_dp_rss *rss)
{
	const struct mn_stack_stats *st = mn_stack_stats(e->stack);

	rss->handoffs += st->rx_misplaced;
	rss->confined += st->rx_confined;
	rss->moves += st->tuples_steered;
}

void machnet_dp_info(const struct machnet_dp *dp, struct machnet_dp_info *info)
{
	memset(info, 0, sizeof(*info));
	snprintf(info->driver, sizeof(info->driver), "%s", dp->nic.driver);
	memcpy(info->mac, dp->nic.mac, sizeof(info->mac));
	info->mtu = dp->nic.mtu;
	info->engines = dp->n_engines;
	info->used_engines = dp->used_engines;
	dp_rss_info(dp->steer, &info->rss);
	for (unsigned int i = 0; i < dp->n_engines; i++)
		add_steering(&dp->engines[i], &info->rss);
	info->tap_ifindex = dp->cfg.tap ? dp->exception.ifindex : 0;
	info->hugepages = dp_eal_hugepages();
	info->rx_wakeup = dp->engines[0].rx_event != DP_RX_NONE;
}

int machnet_dp_fd(const struct machnet_dp *dp)
{
	return dp->efd;
}

static void dp_event(struct machnet_dp *dp, const struct machnet_dp_event *ev)
{
	switch ((int)ev->type) {
	case DP_EVENT_CHANNEL_LEFT:
		machnet_dp_channel_del(dp, ev->channel);
		return;
	case DP_EVENT_CHANNEL_MOVED:
		dp_channel_moved(dp, ev->channel, ev->engine);
		return;
	case MACHNET_DP_EVENT_UNLISTENED:
		dp_ports_put(&dp->ports, ev->local_port);
		break;
	case MACHNET_DP_EVENT_CHANNEL_FINISHING:
		dp_channel_finishing(dp, ev->channel);
		break;
	case MACHNET_DP_EVENT_CHANNEL_GONE:
		dp_channel_gone(dp, ev->channel);
		break;
	}
	dp->cfg.event(dp->cfg.ctx, ev);
}

/* What is posted after the exchange is told of anew; what was posted before it is seen here. */
static void dispatch_engine(struct machnet_dp *dp, struct dp_engine *e)
{
	struct machnet_dp_event ev;

	__atomic_exchange_n(&e->told, 0, __ATOMIC_SEQ_CST);
	while (rte_ring_sc_dequeue_elem(e->events, &ev, sizeof(ev)) == 0)
		dp_event(dp, &ev);
}

static void dispatch_unplug(struct machnet_dp *dp)
{
	struct machnet_dp_event ev = { .type = MACHNET_DP_EVENT_DEVICE_GONE };

	if (__atomic_exchange_n(&dp->gone, 0, __ATOMIC_SEQ_CST))
		dp_event(dp, &ev);
}

void machnet_dp_dispatch(struct machnet_dp *dp)
{
	uint64_t count;

	if (read(dp->efd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	for (unsigned int i = 0; i < dp->n_engines; i++)
		dispatch_engine(dp, &dp->engines[i]);
	dispatch_unplug(dp);
	dp_snapshot_check(dp);
}

void dp_command(struct machnet_dp *dp, unsigned int engine, const struct dp_cmd *cmd)
{
	struct dp_engine *e = &dp->engines[engine];

	/* A full ring drains by itself unless the engine waits for room for events. */
	while (rte_ring_sp_enqueue_elem(e->cmds, (void *)(uintptr_t)cmd, sizeof(*cmd))) {
		dp_engine_kick(e);
		machnet_dp_dispatch(dp);
	}
	dp_engine_kick(e);
}

static void dp_addr_command(struct machnet_dp *dp, enum dp_cmd_type type,
			    const struct mn_addr *addr)
{
	struct dp_cmd cmd = { .type = type, .tuple.local = *addr };

	for (unsigned int i = 0; i < dp->n_engines; i++)
		dp_command(dp, i, &cmd);
}

static bool addr_in(const struct mn_addr *addr, const struct mn_addr *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (mn_addr_equal(addr, &list[i]))
			return true;
	return false;
}

int machnet_dp_set_addrs(struct machnet_dp *dp, const struct mn_addr *addrs, unsigned int n)
{
	if (n > MACHNET_DP_ADDRS_MAX)
		return -E2BIG;
	for (unsigned int i = 0; i < dp->n_addrs; i++)
		if (!addr_in(&dp->addrs[i], addrs, n))
			dp_addr_command(dp, DP_CMD_ADDR_DEL, &dp->addrs[i]);
	for (unsigned int i = 0; i < n; i++)
		if (!addr_in(&addrs[i], dp->addrs, dp->n_addrs))
			dp_addr_command(dp, DP_CMD_ADDR_ADD, &addrs[i]);
	memcpy(dp->addrs, addrs, n * sizeof(*addrs));
	dp->n_addrs = n;
	return 0;
}

int machnet_dp_set_mac(struct machnet_dp *dp, const uint8_t mac[6])
{
	struct dp_cmd cmd = { .type = DP_CMD_SET_MAC };
	struct rte_ether_addr addr;
	int ret = 0;

	memcpy(cmd.tuple.mac, mac, sizeof(cmd.tuple.mac));
	memcpy(&addr, mac, sizeof(addr));
	/* Without a TAP the interface is the device. */
	if (dp->cfg.tap)
		ret = rte_eth_dev_default_mac_addr_set(dp->nic.port, &addr);
	if (ret)
		return ret;
	memcpy(dp->nic.mac, mac, sizeof(dp->nic.mac));
	for (unsigned int i = 0; i < dp->n_engines; i++)
		dp_command(dp, i, &cmd);
	return 0;
}
