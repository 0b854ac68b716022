// SPDX-License-Identifier: MIT
/*
 * test_route_secure.c - destinations that the kernel does not send to in the clear
 *
 * A datapath sends plain UDP packets to the MAC of the next hop. A destination
 * whose packets the kernel would encrypt, encapsulate or drop must never be
 * reported as reachable.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <linux/neighbour.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

#define LATEST_MS	1000
#define V4_OUT		"dir out src 10.9.0.1/32 dst 10.9.0.2/32"
#define V6_OUT		"dir out src 2001:db8:9::1/128 dst 2001:db8:9::2/128"
#define V4_TMPL		"tmpl src 10.9.0.1 dst 10.9.0.2 proto esp"
#define V6_TMPL		"tmpl src 2001:db8:9::1 dst 2001:db8:9::2 proto esp"
#define NULL_ESP	"proto esp spi 0x100 enc cipher_null '' auth digest_null ''"

NT_NEEDS_MODULE

FIXTURE(secure)
{
	struct nt_pair pair;
};

FIXTURE_SETUP(secure)
{
	static const char *const addrs[] = { "10.9.0.2", "10.9.0.3", "2001:db8:9::2",
					     "2001:db8:9::3" };
	unsigned int i;

	ASSERT_EQ(0, nt_pair_up(&self->pair));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, nt_neigh(self->pair.ifindex, addrs[i], nt_peer_mac, NUD_PERMANENT));
}

FIXTURE_TEARDOWN(secure)
{
	nt_pair_down(&self->pair);
}

static int get(FIXTURE_DATA(secure) *self, const char *dst, const char *from, uint32_t vrf)
{
	struct nt_route route = { .dst = dst, .from = from, .vrf = vrf };

	return nt_route_op(&self->pair.path, MACHNET_CMD_ROUTE_GET, &route);
}

/* A watch is answered alike, and there is none afterwards. */
static int refusal(FIXTURE_DATA(secure) *self, const char *dst)
{
	struct nt *nt = &self->pair.path;
	int ret = nt_route_get(nt, dst, false);

	if (!ret)
		fprintf(stderr, "# %s has the state %u\n", dst, nt_u32(nt, MACHNET_A_ROUTE_STATE));
	if (nt_route_get(nt, dst, true) != ret || nt_dump(nt, MACHNET_CMD_ROUTE_DUMP, NULL, NULL))
		return -EPROTO;
	return ret;
}

static bool is_reachable(FIXTURE_DATA(secure) *self, const char *dst)
{
	struct nt *nt = &self->pair.path;

	return nt_route_get(nt, dst, false) == 0 &&
	       nt_u32(nt, MACHNET_A_ROUTE_STATE) == MACHNET_ROUTE_STATE_REACHABLE;
}

/* A transform for one destination of each family: it is refused, its neighbour is not. */
static void expect_unsupported(struct __test_metadata *_metadata, FIXTURE_DATA(secure) *self,
			       const char *mode)
{
	ASSERT_EQ(0, nt_sh("ip xfrm policy add " V4_OUT " " V4_TMPL " mode %s", mode));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "10.9.0.2"));
	EXPECT_TRUE(is_reachable(self, "10.9.0.3"));
	ASSERT_EQ(0, nt_sh("ip xfrm policy add " V6_OUT " " V6_TMPL " mode %s", mode));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "2001:db8:9::2"));
	EXPECT_TRUE(is_reachable(self, "2001:db8:9::3"));
}

TEST_F_TIMEOUT(secure, a_transform_is_unsupported, 120)
{
	expect_unsupported(_metadata, self, "transport");
}

TEST_F_TIMEOUT(secure, a_transform_with_a_state_is_unsupported, 120)
{
	if (nt_sh("ip xfrm state add src 10.9.0.1 dst 10.9.0.2 " NULL_ESP " mode tunnel") ||
	    nt_sh("ip xfrm state add src 2001:db8:9::1 dst 2001:db8:9::2 " NULL_ESP
		  " mode tunnel"))
		SKIP(return, "needs ESP without encryption");
	expect_unsupported(_metadata, self, "tunnel");
}

/* One that names the protocol applies to our packets, too. */
TEST_F_TIMEOUT(secure, a_policy_for_udp_counts_and_one_for_tcp_does_not, 120)
{
	ASSERT_EQ(0, nt_sh("ip xfrm policy add dir out dst 10.9.0.2/32 proto udp action block"));
	EXPECT_EQ(-EPERM, refusal(self, "10.9.0.2"));
	ASSERT_EQ(0, nt_sh("ip xfrm policy add dir out dst 10.9.0.3/32 proto tcp action block"));
	EXPECT_TRUE(is_reachable(self, "10.9.0.3"));
}

