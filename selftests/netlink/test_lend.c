// SPDX-License-Identifier: MIT
/*
 * test_lend.c - which sockets can be lent, and what becomes of one that is
 *
 * The lender keeps its descriptor and may do with it what it likes: the port
 * stays a port until it is released, and the socket is an ordinary one then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/udp.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define ADDR		"127.0.0.1"
#define NUMBER		7000
#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(lend)
{
	struct nt app;
	struct nt other;
	int home;		/* the first network namespace */
};

FIXTURE_SETUP(lend)
{
	self->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->home);
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->other));
}

FIXTURE_TEARDOWN(lend)
{
	nt_close(&self->app);
	nt_close(&self->other);
	close(self->home);
}

static struct sockaddr_in v4(const char *addr, uint16_t number)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(number) };

	inet_pton(AF_INET, addr, &sin.sin_addr);
	return sin;
}

static int connect_to(int fd, uint16_t number)
{
	struct sockaddr_in to = v4(ADDR, number);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
}

static int disconnect(int fd)
{
	struct sockaddr to = { .sa_family = AF_UNSPEC };

	return connect(fd, &to, sizeof(to)) ? -errno : 0;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* A datagram to the port from a new socket. 0 or -errno, also what ICMP reports. */
static int send_one(uint16_t number)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = connect_to(fd, number);
	char byte;

	if (!ret && send(fd, "x", 1, 0) != 1)
		ret = -errno;
	if (!ret && recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno != EAGAIN)
		ret = -errno;
	close(fd);
	return ret;
}

/* Over loopback, what was sent has arrived. */
static int receive_one(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 1 ? 0 : -errno;
}

static int get_port(struct nt *nt, uint16_t number)
{
	return nt_port_op(nt, MACHNET_CMD_PORT_GET, ADDR, number);
}

static int release_port(struct nt *nt, uint16_t number)
{
	return nt_port_op(nt, MACHNET_CMD_PORT_RELEASE, ADDR, number);
}

/* A map of sockets with this one in it: the map, or -errno. */
static int put_in_sockmap(int fd)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4, .max_entries = 1,
	};
	union bpf_attr update = { 0 };
	uint32_t key = 0;
	int map = syscall(SYS_bpf, BPF_MAP_CREATE, &create, sizeof(create)), ret;

	if (map < 0)
		return -errno;
	update.map_fd = map;
	update.key = (uintptr_t)&key;
	update.value = (uintptr_t)&fd;
	if (!syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &update, sizeof(update)))
		return map;
	ret = -errno;
	close(map);
	return ret;
}

/* The error, and no port. The descriptor is closed. */
static int refuse(FIXTURE_DATA(lend) *self, int fd)
{
	int ret = fd < 0 ? fd : nt_lend(&self->app, fd);

	if (nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL))
		ret = -EPROTO;
	close(fd);
	return ret;
}

TEST_F(lend, only_udp_sockets)
{
	static const int kinds[][3] = {
		{ AF_INET, SOCK_STREAM, 0 }, { AF_INET6, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_RAW, IPPROTO_UDP }, { AF_INET, SOCK_DGRAM, 136 /* UDP-Lite */ },
		{ AF_UNIX, SOCK_DGRAM, 0 }, { AF_NETLINK, SOCK_DGRAM, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = socket(kinds[i][0], kinds[i][1], kinds[i][2]);

		if (fd < 0 && errno == EPROTONOSUPPORT)
			continue;
		EXPECT_EQ(-EPROTONOSUPPORT, refuse(self, fd))
			TH_LOG("kind %u", i);
		EXPECT_STREQ("the socket is not a UDP socket", self->app.extack);
	}
}

TEST_F(lend, only_of_this_network_namespace)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd;

	ASSERT_EQ(0, setns(self->home, CLONE_NEWNET));
	fd = nt_bind_udp(ADDR, NUMBER);
	ASSERT_EQ(0, setns(here, CLONE_NEWNET));
	EXPECT_EQ(-EXDEV, refuse(self, fd));
	EXPECT_STREQ("the socket is of another network namespace", self->app.extack);
	close(here);
}

