// SPDX-License-Identifier: MIT
/* deaf ADDRESS PORT SIZE BYTES - sends messages of SIZE, BYTES in all, never receives, and stays */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <machnet.h>

static char buf[MACHNET_MSG_MAX_LEN];

static int fail(const char *what)
{
	fprintf(stderr, "deaf: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	void *ch = machnet_attach();
	unsigned long sent = 0, bytes;
	MachnetFlow_t flow;
	size_t len;

	if (argc != 5 || !ch)
		return fail("usage: deaf ADDRESS PORT SIZE BYTES");
	len = strtoul(argv[3], NULL, 10);
	bytes = strtoul(argv[4], NULL, 10);
	if (machnet_connect(ch, NULL, argv[1], atoi(argv[2]), &flow))
		return fail("connect");
	while (sent < bytes) {
		if (!machnet_send(ch, flow, buf, len))
			sent += len;
		else if (errno != EAGAIN || machnet_wait(ch, MACHNET_WAIT_SEND, -1) < 0)
			return fail("send");
	}
	puts("sent");
	fflush(stdout);
	pause();
	return 0;
}
