// SPDX-License-Identifier: MIT
/*
 * client.c - keeps a window of messages under way and measures each round trip
 *
 * Works in batches: what has come is received before what may be sent is sent, by
 * one call. The clock is read once per batch, before the call that sends and after
 * those that receive, so that no round trip is measured shorter than it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "bench.h"

#define NS_PER_S	1000000000ull
/* How often a waiting client looks at the clock. */
#define TICK_MS		100
#define BATCH_BYTES	65536

struct conn {
	struct bench_flow in;	/* as answers come; first */
	MachnetFlow_t out;	/* as messages go */
	uint64_t seed;
	uint64_t sent, received;
	uint64_t *sent_at;	/* of its messages under way, by number modulo depth */
};

struct client {
	const struct bench_options *o;
	void *ch;
	struct conn *conns;
	uint32_t n_conns, depth;
	struct bench_flows flows;
	/* Who may send next, in a ring: each connection as often as it has room for a message. */
	uint32_t *turns, n_turns, turn_head, turn_tail;
	uint32_t batch;
	uint64_t *sent_at;
	uint8_t *out, *in;
	MachnetIovec_t iov;
	MachnetMsgHdr_t *hdr;
	struct conn **heard;	/* whose answers the batch has brought */
	struct bench_meter m;
	uint64_t next_ns;	/* with --interval: not before */
	bool blocked;		/* the last send was refused for lack of room */
	MachnetFlow_t stuck;	/* with --stuck: to a server that never reads */
};

static int wait_hello(struct client *c, const struct conn *conn)
{
	struct bench_hello back;
	ssize_t n;

	for (int ms = 0; ms < BENCH_STALL_MS && !bench_stop; ms += TICK_MS) {
		n = machnet_recv_timeout(c->ch, &back, sizeof(back), NULL, TICK_MS);
		if (n == sizeof(back) && back.magic == BENCH_MAGIC && back.seed == conn->seed)
			return 0;
		if (n > 0 || (n < 0 && errno == EMSGSIZE))
			return bench_fail(0, "%s port %u is no machnet-bench server", c->o->address,
					  c->o->port);
		if (n < 0 && errno != EINTR)
			return bench_fail(errno, "the server does not take us");
	}
	return bench_stop ? 1 : bench_fail(ETIMEDOUT, "the server does not answer");
}

static int greet(struct client *c, struct conn *conn)
{
	struct bench_hello hello = {
		.magic = BENCH_MAGIC, .flags = c->o->verify ? BENCH_VERIFY : 0,
	};

	if (getrandom(&hello.seed, sizeof(hello.seed), 0) != sizeof(hello.seed))
		return bench_fail(errno, "no random number");
	conn->seed = hello.seed;
	if (machnet_connect(c->ch, NULL, c->o->address, c->o->port, &conn->out))
		return bench_fail(errno, "cannot connect to %s port %u", c->o->address, c->o->port);
	conn->in.flow = bench_flow_reverse(&conn->out);
	if (bench_flows_add(&c->flows, &conn->in))
		return bench_fail(ENOMEM, "cannot connect");
	if (machnet_send(c->ch, conn->out, &hello, sizeof(hello)))
		return bench_fail(errno, "cannot send");
	return wait_hello(c, conn);
}

/* Nothing is expected of it: its server does not even read the first message. */
static int connect_stuck(struct client *c)
{
	if (!machnet_connect(c->ch, NULL, c->o->address, c->o->stuck, &c->stuck))
		return 0;
	return bench_fail(errno, "cannot connect to %s port %u", c->o->address, c->o->stuck);
}

/* As much as it takes. 0 or an exit status. */
static int push_stuck(const struct client *c)
{
	for (uint32_t i = 0; i < c->batch; i++)
		if (machnet_send(c->ch, c->stuck, c->out, c->o->size))
			return errno == EAGAIN ? 0 : bench_fail(errno, "the stuck connection");
	return 0;
}

