// SPDX-License-Identifier: MIT
/*
 * test_route_policy.c - routes that depend on the address to send from, and on a VRF
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

NT_NEEDS_MODULE

FIXTURE(policy)
{
	struct nt_pair pair;
};

FIXTURE_SETUP(policy)
{
	ASSERT_EQ(0, nt_pair_up(&self->pair));
	/* What is sent from .5 takes the other gateway. */
	ASSERT_EQ(0, nt_addr_add(self->pair.ifindex, "10.9.0.5", 24));
	ASSERT_EQ(0, nt_addr_add(self->pair.ifindex, "2001:db8:9::5", 64));
	ASSERT_EQ(0, nt_sh("ip -6 rule add from 2001:db8:9::5 table 100 && ip -batch - <<-END\n"
			   "route add 10.77.0.0/16 via 10.9.0.2\n"
			   "route add 10.77.0.0/16 via 10.9.0.3 table 100\n"
			   "rule add from 10.9.0.5 table 100\n"
			   "route add 2001:db8:77::/48 via 2001:db8:9::2\n"
			   "route add 2001:db8:77::/48 via 2001:db8:9::3 table 100\n"
			   "END"));
}

FIXTURE_TEARDOWN(policy)
{
	nt_pair_down(&self->pair);
}

static int get(struct nt *nt, const char *dst, const char *from, uint32_t vrf)
{
	struct nt_route route = { .dst = dst, .from = from, .vrf = vrf };

	return nt_route_op(nt, MACHNET_CMD_ROUTE_GET, &route);
}

static int watch(struct nt *nt, const char *dst, const char *from, uint32_t vrf)
{
	struct nt_route route = { .dst = dst, .from = from, .vrf = vrf, .watch = true };

	return nt_route_op(nt, MACHNET_CMD_ROUTE_GET, &route);
}

static int unwatch(struct nt *nt, const char *dst, const char *from, uint32_t vrf)
{
	struct nt_route route = { .dst = dst, .from = from, .vrf = vrf };

	return nt_route_op(nt, MACHNET_CMD_ROUTE_UNWATCH, &route);
}

TEST_F_TIMEOUT(policy, the_source_decides, 120)
{
	struct nt *nt = &self->pair.path;

	ASSERT_EQ(0, get(nt, "10.77.1.1", "10.9.0.5", 0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_SRC, "10.9.0.5"));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_FROM, "10.9.0.5"));
	EXPECT_EQ(NULL, nt->attrs[MACHNET_A_ROUTE_VRF]);
	ASSERT_EQ(0, get(nt, "10.77.1.1", "10.9.0.1", 0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.2"));
	ASSERT_EQ(0, get(nt, "10.77.1.1", NULL, 0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.2"));
	EXPECT_EQ(NULL, nt->attrs[MACHNET_A_ROUTE_FROM]);
}

TEST_F_TIMEOUT(policy, the_ipv6_source_decides, 120)
{
	struct nt *nt = &self->pair.path;

	ASSERT_EQ(0, get(nt, "2001:db8:77::1", "2001:db8:9::5", 0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "2001:db8:9::3"));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_SRC, "2001:db8:9::5"));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_FROM, "2001:db8:9::5"));
	ASSERT_EQ(0, get(nt, "2001:db8:77::1", "2001:db8:9::1", 0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "2001:db8:9::2"));
}

TEST_F_TIMEOUT(policy, the_source_must_be_ours, 120)
{
	struct nt *nt = &self->pair.path;

	EXPECT_EQ(-EADDRNOTAVAIL, get(nt, "10.77.1.1", "10.9.0.66", 0));
	EXPECT_STRNE("", nt->extack);
	EXPECT_EQ(-EADDRNOTAVAIL, get(nt, "2001:db8:77::1", "2001:db8:9::66", 0));
	EXPECT_EQ(-EINVAL, get(nt, "10.77.1.1", "2001:db8:9::5", 0));
	EXPECT_STREQ("from is not of the family of dst", nt->extack);
	EXPECT_EQ(-EINVAL, get(nt, "2001:db8:77::1", "10.9.0.5", 0));
	EXPECT_EQ(-EINVAL, get(nt, "10.77.1.1", "0.0.0.0", 0));
}