TEST_F(lend, only_bound_and_unconnected)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	EXPECT_EQ(-EINVAL, nt_lend(&self->app, fd));
	EXPECT_STREQ("the socket is not bound", self->app.extack);
	/* This binds it, too. */
	ASSERT_EQ(0, connect_to(fd, 9));
	EXPECT_EQ(-EISCONN, nt_lend(&self->app, fd));
	EXPECT_STREQ("the socket is connected", self->app.extack);
	ASSERT_EQ(0, disconnect(fd));
	EXPECT_EQ(-EINVAL, refuse(self, fd));
	fd = nt_bind_udp(ADDR, NUMBER);
	ASSERT_EQ(0, connect_to(fd, 9));
	EXPECT_EQ(-EISCONN, nt_lend(&self->app, fd));
	ASSERT_EQ(0, disconnect(fd));
	EXPECT_EQ(0, nt_lend(&self->app, fd));
	close(fd);
}

TEST_F(lend, only_what_nobody_shares)
{
	EXPECT_EQ(-EINVAL, refuse(self, nt_bind_udp_as(ADDR, NUMBER, NT_BIND_REUSEADDR)));
	EXPECT_STREQ("SO_REUSEADDR would let other sockets have the port", self->app.extack);
	EXPECT_EQ(-EINVAL, refuse(self, nt_bind_udp_as("::", NUMBER, NT_BIND_DUAL)));
	EXPECT_STREQ("an IPv6 socket needs IPV6_V6ONLY", self->app.extack);
	EXPECT_EQ(-EINVAL, refuse(self, nt_bind_udp_as("::ffff:127.0.0.1", NUMBER, NT_BIND_DUAL)));
	EXPECT_STRNE("", self->app.extack);
	EXPECT_EQ(-EINVAL, refuse(self, nt_bind_udp("224.0.0.1", NUMBER)));
	EXPECT_STRNE("", self->app.extack);
	EXPECT_EQ(-EINVAL, refuse(self, nt_bind_udp("ff0e::1", NUMBER)));
	EXPECT_STRNE("", self->app.extack);
}

TEST_F(lend, not_what_the_kernel_uses_otherwise)
{
	int fd = nt_bind_udp(ADDR, NUMBER), map;

	ASSERT_EQ(0, set_option(fd, IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP));
	EXPECT_EQ(-EBUSY, refuse(self, fd));
	EXPECT_STREQ("the socket has an encapsulation or another user in the kernel",
		     self->app.extack);
	fd = nt_bind_udp(ADDR, NUMBER);
	map = put_in_sockmap(fd);
	if (map == -ENOSYS || map == -EPERM)
		SKIP(return, "needs maps of sockets");
	ASSERT_LE(0, map);
	EXPECT_EQ(-EBUSY, nt_lend(&self->app, fd));
	/* It can be lent when it has left the map. */
	close(map);
	EXPECT_TRUE(nt_eventually(&self->app, nt_lend, fd, 0));
	close(fd);
}

TEST_F(lend, the_port_is_where_the_socket_is_bound)
{
	int fd = nt_bind_udp("::1", 0);

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	EXPECT_TRUE(nt_is_addr(&self->app, MACHNET_A_PORT_ADDR, "::1"));
	EXPECT_EQ(nt_bound_number(fd), nt_u16(&self->app, MACHNET_A_PORT_NUMBER));
	close(fd);
	fd = nt_bind_udp("0.0.0.0", NUMBER);
	ASSERT_EQ(0, nt_lend(&self->app, fd));
	EXPECT_TRUE(nt_is_addr(&self->app, MACHNET_A_PORT_ADDR, "0.0.0.0"));
	EXPECT_EQ(NUMBER, nt_u16(&self->app, MACHNET_A_PORT_NUMBER));
	close(fd);
}

TEST_F(lend, what_waits_in_the_queue_is_gone)
{
	int fd = nt_bind_udp(ADDR, NUMBER);

	ASSERT_EQ(0, send_one(NUMBER));
	ASSERT_EQ(0, send_one(NUMBER));
	ASSERT_EQ(0, receive_one(fd));
	ASSERT_EQ(0, nt_lend(&self->app, fd));
	EXPECT_EQ(-EAGAIN, receive_one(fd));
	ASSERT_EQ(0, release_port(&self->app, NUMBER));
	EXPECT_EQ(-EAGAIN, receive_one(fd));
	close(fd);
}

