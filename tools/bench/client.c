// SPDX-License-Identifier: MIT
/* client.c - keeps a window of messages under way and measures each round trip */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "bench.h"

#define NS_PER_S	1000000000ull
#define PROGRESS_NS	NS_PER_S
/* How often a waiting client looks at the clock. */
#define TICK_MS		100

struct client {
	const struct bench_options *o;
	void *ch;
	MachnetFlow_t flow;
	uint64_t seed;
	uint8_t *out, *in;
	uint64_t *sent_at;	/* by sequence number modulo window */
	struct bench_result r;
	uint64_t start_ns, last_ns;	/* first message out, last message in */
	uint64_t progress_ns, progress_received;
	uint64_t pause_ns;		/* the longest since the last progress */
	bool blocked;		/* the last send was refused for lack of room */
};

static int wait_hello(struct client *c)
{
	struct bench_hello back;
	ssize_t n;

	for (int ms = 0; ms < BENCH_STALL_MS && !bench_stop; ms += TICK_MS) {
		n = machnet_recv_timeout(c->ch, &back, sizeof(back), NULL, TICK_MS);
		if (n == sizeof(back) && back.magic == BENCH_MAGIC && back.seed == c->seed)
			return 0;
		if (n > 0 || (n < 0 && errno == EMSGSIZE))
			return bench_fail(0, "%s port %u is no machnet-bench server", c->o->address,
					  c->o->port);
		if (n < 0 && errno != EINTR)
			return bench_fail(errno, "the server does not take us");
	}
	return bench_stop ? 1 : bench_fail(ETIMEDOUT, "the server does not answer");
}

static int greet(struct client *c)
{
	struct bench_hello hello = {
		.magic = BENCH_MAGIC, .flags = c->o->verify ? BENCH_VERIFY : 0,
	};

	if (getrandom(&hello.seed, sizeof(hello.seed), 0) != sizeof(hello.seed))
		return bench_fail(errno, "no random number");
	c->seed = hello.seed;
	if (machnet_connect(c->ch, NULL, c->o->address, c->o->port, &c->flow))
		return bench_fail(errno, "cannot connect to %s port %u", c->o->address, c->o->port);
	if (machnet_send(c->ch, c->flow, &hello, sizeof(hello)))
		return bench_fail(errno, "cannot send");
	return wait_hello(c);
}

/* Sends no more: as many or as long as was asked for, or a signal. */
static bool sent_all(const struct client *c, uint64_t now)
{
	const struct bench_options *o = c->o;

	return bench_stop || (o->count && c->r.sent >= o->count) ||
	       (o->seconds && now - c->start_ns >= o->seconds * NS_PER_S);
}

/* Fills the window. 0 or an exit status. */
static int send_window(struct client *c)
{
	uint64_t now = bench_now_ns();

	c->blocked = false;
	while (c->r.sent - c->r.received < c->o->window && !sent_all(c, now)) {
		if (c->o->verify)
			bench_pattern(c->seed, c->r.sent, c->out, c->o->size);
		now = bench_now_ns();
		if (machnet_send(c->ch, c->flow, c->out, c->o->size)) {
			c->blocked = errno == EAGAIN;
			/* A connection that has ended: the reason is still to be received. */
			if (c->blocked || errno == ENOTCONN)
				return 0;
			return bench_fail(errno, "cannot send");
		}
		c->sent_at[c->r.sent++ % c->o->window] = now;
	}
	return 0;
}

/* Keeps the longest time without an answer; an answer may have come after now was read. */
static void keep_pause(uint64_t *longest_ns, uint64_t last_ns, uint64_t now)
{
	if (now > last_ns && now - last_ns > *longest_ns)
		*longest_ns = now - last_ns;
}

