// SPDX-License-Identifier: MIT
/*
 * test_path_mtu.c - a router says that a packet is too big: the path's MTU follows
 *
 *   this namespace          the other one is a router
 *   mnt0 10.9.0.1  <----->  mnt1 10.9.0.2    far0 (MTU 1300): 10.88.0.0/16
 *        2001:db8:9::1           2001:db8:9::2                2001:db8:88::/48
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

#define PORT		7000
#define NARROW		1300
#define PAYLOAD		1372	/* bytes of UDP payload: too big for NARROW, not for 1500 */

NT_NEEDS_MODULE

FIXTURE(path_mtu)
{
	struct nt_pair pair;
};

FIXTURE_SETUP(path_mtu)
{
	struct nt_pair *pair = &self->pair;

	ASSERT_EQ(0, nt_pair_up(pair));
	ASSERT_EQ(0, nt_pair_sh(pair, "sysctl -qw net.ipv4.ip_forward=1;"
				"sysctl -qw net.ipv6.conf.all.forwarding=1;"
				"ip link add far0 type dummy && ip link set far0 mtu 1300 up &&"
				"ip route add 10.88.0.0/16 dev far0 &&"
				"ip route add 2001:db8:88::/48 dev far0"));
	ASSERT_EQ(0, nt_sh("ip route add 10.88.0.0/16 via 10.9.0.2 &&"
			   "ip route add 2001:db8:88::/48 via 2001:db8:9::2"));
}

FIXTURE_TEARDOWN(path_mtu)
{
	nt_pair_down(&self->pair);
}

/* As a datapath does, past the kernel's socket. The checksum is of no interest to a router. */
static int send_v4(const char *from, const char *to)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char payload[PAYLOAD];
	} pkt = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.frag_off = htons(IP_DF), .tot_len = htons(sizeof(pkt)),
			.saddr = inet_addr(from), .daddr = inet_addr(to) },
		.udp = { .source = htons(PORT), .dest = htons(PORT),
			 .len = htons(sizeof(pkt) - sizeof(pkt.ip)) },
	};
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = pkt.ip.daddr };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), ret;

	ret = sendto(fd, &pkt, sizeof(pkt), 0, (struct sockaddr *)&sin, sizeof(sin));
	close(fd);
	return ret == sizeof(pkt) ? 0 : -errno;
}

static int send_v6(const char *from, const char *to)
{
	struct {
		struct ip6_hdr ip;
		struct udphdr udp;
		char payload[PAYLOAD];
	} pkt = {
		.ip = { .ip6_flow = htonl(6u << 28), .ip6_hlim = 64, .ip6_nxt = IPPROTO_UDP,
			.ip6_plen = htons(sizeof(pkt) - sizeof(pkt.ip)) },
		.udp = { .source = htons(PORT), .dest = htons(PORT), .check = 1,
			 .len = htons(sizeof(pkt) - sizeof(pkt.ip)) },
	};
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_RAW), ret;

	inet_pton(AF_INET6, from, &pkt.ip.ip6_src);
	inet_pton(AF_INET6, to, &pkt.ip.ip6_dst);
	sin6.sin6_addr = pkt.ip.ip6_dst;
	ret = sendto(fd, &pkt, sizeof(pkt), 0, (struct sockaddr *)&sin6, sizeof(sin6));
	close(fd);
	return ret == sizeof(pkt) ? 0 : -errno;
}

TEST_F_TIMEOUT(path_mtu, ipv4_follows_the_router, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_EQ(0, nt_open_port(&self->pair.path, "10.9.0.1", PORT));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "10.88.1.1"));
	ASSERT_EQ(0, send_v4("10.9.0.1", "10.88.1.1"));
	ASSERT_TRUE(nt_wait_route(events, "10.88.1.1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_EQ(NARROW, nt_u32(events, MACHNET_A_ROUTE_MTU));
}

TEST_F_TIMEOUT(path_mtu, ipv6_follows_the_router, 120)
{
	struct nt *events = &self->pair.events;

	ASSERT_EQ(0, nt_open_port(&self->pair.path, "::", PORT));
	ASSERT_TRUE(nt_pair_watch_dst(&self->pair, "2001:db8:88::1"));
	ASSERT_EQ(0, send_v6("2001:db8:9::1", "2001:db8:88::1"));
	ASSERT_TRUE(nt_wait_route(events, "2001:db8:88::1", MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_EQ(NARROW, nt_u32(events, MACHNET_A_ROUTE_MTU));
}

TEST_HARNESS_MAIN
