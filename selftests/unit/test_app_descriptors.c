// SPDX-License-Identifier: MIT
/* Descriptors passed to the daemon: closing them must not hold up the control thread. */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <kselftest_harness.h>

#include "fake_dp.h"
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

static int dial(struct mnd_daemon *d)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, d->opt.socket);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		abort();
	run(d);
	return fd;
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

/* With len bytes of a request; the sender's own copy is closed. */
static void pass(int sock, int fd, size_t len)
{
	struct mn_app_msg req = { .type = MN_APP_INFO, .version = MN_APP_VERSION };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct iovec iov = { &req, len };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	if (sendmsg(sock, &mh, MSG_NOSIGNAL) != (ssize_t)len)
		abort();
	close(fd);
}

static void ask(int sock)
{
	struct mn_app_msg msg = { .type = MN_APP_INFO, .version = MN_APP_VERSION };

	if (send(sock, &msg, sizeof(msg), MSG_NOSIGNAL) != sizeof(msg))
		abort();
}

static bool is_answered(int sock)
{
	struct mn_app_msg msg;

	return recv(sock, &msg, sizeof(msg), MSG_DONTWAIT) == sizeof(msg);
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
			  bool hang_up, size_t len)
{
	int sock = dial(&self->d), other = dial(&self->d), peer;
	int fd = lingering_socket(&peer);

	pass(sock, fd, len);
	if (hang_up)
		shutdown(sock, SHUT_RDWR);
	ask(other);
	run(&self->d);
	EXPECT_TRUE(is_answered(other));
	is_being_closed(_metadata, self, sock, peer);
	close(sock);
	close(other);
	run(&self->d);
	EXPECT_TRUE(LIST_EMPTY(&self->d.apps));
}

TEST_F(descriptors, with_a_request)
{
	does_not_wait(_metadata, self, false, sizeof(struct mn_app_msg));
}

TEST_F(descriptors, with_no_request)
{
	does_not_wait(_metadata, self, false, 1);
}

TEST_F(descriptors, of_a_program_that_has_gone)
{
	does_not_wait(_metadata, self, true, sizeof(struct mn_app_msg));
}

/* They wait behind a message for which the program is dropped. */
TEST_F(descriptors, behind_nonsense)
{
	int sock = dial(&self->d), peer;
	int fd = lingering_socket(&peer);

	ASSERT_EQ(1, send(sock, "x", 1, MSG_NOSIGNAL));
	ASSERT_EQ(0, send(sock, "", 0, MSG_NOSIGNAL));
	pass(sock, fd, sizeof(struct mn_app_msg));
	run(&self->d);
	is_being_closed(_metadata, self, sock, peer);
	close(sock);
}

TEST_HARNESS_MAIN
