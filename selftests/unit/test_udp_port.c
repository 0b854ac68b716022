// SPDX-License-Identifier: MIT
/* Sockets that hold a UDP port: as base/udp_port.h makes them, and as others may pass them. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "base/udp_port.h"

#define PORT	4000
#define OTHER	4001

static struct mn_addr addr(const char *text)
{
	struct mn_addr a = { 0 };

	if (mn_addr_parse(&a, text))
		abort();
	return a;
}

FIXTURE(port)
{
	struct mn_addr any, any6, ip;
	int peer;	/* of the namespace that the port must be of */
};

FIXTURE_SETUP(port)
{
	self->any = addr("0.0.0.0");
	self->any6 = addr("::");
	self->ip = addr("127.0.0.1");
	self->peer = -1;
	if (geteuid() || unshare(CLONE_NEWNET))
		SKIP(return, "needs root for network namespaces");
	ASSERT_EQ(0, system("ip link set lo up"));
	self->peer = socket(AF_UNIX, SOCK_STREAM, 0);
}

FIXTURE_TEARDOWN(port)
{
	close(self->peer);
}

static int open_port(const struct mn_addr *a, uint16_t port)
{
	return mn_udp_port_open(a, &port);
}

/* The last port of all is in it: the numbers do not wrap. */
TEST_F(port, block_is_opened_whole_or_not_at_all)
{
	struct mn_addr elsewhere = addr("10.9.9.9");
	uint16_t failed = 0;
	int other, fds[8];

	ASSERT_EQ(0, mn_udp_ports_open(&self->ip, 65528, 8, fds, &failed));
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(-EADDRINUSE, open_port(&self->any, 65528 + i));
	mn_udp_ports_close(fds, 8);

	other = open_port(&self->any, 65533);
	ASSERT_LE(0, other);
	EXPECT_EQ(-EADDRINUSE, mn_udp_ports_open(&self->ip, 65528, 8, fds, &failed));
	EXPECT_EQ(65533, failed);
	for (int i = 0; i < 8; i++) {
		int fd = open_port(&self->ip, 65528 + i);

		EXPECT_EQ(65528 + i == 65533, fd == -EADDRINUSE);
		if (fd >= 0)
			close(fd);
	}
	close(other);
	EXPECT_EQ(-EADDRNOTAVAIL, mn_udp_ports_open(&elsewhere, 65528, 8, fds, &failed));
	EXPECT_EQ(65528, failed);
}

TEST_F(port, is_taken_from_others)
{
	struct mn_addr elsewhere = addr("10.9.9.9");
	uint16_t chosen = 0;
	int v4, v6, high;

	v4 = open_port(&self->any, PORT);
	ASSERT_LE(0, v4);
	EXPECT_EQ(FD_CLOEXEC, fcntl(v4, F_GETFD));
	EXPECT_EQ(-EADDRINUSE, open_port(&self->ip, PORT));
	v6 = open_port(&self->any6, PORT);
	ASSERT_LE(0, v6);
	high = mn_udp_port_open(&self->any, &chosen);
	ASSERT_LE(0, high);
	EXPECT_NE(0, chosen);
	EXPECT_EQ(-EADDRINUSE, open_port(&self->any, chosen));
	EXPECT_EQ(-EADDRNOTAVAIL, open_port(&elsewhere, PORT));
	EXPECT_EQ(0, mn_udp_port_check(v4, self->peer, &self->any, PORT));
	EXPECT_EQ(0, mn_udp_port_check(v6, self->peer, &self->any6, PORT));
	/* Nor does the check itself change anything. */
	EXPECT_EQ(-EADDRINUSE, open_port(&self->any, PORT));
	EXPECT_EQ(0, mn_udp_port_check(v4, self->peer, &self->any, PORT));
	close(v4);
	close(v6);
	close(high);
}

TEST_F(port, drops_what_arrives)
{
	struct sockaddr_in to = {
		AF_INET, htons(PORT), { htonl(INADDR_LOOPBACK) }, { 0 },
	};
	int port = open_port(&self->any, PORT), fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd p = { port, POLLIN, 0 };

	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_EQ(1, send(fd, "x", 1, 0));
	/* No ICMP error has come of it. */
	EXPECT_EQ(1, send(fd, "x", 1, 0));
	EXPECT_EQ(0, poll(&p, 1, 10));
	close(port);
	close(fd);
}

