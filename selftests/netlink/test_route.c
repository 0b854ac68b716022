// SPDX-License-Identifier: MIT
/*
 * test_route.c - how destinations are reached, and the announcement of changes
 *
 *   this namespace            a child's namespace
 *   mnt0 10.9.0.1/24  <---->  mnt1 10.9.0.2/24, 10.9.0.3/24
 *        2001:db8:9::1/64          2001:db8:9::2/64
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	10000
#define PEER_MAC	"02:00:00:00:00:22"

static const unsigned char peer_mac[6] = { 2, 0, 0, 0, 0, 0x22 };
static const unsigned char new_mac[6] = { 2, 0, 0, 0, 0, 0x33 };

NT_NEEDS_MODULE

FIXTURE(route)
{
	struct nt path;
	struct nt events;
	int peer;
	uint32_t ifindex;
};

FIXTURE_SETUP(route)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_ROUTE));
	self->peer = nt_netns_child();
	ASSERT_LT(0, self->peer);
	ASSERT_EQ(0, nt_sh("ip link add mnt0 type veth peer name mnt1 address " PEER_MAC
			   " netns %d", self->peer));
	ASSERT_EQ(0, nt_sh("ip addr add 10.9.0.1/24 dev mnt0 &&"
			   "ip addr add 2001:db8:9::1/64 dev mnt0 nodad && ip link set mnt0 up"));
	ASSERT_EQ(0, nt_sh("nsenter -t %d -n sh -c '"
			   "ip addr add 10.9.0.2/24 dev mnt1; ip addr add 10.9.0.3/24 dev mnt1;"
			   "ip addr add 2001:db8:9::2/64 dev mnt1 nodad; ip link set mnt1 up'",
			   self->peer));
	self->ifindex = if_nametoindex("mnt0");
	/* A neighbour that does not answer fails after a second. */
	ASSERT_EQ(0, nt_sh("sysctl -qw net.ipv4.neigh.mnt0.mcast_solicit=1"));
}

FIXTURE_TEARDOWN(route)
{
	nt_close(&self->path);
	nt_close(&self->events);
	nt_kill(self->peer);
}

static bool is_mac(const struct nt *nt, const unsigned char *mac)
{
	const struct nlattr *attr = nt->attrs[MACHNET_A_ROUTE_MAC];

	return attr && nla_len(attr) == 6 && memcmp(nla_data(attr), mac, 6) == 0;
}

/* The destination's next notification with this state. */
static bool wait_state(struct nt *nt, const char *dst, uint32_t state)
{
	while (nt_wait_event(nt, MACHNET_CMD_ROUTE_NTF, TIMEOUT_MS)) {
		if (nt_is_addr(nt, MACHNET_A_ROUTE_DST, dst) &&
		    nt_u32(nt, MACHNET_A_ROUTE_STATE) == state)
			return true;
	}
	return false;
}

static int unwatch(struct nt *nt, const char *dst)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_ROUTE_UNWATCH);

	nt_put_addr(msg, MACHNET_A_ROUTE_DST, dst);
	return nt_do(nt, msg);
}

/* Watches and waits until it is reachable. */
static bool watch_reachable(struct nt *path, struct nt *events, const char *dst)
{
	if (nt_route_get(path, dst, true))
		return false;
	if (nt_u32(path, MACHNET_A_ROUTE_STATE) == MACHNET_ROUTE_STATE_REACHABLE)
		return true;
	return wait_state(events, dst, MACHNET_ROUTE_STATE_REACHABLE);
}

