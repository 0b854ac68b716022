// SPDX-License-Identifier: MIT
/*
 * test_lend_share.c - ports that several lend, and users who lend
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define ADDR		"127.0.0.1"
#define NUMBER		7000
#define ALICE		1000
#define BOB		1001
#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(share)
{
	struct nt app;
	struct nt other;
	struct nt path;		/* claims */
};

FIXTURE_SETUP(share)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->path));
}

FIXTURE_TEARDOWN(share)
{
	nt_close(&self->app);
	nt_close(&self->other);
	nt_close(&self->path);
}

static int count_ports(struct nt *nt)
{
	return nt_dump(nt, MACHNET_CMD_PORT_GET, NULL, NULL);
}

static int get_port(struct nt *nt)
{
	return nt_port_op(nt, MACHNET_CMD_PORT_GET, ADDR, NUMBER);
}

static int release_port(struct nt *nt)
{
	return nt_port_op(nt, MACHNET_CMD_PORT_RELEASE, ADDR, NUMBER);
}

/* From n source ports, so that sockets that share the port have their part each. */
static int send_many(int n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(NUMBER) };
	int fd, sent;

	inet_pton(AF_INET, ADDR, &to.sin_addr);
	for (sent = 0; sent < n; sent++) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1)
			break;
		close(fd);
	}
	return sent;
}

static int receive_all(int fd)
{
	char byte;
	int n = 0;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
		n++;
	return n;
}

static int set_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) ? -errno : 0;
}

TEST_F(share, one_socket_twice)
{
	int fd = nt_bind_udp(ADDR, NUMBER);
	uint64_t first, second;

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	first = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	ASSERT_EQ(0, nt_lend(&self->app, fd));
	second = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	EXPECT_NE(first, second);
	EXPECT_EQ(2, count_ports(&self->other));
	EXPECT_EQ(0, nt_claim(&self->path, ADDR, NUMBER, second));
	EXPECT_EQ(-EBUSY, nt_claim(&self->path, ADDR, NUMBER, second));
	EXPECT_EQ(0, nt_claim(&self->path, ADDR, NUMBER, first));
	EXPECT_EQ(-EKEYREJECTED, nt_claim(&self->path, ADDR, NUMBER, first ^ second ^ 1));
	EXPECT_EQ(4, send_many(4));
	EXPECT_EQ(0, receive_all(fd));
	/* All of it that is its own. */
	ASSERT_EQ(0, release_port(&self->app));
	EXPECT_EQ(0, count_ports(&self->other));
	EXPECT_EQ(4, send_many(4));
	EXPECT_EQ(4, receive_all(fd));
	close(fd);
}

TEST_F(share, one_socket_in_one_request)
{
	int fd = nt_bind_udp(ADDR, NUMBER), fds[3] = { fd, fd, fd };

	ASSERT_EQ(0, nt_lend_many(&self->app, fds, 3));
	EXPECT_EQ(3, count_ports(&self->other));
	close(fd);
	nt_close(&self->app);
	EXPECT_EQ(0, count_ports(&self->other));
	EXPECT_LE(0, nt_bind_udp(ADDR, NUMBER));
}

TEST_F(share, each_owner_ends_its_own)
{
	int fd = nt_bind_udp(ADDR, NUMBER);

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	ASSERT_EQ(0, nt_lend(&self->other, fd));
	EXPECT_EQ(2, count_ports(&self->path));
	ASSERT_EQ(0, release_port(&self->app));
	EXPECT_EQ(1, count_ports(&self->path));
	EXPECT_EQ(4, send_many(4));
	EXPECT_EQ(0, receive_all(fd));
	ASSERT_EQ(0, nt_lend(&self->app, fd));
	nt_close(&self->other);
	EXPECT_EQ(1, count_ports(&self->path));
	EXPECT_EQ(0, receive_all(fd));
	close(fd);
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp(ADDR, NUMBER));
	ASSERT_EQ(0, release_port(&self->app));
	EXPECT_LE(0, nt_bind_udp(ADDR, NUMBER));
}

TEST_F(share, an_administrator_ends_all)
{
	int fd = nt_bind_udp(ADDR, NUMBER);

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	ASSERT_EQ(0, nt_lend(&self->other, fd));
	ASSERT_EQ(0, release_port(&self->path));
	EXPECT_EQ(0, count_ports(&self->path));
	EXPECT_EQ(-ENOENT, release_port(&self->app));
	EXPECT_EQ(4, send_many(4));
	EXPECT_EQ(4, receive_all(fd));
	close(fd);
}

