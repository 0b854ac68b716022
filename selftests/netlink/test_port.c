// SPDX-License-Identifier: MIT
/*
 * test_port.c - UDP ports that their owners have lent
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define TIMEOUT_MS	5000

NT_NEEDS_MODULE

FIXTURE(port)
{
	struct nt app;
	struct nt other;
	struct nt events;
};

FIXTURE_SETUP(port)
{
	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->app));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_open(&self->events));
	ASSERT_EQ(0, nt_join(&self->events, MACHNET_MCGRP_PORT));
}

FIXTURE_TEARDOWN(port)
{
	nt_close(&self->app);
	nt_close(&self->other);
	nt_close(&self->events);
}

TEST_F(port, lend_answers_with_the_port_and_its_owner)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	EXPECT_TRUE(nt_is_addr(&self->app, MACHNET_A_PORT_ADDR, "0.0.0.0"));
	EXPECT_EQ(7000, nt_u16(&self->app, MACHNET_A_PORT_NUMBER));
	EXPECT_NE(0, nt_u64(&self->app, MACHNET_A_PORT_COOKIE));
	EXPECT_EQ(NULL, self->app.attrs[MACHNET_A_PORT_CLAIMED]);
	EXPECT_EQ(0, nt_u32(&self->app, MACHNET_A_PORT_OWNER_UID));
	EXPECT_EQ((uint32_t)getpid(), nt_u32(&self->app, MACHNET_A_PORT_OWNER_PID));
	EXPECT_STREQ("test_port", nt_str(&self->app, MACHNET_A_PORT_OWNER_COMM));
}

TEST_F(port, cookie_is_in_the_answer_alone)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_EQ(NULL, self->app.attrs[MACHNET_A_PORT_COOKIE]);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_ADD_NTF, TIMEOUT_MS));
	EXPECT_EQ(NULL, self->events.attrs[MACHNET_A_PORT_COOKIE]);
	EXPECT_EQ(7000, nt_u16(&self->events, MACHNET_A_PORT_NUMBER));
	ASSERT_EQ(1, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
	EXPECT_EQ(NULL, self->other.attrs[MACHNET_A_PORT_COOKIE]);
}

TEST_F(port, each_has_a_number_and_a_cookie_of_its_own)
{
	uint64_t cookie;
	uint16_t number;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 0));
	number = nt_u16(&self->app, MACHNET_A_PORT_NUMBER);
	cookie = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	EXPECT_LT(0, number);
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 0));
	EXPECT_NE(number, nt_u16(&self->app, MACHNET_A_PORT_NUMBER));
	EXPECT_NE(cookie, nt_u64(&self->app, MACHNET_A_PORT_COOKIE));
	EXPECT_EQ(2, nt_dump(&self->app, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_F(port, a_lent_port_cannot_be_bound)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp("0.0.0.0", 7000));
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp("127.0.0.1", 7000));
	ASSERT_EQ(0, nt_open_port(&self->app, "::", 7001));
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp("::1", 7001));
	/* A port of IPv6 leaves the IPv4 port alone. */
	EXPECT_LT(-1, nt_bind_udp("127.0.0.1", 7001));
}

TEST_F(port, addresses_have_ports_of_their_own)
{
	EXPECT_EQ(0, nt_open_port(&self->app, "127.0.0.1", 7000));
	EXPECT_EQ(0, nt_open_port(&self->other, "127.0.0.2", 7000));
	EXPECT_EQ(0, nt_open_port(&self->other, "::1", 7000));
	EXPECT_EQ(3, nt_dump(&self->app, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_F(port, release_frees_the_number)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000));
	EXPECT_LT(-1, nt_bind_udp("0.0.0.0", 7000));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_CLOSED, nt_u32(&self->events, MACHNET_A_PORT_REASON));
	EXPECT_EQ(-ENOENT, nt_port_op(&self->app, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_STREQ("the port is not reserved", self->app.extack);
	EXPECT_EQ(-ENOENT, nt_port_op(&self->app, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000));
}

TEST_F(port, an_administrator_may_release)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_port_op(&self->other, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_ADMIN, nt_u32(&self->events, MACHNET_A_PORT_REASON));
}

TEST_F(port, nobody_else_may_release)
{
	struct nt user;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, nt_port_op(&user, MACHNET_CMD_PORT_RELEASE, "0.0.0.0", 7000));
	EXPECT_STREQ("it belongs to another netlink socket", user.extack);
	EXPECT_EQ(0, nt_port_op(&user, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	nt_close(&user);
}

TEST_F(port, a_closed_socket_loses_its_ports)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_open_port(&self->app, "::", 7000));
	nt_close(&self->app);
	EXPECT_EQ(0, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
	EXPECT_LT(-1, nt_bind_udp("0.0.0.0", 7000));
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_OWNER_DIED, nt_u32(&self->events, MACHNET_A_PORT_REASON));
	EXPECT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
}

