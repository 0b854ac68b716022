// SPDX-License-Identifier: MIT
/*
 * test_route.c - how destinations are reached, and the announcement of changes
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

/* How often a neighbour is asked, once a second, before it counts as failed. */
#define SOLICIT		"/proc/sys/net/ipv4/neigh/mnt0/mcast_solicit"

static const unsigned char new_mac[6] = { 2, 0, 0, 0, 0, 0x33 };

NT_NEEDS_MODULE

FIXTURE(route)
{
	struct nt_pair pair;
};

FIXTURE_SETUP(route)
{
	ASSERT_EQ(0, nt_pair_up(&self->pair));
}

FIXTURE_TEARDOWN(route)
{
	nt_pair_down(&self->pair);
}

static int unwatch(struct nt *nt, const char *dst)
{
	struct nt_route route = { .dst = dst };

	return nt_route_op(nt, MACHNET_CMD_ROUTE_UNWATCH, &route);
}

TEST_F_TIMEOUT(route, a_neighbour_is_resolved_and_announced, 120)
{
	/* It does not answer at first, so that there is something to wait for. */
	ASSERT_EQ(0, nt_write(SOLICIT, "9"));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.4", true));
	EXPECT_EQ(MACHNET_ROUTE_STATE_RESOLVING, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
	EXPECT_EQ(NULL, self->pair.path.attrs[MACHNET_A_ROUTE_MAC]);
	ASSERT_EQ(0, nt_pair_sh(&self->pair, "ip addr add 10.9.0.4/24 dev mnt1"));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.9.0.4", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_mac(&self->pair.events, nt_peer_mac));
	EXPECT_EQ(self->pair.ifindex, nt_u32(&self->pair.events, MACHNET_A_ROUTE_IFINDEX));
	EXPECT_TRUE(nt_is_addr(&self->pair.events, MACHNET_A_ROUTE_SRC, "10.9.0.1"));
	EXPECT_TRUE(nt_is_addr(&self->pair.events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.4"));
	EXPECT_EQ(1500, nt_u32(&self->pair.events, MACHNET_A_ROUTE_MTU));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.4", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
	EXPECT_TRUE(nt_is_mac(&self->pair.path, nt_peer_mac));
}

TEST_F_TIMEOUT(route, ipv6_neighbours_too, 120)
{
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "2001:db8:9::2"));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "2001:db8:9::2", false));
	EXPECT_TRUE(nt_is_mac(&self->pair.path, nt_peer_mac));
	EXPECT_TRUE(nt_is_addr(&self->pair.path, MACHNET_A_ROUTE_SRC, "2001:db8:9::1"));
	EXPECT_TRUE(nt_is_addr(&self->pair.path, MACHNET_A_ROUTE_NEXTHOP, "2001:db8:9::2"));
}