TEST_F(lend, it_is_an_ordinary_socket_afterwards)
{
	int fd = nt_bind_udp(ADDR, NUMBER), i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, nt_lend(i % 2 ? &self->other : &self->app, fd));
		EXPECT_EQ(0, send_one(NUMBER));
		EXPECT_EQ(-EAGAIN, receive_one(fd));
		ASSERT_EQ(0, get_port(&self->app, NUMBER));
		EXPECT_EQ(1, nt_u64(&self->app, MACHNET_A_PORT_STRAY));
		ASSERT_EQ(0, release_port(i % 2 ? &self->other : &self->app, NUMBER));
		EXPECT_EQ(0, send_one(NUMBER));
		EXPECT_EQ(0, receive_one(fd));
	}
	ASSERT_EQ(0, nt_lend(&self->app, fd));
	nt_close(&self->app);
	EXPECT_EQ(0, send_one(NUMBER));
	EXPECT_EQ(0, receive_one(fd));
	close(fd);
	EXPECT_EQ(-ECONNREFUSED, send_one(NUMBER));
}

/* A reader that waited before the socket was lent gets what comes after its release. */
TEST_F(lend, a_reader_that_waits_goes_on_afterwards)
{
	int fd = nt_bind_udp(ADDR, NUMBER), status;
	pid_t pid = fork();

	if (pid == 0) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		char byte;

		if (poll(&pfd, 1, 2 * TIMEOUT_MS) != 1 || recv(fd, &byte, 1, 0) != 1)
			_exit(1);
		_exit(byte == 'x' ? 0 : 2);
	}
	ASSERT_EQ(0, nt_lend(&self->app, fd));
	EXPECT_EQ(0, send_one(NUMBER));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, release_port(&self->app, NUMBER));
	EXPECT_EQ(0, send_one(NUMBER));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(fd);
}

TEST_F(lend, closing_the_descriptor_keeps_the_port)
{
	int fd = nt_bind_udp(ADDR, NUMBER), copy = dup(fd);

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	close(fd);
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp(ADDR, NUMBER));
	close(copy);
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp(ADDR, NUMBER));
	EXPECT_EQ(0, send_one(NUMBER));
	ASSERT_EQ(0, get_port(&self->app, NUMBER));
	EXPECT_EQ(1, nt_u64(&self->app, MACHNET_A_PORT_STRAY));
	ASSERT_EQ(0, release_port(&self->app, NUMBER));
	EXPECT_EQ(-ECONNREFUSED, send_one(NUMBER));
	EXPECT_LE(0, nt_bind_udp(ADDR, NUMBER));
}

/* A child has the descriptor, too: the port ends, and the number stays taken. */
TEST_F(lend, a_child_keeps_the_number_and_not_the_port)
{
	int fd = nt_bind_udp(ADDR, NUMBER);
	pid_t pid;

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	pid = fork();
	if (pid == 0) {
		nt_close(&self->app);
		pause();
		_exit(0);
	}
	close(fd);
	ASSERT_EQ(0, release_port(&self->app, NUMBER));
	EXPECT_EQ(-ENOENT, get_port(&self->app, NUMBER));
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp(ADDR, NUMBER));
	nt_kill(pid);
	EXPECT_LE(0, nt_bind_udp(ADDR, NUMBER));
}

static int reconnect(int fd)
{
	int ret = connect_to(fd, 9);

	return ret ? ret : disconnect(fd);
}

static int destroy(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (nt_sh("ss -K -Huan 'sport = :%d' >/dev/null", nt_bound_number(fd)))
		return -EIO;
	/* The error that is left shows that it has been done. */
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) || error != ECONNABORTED;
}

static int reuse_addr(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

static int reuse_port(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static int bind_to_device(int fd)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) ? -errno : 0;
}

static int shut(int fd)
{
	return shutdown(fd, SHUT_RDWR) && errno != ENOTCONN ? -errno : 0;
}

