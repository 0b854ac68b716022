/* SPDX-License-Identifier: MIT */
/* app_socket.h - an application's end of the daemon's socket, for tests with fake_dp.h */
#ifndef APP_SOCKET_H
#define APP_SOCKET_H

#include <stdlib.h>

#include "fake_dp.h"

/* As a user; root may be any. */
static inline int dial(struct mnd_daemon *d, uid_t uid)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, d->opt.socket);
	if ((uid && seteuid(uid)) || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    (uid && seteuid(0)))
		abort();
	run(d);
	return fd;
}

/* len bytes of a request with up to 4 descriptors, which stay the caller's. */
static inline void pass(int sock, struct mn_app_msg req, size_t len, const int *fds, unsigned int n)
{
	union {
		char buf[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct iovec iov = { &req, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	req.version = MN_APP_VERSION;
	if (n) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
	}
	if (sendmsg(sock, &mh, MSG_NOSIGNAL) != (ssize_t)len)
		abort();
}

/* The error in the answer that is there; -1: there is none. */
static inline int answered(int sock)
{
	struct mn_app_msg ans;

	return recv(sock, &ans, sizeof(ans), MSG_DONTWAIT) == sizeof(ans) ? ans.error : -1;
}

#endif /* APP_SOCKET_H */
