// SPDX-License-Identifier: MIT
/*
 * test_client.c - the project's own client against the kernel
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "machnet_nl.h"
#include "nltest.h"

#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(client)
{
	struct nlclient nl;
	struct nlclient events;
	struct machnet_nl_device dev;
};

FIXTURE_SETUP(client)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, machnet_nl_open(&self->nl));
	ASSERT_EQ(0, machnet_nl_open(&self->events));
	self->dev = (struct machnet_nl_device){
		.mtu = 1500, .engines = 2, .rss_class = MACHNET_RSS_CLASS_COMPUTED,
		.mac = { 2, 0, 0, 0, 0, 7 }, .driver = "net_test",
		.path_port_first = 61440, .path_port_count = 64,
	};
	self->dev.ifindex = nt_dummy("mnt0");
	ASSERT_NE(0, self->dev.ifindex);
}

FIXTURE_TEARDOWN(client)
{
	nlclient_close(&self->nl);
	nlclient_close(&self->events);
}

static struct mn_addr addr(const char *text)
{
	struct mn_addr a = { 0 };

	mn_addr_parse(&a, text);
	return a;
}

static int keep_event(const struct nlmsghdr *nlh, void *data)
{
	int ret = machnet_nl_parse_event(nlh, data);

	/* One at a time: the rest stays in the socket. */
	return ret ? ret : 1;
}

/* The next notification is of this kind. */
static bool next_event(struct nlclient *nl, uint8_t cmd, struct machnet_nl_event *event)
{
	struct pollfd pfd = { .fd = nlclient_fd(nl), .events = POLLIN };

	memset(event, 0, sizeof(*event));
	return poll(&pfd, 1, TIMEOUT_MS) == 1 &&
	       nlclient_recv_events(nl, keep_event, event) == 1 && event->cmd == cmd;
}

TEST_F(client, a_family_that_is_not_there)
{
	struct nlclient nl;

	EXPECT_EQ(-ENOENT, nlclient_open(&nl, "machnet-none"));
	EXPECT_EQ(-ENOTCONN, nlclient_fd(&nl));
	EXPECT_EQ(-ENOENT, nlclient_join(&self->nl, "no-such-group"));
}

TEST_F(client, device)
{
	struct machnet_nl_event event;
	struct machnet_nl_device out;

	ASSERT_EQ(0, nlclient_join(&self->events, MACHNET_MCGRP_DEVICE));
	ASSERT_EQ(0, machnet_nl_device_register(&self->nl, &self->dev, &out));
	EXPECT_EQ(self->dev.ifindex, out.ifindex);
	EXPECT_STREQ("mnt0", out.ifname);
	EXPECT_STREQ("net_test", out.driver);
	EXPECT_EQ(2, out.engines);
	EXPECT_EQ(MACHNET_RSS_CLASS_COMPUTED, out.rss_class);
	EXPECT_EQ(61440, out.path_port_first);
	EXPECT_EQ(64, out.path_port_count);
	EXPECT_EQ((uint32_t)getpid(), out.pid);
	EXPECT_EQ(0, memcmp(self->dev.mac, out.mac, sizeof(out.mac)));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_DEVICE_ADD_NTF, &event));
	EXPECT_EQ(self->dev.ifindex, event.device.ifindex);
	EXPECT_EQ(0, machnet_nl_device_unregister(&self->nl, self->dev.ifindex));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_DEVICE_DEL_NTF, &event));
	EXPECT_EQ(MACHNET_REASON_CLOSED, event.device.reason);
	EXPECT_EQ(-ENODEV, machnet_nl_device_get(&self->nl, self->dev.ifindex, &out));
	EXPECT_STREQ("no datapath serves this network device", nlclient_extack(&self->nl));
}

/* Binds a socket, lends it, and closes its own descriptor. */
static int lend(struct nlclient *nl, const char *addr, uint16_t number,
		struct machnet_nl_port *out)
{
	int fd = nt_bind_udp(addr, number), ret;

	if (fd < 0)
		return fd;
	ret = machnet_nl_port_lend(nl, fd, out);
	close(fd);
	return ret;
}