TEST_F_TIMEOUT(policy, a_change_in_another_table_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch(&self->pair, &(struct nt_route){
				  .dst = "10.77.1.1", .from = "10.9.0.5" }));
	ASSERT_EQ(0, nt_sh("ip route change 10.77.0.0/16 via 10.9.0.2 table 100"));
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.2"));
	EXPECT_TRUE(nt_is_addr(events, MACHNET_A_ROUTE_FROM, "10.9.0.5"));
	ASSERT_EQ(0, nt_sh("ip route change 10.77.0.0/16 via 10.9.0.3 table 100"));
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
}

TEST_F_TIMEOUT(policy, a_rule_that_goes_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch(&self->pair, &(struct nt_route){
				  .dst = "10.77.1.1", .from = "10.9.0.5" }));
	ASSERT_EQ(0, nt_sh("ip rule del from 10.9.0.5 table 100"));
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip rule add from 10.9.0.5 prohibit"));
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(EACCES, nt_u32(events, MACHNET_A_ROUTE_ERROR));
}

TEST_F_TIMEOUT(policy, the_source_that_goes_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch(&self->pair, &(struct nt_route){
				  .dst = "10.9.0.2", .from = "10.9.0.5" }));
	ASSERT_EQ(0, nt_sh("ip addr del 10.9.0.5/24 dev mnt0"));
	ASSERT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_EQ(EADDRNOTAVAIL, nt_u32(events, MACHNET_A_ROUTE_ERROR));
	ASSERT_EQ(0, nt_addr_add(self->pair.ifindex, "10.9.0.5", 24));
	EXPECT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_REACHABLE));
}

/* mnt0 in a VRF of table 200. */
static uint32_t make_vrf(void)
{
	if (nt_sh("ip link add vrf0 type vrf table 200 && ip link set vrf0 up &&"
		  "ip link set mnt0 master vrf0"))
		return 0;
	return if_nametoindex("vrf0");
}

TEST_F_TIMEOUT(policy, a_vrf_has_its_own_routes, 120)
{
	uint32_t mnt0 = self->pair.ifindex, vrf = make_vrf(), other = nt_dummy("mnt9");
	struct nt *nt = &self->pair.path;

	ASSERT_NE(0, vrf);
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3 vrf vrf0"));
	ASSERT_EQ(0, get(nt, "10.77.1.1", NULL, vrf));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	EXPECT_EQ(mnt0, nt_u32(nt, MACHNET_A_ROUTE_IFINDEX));
	EXPECT_EQ(vrf, nt_u32(nt, MACHNET_A_ROUTE_VRF));
	/* A device in it stands for it. */
	ASSERT_EQ(0, get(nt, "10.77.1.1", NULL, mnt0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	EXPECT_EQ(mnt0, nt_u32(nt, MACHNET_A_ROUTE_VRF));
	ASSERT_EQ(0, get(nt, "10.9.0.2", "10.9.0.1", mnt0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_SRC, "10.9.0.1"));
	/* One that is in none stands for none. */
	EXPECT_EQ(-ENETUNREACH, get(nt, "10.77.1.1", NULL, other));
	EXPECT_EQ(-ENETUNREACH, get(nt, "10.77.1.1", NULL, 0));
	EXPECT_EQ(-ENODEV, get(nt, "10.77.1.1", NULL, 9999));
	EXPECT_STRNE("", nt->extack);
	EXPECT_EQ(0, get(nt, "10.9.0.1", NULL, vrf));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(nt, MACHNET_A_ROUTE_STATE));
}

TEST_F_TIMEOUT(policy, a_vrf_has_its_own_ipv6_routes, 120)
{
	uint32_t mnt0 = self->pair.ifindex, vrf = make_vrf();
	struct nt *nt = &self->pair.path;

	ASSERT_NE(0, vrf);
	/* The kernel takes these away from a device that changes its master. */
	ASSERT_EQ(0, nt_addr_add(mnt0, "2001:db8:9::1", 64));
	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:77::/48 via 2001:db8:9::2 vrf vrf0"));
	ASSERT_EQ(0, get(nt, "2001:db8:77::1", NULL, mnt0));
	EXPECT_TRUE(nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, "2001:db8:9::2"));
	EXPECT_EQ(mnt0, nt_u32(nt, MACHNET_A_ROUTE_IFINDEX));
	EXPECT_EQ(0, get(nt, "2001:db8:9::2", "2001:db8:9::1", vrf));
	EXPECT_EQ(-ENETUNREACH, get(nt, "2001:db8:77::1", NULL, 0));
}

