// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/udp_port.h"
#include "daemon/app.h"
#include "daemon/app_port.h"
#include "daemon/balance.h"
#include "daemon/closer.h"
#include "daemon/conn.h"
#include "daemon/facts.h"
#include "daemon/leaving.h"
#include "daemon/listing.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/probe.h"
#include "daemon/socket_path.h"

#define APP_BACKLOG	128
/* Requests taken from one application before the others have their turn. */
#define APP_BATCH	16

void mnd_app_send(struct mnd_app *app, const struct mn_app_msg *msg, const int *fds,
		  unsigned int n_fds)
{
	union {
		char buf[CMSG_SPACE(MN_APP_ATTACH_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { .buf = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)msg, sizeof(*msg) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds) {
		struct cmsghdr *c = &control.align;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	/* One that does not read its answers is dropped: the event loop sees the hang-up. */
	if (sendmsg(app->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		shutdown(app->fd, SHUT_RDWR);
}

void mnd_app_answer(struct mnd_app *app, const struct mn_app_msg *msg)
{
	mnd_app_send(app, msg, NULL, 0);
}

static void app_close(struct mnd_app *app)
{
	mnd_probe_forget_app(app->d, app);
	if (app->attached) {
		mnd_leaving_add(app);
		mnd_info("channel %u of process %d closed", app->channel, app->pid);
	}
	if (app->timer_fd >= 0)
		close(app->timer_fd);
	LIST_REMOVE(app, link);
	if (mnd_closer_is_needed(app->fd) || app->passed_fd >= 0) {
		mnd_closer_close(app);
		return;
	}
	close(app->fd);
	free(app);
}

static uint32_t control_mode(const struct mnd_daemon *d)
{
	return d->ops == &mnd_control_kernel_ops ? MN_APP_CONTROL_KERNEL : MN_APP_CONTROL_LOCAL;
}

static unsigned int user_has(const struct mnd_daemon *d, uid_t uid, bool only_channels)
{
	const struct mnd_app *app;
	unsigned int n = 0;

	LIST_FOREACH(app, &d->apps, link)
		n += app->uid == uid && (app->attached || !only_channels);
	LIST_FOREACH(app, &d->closing, link)
		n += app->uid == uid && !only_channels;
	return n;
}

static int check_quota(const struct mnd_app *app)
{
	if (!app->uid || user_has(app->d, app->uid, true) < MND_CHANNELS_PER_USER)
		return 0;
	mnd_warn("no channel for process %d: user %u has %u, the most that one may have", app->pid,
		 app->uid, MND_CHANNELS_PER_USER);
	return -EDQUOT;
}

static void app_attach_now(struct mnd_app *app, const struct mn_app_msg *req)
{
	struct mn_app_msg ans = { .type = req->type, .version = MN_APP_VERSION, .tag = req->tag };
	int fds[MN_APP_ATTACH_FDS];
	int ret;

	ret = app->attached ? -EISCONN : check_quota(app);
	if (!ret)
		ret = machnet_dp_channel_add(app->d->dp, req->tx_bufs, req->rx_bufs, &app->channel,
					     fds);
	ans.error = -ret;
	if (ret) {
		mnd_app_answer(app, &ans);
		return;
	}
	app->attached = true;
	ans.control = control_mode(app->d);
	mnd_app_send(app, &ans, fds, MN_APP_ATTACH_FDS);
	mnd_info("channel %u opened for process %d", app->channel, app->pid);
}

/*
 * Microseconds until the user may have one more channel made: the generic cell rate algorithm
 * (ITU-T I.371). Users whose ids are equal modulo the table share a rate.
 */
static uint64_t attach_delay_us(struct mnd_daemon *d, uid_t uid)
{
	uint64_t *due = &d->attach_due_us[uid % (sizeof(d->attach_due_us) / sizeof(*due))];
	const uint64_t burst_us = (uint64_t)MND_ATTACH_BURST * MND_ATTACH_INTERVAL_US;
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	*due = (*due > now ? *due : now) + MND_ATTACH_INTERVAL_US;
	return *due - now > burst_us ? *due - now - burst_us : 0;
}

static void app_attach_due(void *arg, uint32_t events)
{
	struct mnd_app *app = arg;

	(void)events;
	close(app->timer_fd);
	app->timer_fd = -1;
	app_attach_now(app, &app->attach);
}

static void app_attach(struct mnd_app *app, const struct mn_app_msg *req)
{
	uint64_t us = attach_delay_us(app->d, app->uid);
	struct itimerspec its = {
		.it_value = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 },
	};

	if (us && app->timer_fd < 0) {
		app->attach = *req;
		app->timer_watch = (struct mnd_watch){ app_attach_due, app };
		app->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		if (app->timer_fd >= 0 && !timerfd_settime(app->timer_fd, 0, &its, NULL) &&
		    !mnd_watch_add(app->d, app->timer_fd, &app->timer_watch))
			return;
	}
	app_attach_now(app, req);
}

static int app_stats(struct mnd_app *app, const struct mn_app_msg *req, struct mn_app_msg *ans)
{
	if (!machnet_dp_stat(app->d->dp, req->index, ans->name, sizeof(ans->name), &ans->value))
		return -ENOENT;
	ans->index = req->index + 1;
	return 0;
}

static int app_info(const struct mnd_app *app, struct mn_app_msg *ans)
{
	const struct mnd_daemon *d = app->d;

	ans->control = control_mode(d);
	ans->engines = d->info.engines;
	if (d->n_addrs)
		ans->local = d->addrs[0];
	snprintf(ans->name, sizeof(ans->name), "%s", d->ifname);
	return 0;
}

static int app_fact(const struct mnd_app *app, const struct mn_app_msg *req,
		    struct mn_app_msg *ans)
{
	ans->index = req->index + 1;
	return mnd_fact(app->d, req->index, ans->name, sizeof(ans->name));
}

static int app_kill(struct mnd_app *app, const struct mn_app_msg *req)
{
	int ret = app->uid ? -EPERM : mnd_conn_kill(app->d, req->value);

	if (!ret)
		mnd_info("connection %016llx is ended by order of process %d",
			 (unsigned long long)req->value, app->pid);
	return ret;
}

static int app_engines(struct mnd_app *app, const struct mn_app_msg *req)
{
	return app->uid ? -EPERM : mnd_balance_use(app->d, req->value);
}

static bool needs_channel(uint16_t type)
{
	return type == MN_APP_LISTEN || type == MN_APP_UNLISTEN || type == MN_APP_FREE;
}

static int app_question(struct mnd_app *app, const struct mn_app_msg *req, struct mn_app_msg *ans)
{
	switch (req->type) {
	case MN_APP_STATS:
		return app_stats(app, req, ans);
	case MN_APP_INFO:
		return app_info(app, ans);
	case MN_APP_FACTS:
		return app_fact(app, req, ans);
	case MN_APP_KILL:
		return app_kill(app, req);
	case MN_APP_ENGINES:
		return app_engines(app, req);
	case MN_APP_PORTS:
		return mnd_fact_port(app->d, req->index, ans);
	}
	return -EOPNOTSUPP;
}

/* *fd is a descriptor that came with it or -1; taken over if it is -1 afterwards. */
static void app_request(struct mnd_app *app, const struct mn_app_msg *req, int *fd)
{
	struct mn_app_msg ans = { .type = req->type, .version = MN_APP_VERSION, .tag = req->tag };
	int ret = -EOPNOTSUPP;

	if (req->version != MN_APP_VERSION) {
		ret = -EPROTO;
	} else if (req->type == MN_APP_ATTACH) {
		app_attach(app, req);
		return;
	} else if (req->type == MN_APP_CONNECTIONS) {
		mnd_listing_ask(app, MND_LIST_CONNECTIONS, req->tag);
		return;
	} else if (req->type == MN_APP_PATHS) {
		mnd_listing_ask(app, MND_LIST_PATHS, req->tag);
		return;
	} else if (req->type == MN_APP_PROBE) {
		mnd_probe_ask(app, req);
		return;
	} else if (!needs_channel(req->type)) {
		ret = app_question(app, req, &ans);
	} else if (!app->attached) {
		ret = -ENOTCONN;
	} else if (req->type == MN_APP_LISTEN) {
		ret = mnd_app_port_listen(app, req, fd);
		ans.local_port = req->local_port;
	} else if (req->type == MN_APP_UNLISTEN) {
		ret = mnd_app_port_unlisten(app, req);
	} else if (req->type == MN_APP_FREE) {
		ret = mnd_leaving_give_port(app->d, app->uid, &req->local, req->local_port);
	}
	ans.error = -ret;
	mnd_app_answer(app, &ans);
}

/* A request that came with the descriptor fd unless that is -1. False: the application is gone. */
static bool app_take(struct mnd_app *app, const struct mn_app_msg *req, int fd)
{
	app_request(app, req, &fd);
	if (fd < 0)
		return true;
	/* Only of a UDP socket is it known that its end does not wait. */
	if (!mn_udp_port_is_udp(fd)) {
		close(fd);
		return true;
	}
	app->passed_fd = fd;
	app_close(app);
	return false;
}

/* What is no request is left on the socket, with what was passed: the closer is for that. */
static void app_reject(struct mnd_app *app, const struct mn_app_msg *msg, ssize_t len, int fd)
{
	struct mn_app_msg ans = {
		.type = msg->type, .version = MN_APP_VERSION, .tag = msg->tag, .error = EINVAL,
	};

	if (fd == MND_CLOSER_NONE && len > 0)
		mnd_warn("process %d sent %zd bytes that are no request: dropped", app->pid, len);
	if (len == sizeof(*msg) && msg->type == MN_APP_LISTEN)
		mnd_app_answer(app, &ans);
	if (fd >= 0)
		close(fd);
	app_close(app);
}

static bool may_have(const struct mn_app_msg *req, int fd)
{
	return fd == MND_CLOSER_NONE || (fd >= 0 && req->type == MN_APP_LISTEN);
}

static void app_readable(void *arg, uint32_t events)
{
	struct mnd_app *app = arg;
	struct mn_app_msg req;
	ssize_t len;
	int fd;

	(void)events;
	for (int i = 0; i < APP_BATCH; i++) {
		len = mnd_closer_peek(app->fd, &req, sizeof(req), &fd);
		if (len == -EAGAIN || len == -EINTR)
			return;
		if (len != sizeof(req) || !may_have(&req, fd)) {
			app_reject(app, &req, len, fd);
			return;
		}
		/* Takes it away with its own reference to the descriptor, which is not the last. */
		recv(app->fd, &req, sizeof(req), MSG_DONTWAIT);
		if (!app_take(app, &req, fd))
			return;
	}
}

static void app_accept(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct mnd_app *app;
	int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	app = calloc(1, sizeof(*app));
	if (!app || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ||
	    (cred.uid && user_has(d, cred.uid, false) >= MND_SOCKETS_PER_USER)) {
		free(app);
		close(fd);
		return;
	}
	app->d = d;
	app->fd = fd;
	app->pid = cred.pid;
	app->uid = cred.uid;
	app->passed_fd = -1;
	app->timer_fd = -1;
	app->watch = (struct mnd_watch){ app_readable, app };
	LIST_INIT(&app->ports);
	LIST_INSERT_HEAD(&d->apps, app, link);
	if (mnd_watch_add(d, fd, &app->watch))
		app_close(app);
}

static int bind_socket(struct mnd_daemon *d, const struct sockaddr_un *sa)
{
	int ret = mnd_socket_path_prepare(sa);

	if (!ret)
		ret = mnd_closer_open(d);
	if (ret)
		return ret;
	d->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->listen_fd < 0 || bind(d->listen_fd, (const struct sockaddr *)sa, sizeof(*sa)))
		return -errno;
	/* Every user of the machine may attach: what each may do is checked per request. */
	if (chmod(sa->sun_path, 0666) || listen(d->listen_fd, APP_BACKLOG))
		return -errno;
	d->accept_watch = (struct mnd_watch){ app_accept, d };
	return mnd_watch_add(d, d->listen_fd, &d->accept_watch);
}

int mnd_app_listen(struct mnd_daemon *d)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int ret;

	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", d->opt.socket) >=
	    sizeof(sa.sun_path)) {
		mnd_err("%s: a socket's path has at most %zu characters", d->opt.socket,
			sizeof(sa.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	ret = bind_socket(d, &sa);
	if (ret == -EADDRINUSE)
		mnd_err("another machnetd serves %s: one for another interface needs a socket of "
			"its own (--socket PATH)", d->opt.socket);
	else if (ret && ret != -ENOTDIR)
		mnd_err("cannot listen on %s: %s", d->opt.socket, strerror(-ret));
	return ret;
}

void mnd_app_close_all(struct mnd_daemon *d)
{
	while (!LIST_EMPTY(&d->apps))
		app_close(LIST_FIRST(&d->apps));
	mnd_leaving_free_all(d);
	if (d->listen_fd >= 0) {
		close(d->listen_fd);
		unlink(d->opt.socket);
	}
}
