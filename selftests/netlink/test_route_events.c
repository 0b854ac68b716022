// SPDX-License-Identifier: MIT
/*
 * test_route_events.c - each change of what a watched route depends on is announced
 *
 * Each test makes 60 changes, one after the other, each of which changes the
 * answer for one destination, and waits up to 1 s for the notification with the
 * new answer. None may be missing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netinet/icmp6.h>
#include <linux/neighbour.h>
#include <netlink/attr.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

#define N_CHANGES	60
#define LATEST_MS	1000
#define SLICE_MS	50
#define V4_DST		"10.77.1.1"
#define V6_DST		"2001:db8:77::1"
#define ROUTER_A	"fe80::a"
#define ROUTER_B	"fe80::b"

NT_NEEDS_MODULE

FIXTURE(events)
{
	struct nt_pair pair;
	int router;		/* raw ICMPv6 socket of the other namespace */
};

FIXTURE_SETUP(events)
{
	static const char *const gateways[] = { "10.9.0.2", "10.9.0.3", "2001:db8:9::2",
						"2001:db8:9::3" };
	int i;

	self->router = -1;
	ASSERT_EQ(0, nt_pair_up(&self->pair));
	/* Two gateways per family: no change here waits for an answer of a neighbour. */
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, nt_neigh(self->pair.ifindex, gateways[i],
				      (unsigned char[]){ 2, 0, 0, 0, 1, i % 2 }, NUD_PERMANENT));
}

FIXTURE_TEARDOWN(events)
{
	if (self->router >= 0)
		close(self->router);
	nt_pair_down(&self->pair);
}

/* What an event must say; NULL and 0: anything. */
struct answer {
	uint32_t state;
	const char *nexthop;
	int mac;		/* its last byte, or -1 */
	uint32_t mtu;
};

static bool is_answer(const struct nt *nt, const char *dst, const struct answer *want)
{
	const struct nlattr *mac = nt->attrs[MACHNET_A_ROUTE_MAC];

	if (!nt_is_addr(nt, MACHNET_A_ROUTE_DST, dst) ||
	    nt_u32(nt, MACHNET_A_ROUTE_STATE) != want->state)
		return false;
	if (want->nexthop && !nt_is_addr(nt, MACHNET_A_ROUTE_NEXTHOP, want->nexthop))
		return false;
	if (want->mac >= 0 && (!mac || ((unsigned char *)nla_data(mac))[5] != want->mac))
		return false;
	return !want->mtu || nt_u32(nt, MACHNET_A_ROUTE_MTU) == want->mtu;
}

/* In slices, so that a machine that stands still for a second takes none of the time. */
static bool is_announced(struct nt *events, const char *dst, const struct answer *want,
			 int timeout_ms)
{
	int i, cmd;

	for (i = 0; i < timeout_ms / SLICE_MS; i += cmd < 0) {
		cmd = nt_event(events, SLICE_MS);
		if (cmd == MACHNET_CMD_ROUTE_NTF && is_answer(events, dst, want))
			return true;
	}
	return false;
}

/* Old notifications, or those beyond the awaited one. */
static void drain(struct nt *events)
{
	while (nt_event(events, 0) >= 0)
		;
}

/* What the module would say now: the new answer, or still the old one. */
static void explain(struct nt_pair *pair, const char *dst, int i)
{
	struct nt *nt = &pair->path;
	int ret = nt_route_get(nt, dst, false);

	fprintf(stderr, "# change %d has not been announced; the answer is %d, state %u, mtu %u, "
		"nexthop %s\n", i, ret, nt_u32(nt, MACHNET_A_ROUTE_STATE),
		nt_u32(nt, MACHNET_A_ROUTE_MTU), nt_text(nt, MACHNET_A_ROUTE_NEXTHOP));
}

/* The commands alternate, and so do the answers. */
static int count_missing(struct nt_pair *pair, const char *dst, const char *const commands[2],
			 const struct answer answers[2])
{
	FILE *ip = nt_ip_open(strchr(dst, ':') ? 6 : 4);
	int i, missing = 0;

	if (!ip)
		return -errno;
	/* The first two take the time in which ip starts. */
	for (i = -2; i < N_CHANGES; i++) {
		drain(&pair->events);
		if (fprintf(ip, "%s\n", commands[i & 1]) < 0 || fflush(ip))
			break;
		if (is_announced(&pair->events, dst, &answers[i & 1],
				 i < 0 ? NT_TIMEOUT_MS : LATEST_MS))
			continue;
		missing++;
		explain(pair, dst, i);
	}
	return pclose(ip) || i < N_CHANGES ? -EIO : missing;
}

static const struct answer v4_answers[2] = {
	{ MACHNET_ROUTE_STATE_REACHABLE, "10.9.0.2", 0, 0 },
	{ MACHNET_ROUTE_STATE_REACHABLE, "10.9.0.3", 1, 0 },
};

