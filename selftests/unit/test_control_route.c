// SPDX-License-Identifier: MIT
/* Routes and their changes, as machnet.ko and as the daemon itself tell them. */
#include "selftests/unit/control_test.h"

static const uint8_t far_mac[6] = { 0x02, 0, 0, 0, 0, 2 };
static const uint8_t new_mac[6] = { 0x02, 0, 0, 0, 0, 9 };

#define EXPECT_STATE(wanted, timeout_ms) \
	EXPECT_TRUE(wait_until(self->c, self->seen.n && self->seen.last.state == (wanted), \
			       timeout_ms)) \
		TH_LOG("%u events, state %u", self->seen.n, self->seen.last.state)

#define EXPECT_MAC(wanted, timeout_ms) \
	EXPECT_TRUE(wait_until(self->c, self->seen.last.has_mac && \
			       !memcmp(self->seen.last.mac, wanted, 6), timeout_ms)) \
		TH_LOG("%u events, state %u", self->seen.n, self->seen.last.state)

static int set_neigh(int host, int mac)
{
	return run("ip neigh replace 10.9.0.%d dev near lladdr 02:00:00:00:00:%02d nud permanent",
		   host, mac);
}

TEST_F(control, route_resolves_a_neighbour)
{
	struct mn_addr dst = addr("10.9.0.5"), src = addr("10.9.0.1");
	struct machnet_nl_route route;

	/* Nobody has the address yet, and the kernel does not give up soon. */
	ASSERT_EQ(0, run("echo 60 >/proc/sys/net/ipv4/neigh/near/mcast_solicit"));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_RESOLVING, route.state);
	EXPECT_EQ(self->ifindex, route.ifindex);
	EXPECT_EQ(1500, route.mtu);
	EXPECT_TRUE(mn_addr_equal(&src, &route.src));
	EXPECT_TRUE(mn_addr_equal(&dst, &route.nexthop));
	EXPECT_FALSE(route.has_mac);

	/* The kernel's next question is answered. */
	ASSERT_EQ(0, there(self->there, "ip addr add 10.9.0.5/24 dev far"));
	EXPECT_STATE(MACHNET_ROUTE_STATE_REACHABLE, 10000);
	EXPECT_TRUE(mn_addr_equal(&dst, &self->seen.last.dst));
	EXPECT_MAC(far_mac, 0);

	/* Once more: known now. */
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, route.state);
	EXPECT_EQ(0, memcmp(route.mac, far_mac, 6));
}

TEST_F(control, route_resolves_a_neighbour_v6)
{
	struct mn_addr dst = addr("fd09::2"), src = addr("fd09::1");
	struct machnet_nl_route route;

	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(self->ifindex, route.ifindex);
	EXPECT_EQ(1500, route.mtu);
	EXPECT_TRUE(mn_addr_equal(&src, &route.src));
	EXPECT_TRUE(mn_addr_equal(&dst, &route.nexthop));
	if (route.state != MACHNET_ROUTE_STATE_REACHABLE)
		EXPECT_STATE(MACHNET_ROUTE_STATE_REACHABLE, 5000);
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(0, memcmp(route.mac, far_mac, 6));
}

TEST_F(control, route_follows_the_neighbour_table)
{
	struct mn_addr dst = addr("10.9.0.2");
	struct machnet_nl_route route;

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	ASSERT_EQ(MACHNET_ROUTE_STATE_REACHABLE, route.state);
	EXPECT_EQ(0, memcmp(route.mac, far_mac, 6));
	ASSERT_EQ(0, drain(self->c));
	EXPECT_EQ(0, self->seen.n);
	/* The entry is still permanent: asking has not changed it. */
	EXPECT_EQ(0, run("ip neigh show 10.9.0.2 | grep -q PERMANENT"));

	ASSERT_EQ(0, set_neigh(2, 9));
	EXPECT_MAC(new_mac, 5000);
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, self->seen.last.state);
	EXPECT_EQ(1, self->seen.n);

	/* Deleted: asked for again, and the truth comes out. */
	ASSERT_EQ(0, run("ip neigh del 10.9.0.2 dev near"));
	EXPECT_MAC(far_mac, 5000);
}

