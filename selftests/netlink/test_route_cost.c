// SPDX-License-Identifier: MIT
/*
 * test_route_cost.c - what does not concern a watched route does not make work for it
 *
 * Each time that the module resolves a destination the kernel looks it up in
 * the FIB, and its tracepoint says so: the lookups of watched destinations are
 * counted. Each event is announced before the next one comes, so that each
 * would make its own work. What the module does anyway, a walk over all watches
 * every 500 ms, is allowed for. The network is that of nltest_pair.h with
 * 10.88.0.0/16 behind .2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/neighbour.h>

#include "kselftest_harness.h"
#include "nltest_pair.h"

#define TRACEFS		"/sys/kernel/tracing"
#define PORT		7000
#define NARROW		1300
#define N_WATCHES	100
#define N_EVENTS	50
/* Less than the module's period, by more than a tick. */
#define WALK_MS		450

NT_NEEDS_MODULE

FIXTURE(cost)
{
	struct nt_pair pair;
	char dir[128];		/* of the instance of tracefs */
	int64_t since_ms;	/* when counting began */
	int icmp;		/* raw socket of the other namespace */
};

static void watched(int i, char *dst, size_t size)
{
	snprintf(dst, size, "10.88.1.%d", i + 1);
}

static int trace(FIXTURE_DATA(cost) *self, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", self->dir, name);
	return nt_write(path, text);
}

static int open_icmp(int peer)
{
	int home = nt_enter(peer), fd;

	if (home < 0)
		return home;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	return nt_leave(home) || fd < 0 ? -EIO : fd;
}

FIXTURE_SETUP(cost)
{
	char dst[32];
	int i;

	self->dir[0] = '\0';
	self->icmp = -1;
	if (access(TRACEFS "/instances", W_OK) && mount("trace", TRACEFS, "tracefs", 0, NULL))
		SKIP(return, "needs tracefs");
	ASSERT_EQ(0, nt_pair_up(&self->pair));
	ASSERT_EQ(0, nt_neigh(self->pair.ifindex, "10.9.0.2", nt_peer_mac, NUD_PERMANENT));
	ASSERT_EQ(0, nt_sh("ip route add 10.88.0.0/16 via 10.9.0.2"));
	ASSERT_EQ(0, nt_open_port(&self->pair.path, "10.9.0.1", PORT));
	for (i = 0; i < N_WATCHES; i++) {
		watched(i, dst, sizeof(dst));
		ASSERT_EQ(0, nt_route_get(&self->pair.path, dst, true));
	}
	self->icmp = open_icmp(self->pair.peer);
	ASSERT_LE(0, self->icmp);
	snprintf(self->dir, sizeof(self->dir), TRACEFS "/instances/mnc-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));
	self->since_ms = nt_now_ms();
	ASSERT_EQ(0, trace(self, "events/fib/fib_table_lookup/enable", "1"));
}

FIXTURE_TEARDOWN(cost)
{
	if (self->dir[0]) {
		trace(self, "events/fib/fib_table_lookup/enable", "0");
		rmdir(self->dir);
	}
	if (self->icmp >= 0)
		close(self->icmp);
	nt_pair_down(&self->pair);
}

/* A router's complaint about a packet from our port to dst. Any host can send one. */
static int complain(FIXTURE_DATA(cost) *self, const char *dst, uint16_t mtu)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} pkt = {
		.icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED,
			  .un.frag.mtu = htons(mtu) },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.frag_off = htons(IP_DF), .tot_len = htons(1400),
			.saddr = inet_addr("10.9.0.1"), .daddr = inet_addr(dst) },
		.udp = { .source = htons(PORT), .dest = htons(PORT), .len = htons(1380) },
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = pkt.ip.saddr };
	const uint16_t *word = (uint16_t *)&pkt;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(pkt) / 2; i++)
		sum += word[i];
	sum = (sum >> 16) + (sum & 0xffff);
	pkt.icmp.checksum = ~(sum + (sum >> 16));
	if (sendto(self->icmp, &pkt, sizeof(pkt), 0, (struct sockaddr *)&to, sizeof(to)) !=
	    sizeof(pkt))
		return -errno;
	return 0;
}