TEST_F_TIMEOUT(secure, a_blocked_destination_is_refused, 120)
{
	ASSERT_EQ(0, nt_sh("ip xfrm policy add " V4_OUT " action block"));
	EXPECT_EQ(-EPERM, refusal(self, "10.9.0.2"));
	EXPECT_TRUE(is_reachable(self, "10.9.0.3"));
	ASSERT_EQ(0, nt_sh("ip xfrm policy add " V6_OUT " action block"));
	EXPECT_EQ(-EPERM, refusal(self, "2001:db8:9::2"));
	EXPECT_TRUE(is_reachable(self, "2001:db8:9::3"));
}

/* An allowing policy before it is one that changes nothing. */
TEST_F_TIMEOUT(secure, an_exception_stays_reachable, 120)
{
	ASSERT_EQ(0, nt_sh("ip xfrm policy add dir out dst 10.9.0.0/24 priority 9 action block"));
	ASSERT_EQ(0, nt_sh("ip xfrm policy add dir out dst 10.9.0.3/32 priority 1 action allow"));
	EXPECT_EQ(-EPERM, refusal(self, "10.9.0.2"));
	EXPECT_TRUE(is_reachable(self, "10.9.0.3"));
}

static int change_while_watched(FIXTURE_DATA(secure) *self, const char *dst, const char *out,
				const char *what, uint32_t error)
{
	struct nt *events = &self->pair.events;
	bool down;

	if (!nt_pair_watch_dst(&self->pair, dst) || nt_sh("ip xfrm policy add %s %s", out, what))
		return 1;
	down = nt_wait_route_ms(events, dst, MACHNET_ROUTE_STATE_UNREACHABLE, LATEST_MS);
	if (down && nt_u32(events, MACHNET_A_ROUTE_ERROR) != error)
		fprintf(stderr, "# error %u\n", nt_u32(events, MACHNET_A_ROUTE_ERROR));
	down &= nt_u32(events, MACHNET_A_ROUTE_ERROR) == error;
	if (nt_sh("ip xfrm policy del %s", out) || !down)
		return 2;
	return nt_wait_route_ms(events, dst, MACHNET_ROUTE_STATE_REACHABLE, LATEST_MS) ? 0 : 3;
}

TEST_F_TIMEOUT(secure, a_policy_that_comes_and_goes_is_announced, 240)
{
	EXPECT_EQ(0, change_while_watched(self, "10.9.0.2", V4_OUT, V4_TMPL " mode transport",
					  EOPNOTSUPP));
	EXPECT_EQ(0, change_while_watched(self, "2001:db8:9::2", V6_OUT, V6_TMPL " mode transport",
					  EOPNOTSUPP));
	EXPECT_EQ(0, change_while_watched(self, "10.9.0.2", V4_OUT, "action block", EPERM));
	EXPECT_EQ(0, change_while_watched(self, "2001:db8:9::2", V6_OUT, "action block", EPERM));
}

TEST_F_TIMEOUT(secure, mpls_is_unsupported, 120)
{
	if (nt_sh("ip route add 10.78.0.0/16 encap mpls 100 via 10.9.0.2"))
		SKIP(return, "needs MPLS");
	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:78::/48 encap mpls 100 via 2001:db8:9::2"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "10.78.1.1"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "2001:db8:78::1"));
	EXPECT_TRUE(is_reachable(self, "10.9.0.2"));
	EXPECT_TRUE(is_reachable(self, "2001:db8:9::2"));
}

TEST_F_TIMEOUT(secure, segment_routing_is_unsupported, 120)
{
	if (nt_sh("ip route add 2001:db8:78::/48 encap seg6 mode encap segs 2001:db8:9::2 "
		  "dev mnt0"))
		SKIP(return, "needs SRv6");
	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:79::/48 encap seg6 mode inline segs "
			   "2001:db8:9::2 dev mnt0"));
	ASSERT_EQ(0, nt_sh("ip route add 10.78.0.0/16 encap seg6 mode encap segs 2001:db8:9::2 "
			   "dev mnt0"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "2001:db8:78::1"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "2001:db8:79::1"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "10.78.1.1"));
}

TEST_F_TIMEOUT(secure, an_encapsulation_while_watched_is_announced, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:78::/48 via 2001:db8:9::2"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "2001:db8:78::1"));
	ASSERT_EQ(0, nt_sh("ip route replace 2001:db8:78::/48 encap seg6 mode encap segs "
			   "2001:db8:9::2 dev mnt0"));
	ASSERT_TRUE(nt_wait_route_ms(events, "2001:db8:78::1", MACHNET_ROUTE_STATE_UNREACHABLE,
				     LATEST_MS));
	EXPECT_EQ(EOPNOTSUPP, nt_u32(events, MACHNET_A_ROUTE_ERROR));
	ASSERT_EQ(0, nt_sh("ip route replace 2001:db8:78::/48 via 2001:db8:9::2"));
	EXPECT_TRUE(nt_wait_route_ms(events, "2001:db8:78::1", MACHNET_ROUTE_STATE_REACHABLE,
				     LATEST_MS));
}