TEST_F(port, privileged_is_for_those_with_the_capability)
{
	ASSERT_EQ(0, seteuid(65534));
	EXPECT_EQ(-EACCES, open_port(&self->any, 80));
	ASSERT_EQ(0, seteuid(0));
	close(open_port(&self->any, 80));
}

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		abort();
}

static int bound(int domain, const char *ip, uint16_t port, int v6only)
{
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(domain, SOCK_DGRAM, 0);

	if (domain == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
	inet_pton(domain, ip, domain == AF_INET ? (void *)&sa.sin_addr : &sa6.sin6_addr);
	if (domain == AF_INET ? bind(fd, (struct sockaddr *)&sa, sizeof(sa)) :
				bind(fd, (struct sockaddr *)&sa6, sizeof(sa6)))
		abort();
	return fd;
}

#define EXPECT_CHECK(error_, fd_, addr_, port_) do { \
	int fd__ = (fd_); \
	EXPECT_EQ(error_, mn_udp_port_check(fd__, self->peer, addr_, port_)); \
	close(fd__); \
} while (0)

TEST_F(port, is_of_no_other_kind)
{
	int pipe_fds[2];

	ASSERT_EQ(0, pipe(pipe_fds));
	EXPECT_EQ(-EBADF, mn_udp_port_check(-1, self->peer, &self->any, PORT));
	EXPECT_CHECK(-ENOTSOCK, pipe_fds[0], &self->any, PORT);
	EXPECT_CHECK(-EPROTONOSUPPORT, socket(AF_INET, SOCK_STREAM, 0), &self->any, PORT);
	EXPECT_CHECK(-EPROTONOSUPPORT, socket(AF_UNIX, SOCK_DGRAM, 0), &self->any, PORT);
	EXPECT_CHECK(-EPROTONOSUPPORT, socket(AF_INET, SOCK_RAW, IPPROTO_UDP), &self->any, PORT);
	EXPECT_CHECK(-EPROTONOSUPPORT, socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), &self->any,
		     PORT);
	close(pipe_fds[1]);
}

TEST_F(port, is_bound_to_what_is_asked_for)
{
	EXPECT_CHECK(-EINVAL, socket(AF_INET, SOCK_DGRAM, 0), &self->any, PORT);
	EXPECT_CHECK(-EINVAL, bound(AF_INET, "0.0.0.0", PORT, 0), &self->any, OTHER);
	EXPECT_CHECK(-EINVAL, bound(AF_INET, "0.0.0.0", PORT, 0), &self->ip, PORT);
	EXPECT_CHECK(-EINVAL, bound(AF_INET, "127.0.0.1", PORT, 0), &self->any, PORT);
	EXPECT_CHECK(0, bound(AF_INET, "127.0.0.1", PORT, 0), &self->ip, PORT);
	EXPECT_CHECK(-EINVAL, bound(AF_INET, "0.0.0.0", PORT, 0), &self->any6, PORT);
	EXPECT_CHECK(-EINVAL, bound(AF_INET6, "::", PORT, 1), &self->any, PORT);
	EXPECT_CHECK(-EINVAL, bound(AF_INET6, "::", PORT, 0), &self->any6, PORT);
	EXPECT_CHECK(-EINVAL, bound(AF_INET6, "::ffff:127.0.0.1", PORT, 0), &self->ip, PORT);
}

/* connect(2) with AF_UNSPEC would free it later. */
TEST_F(port, was_not_chosen_by_the_kernel)
{
	uint16_t port = 0;
	int fd = mn_udp_port_open(&self->any, &port);

	EXPECT_CHECK(-EINVAL, fd, &self->any, port);
}

TEST_F(port, has_no_option_that_lets_others_in)
{
	struct sockaddr_in to = { AF_INET, htons(9), { htonl(INADDR_LOOPBACK) }, { 0 } };
	int fd = bound(AF_INET, "0.0.0.0", PORT, 0);

	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT_CHECK(-EINVAL, fd, &self->any, PORT);
	fd = bound(AF_INET, "0.0.0.0", PORT, 0);
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&to, sizeof(to)));
	EXPECT_CHECK(-EISCONN, fd, &self->any, PORT);
}

TEST_F(port, is_of_the_same_namespace)
{
	int fd = bound(AF_INET, "0.0.0.0", PORT, 0);

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(0, mn_udp_port_check(fd, self->peer, &self->any, PORT));
	EXPECT_CHECK(-EXDEV, bound(AF_INET, "0.0.0.0", PORT, 0), &self->any, PORT);
	close(fd);
}

TEST_HARNESS_MAIN
