// SPDX-License-Identifier: MIT
/* connects.c - what a program waits for before its first message */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"

/* Nobody listens to messages on the port of the discard service. */
#define REFUSED_PORT	9
#define PORTS_TRIED	1000
/*
 * First replies are so short that as many as the rest would show how the four processes learn how
 * long to spin for them, which takes some hundred.
 */
#define REPLIES		10u

/* Listens on a free port from first on. 0 or an exit status. */
static int time_listen(void *ch, uint16_t first, struct bench_hist *h)
{
	uint64_t start;

	for (uint32_t i = 0; i < PORTS_TRIED; i++) {
		start = bench_now_ns();
		if (!machnet_listen(ch, NULL, first + i ? first + i : 1)) {
			bench_hist_add(h, bench_now_ns() - start);
			return 0;
		}
		if (errno != EADDRINUSE)
			return bench_fail(errno, "cannot listen on port %u", (uint16_t)(first + i));
	}
	return bench_fail(EADDRINUSE, "no free port from %u on", first);
}

static int time_connect(const struct bench_options *o, void *ch, struct bench_hist *h)
{
	uint64_t start = bench_now_ns();
	MachnetFlow_t flow;

	if (machnet_connect(ch, NULL, o->address, o->port, &flow))
		return bench_fail(errno, "cannot connect to %s port %u", o->address, o->port);
	bench_hist_add(h, bench_now_ns() - start);
	return machnet_close(ch, flow) ? bench_fail(errno, "cannot close") : 0;
}

static int time_refused(const struct bench_options *o, void *ch, struct bench_hist *h)
{
	uint64_t start = bench_now_ns();
	MachnetFlow_t flow;

	if (!machnet_connect(ch, NULL, o->address, REFUSED_PORT, &flow))
		return bench_fail(0, "%s port %u takes connections", o->address, REFUSED_PORT);
	if (errno != ECONNREFUSED)
		return bench_fail(errno, "%s port %u did not refuse", o->address, REFUSED_PORT);
	bench_hist_add(h, bench_now_ns() - start);
	return 0;
}

/* From the call that connects to the answer to the first message. */
static int time_reply(const struct bench_options *o, void *ch, struct bench_hist *h)
{
	struct bench_hello hello = { .magic = BENCH_MAGIC, .flags = BENCH_VERIFY }, back;
	uint64_t start = bench_now_ns();
	MachnetFlow_t flow;
	ssize_t n;

	if (machnet_connect(ch, NULL, o->address, o->port, &flow))
		return bench_fail(errno, "cannot connect to %s port %u", o->address, o->port);
	if (machnet_send(ch, flow, &hello, sizeof(hello)))
		return bench_fail(errno, "cannot send");
	n = machnet_recv_timeout(ch, &back, sizeof(back), NULL, BENCH_STALL_MS);
	if (n < 0)
		return bench_fail(errno, "the server does not take us");
	if (n != sizeof(back) || back.magic != BENCH_MAGIC)
		return bench_fail(n ? 0 : ETIMEDOUT, "the server does not answer");
	bench_hist_add(h, bench_now_ns() - start);
	return machnet_close(ch, flow) ? bench_fail(errno, "cannot close") : 0;
}

/* On one channel, one after the other: the path to the server is there. */
static int replies(const struct bench_options *o, struct bench_hist *h)
{
	void *ch = bench_attach();
	int ret = 0;

	if (!ch)
		return 1;
	for (uint32_t i = 0; i < REPLIES * o->connects && !ret && !bench_stop; i++)
		ret = time_reply(o, ch, h);
	machnet_detach(ch);
	return ret;
}

static int one_round(const struct bench_options *o, struct bench_hist *step)
{
	uint64_t start = bench_now_ns();
	void *ch = bench_attach();
	int ret;

	if (!ch)
		return 1;
	bench_hist_add(&step[BENCH_ATTACH], bench_now_ns() - start);
	ret = time_listen(ch, o->port + 1, &step[BENCH_LISTEN]);
	if (!ret)
		ret = time_connect(o, ch, &step[BENCH_CONNECT]);
	if (!ret)
		ret = time_refused(o, ch, &step[BENCH_REFUSED]);
	machnet_detach(ch);
	return ret;
}

int bench_connects(const struct bench_options *o)
{
	struct bench_hist *step = calloc(BENCH_STEPS, sizeof(*step));
	int ret = 0;

	if (!step)
		return bench_fail(ENOMEM, "cannot start");
	for (uint32_t i = 0; i < o->connects && !ret && !bench_stop; i++)
		ret = one_round(o, step);
	if (!ret)
		ret = replies(o, &step[BENCH_REPLY]);
	if (!ret)
		bench_report_connect(o, step);
	free(step);
	return ret;
}