TEST_F(share, sockets_with_reuseport)
{
	int a = nt_bind_udp_as(ADDR, NUMBER, NT_BIND_REUSEPORT);
	int b = nt_bind_udp_as(ADDR, NUMBER, NT_BIND_REUSEPORT);
	int n;

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_EQ(0, nt_lend(&self->app, a));
	ASSERT_EQ(0, nt_lend(&self->other, b));
	EXPECT_EQ(2, count_ports(&self->path));
	EXPECT_EQ(64, send_many(64));
	EXPECT_EQ(0, receive_all(a) + receive_all(b));
	/* The other part of the packets is the socket's again. */
	ASSERT_EQ(0, release_port(&self->app));
	ASSERT_EQ(0, get_port(&self->other));
	EXPECT_EQ(64, send_many(64));
	EXPECT_EQ(0, receive_all(b));
	n = receive_all(a);
	EXPECT_LT(0, n);
	EXPECT_GT(64, n);
	close(a);
	close(b);
}

/* Without it two sockets can have one port by tricks of the lender's: only one is lent. */
TEST_F(share, sockets_without_reuseport)
{
	int a = nt_bind_udp(ADDR, NUMBER), b, c;

	ASSERT_EQ(0, nt_lend(&self->app, a));
	ASSERT_EQ(0, set_option(a, SO_REUSEADDR, 1));
	b = nt_bind_udp_as(ADDR, NUMBER, NT_BIND_REUSEADDR);
	ASSERT_LE(0, b);
	EXPECT_EQ(-EINVAL, nt_lend(&self->app, b));
	ASSERT_EQ(0, set_option(b, SO_REUSEADDR, 0));
	EXPECT_EQ(-EADDRINUSE, nt_lend(&self->app, b));
	EXPECT_STREQ("another socket has been lent for this port", self->app.extack);
	EXPECT_EQ(-EADDRINUSE, nt_lend_many(&self->app, &b, 1));
	/* Set after bind it does not count. */
	ASSERT_EQ(0, set_option(a, SO_REUSEPORT, 1));
	ASSERT_EQ(0, set_option(b, SO_REUSEPORT, 1));
	EXPECT_EQ(-EADDRINUSE, nt_lend(&self->other, b));
	EXPECT_EQ(1, count_ports(&self->path));
	/* Another device does not make it another port. */
	ASSERT_EQ(0, set_option(a, SO_REUSEADDR, 0));
	close(b);
	ASSERT_EQ(0, setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	ASSERT_NE(0, nt_dummy("mnt0"));
	c = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, setsockopt(c, SOL_SOCKET, SO_BINDTODEVICE, "mnt0", 5));
	ASSERT_EQ(0, bind(c, (struct sockaddr *)&(struct sockaddr_in){
			  .sin_family = AF_INET, .sin_port = htons(NUMBER),
			  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			  sizeof(struct sockaddr_in)));
	EXPECT_EQ(-EADDRINUSE, nt_lend(&self->other, c));
	close(c);
	close(a);
}

/* What is refused is an ordinary socket. */
TEST_F(share, a_refused_socket_receives)
{
	int a = nt_bind_udp(ADDR, NUMBER), b;

	ASSERT_EQ(0, nt_lend(&self->app, a));
	ASSERT_EQ(0, set_option(a, SO_REUSEADDR, 1));
	b = nt_bind_udp_as(ADDR, NUMBER, NT_BIND_REUSEADDR);
	ASSERT_EQ(0, set_option(b, SO_REUSEADDR, 0));
	EXPECT_EQ(-EADDRINUSE, nt_lend(&self->app, b));
	ASSERT_EQ(0, release_port(&self->app));
	close(a);
	EXPECT_EQ(4, send_many(4));
	EXPECT_EQ(4, receive_all(b));
	EXPECT_EQ(0, nt_lend(&self->app, b));
	close(b);
}

static int lend_as_user(void *arg)
{
	int fd, ret;
	struct nt nt;

	(void)arg;
	if (nt_become(ALICE) || nt_open(&nt))
		return 1;
	fd = nt_bind_udp(ADDR, NUMBER);
	if (nt_lend(&nt, fd) || nt_u32(&nt, MACHNET_A_PORT_OWNER_UID) != ALICE ||
	    nt_u32(&nt, MACHNET_A_PORT_OWNER_PID) != (uint32_t)getpid())
		return 2;
	ret = send_many(4) != 4 || receive_all(fd) ? 3 : 0;
	if (!ret && release_port(&nt))
		ret = 4;
	return ret;
}

TEST_F(share, a_user_needs_no_privilege)
{
	EXPECT_EQ(0, nt_in_child(lend_as_user, NULL));
}

/* A privileged port, bound by root, and given to a user. */
static int lend_what_root_has_bound(void *arg)
{
	struct nt nt;

	if (nt_become(ALICE) || nt_open(&nt))
		return 1;
	if (nt_bind_udp(ADDR, 80) != -EACCES)
		return 2;
	return nt_lend(&nt, *(int *)arg) || nt_u16(&nt, MACHNET_A_PORT_NUMBER) != 80 ? 3 : 0;
}

TEST_F(share, a_descriptor_is_a_right)
{
	int fd = nt_bind_udp(ADDR, 80);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, nt_in_child(lend_what_root_has_bound, &fd));
	close(fd);
}

