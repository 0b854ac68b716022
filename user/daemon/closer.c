// SPDX-License-Identifier: MIT
/* closer.c - closes what the control thread must not wait for */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/closer.h"
#include "daemon/log.h"
#include "daemon/loop.h"

#define STACK_BYTES	(64 * 1024)
/* More messages than fit into the buffer of a unix socket by default (net.core.wmem_default). */
#define MESSAGES_MAX	1024

static void on_closed(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;
	struct mnd_app *app;

	(void)events;
	while (read(d->closed_fds[0], &app, sizeof(app)) == sizeof(app)) {
		LIST_REMOVE(app, link);
		free(app);
	}
}

int mnd_closer_open(struct mnd_daemon *d)
{
	LIST_INIT(&d->closing);
	if (pipe2(d->closed_fds, O_CLOEXEC))
		return -errno;
	/* The threads may wait, the control thread may not. */
	if (fcntl(d->closed_fds[0], F_SETFL, O_NONBLOCK))
		return -errno;
	d->closed_watch = (struct mnd_watch){ on_closed, d };
	return mnd_watch_add(d, d->closed_fds[0], &d->closed_watch);
}

ssize_t mnd_closer_peek(int sock, void *msg, size_t size, int *fd)
{
	union {
		char buf[CMSG_LEN(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { msg, size };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.buf),
	};
	ssize_t n = recvmsg(sock, &mh, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&mh);
	unsigned int n_fds = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	int fds[2];

	*fd = MND_CLOSER_NONE;
	if (n < 0)
		return -errno;
	if (n_fds)
		memcpy(fds, CMSG_DATA(c), n_fds * sizeof(int));
	if (n_fds == 1 && !(mh.msg_flags & MSG_CTRUNC)) {
		*fd = fds[0];
		return n;
	}
	if (n_fds || mh.msg_flags & MSG_CTRUNC)
		*fd = MND_CLOSER_MANY;
	/* Those of the message are still there. */
	while (n_fds--)
		close(fds[n_fds]);
	return n;
}

/* Without room for control messages recvmsg(2) says that there was one, and installs nothing. */
static ssize_t peek(int fd, bool *descriptors)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &mh, MSG_PEEK | MSG_DONTWAIT);

	*descriptors = n >= 0 && (mh.msg_flags & MSG_CTRUNC);
	return n;
}

bool mnd_closer_is_needed(int fd)
{
	bool descriptors = false;
	char byte;

	shutdown(fd, SHUT_RDWR);
	/* An empty message looks like the end. */
	for (int i = 0; i < MESSAGES_MAX && peek(fd, &descriptors) >= 0 && !descriptors; i++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0)
			break;
	return descriptors;
}

/* Unread messages would turn the answer that the program has not taken yet into ECONNRESET. */
static void drain(int fd)
{
	char byte;

	for (int i = 0; i < MESSAGES_MAX; i++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0)
			return;
}

static void *close_socket(void *arg)
{
	struct mnd_app *app = arg;
	int closed_fd = app->d->closed_fds[1];
	ssize_t ret;

	drain(app->fd);
	close(app->fd);
	if (app->passed_fd >= 0)
		close(app->passed_fd);
	ret = write(closed_fd, &app, sizeof(app));
	(void)ret;
	return NULL;
}

void mnd_closer_close(struct mnd_app *app)
{
	pthread_attr_t attr;
	pthread_t thread;

	mnd_warn("process %d passed descriptors that no request has: dropped", app->pid);
	epoll_ctl(app->d->epfd, EPOLL_CTL_DEL, app->fd, NULL);
	app->attached = false;
	LIST_INSERT_HEAD(&app->d->closing, app, link);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, close_socket, app))
		close_socket(app);
	pthread_attr_destroy(&attr);
}