static int count_ports(const struct machnet_nl_port *port, void *data)
{
	int *n = data;

	*n += port->number == 7000;
	return 0;
}

static int stop_at_once(const struct machnet_nl_port *port, void *data)
{
	(void)port;
	++*(int *)data;
	return -ECANCELED;
}

TEST_F(client, port)
{
	struct mn_addr any = addr("0.0.0.0"), any6 = addr("::");
	struct machnet_nl_port port, out;
	struct machnet_nl_event event;
	int n = 0;

	ASSERT_EQ(0, nlclient_join(&self->events, MACHNET_MCGRP_PORT));
	ASSERT_EQ(0, lend(&self->nl, "0.0.0.0", 7000, &port));
	EXPECT_TRUE(mn_addr_equal(&any, &port.addr));
	EXPECT_NE(0, port.cookie);
	ASSERT_EQ(0, lend(&self->nl, "::", 7000, &out));
	EXPECT_TRUE(mn_addr_equal(&any6, &out.addr));
	EXPECT_EQ(-EBADF, machnet_nl_port_lend(&self->nl, -1, &out));
	EXPECT_EQ(-EKEYREJECTED, machnet_nl_port_claim(&self->nl, &any, 7000, port.cookie ^ 1, 0));
	EXPECT_EQ(0, machnet_nl_port_claim(&self->nl, &any, 7000, port.cookie, 0));
	ASSERT_EQ(0, machnet_nl_port_get(&self->nl, &any, 7000, &out));
	EXPECT_TRUE(out.claimed);
	EXPECT_EQ(0, out.cookie);
	EXPECT_STREQ("test_client", out.owner_comm);
	EXPECT_EQ(0, machnet_nl_port_dump(&self->nl, NULL, 0, count_ports, &n));
	EXPECT_EQ(2, n);
	n = 0;
	EXPECT_EQ(-ECANCELED, machnet_nl_port_dump(&self->nl, NULL, 0, stop_at_once, &n));
	EXPECT_EQ(1, n);
	/* The client is in step after it. */
	EXPECT_EQ(0, machnet_nl_port_release(&self->nl, &any6, 7000));
	nlclient_close(&self->nl);
	for (n = 0; n < 2; n++)
		ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_PORT_ADD_NTF, &event));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, &event));
	EXPECT_EQ(MACHNET_REASON_CLOSED, event.port.reason);
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, &event));
	EXPECT_EQ(MACHNET_REASON_OWNER_DIED, event.port.reason);
}

static int count_events(const struct nlmsghdr *nlh, void *data)
{
	struct machnet_nl_event event;

	++*(int *)data;
	return machnet_nl_parse_event(nlh, &event);
}

TEST_F(client, lost_events_are_reported)
{
	struct mn_addr any = addr("0.0.0.0");
	struct machnet_nl_port port, out;
	int i, room = 1, n = 0;

	ASSERT_EQ(0, nlclient_join(&self->events, MACHNET_MCGRP_PORT));
	ASSERT_EQ(0, setsockopt(nlclient_fd(&self->events), SOL_SOCKET, SO_RCVBUF, &room,
				sizeof(room)));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, lend(&self->nl, "0.0.0.0", 0, &port));
	EXPECT_EQ(-ENOBUFS, nlclient_recv_events(&self->events, count_events, &n));
	EXPECT_LE(0, nlclient_recv_events(&self->events, count_events, &n));
	EXPECT_GT(20, n);

	/* The answer to a request may be lost in the same way, which must not hang. */
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, lend(&self->nl, "0.0.0.0", 0, &port));
	EXPECT_EQ(-ENOBUFS, machnet_nl_port_get(&self->events, &any, port.number, &out));
	EXPECT_LE(0, nlclient_recv_events(&self->events, count_events, &n));
	EXPECT_EQ(0, machnet_nl_port_get(&self->events, &any, port.number, &out));
	EXPECT_EQ(port.number, out.number);
}

static int count_conns(const struct machnet_nl_connection *conn, void *data)
{
	int *n = data;

	*n += conn->id == 5;
	return 0;
}