static const struct answer v6_answers[2] = {
	{ MACHNET_ROUTE_STATE_REACHABLE, "2001:db8:9::2", 0, 0 },
	{ MACHNET_ROUTE_STATE_REACHABLE, "2001:db8:9::3", 1, 0 },
};

TEST_F_TIMEOUT(events, ipv4_routes, 240)
{
	static const char *const commands[2] = {
		"route replace 10.77.0.0/16 via 10.9.0.2",
		"route replace 10.77.0.0/16 via 10.9.0.3",
	};

	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V4_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V4_DST, commands, v4_answers));
}

TEST_F_TIMEOUT(events, ipv6_routes, 240)
{
	static const char *const commands[2] = {
		"route replace 2001:db8:77::/48 via 2001:db8:9::2",
		"route replace 2001:db8:77::/48 via 2001:db8:9::3",
	};

	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:77::/48 via 2001:db8:9::3"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V6_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V6_DST, commands, v6_answers));
}

TEST_F_TIMEOUT(events, ipv4_rules, 240)
{
	static const char *const commands[2] = {
		"rule add to 10.77.0.0/16 lookup 100 pref 100", "rule del pref 100",
	};

	ASSERT_EQ(0, nt_sh("ip route add 10.77.0.0/16 via 10.9.0.3 &&"
			   "ip route add 10.77.0.0/16 via 10.9.0.2 table 100"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V4_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V4_DST, commands, v4_answers));
}

TEST_F_TIMEOUT(events, ipv6_rules, 240)
{
	static const char *const commands[2] = {
		"rule add to 2001:db8:77::/48 lookup 100 pref 100", "rule del pref 100",
	};

	ASSERT_EQ(0, nt_sh("ip route add 2001:db8:77::/48 via 2001:db8:9::3 &&"
			   "ip route add 2001:db8:77::/48 via 2001:db8:9::2 table 100"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V6_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V6_DST, commands, v6_answers));
}

TEST_F_TIMEOUT(events, ipv4_nexthops, 240)
{
	static const char *const commands[2] = {
		"nexthop replace id 7 via 10.9.0.2 dev mnt0",
		"nexthop replace id 7 via 10.9.0.3 dev mnt0",
	};

	ASSERT_EQ(0, nt_sh("ip nexthop add id 7 via 10.9.0.3 dev mnt0 &&"
			   "ip route add 10.77.0.0/16 nhid 7"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V4_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V4_DST, commands, v4_answers));
}

TEST_F_TIMEOUT(events, ipv6_nexthops, 240)
{
	static const char *const commands[2] = {
		"nexthop replace id 7 via 2001:db8:9::2 dev mnt0",
		"nexthop replace id 7 via 2001:db8:9::3 dev mnt0",
	};

	ASSERT_EQ(0, nt_sh("ip nexthop add id 7 via 2001:db8:9::3 dev mnt0 &&"
			   "ip route add 2001:db8:77::/48 nhid 7"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V6_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V6_DST, commands, v6_answers));
}

/* A group of which one member is replaced: the group itself does not change. */
TEST_F_TIMEOUT(events, nexthops_in_a_group, 240)
{
	static const char *const commands[2] = {
		"nexthop replace id 7 via 10.9.0.2 dev mnt0",
		"nexthop replace id 7 via 10.9.0.3 dev mnt0",
	};

	ASSERT_EQ(0, nt_sh("ip nexthop add id 7 via 10.9.0.3 dev mnt0 &&"
			   "ip nexthop add id 8 group 7 && ip route add 10.77.0.0/16 nhid 8"));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, V4_DST));
	EXPECT_EQ(0, count_missing(&self->pair, V4_DST, commands, v4_answers));
}

TEST_F_TIMEOUT(events, ipv4_neighbours, 240)
{
	static const char *const commands[2] = {
		"neigh replace 10.9.0.2 lladdr 02:00:00:00:01:02 nud permanent dev mnt0",
		"neigh replace 10.9.0.2 lladdr 02:00:00:00:01:03 nud permanent dev mnt0",
	};
	static const struct answer answers[2] = {
		{ MACHNET_ROUTE_STATE_REACHABLE, "10.9.0.2", 2, 0 },
		{ MACHNET_ROUTE_STATE_REACHABLE, "10.9.0.2", 3, 0 },
	};

	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.9.0.2"));
	EXPECT_EQ(0, count_missing(&self->pair, "10.9.0.2", commands, answers));
}

TEST_F_TIMEOUT(events, ipv6_neighbours, 240)
{
	static const char *const commands[2] = {
		"neigh replace 2001:db8:9::2 lladdr 02:00:00:00:01:02 nud permanent dev mnt0",
		"neigh replace 2001:db8:9::2 lladdr 02:00:00:00:01:03 nud permanent dev mnt0",
	};
	static const struct answer answers[2] = {
		{ MACHNET_ROUTE_STATE_REACHABLE, "2001:db8:9::2", 2, 0 },
		{ MACHNET_ROUTE_STATE_REACHABLE, "2001:db8:9::2", 3, 0 },
	};

	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "2001:db8:9::2"));
	EXPECT_EQ(0, count_missing(&self->pair, "2001:db8:9::2", commands, answers));
}