TEST_F_TIMEOUT(route, a_gateway_is_the_next_hop, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3 mtu 1400"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.77.1.1"));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.77.1.1", false));
	EXPECT_TRUE(nt_is_addr(&self->pair.path, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	EXPECT_EQ(1400, nt_u32(&self->pair.path, MACHNET_A_ROUTE_MTU));
	EXPECT_TRUE(nt_is_mac(&self->pair.path, nt_peer_mac));
}

TEST_F_TIMEOUT(route, no_route_is_an_error, 120)
{
	EXPECT_EQ(-ENETUNREACH, nt_route_get(&self->pair.path, "192.0.2.1", false));
	EXPECT_STREQ("the destination cannot be reached", self->pair.path.extack);
	EXPECT_EQ(-ENETUNREACH, nt_route_get(&self->pair.path, "192.0.2.1", true));
	EXPECT_EQ(0, nt_dump(&self->pair.path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	ASSERT_EQ(0, nt_sh("ip route add prohibit 192.0.2.0/24"));
	EXPECT_EQ(-EACCES, nt_route_get(&self->pair.path, "192.0.2.1", false));
	EXPECT_EQ(-ENETUNREACH, nt_route_get(&self->pair.path, "2001:db8:ffff::1", false));
	EXPECT_EQ(-EACCES, nt_route_get(&self->pair.path, "10.9.0.255", false));
}

TEST_F_TIMEOUT(route, own_addresses_are_local, 120)
{
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "127.0.0.1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "2001:db8:9::1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
}

TEST_F_TIMEOUT(route, a_silent_neighbour_fails_and_is_tried_again, 120)
{
	/* It fails after a second. */
	ASSERT_EQ(0, nt_write(SOLICIT, "1"));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.99", true));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.9.0.99",
				  MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(EHOSTUNREACH, nt_u32(&self->pair.events, MACHNET_A_ROUTE_ERROR));
	EXPECT_EQ(NULL, self->pair.events.attrs[MACHNET_A_ROUTE_MAC]);
	/* It comes up: asking again resolves it. */
	ASSERT_EQ(0, nt_pair_sh(&self->pair, "ip addr add 10.9.0.99/24 dev mnt1"));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.99", false));
	EXPECT_TRUE(nt_wait_route(&self->pair.events, "10.9.0.99", MACHNET_ROUTE_STATE_REACHABLE));
}

TEST_F_TIMEOUT(route, a_replaced_neighbour_is_announced, 120)
{
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:33 dev mnt0"));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_mac(&self->pair.events, new_mac));
}

TEST_F_TIMEOUT(route, a_changed_route_is_announced, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.2"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.77.1.1"));
	ASSERT_EQ(0, nt_sh("ip route change 10.77.0.0/16 via 10.9.0.3"));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(&self->pair.events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	ASSERT_EQ(0, nt_sh("ip route del 10.77.0.0/16"));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.77.1.1",
				  MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(ENETUNREACH, nt_u32(&self->pair.events, MACHNET_A_ROUTE_ERROR));
	EXPECT_EQ(NULL, self->pair.events.attrs[MACHNET_A_ROUTE_IFINDEX]);
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3"));
	EXPECT_TRUE(nt_wait_route(&self->pair.events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
}

TEST_F_TIMEOUT(route, a_changed_ipv6_route_is_announced, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:77::/48 via 2001:db8:9::2"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "2001:db8:77::1"));
	ASSERT_EQ(0, nt_sh("ip route del 2001:db8:77::/48"));
	EXPECT_TRUE(nt_wait_route(&self->pair.events, "2001:db8:77::1",
			       MACHNET_ROUTE_STATE_UNREACHABLE));
}

TEST_F_TIMEOUT(route, a_changed_mtu_is_announced, 120)
{
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip link set mnt0 mtu 1300"));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_EQ(1300, nt_u32(&self->pair.events, MACHNET_A_ROUTE_MTU));
}

TEST_F_TIMEOUT(route, a_netdev_that_goes_down_and_up_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	ASSERT_EQ(0, nt_link_set("mnt0", false));
	EXPECT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(ENETUNREACH, nt_u32(events, MACHNET_A_ROUTE_ERROR));
	ASSERT_EQ(0, nt_link_set("mnt0", true));
	EXPECT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
}

TEST_F_TIMEOUT(route, a_removed_address_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_EQ(0, nt_addr_add(self->pair.ifindex, "10.8.0.1", 24));
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.2 src 10.8.0.1"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.77.1.1"));
	/* The route goes with the address that it prefers. */
	ASSERT_EQ(0, nt_sh("ip addr del 10.8.0.1/24 dev mnt0"));
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_UNREACHABLE));
	ASSERT_EQ(0, nt_sh("ip addr del 10.9.0.1/24 dev mnt0"));
	ASSERT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(ENETUNREACH, nt_u32(events, MACHNET_A_ROUTE_ERROR));
	ASSERT_EQ(0, nt_addr_add(self->pair.ifindex, "10.9.0.7", 24));
	ASSERT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(events, MACHNET_A_ROUTE_SRC, "10.9.0.7"));
}

TEST_F_TIMEOUT(route, a_removed_ipv6_address_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "2001:db8:9::2"));
	ASSERT_EQ(0, nt_sh("ip addr del 2001:db8:9::1/64 dev mnt0"));
	EXPECT_TRUE(nt_wait_route(events, "2001:db8:9::2", MACHNET_ROUTE_STATE_UNREACHABLE));
	ASSERT_EQ(0, nt_addr_add(self->pair.ifindex, "2001:db8:9::1", 64));
	EXPECT_TRUE(nt_wait_route(events, "2001:db8:9::2", MACHNET_ROUTE_STATE_REACHABLE));
}