TEST_F(control, route_to_a_silent_host)
{
	struct mn_addr dst = addr("10.9.0.77");
	struct machnet_nl_route route;
	long start = now_ms();

	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_RESOLVING, route.state);
	/* Three questions, a second apart. */
	EXPECT_STATE(MACHNET_ROUTE_STATE_UNREACHABLE, 10000);
	EXPECT_GT(8000, now_ms() - start);
	EXPECT_EQ(EHOSTUNREACH, self->seen.last.error);

	/* A new question is a new attempt, and the host has come up. */
	ASSERT_EQ(0, there(self->there, "ip addr add 10.9.0.77/24 dev far"));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	if (route.state != MACHNET_ROUTE_STATE_REACHABLE)
		EXPECT_STATE(MACHNET_ROUTE_STATE_REACHABLE, 5000);
}

TEST_F(control, route_by_a_gateway)
{
	struct mn_addr dst = addr("10.8.0.1"), gw = addr("10.9.0.2"), gw2 = addr("10.9.0.3");
	struct machnet_nl_route route;

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, set_neigh(3, 9));
	EXPECT_EQ(-ENETUNREACH, watch(self->c, &dst, &route));
	EXPECT_STREQ("the destination cannot be reached", ops->error(self->c));
	EXPECT_EQ(-ENOENT, unwatch(self->c, &dst));

	ASSERT_EQ(0, run("ip route add 10.8.0.0/16 via 10.9.0.2 mtu 1400"));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_STREQ("", ops->error(self->c));
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, route.state);
	EXPECT_EQ(1400, route.mtu);
	EXPECT_TRUE(mn_addr_equal(&gw, &route.nexthop));
	EXPECT_EQ(0, memcmp(route.mac, far_mac, 6));

	/* Fail-over. */
	ASSERT_EQ(0, run("ip route replace 10.8.0.0/16 via 10.9.0.3"));
	EXPECT_MAC(new_mac, 5000);
	EXPECT_TRUE(mn_addr_equal(&gw2, &self->seen.last.nexthop));
	EXPECT_EQ(1500, self->seen.last.mtu);

	ASSERT_EQ(0, run("ip route replace prohibit 10.8.0.0/16"));
	EXPECT_STATE(MACHNET_ROUTE_STATE_UNREACHABLE, 5000);
	EXPECT_EQ(EACCES, self->seen.last.error);
}

TEST_F(control, route_follows_link_and_address)
{
	struct mn_addr dst = addr("10.9.0.2");
	struct machnet_nl_route route;

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	ASSERT_EQ(0, run("ip link set near mtu 1300"));
	EXPECT_TRUE(wait_until(self->c, self->seen.last.mtu == 1300, 5000));

	ASSERT_EQ(0, run("ip link set near down"));
	EXPECT_STATE(MACHNET_ROUTE_STATE_UNREACHABLE, 5000);
	EXPECT_EQ(ENETUNREACH, self->seen.last.error);

	ASSERT_EQ(0, run("ip link set near up"));
	EXPECT_STATE(MACHNET_ROUTE_STATE_REACHABLE, 5000);

	ASSERT_EQ(0, run("ip addr del 10.9.0.1/24 dev near"));
	EXPECT_STATE(MACHNET_ROUTE_STATE_UNREACHABLE, 5000);
}

