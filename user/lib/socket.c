// SPDX-License-Identifier: MIT
/* socket.c - the way to machnetd */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/priv.h"

int mnc_socket_connect(bool nonblocking)
{
	const char *path = secure_getenv(MN_APP_SOCKET_ENV);
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock, err;

	if (!path || !*path)
		path = MN_APP_SOCKET_DEFAULT;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	sock = socket(AF_UNIX, type, 0);
	if (sock < 0)
		return -errno;
	while (connect(sock, (struct sockaddr *)&sa, sizeof(sa))) {
		err = errno;
		if (err == EINTR)
			continue;
		close(sock);
		/* Too many wait for the daemon already. */
		return err == EAGAIN ? -EBUSY : -err;
	}
	return sock;
}

int mnc_socket_send(int sock, struct mn_app_msg *msg, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct cmsghdr *c = &control.align;
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	msg->version = MN_APP_VERSION;
	do {
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int mnc_socket_tell(int sock, struct mn_app_msg *msg, int fd)
{
	int ret = mnc_socket_send(sock, msg, fd);

	if (ret == -EPIPE)
		return -ENETDOWN;
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* Keeps the descriptors if it is just as many as wanted, closes them otherwise. */
static int take_fds(struct msghdr *mh, int fds[MN_APP_ATTACH_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(mh);
	size_t bytes = 0;
	int got[MN_APP_ATTACH_FDS];

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len <= CMSG_LEN(sizeof(got)))
		bytes = c->cmsg_len - CMSG_LEN(0);
	if (bytes)
		memcpy(got, CMSG_DATA(c), bytes);
	if (fds && bytes == sizeof(got) && !(mh->msg_flags & MSG_CTRUNC)) {
		memcpy(fds, got, sizeof(got));
		return 0;
	}
	for (size_t i = 0; i < bytes / sizeof(int); i++)
		close(got[i]);
	return bytes || fds ? -EPROTO : 0;
}

static ssize_t receive(int sock, struct msghdr *mh)
{
	ssize_t n;

	do {
		n = recvmsg(sock, mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int mnc_socket_answer(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS])
{
	union {
		char buf[CMSG_SPACE(MN_APP_ATTACH_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		/* Not CMSG_SPACE: its padding would have room for one more descriptor. */
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(MN_APP_ATTACH_FDS * sizeof(int)),
	};
	uint16_t type = msg->type;
	ssize_t n;

	n = receive(sock, &mh);
	if (n < 0)
		return n == -ECONNRESET ? -ENETDOWN : n;
	if (n == 0)
		return -ENETDOWN;
	if (n == sizeof(*msg) && msg->version == MN_APP_VERSION && msg->type == type && msg->error)
		return take_fds(&mh, NULL) || msg->error < 0 ? -EPROTO : -msg->error;
	if (n != sizeof(*msg) || msg->version != MN_APP_VERSION || msg->type != type) {
		take_fds(&mh, NULL);
		msg->error = 0;
		return -EPROTO;
	}
	return take_fds(&mh, fds);
}

int mnc_socket_ask(int sock, struct mn_app_msg *msg, int fds[MN_APP_ATTACH_FDS])
{
	int ret = mnc_socket_tell(sock, msg, -1);

	return ret ? ret : mnc_socket_answer(sock, msg, fds);
}
