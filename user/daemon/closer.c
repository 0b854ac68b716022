// SPDX-License-Identifier: MIT
/* closer.c - closes what the control thread must not wait for */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
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

bool mnd_closer_sees_descriptors(int fd)
{
	bool descriptors;

	peek(fd, &descriptors);
	return descriptors;
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

static void *close_socket(void *arg)
{
	struct mnd_app *app = arg;
	int closed_fd = app->d->closed_fds[1];
	ssize_t ret;

	close(app->fd);
	ret = write(closed_fd, &app, sizeof(app));
	(void)ret;
	return NULL;
}

void mnd_closer_close(struct mnd_app *app)
{
	pthread_attr_t attr;
	pthread_t thread;

	mnd_warn("process %d passed descriptors, which no request has: dropped", app->pid);
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