/* It has another MAC now, of which nobody has told. */
TEST_F_TIMEOUT(route, a_deleted_neighbour_is_asked_for_again, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	ASSERT_EQ(0, nt_pair_sh(&self->pair, "ip link set mnt1 address 02:00:00:00:00:33"));
	ASSERT_EQ(0, nt_neigh(self->pair.ifindex, "10.9.0.2", NULL, 0));
	do {
		ASSERT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
	} while (!nt_is_mac(events, new_mac));
}

/* A destination that a route forbids: what the kernel says of it, asked and announced. */
static void expect_forbidden(struct __test_metadata *_metadata, struct nt_pair *pair,
			     const char *net, const char *gateway, const char *dst)
{
	static const struct {
		const char *type;
		uint32_t error;
	} types[] = {
		{ "prohibit", EACCES },
		{ "blackhole", EINVAL },
		{ "unreachable", EHOSTUNREACH },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, nt_sh("ip route replace %s via %s", net, gateway));
		ASSERT_TRUE(nt_pair_watch_dst(pair, dst));
		ASSERT_EQ(0, nt_sh("ip route add %s %s metric 1 && ip route del %s via %s",
				   types[i].type, net, net, gateway));
		ASSERT_TRUE(nt_wait_route(&pair->events, dst, MACHNET_ROUTE_STATE_UNREACHABLE));
		while (nt_u32(&pair->events, MACHNET_A_ROUTE_ERROR) == ENETUNREACH)
			ASSERT_TRUE(nt_wait_route(&pair->events, dst,
						  MACHNET_ROUTE_STATE_UNREACHABLE));
		EXPECT_EQ(types[i].error, nt_u32(&pair->events, MACHNET_A_ROUTE_ERROR))
			TH_LOG("%s", types[i].type);
		EXPECT_EQ(-(int)types[i].error, nt_route_get(&pair->path, dst, false))
			TH_LOG("%s", types[i].type);
		ASSERT_EQ(0, unwatch(&pair->path, dst));
		ASSERT_EQ(0, nt_sh("ip route del %s %s", types[i].type, net));
	}
}

TEST_F_TIMEOUT(route, a_route_that_forbids_says_how, 120)
{
	expect_forbidden(_metadata, &self->pair, "10.77.0.0/16", "10.9.0.2", "10.77.1.1");
}

TEST_F_TIMEOUT(route, an_ipv6_route_that_forbids_says_how, 120)
{
	expect_forbidden(_metadata, &self->pair, "2001:db8:77::/48", "2001:db8:9::2",
			 "2001:db8:77::1");
}

TEST_F_TIMEOUT(route, nothing_is_announced_without_a_change, 120)
{
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip route add 10.78.0.0/16 via 10.9.0.3"));
	ASSERT_EQ(0, nt_sh("ip neigh replace 10.9.0.50 lladdr 02:00:00:00:00:33 dev mnt0"));
	EXPECT_EQ(-1, nt_event(&self->pair.events, 300));
}

TEST_F_TIMEOUT(route, watches_end_with_unwatch_and_with_the_socket, 120)
{
	struct nt other;

	ASSERT_EQ(0, nt_open(&other));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&other, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&other, "10.9.0.3", true));
	EXPECT_EQ(2, nt_dump(&self->pair.path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	EXPECT_EQ(0, unwatch(&self->pair.path, "10.9.0.2"));
	EXPECT_EQ(-ENOENT, unwatch(&self->pair.path, "10.9.0.2"));
	EXPECT_STREQ("this socket does not watch the destination", self->pair.path.extack);
	EXPECT_EQ(2, nt_dump(&self->pair.path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
	nt_close(&other);
	EXPECT_EQ(0, nt_dump(&self->pair.path, MACHNET_CMD_ROUTE_DUMP, NULL, NULL));
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
