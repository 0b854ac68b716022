// SPDX-License-Identifier: MIT
/*
 * udp.c - messages as UDP datagrams, as a careful programmer sends them
 *
 * Many per call. The first eight bytes of each are its number; one without an answer
 * is sent again. More a user of UDP does not get, and so nothing more is done: no
 * order, no flow control, no message that is longer than a datagram.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define BATCH_BYTES	(256u << 10)
#define RESEND_NS	20000000ull
/* Buffers in a row that are a power of two apart would share the same sets of the cache. */
#define SKEW		64

/* Messages under way to or from a socket with one call. */
struct burst {
	const struct bench_options *o;
	int fd;
	uint32_t batch;
	size_t stride;
	uint8_t *buf;
	struct mmsghdr hdr[BENCH_BATCH_MAX];
	struct iovec iov[BENCH_BATCH_MAX];
	struct sockaddr_storage addr[BENCH_BATCH_MAX];
};

static bool burst_init(struct burst *b, const struct bench_options *o, size_t size)
{
	b->o = o;
	b->stride = (size + SKEW - 1) / SKEW * SKEW + SKEW;
	b->buf = calloc(BENCH_BATCH_MAX, b->stride);
	if (!b->buf)
		return false;
	for (uint32_t i = 0; i < BENCH_BATCH_MAX; i++) {
		b->iov[i] = (struct iovec){ b->buf + i * b->stride, size };
		b->hdr[i].msg_hdr.msg_iov = &b->iov[i];
		b->hdr[i].msg_hdr.msg_iovlen = 1;
	}
	return true;
}

/* How many came, waiting for the first unless busy; -1 and an exit status is due. */
static int burst_receive(struct burst *b)
{
	int flags = b->o->busy ? MSG_DONTWAIT : MSG_WAITFORONE;
	int n;

	if (b->batch == 1 && !b->hdr[0].msg_hdr.msg_name) {
		n = recv(b->fd, b->buf, b->iov[0].iov_len, flags & MSG_DONTWAIT);
		b->hdr[0].msg_len = n < 0 ? 0 : n;
		n = n < 0 ? n : 1;
	} else {
		n = recvmmsg(b->fd, b->hdr, b->batch, flags, NULL);
	}
	if (n >= 0)
		return n;
	if (b->o->busy)
		sched_yield();
	return bench_socket_error(b->o, "receive from") ? -1 : 0;
}

/* 0 or an exit status. What the kernel has no room for is lost, as datagrams may be. */
static int burst_send(struct burst *b, uint32_t n)
{
	uint32_t done = 0;
	int sent;

	while (done < n) {
		if (n == 1 && !b->hdr[0].msg_hdr.msg_name)
			sent = send(b->fd, b->buf, b->iov[0].iov_len, 0) < 0 ? -1 : 1;
		else
			sent = sendmmsg(b->fd, b->hdr + done, n - done, 0);
		if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return bench_socket_error(b->o, "send to");
		done += sent < 0 ? n - done : (uint32_t)sent;
	}
	return 0;
}

/* --- server --- */

static void allow_any(struct burst *b)
{
	b->batch = b->o->batch;
	for (uint32_t i = 0; i < b->batch; i++) {
		b->iov[i].iov_len = BENCH_UDP_MAX;
		b->hdr[i].msg_hdr.msg_name = &b->addr[i];
		b->hdr[i].msg_hdr.msg_namelen = sizeof(b->addr[i]);
	}
}

int bench_udp_server(const struct bench_options *o)
{
	struct burst *b = calloc(1, sizeof(*b));
	int ret = 0, n;

	if (!b || !burst_init(b, o, BENCH_UDP_MAX)) {
		free(b);
		return bench_fail(ENOMEM, "cannot start");
	}
	b->fd = bench_socket(o, SOCK_DGRAM);
	if (b->fd < 0)
		ret = 1;
	while (!ret && !bench_stop) {
		allow_any(b);
		n = burst_receive(b);
		for (int i = 0; i < n; i++)
			b->iov[i].iov_len = b->hdr[i].msg_len;
		ret = n < 0 ? 1 : burst_send(b, n);
	}
	if (b->fd >= 0)
		close(b->fd);
	free(b->buf);
	free(b);
	return ret;
}

/* --- client --- */

