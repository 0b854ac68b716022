// SPDX-License-Identifier: MIT
/*
 * test_stats.c - the numbers of a network namespace move as things happen
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(stats)
{
	struct nt path;
	struct nt app;
	uint32_t ifindex;
	uint64_t seen[MACHNET_A_STATS_MAX + 1];
};

FIXTURE_SETUP(stats)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->path));
	ASSERT_EQ(0, nt_open(&self->app));
	self->ifindex = nt_dummy("mnt0");
	ASSERT_EQ(0, nt_stats(&self->app, self->seen));
}

FIXTURE_TEARDOWN(stats)
{
	nt_close(&self->path);
	nt_close(&self->app);
}

/* What has changed since the last time, and nothing else, by how much: pairs, 0 at the end. */
static void expect_moves(struct __test_metadata *_metadata, struct nt *nt, uint64_t *seen,
			 const int *moves)
{
	int64_t want[MACHNET_A_STATS_MAX + 1] = { 0 };
	uint64_t now[MACHNET_A_STATS_MAX + 1];
	int i;

	for (; *moves; moves += 2)
		want[moves[0]] = moves[1];
	ASSERT_EQ(0, nt_stats(nt, now));
	for (i = 1; i <= MACHNET_A_STATS_MAX; i++) {
		EXPECT_EQ(want[i], (int64_t)(now[i] - seen[i]))
			TH_LOG("number %d", i);
	}
	memcpy(seen, now, sizeof(now));
}

#define MOVES(...)	expect_moves(_metadata, &self->app, self->seen, (int[]){ __VA_ARGS__, 0 })

TEST_F(stats, all_are_there_and_zero_in_a_new_namespace)
{
	int i;

	for (i = 1; i <= MACHNET_A_STATS_MAX; i++) {
		if (i == MACHNET_A_STATS_PAD)
			continue;
		EXPECT_NE(NULL, self->app.attrs[i])
			TH_LOG("number %d", i);
		EXPECT_EQ(0, self->seen[i])
			TH_LOG("number %d", i);
	}
}

TEST_F(stats, anybody_may_read_them)
{
	struct nt user;

	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(0, nt_stats(&user, self->seen));
	nt_close(&user);
}

TEST_F(stats, ports)
{
	uint16_t numbers[3] = { 7000, 7001, 7002 };
	uint64_t cookie;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	cookie = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	MOVES(MACHNET_A_STATS_PORTS, 1, MACHNET_A_STATS_PORTS_RESERVED, 1);
	EXPECT_EQ(-EBADF, nt_lend(&self->path, -1));
	EXPECT_EQ(-EINVAL, nt_lend_many(&self->path, NULL, 0));
	MOVES(MACHNET_A_STATS_PORTS_REFUSED, 2);
	EXPECT_EQ(-EKEYREJECTED, nt_claim(&self->path, "0.0.0.0", 7000, cookie + 1));
	EXPECT_EQ(-EKEYREJECTED, nt_claim_for(&self->path, "0.0.0.0", 7000, cookie, 1));
	MOVES(MACHNET_A_STATS_CLAIMS_REFUSED, 2);
	EXPECT_EQ(0, nt_claim(&self->path, "0.0.0.0", 7000, cookie));
	MOVES(MACHNET_A_STATS_PORTS_CLAIMED, 1);
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7001));
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7002));
	ASSERT_EQ(0, nt_release_many(&self->app, "0.0.0.0", numbers, 3));
	MOVES(MACHNET_A_STATS_PORTS, -1, MACHNET_A_STATS_PORTS_RESERVED, 2);
	ASSERT_EQ(0, nt_open_ports(&self->path, "0.0.0.0", 100, NULL));
	MOVES(MACHNET_A_STATS_PORTS, 100, MACHNET_A_STATS_PORTS_RESERVED, 100);
	nt_close(&self->path);
	MOVES(MACHNET_A_STATS_PORTS, -100);
}

static int send_stray(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(7000),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	ret = sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

TEST_F(stats, stray_packets_are_counted_beyond_their_port)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, send_stray());
	ASSERT_EQ(0, send_stray());
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000));
	MOVES(MACHNET_A_STATS_PORTS_RESERVED, 1, MACHNET_A_STATS_STRAY_PACKETS, 2);
}

