// SPDX-License-Identifier: MIT
/*
 * nltest_pair.c - two namespaces on one wire, for tests of routes
 */
#include "nltest_pair.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <netlink/attr.h>

const unsigned char nt_peer_mac[6] = { 2, 0, 0, 0, 0, 0x22 };

static int peer_up(struct nt_pair *pair)
{
	uint32_t mnt1;
	int home = nt_enter(pair->peer), ret;

	if (home < 0)
		return home;
	mnt1 = if_nametoindex("mnt1");
	ret = nt_addr_add(mnt1, "10.9.0.2", 24);
	if (!ret)
		ret = nt_addr_add(mnt1, "10.9.0.3", 24);
	if (!ret)
		ret = nt_addr_add(mnt1, "2001:db8:9::2", 64);
	if (!ret)
		ret = nt_link_set("mnt1", true);
	if (!ret)
		ret = nt_link_wait("mnt1");
	return nt_leave(home) ? -EIO : ret;
}

static int self_up(struct nt_pair *pair)
{
	int ret = nt_veth_add("mnt0", "mnt1", nt_peer_mac, pair->peer);

	pair->ifindex = if_nametoindex("mnt0");
	if (!ret)
		ret = nt_addr_add(pair->ifindex, "10.9.0.1", 24);
	if (!ret)
		ret = nt_addr_add(pair->ifindex, "2001:db8:9::1", 64);
	return ret ? ret : nt_link_set("mnt0", true);
}

int nt_pair_up(struct nt_pair *pair)
{
	int ret;

	if (nt_new_netns() || nt_open(&pair->path) || nt_open(&pair->events) ||
	    nt_join(&pair->events, MACHNET_MCGRP_ROUTE))
		return -EIO;
	pair->peer = nt_netns_child();
	if (pair->peer < 0)
		return pair->peer;
	ret = self_up(pair);
	if (!ret)
		ret = peer_up(pair);
	return ret ? ret : nt_link_wait("mnt0");
}

void nt_pair_down(struct nt_pair *pair)
{
	nt_close(&pair->path);
	nt_close(&pair->events);
	nt_kill(pair->peer);
}

int nt_pair_sh(struct nt_pair *pair, const char *command)
{
	return nt_sh("nsenter -t %d -n sh -c '%s'", pair->peer, command) ? -EIO : 0;
}

bool nt_is_mac(const struct nt *nt, const unsigned char *mac)
{
	const struct nlattr *attr = nt->attrs[MACHNET_A_ROUTE_MAC];

	return attr && nla_len(attr) == 6 && memcmp(nla_data(attr), mac, 6) == 0;
}

bool nt_wait_route(struct nt *nt, const char *dst, uint32_t state)
{
	while (nt_wait_event(nt, MACHNET_CMD_ROUTE_NTF, NT_TIMEOUT_MS)) {
		if (nt_is_addr(nt, MACHNET_A_ROUTE_DST, dst) &&
		    nt_u32(nt, MACHNET_A_ROUTE_STATE) == state)
			return true;
	}
	return false;
}

bool nt_wait_route_ms(struct nt *nt, const char *dst, uint32_t state, int timeout_ms)
{
	int64_t end = nt_now_ms() + timeout_ms, left;

	while ((left = end - nt_now_ms()) > 0 && nt_wait_event(nt, MACHNET_CMD_ROUTE_NTF, left)) {
		if (nt_is_addr(nt, MACHNET_A_ROUTE_DST, dst) &&
		    nt_u32(nt, MACHNET_A_ROUTE_STATE) == state)
			return true;
	}
	return false;
}

bool nt_pair_watch(struct nt_pair *pair, const struct nt_route *route)
{
	struct nt_route watch = *route;

	watch.watch = true;
	if (nt_route_op(&pair->path, MACHNET_CMD_ROUTE_GET, &watch))
		return false;
	if (nt_u32(&pair->path, MACHNET_A_ROUTE_STATE) == MACHNET_ROUTE_STATE_REACHABLE)
		return true;
	return nt_wait_route(&pair->events, route->dst, MACHNET_ROUTE_STATE_REACHABLE);
}

bool nt_pair_watch_dst(struct nt_pair *pair, const char *dst)
{
	struct nt_route route = { .dst = dst };

	return nt_pair_watch(pair, &route);
}
