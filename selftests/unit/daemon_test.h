/* SPDX-License-Identifier: MIT */
/* daemon_test.h - the daemon between its applications and fakes of control plane and datapath */
#ifndef DAEMON_TEST_H
#define DAEMON_TEST_H

#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "selftests/unit/fake_dp.h"
#include "daemon/loop.h"

#define NOBODY	65534

FIXTURE(daemon)
{
	struct mnd_daemon d;
	char dir[32], path[48];
};

FIXTURE_SETUP(daemon)
{
	struct rlimit files;

	memset(&fake, 0, sizeof(fake));
	memset(&self->d, 0, sizeof(self->d));
	strcpy(self->dir, "/tmp/machnet-test-XXXXXX");
	if (geteuid())
		SKIP(return, "needs root to be several users");
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &files));
	files.rlim_cur = files.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, chmod(self->dir, 0755));
	snprintf(self->path, sizeof(self->path), "%s/sock", self->dir);
	self->d.opt.control = "kernel";
	self->d.opt.socket = self->path;
	self->d.ops = &mnd_control_kernel_ops;
	self->d.ifindex = FAKE_NETDEV;
	self->d.info.mtu = 1500;
	self->d.info.engines = 2;
	strcpy(self->d.ifname, "mnet0");
	strcpy(self->d.device, "0000:00:04.0");
	TAILQ_INIT(&self->d.leaving);
	self->d.epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_EQ(0, mnd_app_listen(&self->d));
}

FIXTURE_TEARDOWN(daemon)
{
	if (!self->path[0])
		return;
	mnd_app_close_all(&self->d);
	mnd_conn_free_all(&self->d);
	close(self->d.epfd);
	rmdir(self->dir);
}

/* A socket to the daemon as a user. */
static inline int dial(struct mnd_daemon *d, uid_t uid)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, d->opt.socket);
	if (seteuid(uid) || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) || seteuid(0))
		abort();
	run(d);
	return fd;
}

static inline void ask(int fd, struct mn_app_msg req)
{
	req.version = MN_APP_VERSION;
	if (send(fd, &req, sizeof(req), MSG_NOSIGNAL) < 0)
		abort();
}

/* The answer that is there, with up to one descriptor; error -1: there is none. */
static inline struct mn_app_msg answer(int sock, int *file)
{
	union {
		char buf[CMSG_SPACE(MN_APP_ATTACH_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct mn_app_msg ans;
	struct iovec iov = { &ans, sizeof(ans) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fds[MN_APP_ATTACH_FDS];

	if (recvmsg(sock, &mh, MSG_DONTWAIT) != sizeof(ans))
		return (struct mn_app_msg){ .error = -1 };
	c = CMSG_FIRSTHDR(&mh);
	if (file)
		*file = -1;
	if (!c)
		return ans;
	memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	for (unsigned int i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
		if (file && !i)
			*file = fds[i];
		else
			close(fds[i]);
	return ans;
}

static inline struct mn_app_msg request(struct mnd_daemon *d, int fd, struct mn_app_msg req)
{
	ask(fd, req);
	run(d);
	return answer(fd, NULL);
}

#define REQUEST(fd_, ...)	request(&self->d, fd_, (struct mn_app_msg){ __VA_ARGS__ })

#endif /* DAEMON_TEST_H */
