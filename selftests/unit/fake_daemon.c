// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_daemon.h"
#include "base/udp_port.h"

static void watch(struct fake_daemon *d, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event ev = { .events = events, .data.u32 = what };

	epoll_ctl(d->epfd, EPOLL_CTL_ADD, fd, &ev);
}

static void answer(struct fake_daemon *d, int sock, struct mn_app_msg *m, const int *fds)
{
	union {
		char buf[CMSG_SPACE(MN_APP_ATTACH_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	m->version = __atomic_load_n(&d->version, __ATOMIC_RELAXED);
	if (__atomic_load_n(&d->spoil, __ATOMIC_RELAXED) == FAKE_SHORT_ANSWER)
		iov.iov_len -= 8;
	if (fds) {
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(MN_APP_ATTACH_FDS * sizeof(int));
		memcpy(CMSG_DATA(c), fds, MN_APP_ATTACH_FDS * sizeof(int));
	}
	sendmsg(sock, &mh, MSG_NOSIGNAL);
}

/* A memfd with the channel's contents and no seal. */
static int unsealed_copy(const struct mn_channel *ch)
{
	int fd = memfd_create("unsealed", MFD_CLOEXEC);

	if (ftruncate(fd, ch->len) || write(fd, ch->hdr, sizeof(*ch->hdr)) != sizeof(*ch->hdr))
		abort();
	return fd;
}

static void attach(struct fake_daemon *d, struct fake_app *a, struct mn_app_msg *m)
{
	int spoil = __atomic_load_n(&d->spoil, __ATOMIC_RELAXED);
	int fds[MN_APP_ATTACH_FDS];

	if (mn_channel_create(&a->ch, 0, MN_SHM_BUFS_MIN, MN_SHM_BUFS_MIN, 0))
		abort();
	a->attached = true;
	watch(d, a->ch.engine_efd, EPOLLIN | EPOLLET, UINT32_MAX);
	a->ch.hdr->magic += spoil == FAKE_BAD_MAGIC;
	a->ch.hdr->ring_off[MN_SHM_RING_RX] += spoil == FAKE_BAD_RING ? a->ch.len : 0;
	a->ch.hdr->total_len += spoil == FAKE_BAD_LEN ? MN_SHM_PAGE : 0;
	if (spoil == FAKE_SMALL_RING)
		a->ch.hdr->ring_slots[MN_SHM_RING_RX] = MN_SHM_RING_MIN / 2;
	fds[0] = spoil == FAKE_UNSEALED ? unsealed_copy(&a->ch) : a->ch.memfd;
	fds[1] = a->ch.engine_efd;
	fds[2] = a->ch.app_efd;
	m->control = __atomic_load_n(&d->control, __ATOMIC_RELAXED);
	__atomic_add_fetch(&d->attaches, 1, __ATOMIC_RELEASE);
	answer(d, a->sock, m, spoil == FAKE_NO_FDS ? NULL : fds);
	if (spoil == FAKE_UNSEALED)
		close(fds[0]);
}

static void listen_app(struct fake_daemon *d, struct fake_app *a, struct mn_app_msg *m, int fd)
{
	uint32_t n = d->listens;

	if (n < FAKE_LISTENS) {
		d->listen[n] = *m;
		d->listen_check[n] = mn_udp_port_check(fd, d->listener, &m->local, m->local_port);
		__atomic_store_n(&d->listens, n + 1, __ATOMIC_RELEASE);
	}
	answer(d, a->sock, m, NULL);
}

static void free_port(struct fake_daemon *d, struct fake_app *a, struct mn_app_msg *m)
{
	int fd = __atomic_exchange_n(&d->free_fd, -1, __ATOMIC_RELAXED);

	m->error = fd < 0 || __atomic_load_n(&d->free_late, __ATOMIC_RELAXED) ? ENOENT : 0;
	if (fd >= 0)
		close(fd);
	answer(d, a->sock, m, NULL);
}

/* *fd: what came with it; -1 when it is closed. */
static void request(struct fake_daemon *d, struct fake_app *a, struct mn_app_msg *m, int *fd)
{
	int refuse = __atomic_load_n(&d->refuse, __ATOMIC_RELAXED);

	if (refuse && m->type == __atomic_load_n(&d->refuse_type, __ATOMIC_RELAXED)) {
		m->error = refuse;
		/* Before the answer: the program may bind the port again at once. */
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		__atomic_add_fetch(&d->refusals, 1, __ATOMIC_RELAXED);
		answer(d, a->sock, m, NULL);
		return;
	}
	switch (m->type) {
	case MN_APP_ATTACH:
		attach(d, a, m);
		break;
	case MN_APP_LISTEN:
		listen_app(d, a, m, *fd);
		break;
	case MN_APP_FREE:
		free_port(d, a, m);
		break;
	default:
		answer(d, a->sock, m, NULL);
	}
}

static void app_free(struct fake_app *a)
{
	if (a->sock >= 0)
		close(a->sock);
	a->sock = -1;
	if (a->attached)
		mn_channel_destroy(&a->ch);
	a->attached = false;
}

static void app_readable(struct fake_daemon *d, struct fake_app *a)
{
	union {
		char buf[CMSG_LEN(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct mn_app_msg m;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.buf),
	};
	ssize_t n = recvmsg(a->sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (n >= 0 && CMSG_FIRSTHDR(&mh))
		memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
	if (n == sizeof(m))
		request(d, a, &m, &fd);
	else
		app_free(a);
	if (fd >= 0)
		close(fd);
}

static void accept_app(struct fake_daemon *d)
{
	int sock = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);

	for (uint32_t i = 0; i < FAKE_CHANNELS; i++)
		if (d->apps[i].sock < 0) {
			d->apps[i].sock = sock;
			watch(d, sock, EPOLLIN, i);
			return;
		}
	close(sock);
}

static void echo_inline(struct mn_channel *ch, const struct mn_desc *d)
{
	uint8_t data[MN_SHM_INLINE_MAX];

	mn_channel_tx_read(ch, d, data);
	mn_channel_tx_inline_done(ch, d->flow, MN_SHM_INLINE_COST(d->len));
	if (mn_channel_rx_inline(ch, d->flow, data, d->len))
		abort();
}

static void echo_chain(struct mn_channel *ch, const struct mn_desc *d)
{
	struct mn_rxmsg m = { .len = d->len, .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE };
	struct mn_txmsg *msg;
	uint8_t piece[4000];
	uint32_t n;

	if (mn_channel_tx_take(ch, d, &msg))
		abort();
	for (uint32_t off = 0; off < msg->len; off += n) {
		n = msg->len - off < sizeof(piece) ? msg->len - off : sizeof(piece);
		mn_channel_tx_copy(ch, msg, off, piece, n, NULL);
		if (mn_channel_rx_append(ch, &m, piece, n) != n)
			abort();
	}
	if (mn_channel_rx_post(ch, msg->flow, &m) || mn_channel_tx_done(ch, msg))
		abort();
}

static void connect_one(struct fake_daemon *d, struct mn_channel *ch, const struct mn_desc *desc)
{
	int refuse = __atomic_load_n(&d->refuse, __ATOMIC_RELAXED);
	struct mn_addr local = mn_addr_from_v4(htonl(0x0a000001));
	struct mn_shm_connect want;
	struct mn_shm_flow info;
	uint64_t flow;

	mn_channel_tx_read(ch, desc, &want);
	if (refuse && __atomic_load_n(&d->refuse_type, __ATOMIC_RELAXED) == FAKE_CONNECT) {
		__atomic_add_fetch(&d->refusals, 1, __ATOMIC_RELAXED);
		mn_channel_post_failed(ch, desc->flow, refuse);
		return;
	}
	flow = d->next_flow++;
	info = (struct mn_shm_flow){
		.local_port = d->first_port + flow % FAKE_PORTS,
		.remote_port = want.remote_port,
		.request = desc->flow,
	};
	memcpy(info.local_addr, local.b, sizeof(info.local_addr));
	memcpy(info.remote_addr, want.remote_addr, sizeof(info.remote_addr));
	mn_channel_post_open(ch, flow, &info);
	if (__atomic_load_n(&d->early_end, __ATOMIC_RELAXED))
		mn_channel_post_end(ch, flow, ECONNRESET);
}

/* Sends all messages back for which there is room. True when there was something to do. */
static bool serve(struct fake_daemon *d, struct mn_channel *ch)
{
	struct mn_desc e;
	bool busy = false;

	if (mn_channel_rx_reclaim(ch))
		return false;
	while (mn_channel_rx_room(ch) > MN_MSG_MAX && mn_channel_rx_has_room(ch) &&
	       mn_channel_tx_peek(ch, &e) == 1) {
		if (e.type == MN_DESC_CONNECT)
			connect_one(d, ch, &e);
		else if (e.type == MN_DESC_CLOSE)
			mn_channel_tx_skip(ch);
		else if (e.type == MN_DESC_INLINE)
			echo_inline(ch, &e);
		else
			echo_chain(ch, &e);
		mn_channel_tx_release(ch);
		busy = true;
	}
	mn_channel_flush(ch);
	return busy;
}

static bool arm_all(struct fake_daemon *d)
{
	bool armed = true;

	for (int i = 0; i < FAKE_CHANNELS; i++)
		if (d->apps[i].attached && !mn_channel_arm(&d->apps[i].ch, true))
			armed = false;
	return armed;
}

static void disarm_all(struct fake_daemon *d)
{
	for (int i = 0; i < FAKE_CHANNELS; i++)
		if (d->apps[i].attached)
			mn_channel_disarm(&d->apps[i].ch);
}

static void *run(void *arg)
{
	struct fake_daemon *d = arg;
	struct epoll_event ev[FAKE_CHANNELS];
	bool busy, hold, mute;
	int n;

	while (!__atomic_load_n(&d->stop, __ATOMIC_ACQUIRE)) {
		hold = __atomic_load_n(&d->hold, __ATOMIC_ACQUIRE);
		mute = __atomic_load_n(&d->mute, __ATOMIC_RELAXED);
		busy = false;
		for (int i = 0; i < FAKE_CHANNELS && !hold; i++)
			busy |= d->apps[i].attached && serve(d, &d->apps[i].ch);
		n = epoll_wait(d->epfd, ev, FAKE_CHANNELS, busy || hold || !arm_all(d) ? 0 : 20);
		disarm_all(d);
		for (int i = 0; i < n; i++) {
			if (mute && ev[i].data.u32 < FAKE_CHANNELS)
				continue;
			if (ev[i].data.u32 < FAKE_CHANNELS)
				app_readable(d, &d->apps[ev[i].data.u32]);
			else if (ev[i].data.u32 == FAKE_CHANNELS)
				accept_app(d);
			else
				__atomic_add_fetch(&d->wakeups, 1, __ATOMIC_RELAXED);
		}
		if (hold) {
			__atomic_store_n(&d->running, false, __ATOMIC_RELEASE);
			usleep(100);
		}
	}
	for (int i = 0; i < FAKE_CHANNELS; i++)
		app_free(&d->apps[i]);
	close(d->listener);
	close(d->epfd);
	return NULL;
}

static void set_sysctl(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		abort();
	close(fd);
}

/* Listeners bind: each test has all ports to itself, and every address. */
static void enter_netns(void)
{
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return;
	set_sysctl("/proc/sys/net/ipv4/ip_nonlocal_bind");
	set_sysctl("/proc/sys/net/ipv6/ip_nonlocal_bind");
}

int fake_daemon_prepare(struct fake_daemon *d)
{
	*d = (struct fake_daemon){
		.version = MN_APP_VERSION, .control = MN_APP_CONTROL_LOCAL, .listener = -1,
		.first_port = 40000, .free_fd = -1,
	};
	enter_netns();
	strcpy(d->dir, "/tmp/machnet-test-XXXXXX");
	if (!mkdtemp(d->dir))
		return -errno;
	snprintf(d->path, sizeof(d->path), "%s/sock", d->dir);
	return setenv(MN_APP_SOCKET_ENV, d->path, 1) ? -errno : 0;
}

int fake_daemon_start(struct fake_daemon *d)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	strcpy(sa.sun_path, d->path);
	d->stop = false;
	d->next_flow = FAKE_FLOW_FIRST;
	d->attaches = d->listens = 0;
	d->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	d->epfd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < FAKE_CHANNELS; i++)
		d->apps[i].sock = -1;
	if (bind(d->listener, (struct sockaddr *)&sa, sizeof(sa)) || listen(d->listener, 8))
		return -errno;
	watch(d, d->listener, EPOLLIN, FAKE_CHANNELS);
	return -pthread_create(&d->thread, NULL, run, d);
}

void fake_daemon_kill(struct fake_daemon *d)
{
	if (d->listener < 0)
		return;
	__atomic_store_n(&d->stop, true, __ATOMIC_RELEASE);
	pthread_join(d->thread, NULL);
	d->listener = -1;
}

int fake_daemon_restart(struct fake_daemon *d)
{
	unlink(d->path);
	return fake_daemon_start(d);
}

bool fake_daemon_attached(struct fake_daemon *d)
{
	for (int i = 0; i < 50000 && !__atomic_load_n(&d->attaches, __ATOMIC_ACQUIRE); i++)
		usleep(100);
	return __atomic_load_n(&d->attaches, __ATOMIC_ACQUIRE);
}

void fake_daemon_cleanup(struct fake_daemon *d)
{
	fake_daemon_kill(d);
	unlink(d->path);
	rmdir(d->dir);
}

struct mn_channel *fake_daemon_hold(struct fake_daemon *d)
{
	__atomic_store_n(&d->running, true, __ATOMIC_RELEASE);
	__atomic_store_n(&d->hold, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&d->running, __ATOMIC_ACQUIRE))
		usleep(100);
	return &d->apps[0].ch;
}

void fake_daemon_resume(struct fake_daemon *d)
{
	__atomic_store_n(&d->hold, false, __ATOMIC_RELEASE);
}