/*
 * The last thing that happens: what happened before has been dealt with when it is announced.
 * The MTU must be smaller than any before.
 */
static bool settle(FIXTURE_DATA(cost) *self, uint32_t mtu)
{
	struct nt *events = &self->pair.events;

	if (complain(self, "10.88.1.1", mtu))
		return false;
	while (nt_wait_route(events, "10.88.1.1", MACHNET_ROUTE_STATE_REACHABLE)) {
		if (nt_u32(events, MACHNET_A_ROUTE_MTU) == mtu)
			return true;
	}
	return false;
}

/* Lookups of watched destinations other than the one that settle() uses. -errno. */
static int count_lookups(FIXTURE_DATA(cost) *self)
{
	char path[256], line[512];
	const char *at;
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), "%s/trace", self->dir);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, "-> 10.88.1.");
		n += at && strncmp(at, "-> 10.88.1.1/", 13);
	}
	fclose(file);
	return n;
}

/* A walk may have begun before the counting, and another after the events. */
static int most_lookups(FIXTURE_DATA(cost) *self)
{
	return ((nt_now_ms() - self->since_ms) / WALK_MS + 2) * (N_WATCHES - 1);
}

/* What the others show would be worth nothing if lookups were not seen. */
TEST_F_TIMEOUT(cost, a_route_that_changes_is_looked_up, 120)
{
	ASSERT_EQ(0, nt_sh("ip route change 10.88.0.0/16 via 10.9.0.2 mtu 1400"));
	ASSERT_TRUE(nt_wait_route(&self->pair.events, "10.88.1.100",
				  MACHNET_ROUTE_STATE_REACHABLE));
	EXPECT_LE(N_WATCHES - 1, count_lookups(self));
}

TEST_F_TIMEOUT(cost, icmp_about_others_makes_no_work, 120)
{
	char dst[32];
	int i;

	for (i = 0; i < N_EVENTS; i++) {
		snprintf(dst, sizeof(dst), "10.88.2.%d", i);
		ASSERT_EQ(0, complain(self, dst, NARROW));
		ASSERT_TRUE(settle(self, NARROW - i));
	}
	EXPECT_GE(most_lookups(self), count_lookups(self));
}

TEST_F_TIMEOUT(cost, icmp_about_one_makes_no_work_for_others, 120)
{
	int i;

	for (i = 0; i < N_EVENTS; i++)
		ASSERT_TRUE(settle(self, NARROW - i));
	EXPECT_GE(most_lookups(self), count_lookups(self));
}

TEST_F_TIMEOUT(cost, a_neighbour_of_no_route_makes_no_work, 120)
{
	unsigned char mac[6] = { 2, 0, 0, 0, 2 };
	int i;

	for (i = 0; i < N_EVENTS; i++) {
		mac[5] = i;
		ASSERT_EQ(0, nt_neigh(self->pair.ifindex, "10.9.0.77", mac, NUD_PERMANENT));
		ASSERT_TRUE(settle(self, NARROW - i));
	}
	EXPECT_GE(most_lookups(self), count_lookups(self));
}

/* And one that a route depends on is noticed for all of them. */
TEST_F_TIMEOUT(cost, the_neighbour_of_the_routes_counts, 120)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 2, 1 };
	int i, n = 0;

	ASSERT_EQ(0, nt_neigh(self->pair.ifindex, "10.9.0.2", mac, NUD_PERMANENT));
	for (i = 0; i < N_WATCHES; i++) {
		if (!nt_wait_event(&self->pair.events, MACHNET_CMD_ROUTE_NTF, NT_TIMEOUT_MS))
			break;
		n += nt_is_mac(&self->pair.events, mac);
	}
	EXPECT_EQ(N_WATCHES, n);
}

TEST_HARNESS_MAIN