TEST_F_TIMEOUT(route, a_neighbour_is_resolved_and_announced, 120)
{
	/* It does not answer at first, so that there is something to wait for. */
	ASSERT_EQ(0, nt_sh("sysctl -qw net.ipv4.neigh.mnt0.mcast_solicit=9"));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.4", true));
	EXPECT_EQ(MACHNET_ROUTE_STATE_RESOLVING, nt_u32(&self->path, MACHNET_A_ROUTE_STATE));
	EXPECT_EQ(NULL, self->path.attrs[MACHNET_A_ROUTE_MAC]);
	ASSERT_EQ(0, nt_sh("nsenter -t %d -n ip addr add 10.9.0.4/24 dev mnt1", self->peer));
	ASSERT_TRUE(wait_state(&self->events, "10.9.0.4", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(is_mac(&self->events, peer_mac));
	EXPECT_EQ(self->ifindex, nt_u32(&self->events, MACHNET_A_ROUTE_IFINDEX));
	EXPECT_TRUE(nt_is_addr(&self->events, MACHNET_A_ROUTE_SRC, "10.9.0.1"));
	EXPECT_TRUE(nt_is_addr(&self->events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.4"));
	EXPECT_EQ(1500, nt_u32(&self->events, MACHNET_A_ROUTE_MTU));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.4", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, nt_u32(&self->path, MACHNET_A_ROUTE_STATE));
	EXPECT_TRUE(is_mac(&self->path, peer_mac));
}

TEST_F_TIMEOUT(route, ipv6_neighbours_too, 120)
{
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "2001:db8:9::2"));
	ASSERT_EQ(0, nt_route_get(&self->path, "2001:db8:9::2", false));
	EXPECT_TRUE(is_mac(&self->path, peer_mac));
	EXPECT_TRUE(nt_is_addr(&self->path, MACHNET_A_ROUTE_SRC, "2001:db8:9::1"));
	EXPECT_TRUE(nt_is_addr(&self->path, MACHNET_A_ROUTE_NEXTHOP, "2001:db8:9::2"));
}

TEST_F_TIMEOUT(route, a_gateway_is_the_next_hop, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3 mtu 1400"));
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "10.77.1.1"));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.77.1.1", false));
	EXPECT_TRUE(nt_is_addr(&self->path, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	EXPECT_EQ(1400, nt_u32(&self->path, MACHNET_A_ROUTE_MTU));
	EXPECT_TRUE(is_mac(&self->path, peer_mac));
}

TEST_F_TIMEOUT(route, no_route_is_an_error, 120)
{
	EXPECT_EQ(-ENETUNREACH, nt_route_get(&self->path, "192.0.2.1", false));
	EXPECT_STREQ("the destination cannot be reached", self->path.extack);
	EXPECT_EQ(-ENETUNREACH, nt_route_get(&self->path, "192.0.2.1", true));
	EXPECT_EQ(0, nt_dump(&self->path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	ASSERT_EQ(0, nt_sh("ip route add prohibit 192.0.2.0/24"));
	EXPECT_EQ(-EACCES, nt_route_get(&self->path, "192.0.2.1", false));
	EXPECT_EQ(-ENETUNREACH, nt_route_get(&self->path, "2001:db8:ffff::1", false));
	EXPECT_EQ(-EACCES, nt_route_get(&self->path, "10.9.0.255", false));
}

TEST_F_TIMEOUT(route, own_addresses_are_local, 120)
{
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->path, MACHNET_A_ROUTE_STATE));
	ASSERT_EQ(0, nt_route_get(&self->path, "127.0.0.1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->path, MACHNET_A_ROUTE_STATE));
	ASSERT_EQ(0, nt_route_get(&self->path, "2001:db8:9::1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->path, MACHNET_A_ROUTE_STATE));
}

TEST_F_TIMEOUT(route, a_silent_neighbour_fails_and_is_tried_again, 120)
{
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.99", true));
	ASSERT_TRUE(wait_state(&self->events, "10.9.0.99", MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(EHOSTUNREACH, nt_u32(&self->events, MACHNET_A_ROUTE_ERROR));
	EXPECT_EQ(NULL, self->events.attrs[MACHNET_A_ROUTE_MAC]);
	/* It comes up: asking again resolves it. */
	ASSERT_EQ(0, nt_sh("nsenter -t %d -n ip addr add 10.9.0.99/24 dev mnt1", self->peer));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.99", false));
	EXPECT_TRUE(wait_state(&self->events, "10.9.0.99", MACHNET_ROUTE_STATE_REACHABLE));
}

TEST_F_TIMEOUT(route, a_replaced_neighbour_is_announced, 120)
{
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:33 dev mnt0"));
	ASSERT_TRUE(wait_state(&self->events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(is_mac(&self->events, new_mac));
}

TEST_F_TIMEOUT(route, a_changed_route_is_announced, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.2"));
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "10.77.1.1"));
	ASSERT_EQ(0, nt_sh("ip route change 10.77.0.0/16 via 10.9.0.3"));
	ASSERT_TRUE(wait_state(&self->events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(&self->events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	ASSERT_EQ(0, nt_sh("ip route del 10.77.0.0/16"));
	ASSERT_TRUE(wait_state(&self->events, "10.77.1.1", MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(ENETUNREACH, nt_u32(&self->events, MACHNET_A_ROUTE_ERROR));
	EXPECT_EQ(NULL, self->events.attrs[MACHNET_A_ROUTE_IFINDEX]);
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3"));
	EXPECT_TRUE(wait_state(&self->events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
}

TEST_F_TIMEOUT(route, a_changed_ipv6_route_is_announced, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:77::/48 via 2001:db8:9::2"));
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "2001:db8:77::1"));
	ASSERT_EQ(0, nt_sh("ip route del 2001:db8:77::/48"));
	EXPECT_TRUE(wait_state(&self->events, "2001:db8:77::1",
			       MACHNET_ROUTE_STATE_UNREACHABLE));
}

TEST_F_TIMEOUT(route, a_changed_mtu_is_announced, 120)
{
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 mtu 1300"));
	ASSERT_TRUE(wait_state(&self->events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_EQ(1300, nt_u32(&self->events, MACHNET_A_ROUTE_MTU));
}

TEST_F_TIMEOUT(route, a_netdev_that_goes_down_is_announced, 120)
{
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 down"));
	EXPECT_TRUE(wait_state(&self->events, "10.9.0.2", MACHNET_ROUTE_STATE_UNREACHABLE));
}

TEST_F_TIMEOUT(route, nothing_is_announced_without_a_change, 120)
{
	ASSERT_TRUE(watch_reachable(&self->path, &self->events, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip route add 10.78.0.0/16 via 10.9.0.3"));
	ASSERT_EQ(0, nt_sh("ip neigh replace 10.9.0.50 lladdr 02:00:00:00:00:33 dev mnt0"));
	EXPECT_EQ(-1, nt_event(&self->events, 300));
}

TEST_F_TIMEOUT(route, watches_end_with_unwatch_and_with_the_socket, 120)
{
	struct nt other;

	ASSERT_EQ(0, nt_open(&other));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&other, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&other, "10.9.0.3", true));
	EXPECT_EQ(2, nt_dump(&self->path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	EXPECT_EQ(0, unwatch(&self->path, "10.9.0.2"));
	EXPECT_EQ(-ENOENT, unwatch(&self->path, "10.9.0.2"));
	EXPECT_STREQ("this socket does not watch the destination", self->path.extack);
	EXPECT_EQ(2, nt_dump(&self->path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	nt_close(&other);
	EXPECT_EQ(0, nt_dump(&self->path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
}

TEST_F_TIMEOUT(route, watching_needs_net_admin, 120)
{
	struct nt user;

	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(0, nt_route_get(&user, "10.9.0.2", false));
	EXPECT_EQ(-EPERM, nt_route_get(&user, "10.9.0.2", true));
	EXPECT_STREQ("watching a route needs CAP_NET_ADMIN", user.extack);
	EXPECT_EQ(-EPERM, unwatch(&user, "10.9.0.2"));
	nt_close(&user);
}

TEST_HARNESS_MAIN