TEST_F(port, a_killed_process_loses_its_ports)
{
	char byte;
	int pipefd[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(pipefd));
	pid = fork();
	if (pid == 0) {
		struct nt nt;

		if (nt_open(&nt) || nt_open_port(&nt, "0.0.0.0", 7000) ||
		    write(pipefd[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	close(pipefd[1]);
	ASSERT_EQ(1, read(pipefd[0], &byte, 1));
	EXPECT_EQ(-EADDRINUSE, nt_bind_udp("0.0.0.0", 7000));
	kill(pid, SIGKILL);
	ASSERT_TRUE(nt_wait_event(&self->events, MACHNET_CMD_PORT_DEL_NTF, TIMEOUT_MS));
	EXPECT_EQ(MACHNET_REASON_OWNER_DIED, nt_u32(&self->events, MACHNET_A_PORT_REASON));
	/* Its files have been closed. */
	waitpid(pid, NULL, 0);
	EXPECT_LT(-1, nt_bind_udp("0.0.0.0", 7000));
}

static int send_to(const char *addr, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval second = { .tv_usec = 200000 };
	char byte = 0;
	int ret = 0;

	inet_pton(AF_INET, addr, &to.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	/* A connected socket learns of ICMP port unreachable. */
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, "x", 1, 0) != 1 ||
	    recv(fd, &byte, 1, 0) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

TEST_F(port, stray_packets_are_counted_and_not_answered)
{
	/* What happens without the port: the test can fail. */
	ASSERT_EQ(-ECONNREFUSED, send_to("127.0.0.1", 7000));
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	EXPECT_EQ(-EAGAIN, send_to("127.0.0.1", 7000));
	EXPECT_EQ(-EAGAIN, send_to("127.0.0.1", 7000));
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_EQ(2, nt_u64(&self->app, MACHNET_A_PORT_STRAY));
}

TEST_F(port, ss_shows_it)
{
	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_open_port(&self->app, "::1", 7001));
	EXPECT_EQ(0, nt_sh("ss -Huln 'sport = :7000' | grep -q '0.0.0.0:7000'"));
	EXPECT_EQ(0, nt_sh("ss -Huln 'sport = :7001' | grep -q '::1.:7001'"));
}

TEST_F(port, claim_needs_the_cookie)
{
	uint64_t cookie;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	cookie = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	EXPECT_EQ(-EKEYREJECTED, nt_claim(&self->other, "0.0.0.0", 7000, cookie + 1));
	EXPECT_STREQ("the cookie is not the one of this port", self->other.extack);
	EXPECT_EQ(-ENOENT, nt_claim(&self->other, "0.0.0.0", 7001, cookie));
	ASSERT_EQ(0, nt_claim(&self->other, "0.0.0.0", 7000, cookie));
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_NE(NULL, self->app.attrs[MACHNET_A_PORT_CLAIMED]);
	EXPECT_EQ(-EBUSY, nt_claim(&self->app, "0.0.0.0", 7000, cookie));
	EXPECT_STREQ("a datapath has claimed the port already", self->app.extack);
}

TEST_F(port, a_claim_ends_with_the_datapath_and_the_port_stays)
{
	uint64_t cookie;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	cookie = nt_u64(&self->app, MACHNET_A_PORT_COOKIE);
	ASSERT_EQ(0, nt_claim(&self->other, "0.0.0.0", 7000, cookie));
	nt_close(&self->other);
	ASSERT_EQ(0, nt_port_op(&self->app, MACHNET_CMD_PORT_GET, "0.0.0.0", 7000));
	EXPECT_EQ(NULL, self->app.attrs[MACHNET_A_PORT_CLAIMED]);
	ASSERT_EQ(0, nt_open(&self->other));
	EXPECT_EQ(0, nt_claim(&self->other, "0.0.0.0", 7000, cookie));
	/* The other order: the port goes first, the claimer's socket afterwards. */
	nt_close(&self->app);
	EXPECT_EQ(0, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_F(port, claiming_needs_net_admin)
{
	struct nt user;

	ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", 7000));
	ASSERT_EQ(0, nt_drop_root());
	ASSERT_EQ(0, nt_open(&user));
	EXPECT_EQ(-EPERM, nt_claim(&user, "0.0.0.0", 7000,
				   nt_u64(&self->app, MACHNET_A_PORT_COOKIE)));
	nt_close(&user);
}

static void count_numbers(struct nt *nt, void *data)
{
	unsigned char *seen = data;

	seen[nt_u16(nt, MACHNET_A_PORT_NUMBER)]++;
}

TEST_F_TIMEOUT(port, a_dump_has_each_of_many_once, 120)
{
	static unsigned char seen[65536];
	int i, wrong = 0;

	for (i = 10000; i < 11000; i++)
		ASSERT_EQ(0, nt_open_port(&self->app, "0.0.0.0", i));
	ASSERT_EQ(1000, nt_dump(&self->other, MACHNET_CMD_PORT_GET, count_numbers, seen));
	for (i = 0; i < 65536; i++)
		wrong += seen[i] != (i >= 10000 && i < 11000);
	EXPECT_EQ(0, wrong);
	nt_close(&self->app);
	EXPECT_EQ(0, nt_dump(&self->other, MACHNET_CMD_PORT_GET, NULL, NULL));
}

TEST_HARNESS_MAIN