TEST_F(client, connection)
{
	struct machnet_nl_connection conn = {
		.id = 5, .local_port = 1, .remote_port = 2, .engine = 1, .remote_engine = 9,
		.local_addr = addr("10.0.0.1"), .remote_addr = addr("10.0.0.2"),
		.state = MACHNET_CONNECTION_STATE_CONNECTING, .owner_pid = getppid(),
	};
	struct machnet_nl_connection out;
	struct machnet_nl_event event;
	int n = 0;

	ASSERT_EQ(0, nlclient_join(&self->events, MACHNET_MCGRP_CONNECTION));
	ASSERT_EQ(0, machnet_nl_device_register(&self->nl, &self->dev, NULL));
	conn.ifindex = self->dev.ifindex;
	ASSERT_EQ(0, machnet_nl_connection_add(&self->nl, &conn));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_CONNECTION_ADD_NTF, &event));
	EXPECT_EQ(5, event.connection.id);
	conn.state = MACHNET_CONNECTION_STATE_ESTABLISHED;
	conn.remote_id = 77;
	conn.local_port = 99;
	ASSERT_EQ(0, machnet_nl_connection_set(&self->nl, &conn, MACHNET_NL_SET_STATE |
					       MACHNET_NL_SET_REMOTE_ID));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_CONNECTION_SET_NTF, &event));
	ASSERT_EQ(0, machnet_nl_connection_get(&self->nl, 5, &out));
	EXPECT_EQ(MACHNET_CONNECTION_STATE_ESTABLISHED, out.state);
	EXPECT_EQ(77, out.remote_id);
	EXPECT_EQ(1, out.local_port);
	EXPECT_EQ(9, out.remote_engine);
	EXPECT_EQ((uint32_t)getppid(), out.owner_pid);
	EXPECT_TRUE(mn_addr_equal(&conn.remote_addr, &out.remote_addr));
	EXPECT_EQ(0, machnet_nl_connection_dump(&self->nl, NULL, 0, count_conns, &n));
	EXPECT_EQ(1, n);
	EXPECT_EQ(0, machnet_nl_connection_del(&self->nl, 5, MACHNET_REASON_RESET));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_CONNECTION_DEL_NTF, &event));
	EXPECT_EQ(MACHNET_REASON_RESET, event.connection.reason);
}

static int find_path(const struct machnet_nl_path *path, void *data)
{
	int *n = data;

	*n += path->id == 5;
	return 0;
}

TEST_F(client, path)
{
	struct machnet_nl_path path = {
		.id = 5, .local_addr = addr("10.0.0.1"), .remote_addr = addr("10.0.0.2"),
		.tx_local_port = 1, .tx_remote_port = 2, .rx_local_port = 3, .rx_remote_port = 4,
		.engine = 1, .remote_engine = 9, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, 9 },
		.state = MACHNET_PATH_STATE_OPENING,
	}, out;
	struct machnet_nl_connection conn = {
		.id = 6, .local_port = 1, .remote_port = 2, .path = 5,
		.local_addr = addr("10.0.0.1"), .remote_addr = addr("10.0.0.2"),
		.state = MACHNET_CONNECTION_STATE_ESTABLISHED,
	};
	struct machnet_nl_event event;
	int n = 0;

	ASSERT_EQ(0, nlclient_join(&self->events, MACHNET_MCGRP_PATH));
	ASSERT_EQ(0, machnet_nl_device_register(&self->nl, &self->dev, NULL));
	path.ifindex = conn.ifindex = self->dev.ifindex;
	ASSERT_EQ(0, machnet_nl_path_add(&self->nl, &path));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_PATH_ADD_NTF, &event));
	EXPECT_EQ(5, event.path.id);
	path.state = MACHNET_PATH_STATE_OPEN;
	path.mtu = 1400;
	memset(path.mac, 0, sizeof(path.mac));
	ASSERT_EQ(0, machnet_nl_path_set(&self->nl, &path));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_PATH_SET_NTF, &event));
	ASSERT_EQ(0, machnet_nl_path_get(&self->nl, 5, &out));
	EXPECT_EQ(4, out.rx_remote_port);
	EXPECT_EQ(9, out.remote_engine);
	EXPECT_EQ(1400, out.mtu);
	EXPECT_EQ(0, memcmp(path.mac, out.mac, sizeof(out.mac)));
	EXPECT_EQ(MACHNET_PATH_STATE_OPEN, out.state);
	EXPECT_TRUE(mn_addr_equal(&path.remote_addr, &out.remote_addr));
	EXPECT_EQ(0, machnet_nl_path_dump(&self->nl, find_path, &n));
	EXPECT_EQ(1, n);
	ASSERT_EQ(0, machnet_nl_connection_add(&self->nl, &conn));
	ASSERT_EQ(0, machnet_nl_connection_get(&self->nl, 6, &conn));
	EXPECT_EQ(5, conn.path);
	conn.path = 4;
	ASSERT_EQ(0, machnet_nl_connection_set(&self->nl, &conn, MACHNET_NL_SET_PATH));
	n = 0;
	conn.id = 5;
	EXPECT_EQ(0, machnet_nl_connection_dump(&self->nl, &conn, 1u << MACHNET_A_CONNECTION_PATH,
						count_conns, &n));
	EXPECT_EQ(0, n);
	EXPECT_EQ(0, machnet_nl_path_del(&self->nl, 5, MACHNET_REASON_RESET));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_PATH_DEL_NTF, &event));
	EXPECT_EQ(MACHNET_REASON_RESET, event.path.reason);
	EXPECT_EQ(-ENOENT, machnet_nl_path_get(&self->nl, 5, &out));
}