/* A router advertisement and what it makes of the default route. */
struct advert {
	const char *router;
	uint16_t lifetime;
	uint8_t preference;	/* RFC 4191: 0x08 high */
	uint32_t mtu;		/* 0: no option */
	struct answer answer;
};

/*
 * A larger MTU comes with its own router's advertisement: the kernel does not give it to the
 * routes of others.
 */
static const struct advert adverts[] = {
	{ ROUTER_A, 1800, 0, 1500, { MACHNET_ROUTE_STATE_REACHABLE, ROUTER_A, 0x22, 1500 } },
	{ ROUTER_A, 1800, 0, 1400, { MACHNET_ROUTE_STATE_REACHABLE, ROUTER_A, 0x22, 1400 } },
	{ ROUTER_B, 1800, 0x08, 0, { MACHNET_ROUTE_STATE_REACHABLE, ROUTER_B, 0x22, 1400 } },
	{ ROUTER_B, 0, 0x08, 0, { MACHNET_ROUTE_STATE_REACHABLE, ROUTER_A, 0x22, 1400 } },
	{ ROUTER_A, 0, 0, 0, { MACHNET_ROUTE_STATE_UNREACHABLE, NULL, -1, 0 } },
};

#define N_ADVERTS	(sizeof(adverts) / sizeof(adverts[0]))

/* In the other namespace: the routers' addresses, and a socket to speak for them. */
static int open_router(int peer)
{
	int home = nt_enter(peer), hops = 255, fd = -1;

	if (home < 0)
		return home;
	/* It answers as a router, or its default routes go. */
	if (!nt_write("/proc/sys/net/ipv6/conf/all/forwarding", "1") &&
	    !nt_addr_add(if_nametoindex("mnt1"), ROUTER_A, 64) &&
	    !nt_addr_add(if_nametoindex("mnt1"), ROUTER_B, 64))
		fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (fd >= 0 && (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) ||
			setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "mnt1", 5))) {
		close(fd);
		fd = -1;
	}
	return nt_leave(home) || fd < 0 ? -EIO : fd;
}

static int advertise(int fd, const struct advert *advert)
{
	struct {
		struct nd_router_advert head;
		struct nd_opt_hdr lladdr;
		unsigned char mac[6];
		struct nd_opt_mtu mtu;
	} __attribute__((packed)) msg = {
		.head.nd_ra_type = ND_ROUTER_ADVERT,
		.head.nd_ra_router_lifetime = htons(advert->lifetime),
		.lladdr = { ND_OPT_SOURCE_LINKADDR, 1 },
		.mtu = { ND_OPT_MTU, 1, 0, htonl(advert->mtu) },
	};
	size_t len = advert->mtu ? sizeof(msg) : sizeof(msg) - sizeof(msg.mtu);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct iovec iov = { &msg, len };
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct msghdr mh = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&mh);

	msg.head.nd_ra_flags_reserved = advert->preference;
	memcpy(msg.mac, nt_peer_mac, sizeof(msg.mac));
	inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
	cmsg->cmsg_level = IPPROTO_IPV6;
	cmsg->cmsg_type = IPV6_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo));
	inet_pton(AF_INET6, advert->router, &((struct in6_pktinfo *)CMSG_DATA(cmsg))->ipi6_addr);
	return sendmsg(fd, &mh, 0) == (ssize_t)len ? 0 : -errno;
}

/* Until the first advertisement has been processed. */
static bool wait_route_of(struct nt_pair *pair, const char *dst)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	int64_t end = nt_now_ms() + NT_TIMEOUT_MS;

	while (nt_route_get(&pair->path, dst, false)) {
		if (nt_now_ms() > end)
			return false;
		nanosleep(&moment, NULL);
	}
	return nt_pair_watch_dst(pair, dst);
}

TEST_F_TIMEOUT(events, router_advertisements, 240)
{
	const struct advert *advert;
	int i, missing = 0;

	ASSERT_EQ(0, nt_sh("sysctl -qw net.ipv6.conf.mnt0.accept_ra=2"));
	self->router = open_router(self->pair.peer);
	ASSERT_LE(0, self->router);
	ASSERT_EQ(0, advertise(self->router, &adverts[0]));
	ASSERT_TRUE(wait_route_of(&self->pair, V6_DST));
	for (i = 1; i <= N_CHANGES; i++) {
		advert = &adverts[i % N_ADVERTS];
		drain(&self->pair.events);
		ASSERT_EQ(0, advertise(self->router, advert));
		if (is_announced(&self->pair.events, V6_DST, &advert->answer, LATEST_MS))
			continue;
		missing++;
		explain(&self->pair, V6_DST, i);
	}
	EXPECT_EQ(0, missing);
}

TEST_HARNESS_MAIN