static int no_encapsulation(int fd)
{
	return set_option(fd, IPPROTO_UDP, UDP_ENCAP, 0);
}

static int encapsulate(int fd)
{
	return set_option(fd, IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP);
}

static int gro(int fd)
{
	return set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
}

/* What is in no map cannot be redirected. */
static int no_sockmap(int fd)
{
	int map = put_in_sockmap(fd);

	if (map >= 0)
		close(map);
	return map == -EBUSY || map == -EINVAL || map == -ENOSYS ? 0 : -EPROTO;
}

/* The lender's own encapsulation takes the packets: it is the loser. */
static const struct {
	const char *name;
	int (*act)(int fd);
	bool absorbs;
} acts[] = {
	{ "connect(AF_UNSPEC)", disconnect, true },
	{ "connect() and connect(AF_UNSPEC)", reconnect, true },
	{ "ss -K", destroy, true },
	{ "SO_REUSEADDR", reuse_addr, true },
	{ "SO_REUSEPORT", reuse_port, true },
	{ "SO_BINDTODEVICE", bind_to_device, true },
	{ "shutdown()", shut, true },
	{ "UDP_GRO", gro, true },
	{ "sockmap", no_sockmap, true },
	{ "UDP_ENCAP 0", no_encapsulation, false },
	{ "UDP_ENCAP", encapsulate, false },
};

#define N_ACTS	(sizeof(acts) / sizeof(acts[0]))

static int step(struct nt *nt, unsigned int i, int fd, int number)
{
	if (nt_lend(nt, fd))
		return 1;
	if (acts[i].act(fd))
		return 2;
	if (nt_bind_udp(ADDR, number) != -EADDRINUSE)
		return 3;
	if (acts[i].absorbs && (send_one(number) || receive_one(fd) != -EAGAIN))
		return 4;
	if (get_port(nt, number) || (acts[i].absorbs && !nt_u64(nt, MACHNET_A_PORT_STRAY)))
		return 5;
	return release_port(nt, number) ? 6 : 0;
}

/* Once with a number that was asked for, once with one that the kernel chose. */
TEST_F_TIMEOUT(lend, whatever_the_lender_does_the_port_stays, 120)
{
	unsigned int i;
	int fd, number;

	for (i = 0; i < 2 * N_ACTS; i++) {
		fd = nt_bind_udp(ADDR, i < N_ACTS ? NUMBER : 0);
		ASSERT_LE(0, fd);
		number = nt_bound_number(fd);
		EXPECT_EQ(0, step(&self->app, i % N_ACTS, fd, number))
			TH_LOG("%s", acts[i % N_ACTS].name);
		release_port(&self->app, number);
		close(fd);
		EXPECT_LE(0, fd = nt_bind_udp(ADDR, number))
			TH_LOG("%s", acts[i % N_ACTS].name);
		close(fd);
	}
	EXPECT_EQ(0, nt_dump(&self->app, MACHNET_CMD_PORT_GET, NULL, NULL));
}

/* A handler that stayed behind would be a call into freed memory. */
TEST_F_TIMEOUT(lend, the_module_goes_and_the_sockets_live, 120)
{
	int fds[2 * N_ACTS];
	unsigned int i;

	for (i = 0; i < 2 * N_ACTS; i++) {
		fds[i] = nt_bind_udp(ADDR, NUMBER + i);
		ASSERT_EQ(0, nt_lend(&self->app, fds[i]));
		ASSERT_EQ(0, acts[i % N_ACTS].act(fds[i]))
			TH_LOG("%s", acts[i % N_ACTS].name);
		ASSERT_EQ(0, send_one(NUMBER + i));
		while (receive_one(fds[i]) == 0)
			;
	}
	nt_close(&self->app);
	ASSERT_TRUE(nt_unload());
	for (i = 0; i < 2 * N_ACTS; i++) {
		EXPECT_EQ(0, send_one(NUMBER + i));
		if (acts[i % N_ACTS].act != encapsulate && acts[i % N_ACTS].act != shut)
			EXPECT_EQ(0, receive_one(fds[i]))
				TH_LOG("%s", acts[i % N_ACTS].name);
		close(fds[i]);
	}
}

TEST_HARNESS_MAIN