/* More events than the socket holds: some are lost, the answer is not. */
TEST_F(control, route_survives_lost_events)
{
	struct mn_addr dst = addr("10.9.0.2"), ip = addr("10.9.0.1");
	struct machnet_nl_route route;
	uint16_t port;
	int size = 1, fd;

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	ASSERT_EQ(0, drain(self->c));
	ASSERT_EQ(0, setsockopt(ops->fd(self->c), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	for (port = 5000; port < 5020; port++) {
		fd = own_port_open(self->c, &ip, &port);
		ASSERT_LE(0, fd);
		own_port_close(self->c, &ip, port, fd);
	}
	ASSERT_EQ(0, run("{ for i in $(seq 100 120); do"
			 " echo neigh add 10.9.0.$i dev near lladdr 02:00:00:00:00:03; done;"
			 " echo neigh replace 10.9.0.2 dev near lladdr 02:00:00:00:00:09; } |"
			 " ip -batch -"));
	EXPECT_MAC(new_mac, 5000);
}

TEST_F(control, route_to_this_host)
{
	struct mn_addr dst = addr("10.9.0.1"), dst6 = addr("fd09::1");
	struct machnet_nl_route route;

	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, route.state);
	EXPECT_TRUE(mn_addr_equal(&dst, &route.src));
	ASSERT_EQ(0, watch(self->c, &dst6, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, route.state);
}

TEST_F(control, route_unwatch_from_within_the_callback)
{
	struct mn_addr a = addr("10.8.0.1"), b = addr("10.8.0.2");
	struct machnet_nl_route route;

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, run("ip route add 10.8.0.0/16 via 10.9.0.2"));
	ASSERT_EQ(0, watch(self->c, &a, &route));
	ASSERT_EQ(0, watch(self->c, &b, &route));
	self->seen.unwatch = a;
	ASSERT_EQ(0, set_neigh(2, 9));
	EXPECT_TRUE(wait_until(self->c, mn_addr_equal(&self->seen.last.dst, &b), 5000));
	/* Both have been told, or b alone when its turn came first. */
	EXPECT_GE(2, self->seen.n);
	self->seen.unwatch = (struct mn_addr){ 0 };
	EXPECT_EQ(-ENOENT, unwatch(self->c, &a));
	EXPECT_EQ(0, unwatch(self->c, &b));
	self->seen.n = 0;
	ASSERT_EQ(0, run("ip neigh del 10.9.0.2 dev near"));
	ASSERT_EQ(0, drain(self->c));
	EXPECT_EQ(0, self->seen.n);
}

/* What another datapath watches is no event here. */
TEST_F(control, route_of_others)
{
	struct mn_addr dst = addr("10.9.0.2"), foreign = addr("10.9.0.3");
	struct machnet_nl_route_key foreign_key = { .dst = foreign };
	struct machnet_nl_route route;
	struct nlclient nl = { 0 };

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, set_neigh(3, 3));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	if (is_kernel()) {
		ASSERT_EQ(0, machnet_nl_open(&nl));
		ASSERT_EQ(0, machnet_nl_route_get(&nl, &foreign_key, true, &route));
	}
	ASSERT_EQ(0, set_neigh(3, 9));
	ASSERT_EQ(0, set_neigh(2, 9));
	EXPECT_TRUE(wait_until(self->c, mn_addr_equal(&self->seen.last.dst, &dst), 5000));
	EXPECT_EQ(1, self->seen.n);
	nlclient_close(&nl);
}

/* Watching again is the same watch: one end is enough. */
TEST_F(control, route_watched_twice)
{
	struct mn_addr dst = addr("10.9.0.2");
	struct machnet_nl_route route;

	ASSERT_EQ(0, watch(self->c, &dst, &route));
	ASSERT_EQ(0, watch(self->c, &dst, &route));
	EXPECT_EQ(0, unwatch(self->c, &dst));
	EXPECT_EQ(-ENOENT, unwatch(self->c, &dst));
	EXPECT_STREQ("this socket does not watch the destination", ops->error(self->c));
}