TEST_F_TIMEOUT(policy, a_device_that_joins_a_vrf_is_announced, 120)
{
	struct nt_route route = { .dst = "10.77.1.1", .vrf = self->pair.ifindex };
	struct nt *events = &self->pair.events;

	ASSERT_TRUE(nt_pair_watch(&self->pair, &route));
	ASSERT_NE(0, make_vrf());
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_UNREACHABLE));
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3 vrf vrf0"));
	ASSERT_TRUE(nt_wait_route(events, "10.77.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_TRUE(nt_is_addr(events, MACHNET_A_ROUTE_NEXTHOP, "10.9.0.3"));
	EXPECT_EQ(self->pair.ifindex, nt_u32(events, MACHNET_A_ROUTE_VRF));
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 dev lo; ip link set mnt0 nomaster"));
	ASSERT_TRUE(nt_wait_event(events, MACHNET_CMD_ROUTE_NTF, NT_TIMEOUT_MS));
}

TEST_F_TIMEOUT(policy, a_vrf_that_goes_is_announced, 120)
{
	uint32_t vrf = make_vrf();
	struct nt_route route = { .dst = "10.9.0.2", .vrf = vrf };
	struct nt *events = &self->pair.events;

	ASSERT_NE(0, vrf);
	ASSERT_TRUE(nt_pair_watch(&self->pair, &route));
	ASSERT_EQ(0, nt_link_del(vrf));
	ASSERT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_UNREACHABLE));
	while (nt_u32(events, MACHNET_A_ROUTE_ERROR) != ENODEV)
		ASSERT_TRUE(nt_wait_route(events, "10.9.0.2", MACHNET_ROUTE_STATE_UNREACHABLE));
}

struct told {
	int plain, from, vrf, both;
};

static void count_keys(struct nt *nt, void *data)
{
	bool from = nt->attrs[MACHNET_A_ROUTE_FROM], vrf = nt->attrs[MACHNET_A_ROUTE_VRF];
	struct told *told = data;

	told->plain += !from && !vrf;
	told->from += from && !vrf;
	told->vrf += vrf && !from;
	told->both += from && vrf;
}

static struct told dump(struct nt *nt)
{
	struct told told = { 0 };

	nt_dump(nt, MACHNET_CMD_ROUTE_DUMP, count_keys, &told);
	return told;
}

static int sum(struct told told)
{
	return told.plain + told.from + told.vrf + told.both;
}

TEST_F_TIMEOUT(policy, a_watch_is_known_by_all_of_its_key, 120)
{
	uint32_t dev = self->pair.ifindex;
	struct nt *nt = &self->pair.path;
	struct told told;

	ASSERT_EQ(0, watch(nt, "10.77.1.1", NULL, 0));
	ASSERT_EQ(0, watch(nt, "10.77.1.1", "10.9.0.5", 0));
	ASSERT_EQ(0, watch(nt, "10.77.1.1", NULL, dev));
	ASSERT_EQ(0, watch(nt, "10.77.1.1", "10.9.0.5", dev));
	told = dump(nt);
	EXPECT_EQ(1, told.plain);
	EXPECT_EQ(1, told.from);
	EXPECT_EQ(1, told.vrf);
	EXPECT_EQ(1, told.both);
	EXPECT_EQ(-ENOENT, unwatch(nt, "10.77.1.1", "10.9.0.1", 0));
	EXPECT_EQ(-ENOENT, unwatch(nt, "10.77.1.1", "10.9.0.5", dev + 1));
	EXPECT_EQ(4, sum(dump(nt)));
	EXPECT_EQ(0, unwatch(nt, "10.77.1.1", "10.9.0.5", 0));
	told = dump(nt);
	EXPECT_EQ(0, told.from);
	EXPECT_EQ(3, sum(told));
	EXPECT_EQ(0, unwatch(nt, "10.77.1.1", NULL, 0));
	EXPECT_EQ(0, unwatch(nt, "10.77.1.1", NULL, dev));
	told = dump(nt);
	EXPECT_EQ(1, told.both);
	EXPECT_EQ(1, sum(told));
}

TEST_HARNESS_MAIN