TEST_F_TIMEOUT(secure, what_the_table_refuses_is_refused, 120)
{
	static const struct {
		const char *type;
		int error;
	} refusing[] = {
		{ "blackhole", -EINVAL }, { "unreachable", -EHOSTUNREACH },
		{ "prohibit", -EACCES },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, nt_sh("ip route replace %s 10.77.0.0/16", refusing[i].type));
		EXPECT_EQ(refusing[i].error, refusal(self, "10.77.1.1"));
		ASSERT_EQ(0, nt_sh("ip route add %s 2001:db8:77::/48", refusing[i].type));
		EXPECT_EQ(refusing[i].error, refusal(self, "2001:db8:77::1"));
		ASSERT_EQ(0, nt_sh("ip -6 route del %s 2001:db8:77::/48", refusing[i].type));
	}
	EXPECT_TRUE(is_reachable(self, "10.9.0.2"));
}

TEST_F_TIMEOUT(secure, a_route_by_lo_is_not_reachable, 120)
{
	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:77::/48 dev lo"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "2001:db8:77::1"));
	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 dev lo"));
	EXPECT_EQ(-EOPNOTSUPP, refusal(self, "10.77.1.1"));
	/* An address of this host is one all the same. */
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "10.9.0.1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "127.0.0.1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
	ASSERT_EQ(0, nt_route_get(&self->pair.path, "::1", false));
	EXPECT_EQ(MACHNET_ROUTE_STATE_LOCAL, nt_u32(&self->pair.path, MACHNET_A_ROUTE_STATE));
}

/* A dummy device with addresses in a VRF: the index of the VRF, or 0. */
static uint32_t vrf_with_addresses(void)
{
	uint32_t dummy = nt_dummy("mnt8");

	if (nt_sh("ip link add vrf0 type vrf table 200 && ip link set vrf0 up &&"
		  "ip link set mnt8 master vrf0") ||
	    nt_addr_add(dummy, "10.8.0.1", 24) || nt_addr_add(dummy, "2001:db8:8::1", 64) ||
	    nt_sh("ip neigh add 10.8.0.2 lladdr 02:00:00:00:00:22 nud permanent dev mnt8 &&"
		  "ip neigh add 2001:db8:8::2 lladdr 02:00:00:00:00:22 nud permanent dev mnt8"))
		return 0;
	return if_nametoindex("vrf0");
}

TEST_F_TIMEOUT(secure, a_source_of_another_vrf_is_not_ours, 120)
{
	uint32_t vrf = vrf_with_addresses();

	ASSERT_NE(0, vrf);
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "10.9.0.2", "10.8.0.1", 0));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "10.8.0.2", "10.9.0.1", vrf));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "2001:db8:9::2", "2001:db8:8::1", 0));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "2001:db8:8::2", "2001:db8:9::1", vrf));
	EXPECT_EQ(0, get(self, "10.9.0.2", "10.9.0.1", 0));
	EXPECT_EQ(0, get(self, "10.8.0.2", "10.8.0.1", vrf));
	EXPECT_EQ(0, get(self, "2001:db8:9::2", "2001:db8:9::1", 0));
	EXPECT_EQ(0, get(self, "2001:db8:8::2", "2001:db8:8::1", vrf));
}

/* An address of the VRF device itself belongs to it, one of lo to no VRF. */
TEST_F_TIMEOUT(secure, a_source_of_the_vrf_itself_is_ours, 120)
{
	uint32_t vrf = vrf_with_addresses();

	ASSERT_NE(0, vrf);
	ASSERT_EQ(0, nt_addr_add(vrf, "10.6.0.1", 32));
	ASSERT_EQ(0, nt_addr_add(vrf, "2001:db8:6::1", 128));
	ASSERT_EQ(0, nt_addr_add(1, "10.5.0.1", 32));
	ASSERT_EQ(0, nt_addr_add(1, "2001:db8:5::1", 128));
	EXPECT_EQ(0, get(self, "10.8.0.2", "10.6.0.1", vrf));
	EXPECT_EQ(0, get(self, "2001:db8:8::2", "2001:db8:6::1", vrf));
	EXPECT_EQ(0, get(self, "10.9.0.2", "10.5.0.1", 0));
	EXPECT_EQ(0, get(self, "2001:db8:9::2", "2001:db8:5::1", 0));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "10.8.0.2", "10.5.0.1", vrf));
	EXPECT_EQ(-EADDRNOTAVAIL, get(self, "2001:db8:8::2", "2001:db8:5::1", vrf));
}

TEST_HARNESS_MAIN
