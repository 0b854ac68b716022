// SPDX-License-Identifier: MIT
/*
 * test_route_confirm.c - a datapath that hears from a destination spares the
 * kernel the question whether its next hop is still there
 *
 * What the kernel asks is counted at the other end of the wire.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

/* The kernel asks when there was no confirmation for this long: the shortest that it takes. */
#define DELAY_S		1
/* How often a datapath confirms, and for how long no question may come meanwhile. */
#define CONFIRM_MS	(200 * DELAY_S)
#define SILENCE_MS	(1800 * DELAY_S)

NT_NEEDS_MODULE

FIXTURE(confirm)
{
	struct nt_pair pair;
	int wire;	/* sees what arrives at the other end */
};

FIXTURE_VARIANT(confirm)
{
	const char *dst;
	const char *family;	/* as in /proc/sys/net */
};

FIXTURE_VARIANT_ADD(confirm, ipv4)
{
	.dst = "10.9.0.2",
	.family = "ipv4",
};

FIXTURE_VARIANT_ADD(confirm, ipv6)
{
	.dst = "2001:db8:9::2",
	.family = "ipv6",
};

/* A packet socket on mnt1 in the namespace of the process. */
static int open_wire(int pid)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int home = nt_enter(pid), fd;

	if (home < 0)
		return home;
	sll.sll_ifindex = if_nametoindex("mnt1");
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&sll, sizeof(sll))) {
		close(fd);
		fd = -1;
	}
	return nt_leave(home) ? -1 : fd;
}

static int set_neigh(const char *family, const char *name, int value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/neigh/mnt0/%s", family, name);
	snprintf(text, sizeof(text), "%d", value);
	return nt_write(path, text);
}

FIXTURE_SETUP(confirm)
{
	struct nt_pair *pair = &self->pair;

	ASSERT_EQ(0, nt_pair_up(pair));
	ASSERT_EQ(0, set_neigh(variant->family, "delay_first_probe_time", DELAY_S));
	self->wire = open_wire(pair->peer);
	ASSERT_LE(0, self->wire);
	ASSERT_TRUE(nt_pair_watch_dst(pair, variant->dst));
}

FIXTURE_TEARDOWN(confirm)
{
	close(self->wire);
	nt_pair_down(&self->pair);
}

struct arp_ipv4 {
	struct arphdr head;
	unsigned char sender_mac[6], sender[4], target_mac[6], target[4];
} __attribute__((packed));

struct solicitation {
	struct ipv6hdr ip;
	struct icmp6hdr icmp;
	struct in6_addr target;
} __attribute__((packed));

/* An ARP request or a neighbour solicitation for the address. */
static bool is_question(const void *packet, size_t len, const char *text)
{
	const struct solicitation *ns = packet;
	const struct arp_ipv4 *arp = packet;
	struct nt_addr addr = nt_addr(text);

	if (addr.len == 4)
		return len >= sizeof(*arp) && arp->head.ar_op == htons(ARPOP_REQUEST) &&
		       arp->head.ar_pro == htons(ETH_P_IP) && !memcmp(arp->target, addr.b, 4);
	return len >= sizeof(*ns) && ns->ip.version == 6 && ns->ip.nexthdr == IPPROTO_ICMPV6 &&
	       ns->icmp.icmp6_type == 135 && !memcmp(&ns->target, addr.b, 16);
}

/* Is there a question for the address on the wire within the time? */
static bool is_asked(int wire, const char *dst, int timeout_ms)
{
	struct pollfd pfd = { .fd = wire, .events = POLLIN };
	int64_t end = nt_now_ms() + timeout_ms, left;
	unsigned char packet[2048];
	struct sockaddr_ll from;
	socklen_t size;
	ssize_t len;

	while ((left = end - nt_now_ms()) > 0 && poll(&pfd, 1, left) == 1) {
		size = sizeof(from);
		len = recvfrom(wire, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size);
		if (len > 0 && from.sll_pkttype != PACKET_OUTGOING &&
		    is_question(packet, len, dst))
			return true;
	}
	return false;
}

static void drain(int wire)
{
	unsigned char byte;

	while (recv(wire, &byte, 1, MSG_DONTWAIT) >= 0)
		;
}

