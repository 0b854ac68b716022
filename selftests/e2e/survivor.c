// SPDX-License-Identifier: MIT
/*
 * survivor ADDRESS PORT N - opens N connections and waits for their ends
 *
 * Prints "connected"; then, when all have ended, a line for each errno: its name, how many ended
 * with it, and the milliseconds between the first and the last of them. Fails when an end comes
 * twice, or anything else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <machnet.h>
#include "lib/ends.h"

#define ERRORS		256
/* Of no end at all. */
#define WAIT_MS		60000

struct tally {
	unsigned long n;
	double first_ms, last_ms;
};

static int fail(const char *what)
{
	fprintf(stderr, "survivor: %s: %s\n", what, strerror(errno));
	return 1;
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* By the port here: the addresses and the peer's port are the same for all. */
static int take_end(unsigned char *open, struct tally *t, int error, const MachnetFlow_t *flow)
{
	double now = now_ms();

	if (!open[flow->dst_port] || error >= ERRORS)
		return fail("an end of no connection");
	open[flow->dst_port] = 0;
	t += error;
	if (!t->n++)
		t->first_ms = now;
	t->last_ms = now;
	return 0;
}

static int wait_ends(void *ch, unsigned char *open, struct tally *t, unsigned long n)
{
	MachnetFlow_t flow;
	char buf[64];
	ssize_t len;

	while (n) {
		len = machnet_recv_timeout(ch, buf, sizeof(buf), &flow, WAIT_MS);
		if (len >= 0)
			return fail(len ? "a message" : "no end");
		if (errno == EINTR)
			continue;
		if (take_end(open, t, errno, &flow))
			return 1;
		n--;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static unsigned char open[65536];
	static struct tally tally[ERRORS];
	void *ch = machnet_attach_ends();
	MachnetFlow_t flow;
	unsigned long n;

	if (argc != 4 || !ch)
		return fail("usage: survivor ADDRESS PORT N");
	n = strtoul(argv[3], NULL, 10);
	for (unsigned long i = 0; i < n; i++) {
		if (machnet_connect(ch, NULL, argv[1], atoi(argv[2]), &flow))
			return fail("connect");
		open[flow.src_port] = 1;
	}
	puts("connected");
	fflush(stdout);
	if (wait_ends(ch, open, tally, n))
		return 1;
	for (int i = 0; i < ERRORS; i++)
		if (tally[i].n)
			printf("%s %lu %.0f\n", strerrorname_np(i), tally[i].n,
			       tally[i].last_ms - tally[i].first_ms);
	return 0;
}