static void put_turn(struct client *c, const struct conn *conn)
{
	c->turns[c->turn_tail] = conn - c->conns;
	c->turn_tail = c->turn_tail + 1 < c->n_turns ? c->turn_tail + 1 : 0;
}

static struct conn *get_turn(struct client *c)
{
	struct conn *conn = &c->conns[c->turns[c->turn_head]];

	c->turn_head = c->turn_head + 1 < c->n_turns ? c->turn_head + 1 : 0;
	return conn;
}

/* All connections, and the order in which they have their turns. 0 or an exit status. */
static int connect_all(struct client *c)
{
	int ret;

	for (; c->n_conns < c->o->connections; c->n_conns++) {
		c->conns[c->n_conns].sent_at = c->sent_at + (size_t)c->n_conns * c->depth;
		ret = greet(c, &c->conns[c->n_conns]);
		if (ret)
			return ret;
	}
	for (uint32_t i = 0; i < c->n_turns; i++)
		put_turn(c, &c->conns[i % c->n_conns]);
	return c->o->stuck ? connect_stuck(c) : 0;
}

/* Those whose messages were not sent keep their turns. */
static void note_sent(struct client *c, uint32_t n, uint64_t now)
{
	struct conn *conn;

	for (uint32_t i = 0; i < n; i++) {
		conn = get_turn(c);
		conn->sent_at[conn->sent++ % c->depth] = now;
	}
	c->m.r.sent += n;
}

static void prepare(struct client *c, uint32_t n)
{
	uint32_t at = c->turn_head;
	const struct conn *conn;

	for (uint32_t i = 0; i < n; i++) {
		conn = &c->conns[c->turns[at]];
		at = at + 1 < c->n_turns ? at + 1 : 0;
		c->hdr[i].flow_info = conn->out;
		/* Then the batch is one message. */
		if (c->o->verify)
			bench_pattern(conn->seed, conn->sent, c->out, c->o->size);
	}
}

static void wait_interval(struct client *c, uint64_t *now)
{
	struct timespec ts = { c->next_ns / NS_PER_S, c->next_ns % NS_PER_S };

	if (*now < c->next_ns) {
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		*now = bench_now_ns();
	}
	c->next_ns = *now + c->o->interval_us * 1000ull;
}

/* Fills the window. 0 or an exit status. */
static int send_window(struct client *c, uint64_t now)
{
	uint32_t n = bench_meter_room(&c->m, now, c->batch);
	int sent;

	c->blocked = false;
	while (n) {
		if (c->o->interval_us)
			wait_interval(c, &now);
		prepare(c, n);
		sent = machnet_sendmmsg(c->ch, c->hdr, n);
		if (sent > 0) {
			note_sent(c, sent, now);
		} else {
			c->blocked = errno == EAGAIN;
			/* A connection that has ended: the reason is still to be received. */
			if (c->blocked || errno == ENOTCONN)
				return 0;
			return bench_fail(errno, "cannot send");
		}
		n = bench_meter_room(&c->m, now, c->batch);
		if (n)
			now = bench_now_ns();
	}
	return 0;
}

/* An answer in c->in. 0 or an exit status. */
static int check_answer(struct client *c, const struct conn *conn, size_t len)
{
	size_t wrong;

	if (!conn || len != c->o->size || conn->received >= conn->sent) {
		c->m.r.errors++;
		return bench_fail(0, "a message came back with %zu bytes", len);
	}
	if (!c->o->verify)
		return 0;
	wrong = bench_pattern_check(conn->seed, conn->received, c->in, len);
	if (wrong == len)
		return 0;
	c->m.r.errors++;
	return bench_fail(0, "message %llu came back wrong from byte %zu on",
			  (unsigned long long)conn->received, wrong);
}

static void note_heard(struct client *c, uint32_t n, uint64_t now)
{
	struct conn *conn;

	bench_meter_heard(&c->m, now);
	for (uint32_t i = 0; i < n; i++) {
		conn = c->heard[i];
		bench_meter_answer(&c->m, conn->sent_at[conn->received++ % c->depth], now);
		put_turn(c, conn);
	}
}