static int take_answer(struct client *c, size_t len)
{
	uint64_t seq = c->r.received, now = bench_now_ns();
	size_t wrong;

	keep_pause(&c->pause_ns, c->last_ns, now);
	keep_pause(&c->r.pause_ns, c->last_ns, now);
	c->last_ns = now;
	if (len != c->o->size || seq >= c->r.sent) {
		c->r.errors++;
		return bench_fail(0, "message %llu came back with %zu bytes",
				  (unsigned long long)seq, len);
	}
	bench_hist_add(&c->r.latency_ns, c->last_ns - c->sent_at[seq % c->o->window]);
	c->r.received++;
	if (!c->o->verify)
		return 0;
	wrong = bench_pattern_check(c->seed, seq, c->in, len);
	if (wrong == len)
		return 0;
	c->r.errors++;
	return bench_fail(0, "message %llu came back wrong from byte %zu on",
			  (unsigned long long)seq, wrong);
}

/* Takes what is there; waits first when nothing is. 0 or an exit status. */
static int take_answers(struct client *c)
{
	int events = MACHNET_WAIT_RECV | (c->blocked ? MACHNET_WAIT_SEND : 0);
	uint64_t before = c->r.received;
	ssize_t n;
	int ret;

	while ((n = machnet_recv(c->ch, c->in, c->o->size, NULL)) > 0) {
		ret = take_answer(c, n);
		if (ret)
			return ret;
		/* What is sent at once keeps the window full. */
		if (c->o->window == 1)
			return 0;
	}
	if (n < 0 && errno == EMSGSIZE)
		return take_answer(c, machnet_pending(c->ch));
	if (n < 0)
		return bench_fail(errno, "the connection has ended");
	if (c->r.received != before)
		return 0;
	if (machnet_wait(c->ch, events, TICK_MS) < 0 && errno != EINTR)
		return bench_fail(errno, "cannot wait");
	return 0;
}

static void progress(struct client *c, uint64_t now)
{
	if (now - c->progress_ns < PROGRESS_NS)
		return;
	/* One that has not ended yet counts. */
	keep_pause(&c->pause_ns, c->last_ns, now);
	bench_progress(c->o, &c->r, (double)(now - c->start_ns) / NS_PER_S,
		       c->r.received - c->progress_received,
		       (double)(now - c->progress_ns) / NS_PER_S, c->pause_ns);
	c->pause_ns = 0;
	c->progress_ns = now;
	c->progress_received = c->r.received;
}

static int run(struct client *c)
{
	uint64_t now = bench_now_ns();
	int ret = 0;

	c->start_ns = c->last_ns = c->progress_ns = now;
	while (!ret) {
		ret = send_window(c);
		now = bench_now_ns();
		if (ret || (sent_all(c, now) && c->r.received == c->r.sent))
			break;
		ret = take_answers(c);
		progress(c, now);
		if (now > c->last_ns && now - c->last_ns > BENCH_STALL_MS * 1000000ull)
			ret = bench_fail(ETIMEDOUT, "no answer for %d s, %llu messages under way",
					 BENCH_STALL_MS / 1000,
					 (unsigned long long)(c->r.sent - c->r.received));
	}
	bench_progress_end();
	c->r.seconds = (double)(c->last_ns - c->start_ns) / NS_PER_S;
	return ret;
}

int bench_client(const struct bench_options *o)
{
	struct client *c = calloc(1, sizeof(*c));
	int ret = 1;

	if (!c)
		return bench_fail(ENOMEM, "cannot start");
	c->o = o;
	c->out = calloc(1, o->size);
	c->in = malloc(o->size);
	c->sent_at = calloc(o->window, sizeof(*c->sent_at));
	if (!c->out || !c->in || !c->sent_at)
		bench_fail(ENOMEM, "cannot start");
	else if ((c->ch = bench_attach()))
		ret = greet(c);
	if (!ret) {
		ret = run(c);
		bench_report(o, &c->r);
		machnet_close(c->ch, c->flow);
	}
	machnet_detach(c->ch);
	free(c->sent_at);
	free(c->in);
	free(c->out);
	free(c);
	return ret;
}