/* Two ways to one destination, by the address that is sent from. */
TEST_F(control, route_by_policy)
{
	struct mn_addr dst = addr("10.8.0.1");
	struct machnet_nl_route_key plain = key_to(&dst), policy = plain, bad = plain;
	struct machnet_nl_route route;

	ASSERT_EQ(0, set_neigh(2, 2));
	ASSERT_EQ(0, set_neigh(3, 9));
	ASSERT_EQ(0, run("ip addr add 10.9.0.11/24 dev near"));
	ASSERT_EQ(0, run("ip rule add from 10.9.0.11 table 100"));
	ASSERT_EQ(0, run("ip route add 10.8.0.0/16 via 10.9.0.2"));
	ASSERT_EQ(0, run("ip route add 10.8.0.0/16 via 10.9.0.3 table 100"));
	policy.from = addr("10.9.0.11");
	ASSERT_EQ(0, ops->route_watch(self->c, &plain, &route));
	EXPECT_EQ(0, memcmp(route.mac, far_mac, 6));
	ASSERT_EQ(0, ops->route_watch(self->c, &policy, &route));
	EXPECT_EQ(0, memcmp(route.mac, new_mac, 6));
	EXPECT_TRUE(mn_addr_equal(&policy.from, &route.from));
	EXPECT_TRUE(mn_addr_equal(&policy.from, &route.src));

	/* Each has its changes and its end. */
	ASSERT_EQ(0, drain(self->c));
	self->seen.n = 0;
	ASSERT_EQ(0, run("ip route replace 10.8.0.0/16 via 10.9.0.2 table 100"));
	EXPECT_MAC(far_mac, 5000);
	EXPECT_EQ(1, self->seen.n);
	EXPECT_TRUE(mn_addr_equal(&policy.from, &self->seen.last.from));
	EXPECT_EQ(0, ops->route_unwatch(self->c, &policy));
	EXPECT_EQ(-ENOENT, ops->route_unwatch(self->c, &policy));
	EXPECT_EQ(0, ops->route_unwatch(self->c, &plain));

	bad.from = addr("10.9.0.99");
	EXPECT_EQ(-EADDRNOTAVAIL, ops->route_watch(self->c, &bad, &route));
	bad.from = addr("fd09::1");
	EXPECT_EQ(-EINVAL, ops->route_watch(self->c, &bad, &route));
}

