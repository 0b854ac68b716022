// SPDX-License-Identifier: MIT
/*
 * test_no_room.c - a request whose answer finds no room has not been served
 *
 * An application that does not learn the cookie of its port, and a datapath that
 * does not learn that it has a device, must not have them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/msg.h>

#include "kselftest_harness.h"
#include "nltest.h"

#define ADDR		"127.0.0.1"
#define NUMBER		7000
#define MOST_EVENTS	1000

NT_NEEDS_MODULE

FIXTURE(no_room)
{
	struct nt full;		/* a listener that does not read */
	struct nt other;
	uint32_t ifindex;
};

/* Until a notification was lost, which is an error of the socket. */
static bool has_room(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	return poll(&pfd, 1, 0) == 0;
}

FIXTURE_SETUP(no_room)
{
	int least = 0, i;

	ASSERT_EQ(0, nt_new_netns());
	ASSERT_EQ(0, nt_open(&self->full));
	ASSERT_EQ(0, nt_open(&self->other));
	ASSERT_EQ(0, nt_join(&self->full, MACHNET_MCGRP_PORT));
	ASSERT_EQ(0, setsockopt(nt_fd(&self->full), SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)));
	for (i = 0; i < MOST_EVENTS && has_room(nt_fd(&self->full)); i++)
		ASSERT_EQ(0, nt_open_port(&self->other, ADDR, 0));
	ASSERT_FALSE(has_room(nt_fd(&self->full)));
	self->ifindex = nt_dummy("mnt0");
}

FIXTURE_TEARDOWN(no_room)
{
	nt_close(&self->full);
	nt_close(&self->other);
}

/* The request is served before this returns; there is no room for any answer. */
static int send_blindly(struct nt *nt, struct nl_msg *msg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	ssize_t len;

	nlh->nlmsg_flags |= NLM_F_REQUEST;
	nlh->nlmsg_pid = 0;
	len = send(nt_fd(nt), nlh, nlh->nlmsg_len, 0);
	nlmsg_free(msg);
	return len < 0 ? -errno : 0;
}

static int lend_blindly(struct nt *nt, int fd)
{
	struct nl_msg *msg = nt_msg(nt, MACHNET_CMD_PORT_LEND);

	nt_put_u32(msg, MACHNET_A_PORT_SOCKET, fd);
	return send_blindly(nt, msg);
}

static int send_one(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(NUMBER) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	inet_pton(AF_INET, ADDR, &to.sin_addr);
	ret = sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

TEST_F_TIMEOUT(no_room, for_the_answer_to_lend, 120)
{
	int fd = nt_bind_udp(ADDR, NUMBER);
	char byte;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lend_blindly(&self->full, fd));
	EXPECT_EQ(-ENOENT, nt_port_op(&self->other, MACHNET_CMD_PORT_GET, ADDR, NUMBER));
	/* It is an ordinary socket. */
	ASSERT_EQ(0, send_one());
	EXPECT_EQ(1, recv(fd, &byte, 1, MSG_DONTWAIT));
	EXPECT_EQ(0, nt_lend(&self->other, fd));
	close(fd);
}

TEST_F_TIMEOUT(no_room, for_the_answer_to_register, 120)
{
	struct nl_msg *msg;

	/* The same request, by a socket that has room, is fine. */
	ASSERT_EQ(0, nt_register(&self->other, self->ifindex));
	ASSERT_EQ(0, nt_device_op(&self->other, MACHNET_CMD_DEVICE_UNREGISTER, self->ifindex));
	msg = nt_register_msg(&self->full, self->ifindex);
	ASSERT_EQ(0, send_blindly(&self->full, msg));
	EXPECT_EQ(-ENODEV, nt_device_op(&self->other, MACHNET_CMD_DEVICE_GET, self->ifindex));
	EXPECT_EQ(0, nt_register(&self->other, self->ifindex));
}

TEST_F_TIMEOUT(no_room, and_nothing_holds_the_module, 120)
{
	int fd = nt_bind_udp(ADDR, NUMBER);

	ASSERT_EQ(0, lend_blindly(&self->full, fd));
	ASSERT_EQ(0, send_blindly(&self->full, nt_register_msg(&self->full, self->ifindex)));
	nt_close(&self->other);
	/* The socket with no room is still there. */
	EXPECT_TRUE(nt_unload());
	close(fd);
}

TEST_HARNESS_MAIN