/* As if the kernel had last heard of it long ago, and sent something now. */
static int make_stale_and_use(struct nt_pair *pair, int wire, const char *dst)
{
	if (nt_neigh(pair->ifindex, dst, nt_peer_mac, NUD_STALE))
		return -EIO;
	drain(wire);
	return nt_route_get(&pair->path, dst, false);
}

static int confirm(struct nt *nt, const char *dst)
{
	struct nt_route route = { .dst = dst };

	return nt_route_op(nt, MACHNET_CMD_ROUTE_CONFIRM, &route);
}

/* Confirms again and again, as a datapath does: is there a question all the same? */
static bool is_asked_all_the_same(struct nt_pair *pair, int wire, const char *dst,
				  const char *nexthop)
{
	int64_t end = nt_now_ms() + SILENCE_MS;

	do {
		if (confirm(&pair->path, dst) || is_asked(wire, nexthop, CONFIRM_MS))
			return true;
	} while (nt_now_ms() < end);
	return false;
}

static bool is_reachable(const char *dst)
{
	return nt_sh("ip neigh show %s dev mnt0 nud reachable | grep -q lladdr", dst) == 0;
}

TEST_F_TIMEOUT(confirm, without_it_the_kernel_asks, 120)
{
	ASSERT_EQ(0, make_stale_and_use(&self->pair, self->wire, variant->dst));
	EXPECT_TRUE(is_asked(self->wire, variant->dst, NT_TIMEOUT_MS));
}

TEST_F_TIMEOUT(confirm, with_it_the_kernel_does_not_ask, 120)
{
	ASSERT_EQ(0, make_stale_and_use(&self->pair, self->wire, variant->dst));
	EXPECT_FALSE(is_asked_all_the_same(&self->pair, self->wire, variant->dst, variant->dst));
	EXPECT_TRUE(is_reachable(variant->dst));
}

/* The kernel has nothing to send: the entry is stale when the confirmations come. */
TEST_F_TIMEOUT(confirm, what_is_stale_becomes_reachable, 120)
{
	ASSERT_EQ(0, nt_neigh(self->pair.ifindex, variant->dst, nt_peer_mac, NUD_STALE));
	drain(self->wire);
	EXPECT_FALSE(is_asked_all_the_same(&self->pair, self->wire, variant->dst, variant->dst));
	EXPECT_TRUE(is_reachable(variant->dst));
}

TEST_F_TIMEOUT(confirm, the_gateway_counts, 120)
{
	bool v4 = strchr(variant->dst, '.');
	const char *dst = v4 ? "10.77.1.1" : "2001:db8:77::1";
	struct nt_pair *pair = &self->pair;

	ASSERT_EQ(0, nt_sh("ip route add %s via %s", v4 ? "10.77.0.0/16" : "2001:db8:77::/48",
			   variant->dst));
	ASSERT_TRUE(nt_pair_watch_dst(pair, dst));
	ASSERT_EQ(0, make_stale_and_use(pair, self->wire, variant->dst));
	EXPECT_FALSE(is_asked_all_the_same(pair, self->wire, dst, variant->dst));
	EXPECT_TRUE(is_reachable(variant->dst));
}

TEST_F_TIMEOUT(confirm, nothing_comes_of_it_for_who_has_no_mac, 120)
{
	bool v4 = strchr(variant->dst, '.');
	const char *dst = v4 ? "10.9.0.99" : "2001:db8:9::99";
	struct nt *path = &self->pair.path;

	/* It fails after a second. */
	ASSERT_EQ(0, set_neigh(variant->family, "mcast_solicit", 1));
	ASSERT_EQ(0, nt_route_get(path, dst, true));
	ASSERT_EQ(0, confirm(path, dst));
	EXPECT_TRUE(nt_wait_route(&self->pair.events, dst, MACHNET_ROUTE_STATE_UNREACHABLE));
	EXPECT_FALSE(is_reachable(dst));
}

TEST_F_TIMEOUT(confirm, only_who_watches_can, 120)
{
	struct nt other, user;

	ASSERT_EQ(0, nt_open(&other));
	EXPECT_EQ(-ENOENT, confirm(&other, variant->dst));
	EXPECT_STREQ("this socket does not watch the destination", other.extack);
	nt_close(&other);
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, confirm(&user, variant->dst));
	nt_close(&user);
}

TEST_HARNESS_MAIN