TEST_F(control, route_in_a_vrf)
{
	struct mn_addr dst = addr("10.9.0.2"), gone = addr("10.8.0.1");
	struct machnet_nl_route_key key = key_to(&dst), far = key_to(&gone);
	struct machnet_nl_route route;

	if (run("ip link add red type vrf table 10 2>/dev/null"))
		SKIP(return, "the kernel has no VRF");
	ASSERT_EQ(0, run("ip link set red up"));
	ASSERT_EQ(0, set_neigh(2, 2));
	/* An interface stands for the VRF that it belongs to, also when it does so later. */
	key.vrf = self->ifindex;
	far.vrf = self->ifindex;
	ASSERT_EQ(0, ops->route_watch(self->c, &key, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, route.state);
	EXPECT_EQ(self->ifindex, route.vrf);
	ASSERT_EQ(0, run("ip link set near master red"));
	ASSERT_EQ(0, set_neigh(2, 9));
	EXPECT_MAC(new_mac, 5000);
	EXPECT_EQ(self->ifindex, self->seen.last.vrf);
	EXPECT_EQ(self->ifindex, self->seen.last.ifindex);
	ASSERT_EQ(0, run("ip route add 10.8.0.0/16 via 10.9.0.2 vrf red"));
	ASSERT_EQ(0, ops->route_watch(self->c, &far, &route));
	EXPECT_EQ(0, memcmp(route.mac, new_mac, 6));
	/* The main tables do not know it. */
	EXPECT_EQ(-ENETUNREACH, watch(self->c, &gone, &route));
	far.from = addr("10.9.0.1");
	EXPECT_EQ(0, ops->route_watch(self->c, &far, &route));
	far.vrf = 9999;
	EXPECT_EQ(-ENODEV, ops->route_watch(self->c, &far, &route));
}

static bool neigh_is(const char *ip, const char *state)
{
	return !run("ip neigh show %s | grep -q %s", ip, state);
}

/* Whether a neighbour comes into a state before long; while its route, if there is one, works. */
static bool neigh_becomes(struct mnd_control *c, const char *ip, const char *state,
			  const struct machnet_nl_route_key *working)
{
	long end = now_ms() + 10000;

	while (!neigh_is(ip, state)) {
		if (now_ms() > end || (working && ops->route_confirm(c, working)))
			return false;
		poll(NULL, 0, 100);
	}
	return true;
}

/* Nobody has these addresses: without a word of ours the kernel would give them up. */
TEST_F(control, route_confirmed)
{
	struct mn_addr heard = addr("10.9.0.88"), silent = addr("10.9.0.89");
	struct mn_addr fixed = addr("10.9.0.90");
	struct machnet_nl_route_key key = key_to(&heard), other = key_to(&fixed);
	struct machnet_nl_route route;

	ASSERT_EQ(0, run("for f in delay_first_probe_time ucast_solicit mcast_solicit; do"
			 " echo 1 >/proc/sys/net/ipv4/neigh/near/$f; done"));
	EXPECT_EQ(-ENOENT, ops->route_confirm(self->c, &key));
	EXPECT_STREQ("this socket does not watch the destination", ops->error(self->c));
	ASSERT_EQ(0, run("for i in 88 89; do ip neigh add 10.9.0.$i dev near"
			 " lladdr 02:00:00:00:00:$i nud stale; done"));
	ASSERT_EQ(0, set_neigh(90, 90));
	ASSERT_EQ(0, watch(self->c, &heard, &route));
	ASSERT_EQ(0, watch(self->c, &silent, &route));
	ASSERT_EQ(0, watch(self->c, &fixed, &route));
	EXPECT_EQ(0, ops->route_confirm(self->c, &key));
	EXPECT_EQ(0, ops->route_confirm(self->c, &other));
	EXPECT_TRUE(neigh_becomes(self->c, "10.9.0.88", "lladdr.02:00:00:00:00:88.REACHABLE",
				  &key));
	EXPECT_TRUE(neigh_becomes(self->c, "10.9.0.89", "FAILED", NULL));
	EXPECT_TRUE(neigh_is("10.9.0.90", "lladdr.02:00:00:00:00:90.PERMANENT"));
	/* What has been given up, or is gone, is not brought back by it. */
	key = key_to(&silent);
	EXPECT_EQ(0, ops->route_confirm(self->c, &key));
	EXPECT_FALSE(neigh_is("10.9.0.89", "REACHABLE"));
	ASSERT_EQ(0, run("ip neigh del 10.9.0.90 dev near"));
	EXPECT_EQ(0, ops->route_confirm(self->c, &other));
	EXPECT_FALSE(neigh_is("10.9.0.90", "REACHABLE"));
}

/* Its packets would leave without the header that the route wants. */
TEST_F(control, route_with_an_encapsulation)
{
	struct mn_addr dst = addr("fd77::1");
	struct machnet_nl_route route;

	if (run("ip -6 route add fd77::/64 encap seg6 mode encap segs fd09::2 dev near"))
		SKIP(return, "the kernel has no SRv6");
	EXPECT_EQ(-EOPNOTSUPP, watch(self->c, &dst, &route));
	ASSERT_EQ(0, run("ip -6 route replace fd77::/64 via fd09::2 dev near"));
	EXPECT_EQ(0, watch(self->c, &dst, &route));
}

TEST_F(control, route_refuses_what_is_not_unicast)
{
	static const char *const bad[] = {
		"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1",
	};
	struct machnet_nl_route route;
	struct mn_addr dst;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		dst = addr(bad[i]);
		EXPECT_EQ(-EINVAL, watch(self->c, &dst, &route)) TH_LOG("%s", bad[i]);
	}
	dst = addr("10.9.0.255");
	EXPECT_EQ(-EACCES, watch(self->c, &dst, &route));
}

TEST_HARNESS_MAIN