static int count_routes(const struct machnet_nl_route *route, void *data)
{
	int *n = data;

	*n += route->has_mac;
	return 0;
}

TEST_F(client, route)
{
	struct mn_addr dst = addr("10.8.0.2"), far = addr("192.0.2.1");
	struct mn_addr dst6 = addr("2001:db8:8::2");
	struct machnet_nl_route_key dst_key = { .dst = dst };
	struct machnet_nl_route_key dst6_key = { .dst = dst6 };
	struct machnet_nl_route_key far_key = { .dst = far };
	struct machnet_nl_route route;
	struct machnet_nl_event event;
	int n = 0;

	/* A dummy device has neighbours without asking for them. */
	ASSERT_EQ(0, nt_sh("ip addr add 10.8.0.1/24 dev mnt0;"
			   "ip addr add 2001:db8:8::1/64 dev mnt0 nodad"));
	ASSERT_EQ(0, nlclient_join(&self->events, MACHNET_MCGRP_ROUTE));
	ASSERT_EQ(0, machnet_nl_route_get(&self->nl, &dst_key, true, &route));
	EXPECT_EQ(MACHNET_ROUTE_STATE_REACHABLE, route.state);
	EXPECT_TRUE(route.has_mac);
	EXPECT_EQ(self->dev.ifindex, route.ifindex);
	EXPECT_EQ(1500, route.mtu);
	EXPECT_TRUE(mn_addr_equal(&dst, &route.nexthop));
	ASSERT_EQ(0, machnet_nl_route_get(&self->nl, &dst6_key, true, &route));
	EXPECT_TRUE(mn_addr_equal(&dst6, &route.dst));
	EXPECT_EQ(-ENETUNREACH, machnet_nl_route_get(&self->nl, &far_key, true, &route));
	EXPECT_EQ(0, machnet_nl_route_dump(&self->nl, count_routes, &n));
	EXPECT_EQ(2, n);
	ASSERT_EQ(0, machnet_nl_route_unwatch(&self->nl, &dst6_key));
	ASSERT_EQ(0, nt_sh("ip addr del 10.8.0.1/24 dev mnt0"));
	ASSERT_TRUE(next_event(&self->events, MACHNET_CMD_ROUTE_NTF, &event));
	EXPECT_EQ(MACHNET_ROUTE_STATE_UNREACHABLE, event.route.state);
	EXPECT_EQ(ENETUNREACH, event.route.error);
	EXPECT_EQ(-ENOENT, machnet_nl_route_unwatch(&self->nl, &dst6_key));
}

TEST_HARNESS_MAIN