/* What machnet_recv() failed with. */
static int recv_failed(struct client *c)
{
	if (errno == EMSGSIZE)
		return check_answer(c, NULL, machnet_pending(c->ch));
	return bench_fail(errno, "the connection has ended");
}

/* Takes what is there, at most a batch; waits when there is nothing. 0 or an exit status. */
static int take_answers(struct client *c, uint64_t *now)
{
	int events = MACHNET_WAIT_RECV | (c->blocked ? MACHNET_WAIT_SEND : 0);
	MachnetFlow_t flow;
	uint32_t n = 0;
	ssize_t len = 0;

	while (n < c->batch && (len = machnet_recv(c->ch, c->in, c->o->size, &flow)) > 0) {
		c->heard[n] = (struct conn *)bench_flows_find(&c->flows, &flow);
		if (check_answer(c, c->heard[n], len))
			return 1;
		n++;
	}
	if (len < 0)
		return recv_failed(c);
	if (!n && machnet_wait(c->ch, events, TICK_MS) < 0 && errno != EINTR)
		return bench_fail(errno, "cannot wait");
	*now = bench_now_ns();
	if (n)
		note_heard(c, n, *now);
	return 0;
}

static int run(struct client *c)
{
	uint64_t now;
	int ret = 0;

	bench_meter_start(&c->m, c->o);
	now = c->m.start_ns;
	while (!ret) {
		if (c->o->stuck)
			ret = push_stuck(c);
		if (!ret)
			ret = send_window(c, now);
		if (ret || bench_meter_done(&c->m, now))
			break;
		ret = take_answers(c, &now);
		if (!ret)
			ret = bench_meter_tick(&c->m, now);
	}
	bench_meter_end(&c->m);
	return ret;
}

static bool allocate(struct client *c)
{
	const struct bench_options *o = c->o;

	c->depth = (o->window + o->connections - 1) / o->connections;
	c->n_turns = o->connections * c->depth;
	c->batch = o->verify ? 1 : bench_batch(o, BATCH_BYTES);
	c->conns = calloc(o->connections, sizeof(*c->conns));
	c->turns = calloc(c->n_turns, sizeof(*c->turns));
	c->sent_at = calloc(c->n_turns, sizeof(*c->sent_at));
	c->out = calloc(1, o->size);
	c->in = malloc(o->size);
	c->hdr = calloc(c->batch, sizeof(*c->hdr));
	c->heard = calloc(c->batch, sizeof(*c->heard));
	if (!c->conns || !c->turns || !c->sent_at || !c->out || !c->in || !c->hdr || !c->heard)
		return false;
	c->iov = (MachnetIovec_t){ c->out, o->size };
	for (uint32_t i = 0; i < c->batch; i++)
		c->hdr[i] = (MachnetMsgHdr_t){
			.msg_size = o->size, .msg_iov = &c->iov, .msg_iovlen = 1,
		};
	return true;
}

static void release(struct client *c)
{
	for (uint32_t i = 0; i < c->n_conns; i++)
		machnet_close(c->ch, c->conns[i].out);
	machnet_detach(c->ch);
	bench_flows_free(&c->flows, NULL);
	free(c->heard);
	free(c->hdr);
	free(c->in);
	free(c->out);
	free(c->sent_at);
	free(c->turns);
	free(c->conns);
	free(c);
}

int bench_client(const struct bench_options *o)
{
	struct client *c = calloc(1, sizeof(*c));
	int ret = 1;

	if (!c)
		return bench_fail(ENOMEM, "cannot start");
	c->o = o;
	if (!allocate(c))
		bench_fail(ENOMEM, "cannot start");
	else if ((c->ch = bench_attach()))
		ret = connect_all(c);
	if (!ret) {
		ret = run(c);
		bench_report(o, &c->m.r);
	}
	release(c);
	return ret;
}