TEST_F(stats, devices_and_connections)
{
	struct nt orders, events;

	ASSERT_EQ(0, nt_open(&orders));
	ASSERT_EQ(0, nt_open(&events));
	ASSERT_EQ(0, nt_join(&events, MACHNET_MCGRP_CONNECTION));
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	MOVES(MACHNET_A_STATS_DEVICES, 1);
	ASSERT_EQ(0, nt_connect(&self->path, 1, self->ifindex));
	ASSERT_EQ(0, nt_connect_batch(&self->path, 2, 9, self->ifindex));
	MOVES(MACHNET_A_STATS_CONNECTIONS, 10, MACHNET_A_STATS_CONNECTIONS_ADDED, 10);
	EXPECT_EQ(-EEXIST, nt_connect_batch(&self->path, 10, 9, self->ifindex));
	EXPECT_EQ(-ENOTCONN, nt_conn_op(&self->app, MACHNET_CMD_CONNECTION_KILL, 1));
	MOVES(0);
	ASSERT_EQ(0, nt_join(&orders, MACHNET_MCGRP_DATAPATH));
	ASSERT_EQ(0, nt_conn_op(&self->app, MACHNET_CMD_CONNECTION_KILL, 1));
	MOVES(MACHNET_A_STATS_CONNECTIONS_KILLED, 1);
	ASSERT_EQ(0, nt_conn_op(&self->path, MACHNET_CMD_CONNECTION_DEL, 1));
	ASSERT_EQ(0, nt_end_batch(&self->path, 2, 3, MACHNET_REASON_CLOSED));
	MOVES(MACHNET_A_STATS_CONNECTIONS, -4, MACHNET_A_STATS_CONNECTIONS_ENDED, 4);
	nt_close(&self->path);
	while (nt_wait_event(&events, MACHNET_CMD_CONNECTION_DEL_NTF, TIMEOUT_MS) &&
	       nt_u64(&events, MACHNET_A_CONNECTION_ID) != 10)
		;
	MOVES(MACHNET_A_STATS_DEVICES, -1, MACHNET_A_STATS_CONNECTIONS, -6,
	      MACHNET_A_STATS_CONNECTIONS_ENDED, 6);
	nt_close(&orders);
	nt_close(&events);
}

TEST_F(stats, paths)
{
	struct nt events;
	int i;

	ASSERT_EQ(0, nt_open(&events));
	ASSERT_EQ(0, nt_join(&events, MACHNET_MCGRP_PATH));
	ASSERT_EQ(0, nt_register(&self->path, self->ifindex));
	for (i = 1; i <= 3; i++)
		ASSERT_EQ(0, nt_path(&self->path, i, self->ifindex));
	EXPECT_EQ(-EEXIST, nt_path(&self->path, 1, self->ifindex));
	ASSERT_EQ(0, nt_path_op(&self->path, MACHNET_CMD_PATH_DEL, 1));
	MOVES(MACHNET_A_STATS_DEVICES, 1, MACHNET_A_STATS_PATHS, 2, MACHNET_A_STATS_PATHS_ADDED, 3,
	      MACHNET_A_STATS_PATHS_ENDED, 1);
	nt_close(&self->path);
	for (i = 1; i <= 3; i++)
		ASSERT_TRUE(nt_wait_event(&events, MACHNET_CMD_PATH_DEL_NTF, TIMEOUT_MS));
	MOVES(MACHNET_A_STATS_DEVICES, -1, MACHNET_A_STATS_PATHS, -2,
	      MACHNET_A_STATS_PATHS_ENDED, 2);
	nt_close(&events);
}

TEST_F(stats, routes)
{
	static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 0x22 };
	struct nt_route route = { .dst = "10.9.0.2" };
	struct nt events;

	ASSERT_EQ(0, nt_open(&events));
	ASSERT_EQ(0, nt_join(&events, MACHNET_MCGRP_ROUTE));
	ASSERT_EQ(0, nt_addr_add(self->ifindex, "10.9.0.1", 24));
	ASSERT_EQ(0, nt_neigh(self->ifindex, "10.9.0.2", mac, 0x80 /* NUD_PERMANENT */));
	ASSERT_EQ(0, nt_route_get(&self->path, "10.9.0.2", true));
	ASSERT_EQ(0, nt_route_get(&self->app, "10.9.0.2", true));
	MOVES(MACHNET_A_STATS_ROUTES, 1);
	ASSERT_EQ(0, nt_route_op(&self->path, MACHNET_CMD_ROUTE_CONFIRM, &route));
	MOVES(MACHNET_A_STATS_CONFIRMATIONS, 1);
	ASSERT_EQ(0, nt_sh("ip link set mnt0 mtu 1300"));
	ASSERT_TRUE(nt_wait_event(&events, MACHNET_CMD_ROUTE_NTF, TIMEOUT_MS));
	MOVES(MACHNET_A_STATS_ROUTE_CHANGES, 1);
	nt_close(&self->path);
	MOVES(0);
	ASSERT_EQ(0, nt_route_op(&self->app, MACHNET_CMD_ROUTE_UNWATCH, &route));
	MOVES(MACHNET_A_STATS_ROUTES, -1);
	nt_close(&events);
}

TEST_F(stats, namespaces_count_for_themselves)
{
	uint64_t there[MACHNET_A_STATS_MAX + 1];
	struct nt elsewhere;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&elsewhere));
	ASSERT_EQ(0, nt_stats(&elsewhere, there));
	EXPECT_EQ(0, there[MACHNET_A_STATS_PORTS_RESERVED]);
	nt_close(&elsewhere);
}

TEST_HARNESS_MAIN
