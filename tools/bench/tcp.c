// SPDX-License-Identifier: MIT
/*
 * tcp.c - messages over a TCP socket, each behind its length, as a careful programmer does it
 *
 * Several messages per call; no byte is copied in user space, but a message that does not
 * fit behind others into the buffer. A side that has nothing to write blocks in recv(2), or asks
 * again and again with --busy; one that could not write all waits for either direction.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define HEADER		sizeof(uint32_t)
#define BATCH_BYTES	(256u << 10)
#define TICK_MS		20

struct stream {
	const struct bench_options *o;
	int fd;
	/* [start, whole) are whole messages, [whole, end) is the beginning of one. */
	uint8_t *buf;
	size_t size, start, whole, end;
	size_t piece;		/* bytes from start on that the server still has to return */
	bool eof;
};

static bool stream_init(struct stream *s, const struct bench_options *o, size_t message)
{
	*s = (struct stream){ .o = o, .fd = -1 };
	s->size = HEADER + message + 4 * BATCH_BYTES;
	s->buf = malloc(s->size);
	return s->buf;
}

/* Makes room for the rest of the message that has begun, and for more. */
static void make_room(struct stream *s)
{
	if (s->start && s->size - s->end < BATCH_BYTES) {
		memmove(s->buf, s->buf + s->start, s->end - s->start);
		s->whole -= s->start;
		s->end -= s->start;
		s->start = 0;
	}
}

/* Finds the messages that are whole now. How many, or -1: no message can be so long. */
static int64_t find_whole(struct stream *s)
{
	uint32_t len;
	int64_t n = 0;

	while (s->end - s->whole >= HEADER) {
		memcpy(&len, s->buf + s->whole, HEADER);
		len = ntohl(len);
		if (len > MACHNET_MSG_MAX_LEN)
			return -1;
		if (s->end - s->whole < HEADER + len)
			break;
		s->whole += HEADER + len;
		n++;
	}
	return n;
}

/* Waits while bytes are left to write, for room or something to read. */
static void wait_either(const struct stream *s)
{
	struct pollfd p = { s->fd, POLLOUT, 0 };

	if (s->end < s->size)
		p.events |= POLLIN;
	poll(&p, 1, TICK_MS);
}

/* Reads what is there. 0, n whole messages more, or -1 and an exit status is due. */
static int64_t stream_read(struct stream *s, bool block)
{
	ssize_t got;
	int64_t n;

	make_room(s);
	if (s->end == s->size)
		return 0;
	got = recv(s->fd, s->buf + s->end, s->size - s->end, block ? 0 : MSG_DONTWAIT);
	if (got < 0) {
		if (s->o->busy)
			sched_yield();
		return bench_socket_error(s->o, "receive from") ? -1 : 0;
	}
	s->eof = !got;
	s->end += got;
	n = find_whole(s);
	if (n < 0)
		bench_fail(0, "what came is no message");
	return n;
}

/* Bytes that were written, or -1 and an exit status is due. */
static ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
	ssize_t n = send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return bench_socket_error(s->o, "send to") ? -1 : 0;
	return n;
}

static void stream_consume(struct stream *s, size_t bytes)
{
	s->start += bytes;
	if (s->start == s->end)
		s->start = s->whole = s->end = 0;
}

static void stream_end(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->buf);
}

/* --- server --- */

/* What one call returns: whole messages, as many as a batch has. */
static size_t next_piece(const struct stream *s)
{
	size_t at = s->start;
	uint32_t len;

	for (uint32_t n = 0; n < s->o->batch && at < s->whole; n++) {
		memcpy(&len, s->buf + at, HEADER);
		at += HEADER + ntohl(len);
	}
	return at - s->start;
}

/* Returns what is whole as far as the socket takes it. 0 or an exit status. */
static int give_back(struct stream *s)
{
	ssize_t n;

	do {
		if (!s->piece)
			s->piece = next_piece(s);
		if (!s->piece)
			return 0;
		n = stream_write(s, s->buf + s->start, s->piece);
		if (n < 0)
			return 1;
		s->piece -= n;
		stream_consume(s, n);
	} while (!s->piece);
	return 0;
}

static int serve_client(struct stream *s)
{
	int ret = 0;

	while (!ret && !bench_stop && !s->eof) {
		ret = give_back(s);
		if (!ret && s->piece && !s->o->busy)
			wait_either(s);
		if (!ret)
			ret = stream_read(s, !s->piece && !s->o->busy) < 0;
	}
	return ret;
}

