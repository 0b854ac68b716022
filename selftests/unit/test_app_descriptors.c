// SPDX-License-Identifier: MIT
/* Descriptors passed to the daemon: closing them must not hold up the control thread. */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <kselftest_harness.h>

#include "app_socket.h"
#include "daemon/loop.h"

/* Longer than the harness lets a test run. */
#define LINGER_S	120

FIXTURE(descriptors)
{
	struct mnd_daemon d;
	char dir[32], path[64];
};

FIXTURE_SETUP(descriptors)
{
	strcpy(self->dir, "/tmp/machnet-test-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/sock", self->dir);
	self->d.opt.socket = self->path;
	self->d.ops = &mnd_control_kernel_ops;
	LIST_INIT(&self->d.apps);
	TAILQ_INIT(&self->d.leaving);
	self->d.epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, mnd_app_listen(&self->d));
}

FIXTURE_TEARDOWN(descriptors)
{
	mnd_app_close_all(&self->d);
	close(self->d.epfd);
	rmdir(self->dir);
}

/* A TCP socket whose close(2) takes LINGER_S: its peer, *peer, does not read what was sent. */
static int lingering_socket(int *peer)
{
	struct sockaddr_in sa = { AF_INET, 0, { htonl(INADDR_LOOPBACK) }, { 0 } };
	struct linger linger = { 1, LINGER_S };
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char data[65536];

	if (bind(listener, (struct sockaddr *)&sa, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&sa, &len) ||
	    connect(fd, (struct sockaddr *)&sa, len))
		abort();
	*peer = accept(listener, NULL, NULL);
	close(listener);
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		abort();
	return fd;
}

/* The sender's own copy is closed. */
static void pass_away(int sock, uint16_t type, size_t len, int fd)
{
	pass(sock, (struct mn_app_msg){ .type = type }, len, &fd, 1);
	close(fd);
}

static void ask(int sock)
{
	pass(sock, (struct mn_app_msg){ .type = MN_APP_INFO }, sizeof(struct mn_app_msg), NULL, 0);
}

static bool is_hung_up(int sock)
{
	struct pollfd p = { sock, POLLIN, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* It is dropped; its socket counts until the close is over, which the end of the peer allows. */
static void is_being_closed(struct __test_metadata *_metadata, struct _test_data_descriptors *self,
			    int sock, int peer)
{
	EXPECT_TRUE(is_hung_up(sock));
	EXPECT_FALSE(LIST_EMPTY(&self->d.closing));
	close(peer);
	while (!LIST_EMPTY(&self->d.closing))
		run(&self->d);
}

static void does_not_wait(struct __test_metadata *_metadata, struct _test_data_descriptors *self,
			  bool hang_up, uint16_t type, size_t len)
{
	int sock = dial(&self->d, 0), other = dial(&self->d, 0), peer;
	int fd = lingering_socket(&peer);

	pass_away(sock, type, len, fd);
	if (hang_up)
		shutdown(sock, SHUT_RDWR);
	ask(other);
	run(&self->d);
	EXPECT_EQ(0, answered(other));
	is_being_closed(_metadata, self, sock, peer);
	close(sock);
	close(other);
	run(&self->d);
	EXPECT_TRUE(LIST_EMPTY(&self->d.apps));
}

TEST_F(descriptors, with_a_request)
{
	does_not_wait(_metadata, self, false, MN_APP_INFO, sizeof(struct mn_app_msg));
}

TEST_F(descriptors, with_no_request)
{
	does_not_wait(_metadata, self, false, MN_APP_LISTEN, 1);
}

TEST_F(descriptors, of_a_program_that_has_gone)
{
	does_not_wait(_metadata, self, true, MN_APP_LISTEN, sizeof(struct mn_app_msg));
}

/* They wait behind a message for which the program is dropped. */
TEST_F(descriptors, behind_nonsense)
{
	int sock = dial(&self->d, 0), peer;
	int fd = lingering_socket(&peer);

	ASSERT_EQ(1, send(sock, "x", 1, MSG_NOSIGNAL));
	ASSERT_EQ(0, send(sock, "", 0, MSG_NOSIGNAL));
	pass_away(sock, MN_APP_LISTEN, sizeof(struct mn_app_msg), fd);
	run(&self->d);
	is_being_closed(_metadata, self, sock, peer);
	close(sock);
}

static int attach(struct mnd_daemon *d)
{
	int sock = dial(d, 0);

	pass(sock, (struct mn_app_msg){ .type = MN_APP_ATTACH }, sizeof(struct mn_app_msg), NULL,
	     0);
	run(d);
	if (answered(sock))
		abort();
	return sock;
}

/* The one request that may have a descriptor, and not of this kind. */
TEST_F(descriptors, of_another_kind_than_a_port)
{
	int sock = attach(&self->d), peer;
	int fd = lingering_socket(&peer);

	pass(sock, (struct mn_app_msg){ .type = MN_APP_LISTEN, .local_port = 80 },
	     sizeof(struct mn_app_msg), &fd, 1);
	close(fd);
	run(&self->d);
	EXPECT_EQ(EPROTONOSUPPORT, answered(sock));
	is_being_closed(_metadata, self, sock, peer);
	close(sock);
}

TEST_F(descriptors, more_than_one)
{
	int sock = attach(&self->d), peer;
	int fds[4] = { lingering_socket(&peer), 1, 1, 1 };

	pass(sock, (struct mn_app_msg){ .type = MN_APP_LISTEN, .local_port = 80 },
	     sizeof(struct mn_app_msg), fds, 4);
	close(fds[0]);
	run(&self->d);
	EXPECT_EQ(EINVAL, answered(sock));
	is_being_closed(_metadata, self, sock, peer);
	close(sock);
}

TEST_HARNESS_MAIN