/* A place in the window: message number place, place + window, place + 2 windows... */
struct place {
	uint64_t seq;
	uint64_t sent_ns;	/* first */
	uint64_t resent_ns;	/* last */
	bool waits;
};

struct client {
	struct burst in, out;
	struct bench_meter m;
	struct place *places;
	uint32_t *idle, n_idle;
	uint64_t looked_ns;
};

static void put_message(struct client *c, uint32_t i, const struct place *p)
{
	memcpy(c->out.buf + i * c->out.stride, &p->seq, sizeof(p->seq));
}

static int send_window(struct client *c, uint64_t now)
{
	uint32_t n;
	int ret;

	while ((n = bench_meter_room(&c->m, now, c->out.batch))) {
		for (uint32_t i = 0; i < n; i++) {
			struct place *p = &c->places[c->idle[--c->n_idle]];

			p->seq += c->m.o->window;
			p->sent_ns = p->resent_ns = now;
			p->waits = true;
			put_message(c, i, p);
		}
		c->m.r.sent += n;
		ret = burst_send(&c->out, n);
		if (ret)
			return ret;
	}
	return 0;
}

/* Sends again what has waited too long. */
static int resend(struct client *c, uint64_t now)
{
	int ret = 0;

	if (now - c->looked_ns < RESEND_NS / 2)
		return 0;
	c->looked_ns = now;
	for (uint32_t i = 0; i < c->m.o->window && !ret; i++) {
		struct place *p = &c->places[i];

		if (!p->waits || now - p->resent_ns < RESEND_NS)
			continue;
		p->resent_ns = now;
		c->m.r.resent++;
		put_message(c, 0, p);
		ret = burst_send(&c->out, 1);
	}
	return ret;
}

/* An answer may come twice, to a message that was sent again. */
static void take_answer(struct client *c, uint32_t i, uint64_t now)
{
	struct place *p;
	uint64_t seq;

	if (c->in.hdr[i].msg_len != c->m.o->size) {
		c->m.r.errors++;
		return;
	}
	memcpy(&seq, c->in.buf + i * c->in.stride, sizeof(seq));
	p = &c->places[seq % c->m.o->window];
	if (!p->waits || p->seq != seq)
		return;
	p->waits = false;
	c->idle[c->n_idle++] = p - c->places;
	bench_meter_answer(&c->m, p->sent_ns, now);
}

static int run(struct client *c)
{
	uint64_t now;
	int ret = 0, n;

	bench_meter_start(&c->m, c->in.o);
	now = c->m.start_ns;
	while (!ret) {
		ret = send_window(c, now);
		if (ret || bench_meter_done(&c->m, now))
			break;
		n = burst_receive(&c->in);
		now = bench_now_ns();
		if (n > 0)
			bench_meter_heard(&c->m, now);
		for (int i = 0; i < n; i++)
			take_answer(c, i, now);
		ret = n < 0 ? 1 : resend(c, now);
		if (!ret)
			ret = bench_meter_tick(&c->m, now);
	}
	bench_meter_end(&c->m);
	return ret;
}

static bool allocate(struct client *c, const struct bench_options *o)
{
	c->places = calloc(o->window, sizeof(*c->places));
	c->idle = calloc(o->window, sizeof(*c->idle));
	if (!c->places || !c->idle || !burst_init(&c->in, o, o->size) ||
	    !burst_init(&c->out, o, o->size))
		return false;
	c->in.batch = c->out.batch = bench_batch(o, BATCH_BYTES);
	for (uint32_t i = 0; i < o->window; i++) {
		c->places[i].seq = i;
		c->idle[c->n_idle++] = i;
	}
	return true;
}

int bench_udp_client(const struct bench_options *o)
{
	struct client *c = calloc(1, sizeof(*c));
	int ret = 1, fd = -1;

	if (!c || !allocate(c, o))
		bench_fail(ENOMEM, "cannot start");
	else
		fd = bench_socket(o, SOCK_DGRAM);
	if (fd >= 0) {
		c->in.fd = c->out.fd = fd;
		ret = run(c);
		bench_report(o, &c->m.r);
		close(fd);
	}
	if (c) {
		free(c->in.buf);
		free(c->out.buf);
		free(c->places);
		free(c->idle);
		free(c);
	}
	return ret;
}