int bench_tcp_server(const struct bench_options *o)
{
	struct stream s;
	int ret = 0, listener;

	if (!stream_init(&s, o, MACHNET_MSG_MAX_LEN))
		return bench_fail(ENOMEM, "cannot start");
	listener = bench_socket(o, SOCK_STREAM);
	if (listener < 0)
		ret = 1;
	while (!ret && !bench_stop) {
		s.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (s.fd < 0) {
			ret = bench_socket_error(o, "accept");
			continue;
		}
		/* A client that fails is its own affair. */
		serve_client(&s);
		close(s.fd);
		s.fd = -1;
		s.start = s.whole = s.end = s.piece = 0;
		s.eof = false;
		if (o->once)
			break;
	}
	if (listener >= 0)
		close(listener);
	stream_end(&s);
	return ret;
}

/* --- client --- */

struct client {
	struct stream s;
	struct bench_meter m;
	uint64_t *sent_at;	/* by number modulo window */
	uint8_t *out;		/* batch messages, all alike */
	size_t message;		/* bytes of one */
	uint32_t batch;
	size_t left, left_of;	/* still to be written, of so many bytes of out */
};

static void begin_batch(struct client *c, uint32_t n, uint64_t now)
{
	for (uint32_t i = 0; i < n; i++)
		c->sent_at[c->m.r.sent++ % c->m.o->window] = now;
	c->left = c->left_of = n * c->message;
}

/* Fills the window as far as the socket takes it. 0 or an exit status. */
static int write_more(struct client *c, uint64_t now)
{
	ssize_t wrote;

	do {
		if (!c->left)
			begin_batch(c, bench_meter_room(&c->m, now, c->batch), now);
		if (!c->left)
			return 0;
		wrote = stream_write(&c->s, c->out + c->left_of - c->left, c->left);
		if (wrote < 0)
			return 1;
		c->left -= wrote;
	} while (!c->left);
	return 0;
}

static int read_more(struct client *c, uint64_t *now)
{
	int64_t n;

	if (c->left && !c->m.o->busy)
		wait_either(&c->s);
	n = stream_read(&c->s, !c->left && !c->m.o->busy);
	if (n < 0)
		return 1;
	if (c->s.eof)
		return bench_fail(0, "the server has closed the connection");
	*now = bench_now_ns();
	if (!n)
		return 0;
	bench_meter_heard(&c->m, *now);
	if (c->s.whole - c->s.start != n * c->message) {
		c->m.r.errors++;
		return bench_fail(0, "a message came back with another length");
	}
	while (n--)
		bench_meter_answer(&c->m, c->sent_at[c->m.r.received % c->m.o->window], *now);
	stream_consume(&c->s, c->s.whole - c->s.start);
	return 0;
}

static int run(struct client *c)
{
	uint64_t now;
	int ret = 0;

	bench_meter_start(&c->m, c->s.o);
	now = c->m.start_ns;
	while (!ret && !bench_meter_done(&c->m, now)) {
		ret = write_more(c, now);
		if (!ret && c->m.r.sent != c->m.r.received)
			ret = read_more(c, &now);
		if (!ret)
			ret = bench_meter_tick(&c->m, now);
	}
	bench_meter_end(&c->m);
	return ret;
}

static bool allocate(struct client *c, const struct bench_options *o)
{
	uint32_t len = htonl(o->size);

	c->message = HEADER + o->size;
	c->batch = bench_batch(o, BATCH_BYTES);
	c->sent_at = calloc(o->window, sizeof(*c->sent_at));
	c->out = calloc(c->batch, c->message);
	if (!stream_init(&c->s, o, o->size) || !c->sent_at || !c->out)
		return false;
	for (uint32_t i = 0; i < c->batch; i++)
		memcpy(c->out + i * c->message, &len, HEADER);
	return true;
}

int bench_tcp_client(const struct bench_options *o)
{
	struct client *c = calloc(1, sizeof(*c));
	int ret = 1;

	if (!c || !allocate(c, o))
		bench_fail(ENOMEM, "cannot start");
	else
		c->s.fd = bench_socket(o, SOCK_STREAM);
	if (c && c->s.fd >= 0) {
		ret = run(c);
		bench_report(o, &c->m.r);
	}
	if (c) {
		stream_end(&c->s);
		free(c->sent_at);
		free(c->out);
		free(c);
	}
	return ret;
}