static const char other_user[] = "another user has opened the netlink socket";

/* With a socket of root: what root has open under the number is not what is meant. */
static int lend_by_roots_socket(void *arg)
{
	struct nt *nt = arg;
	int fd = nt_bind_udp(ADDR, NUMBER);

	if (nt_become(ALICE))
		return 1;
	if (nt_lend(nt, fd) != -EPERM || strcmp(nt->extack, other_user))
		return 2;
	return nt_lend_many(nt, &fd, 1) == -EPERM ? 0 : 3;
}

static int lend_by_alices_socket(void *arg)
{
	struct nt nt;
	int fd = nt_bind_udp(ADDR, NUMBER);

	(void)arg;
	if (seteuid(ALICE) || nt_open(&nt) || seteuid(0))
		return 1;
	if (nt_lend(&nt, fd) != -EPERM || strcmp(nt.extack, other_user))
		return 2;
	return seteuid(ALICE) || nt_lend(&nt, fd) ? 3 : 0;
}

TEST_F(share, the_opener_of_the_netlink_socket_lends)
{
	EXPECT_EQ(0, nt_in_child(lend_by_roots_socket, &self->app));
	EXPECT_EQ(0, nt_in_child(lend_by_alices_socket, NULL));
	EXPECT_EQ(0, count_ports(&self->app));
}

/* Root of a user namespace, as in a container. */
static int lend_in_userns(void *arg)
{
	uint64_t cookie;
	struct nt nt;

	(void)arg;
	if (nt_new_userns())
		return 77;
	if (nt_link_set("lo", true) || nt_open(&nt))
		return 1;
	if (nt_open_port(&nt, ADDR, 80) || nt_open_port(&nt, "::1", NUMBER))
		return 2;
	cookie = nt_u64(&nt, MACHNET_A_PORT_COOKIE);
	if (nt_u32(&nt, MACHNET_A_PORT_OWNER_UID) || count_ports(&nt) != 2)
		return 3;
	/* It is the administrator there. */
	if (nt_claim(&nt, "::1", NUMBER, cookie))
		return 4;
	return nt_port_op(&nt, MACHNET_CMD_PORT_RELEASE, ADDR, 80) ? 5 : 0;
}

TEST_F(share, in_a_user_namespace)
{
	int ret = nt_in_child(lend_in_userns, NULL);

	if (ret == 77)
		SKIP(return, "needs user namespaces");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, count_ports(&self->app));
}

TEST_F(share, ss_names_the_process)
{
	int fd = nt_bind_udp(ADDR, NUMBER);

	ASSERT_EQ(0, nt_lend(&self->app, fd));
	EXPECT_EQ(0, nt_sh("ss -Hulpn 'sport = :%d' | grep -q '\"%s\",pid=%d,fd=%d'", NUMBER,
			   "test_lend_share", getpid(), fd));
	/* The module has it alone. */
	close(fd);
	EXPECT_EQ(0, nt_sh("ss -Hulpn 'sport = :%d' | grep -q 127.0.0.1:%d", NUMBER, NUMBER));
	ASSERT_EQ(0, release_port(&self->app));
	EXPECT_EQ(0, nt_sh("! ss -Hulpn 'sport = :%d' | grep -q 127.0.0.1:%d", NUMBER, NUMBER));
}

/* As root of the host, in the network namespace of a container. */
TEST_F(share, in_the_namespace_of_a_container)
{
	int pid = nt_netns_child(), home = nt_enter(pid);
	struct nt there;

	ASSERT_LE(0, home);
	ASSERT_EQ(0, nt_open(&there));
	EXPECT_EQ(0, nt_open_port(&there, ADDR, NUMBER));
	ASSERT_EQ(0, nt_leave(home));
	EXPECT_EQ(0, count_ports(&self->app));
	EXPECT_EQ(0, nt_open_port(&self->app, ADDR, NUMBER));
	EXPECT_EQ(1, count_ports(&there));
	/* The caller's namespace does not matter, the socket's and the netlink socket's do. */
	EXPECT_EQ(-EXDEV, nt_open_port(&there, ADDR, NUMBER + 1));
	nt_close(&there);
	nt_kill(pid);
}

TEST_HARNESS_MAIN
