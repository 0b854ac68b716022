// SPDX-License-Identifier: MIT
/*
 * bench-stack - what messages and connections cost the transport, without a device
 *
 * Stacks in one thread hand each other their packets; the clock is virtual (world.h). Each
 * measurement prints one line of JSON.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const struct {
	const char *name;
	int (*run)(void);
	const char *help;
} measurements[] = {
	{ "cost", bench_cost, "a message, with 32, 1,000, 100,000 connections" },
	{ "exchange", bench_exchange, "requests and answers; connections for one of them" },
	{ "idle", bench_idle, "a million connections that do nothing" },
	{ "ring", bench_ring, "16 and 64 peers with 1,000 connections each into 256 descriptors" },
	{ "holes", bench_holes, "64 ranges of lost packets in one window" },
	{ "first", bench_first, "the first answer over a new connection; with early data" },
};

#define N	(sizeof(measurements) / sizeof(*measurements))

static int usage(FILE *out, int status)
{
	fputs("Usage: bench-stack [MEASUREMENT...]\n", out);
	for (size_t i = 0; i < N; i++)
		fprintf(out, "  %-10s %s%s\n", measurements[i].name, measurements[i].help,
			i ? "" : " (default)");
	return status;
}

static int run(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (!strcmp(name, measurements[i].name))
			return measurements[i].run();
	fprintf(stderr, "bench-stack: no such measurement: %s\n", name);
	return usage(stderr, 2);
}

int main(int argc, char **argv)
{
	int status = argc > 1 ? 0 : run(measurements[0].name);

	for (int i = 1; i < argc && !status; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			return usage(stdout, 0);
		status = run(argv[i]);
		fflush(stdout);
	}
	return status;
}
