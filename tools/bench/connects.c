// SPDX-License-Identifier: MIT
/* connects.c - what a program waits for before its first message */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"

/* Nobody listens to messages on the port of the discard service. */
#define REFUSED_PORT	9
#define PORTS_TRIED	1000

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
		bench_report_connect(o, step);
	free(step);
	return ret;
}
