/* SPDX-License-Identifier: MIT */
/*
 * client.c LOCAL REMOTE PORT TEXT... - a client as programs for Microsoft's Machnet have them
 *
 * Sends each text and prints the answer to it: its first bytes, or "failed" when
 * machnet_recv() says so. There is none to "quiet". It leaves without a word.
 */
#include <machnet.h>

static char buf[1024];

static int fail(const char *what)
{
	fprintf(stderr, "client: %s failed\n", what);
	return 1;
}

/* As they wait: for some seconds at most. */
static ssize_t receive(void *channel)
{
	MachnetFlow_t from;
	ssize_t len = 0;
	int i;

	for (i = 0; i < 100000 && len == 0; i++) {
		len = machnet_recv(channel, buf, sizeof(buf), &from);
		if (len == 0)
			usleep(100);
	}
	return len;
}

int main(int argc, char **argv)
{
	MachnetFlow_t flow;
	void *channel;
	ssize_t len;
	int i;

	if (argc < 5 || machnet_init() != 0)
		return fail("machnet_init()");
	channel = machnet_attach();
	if (!channel ||
	    machnet_connect(channel, argv[1], argv[2], (uint16_t)atoi(argv[3]), &flow) != 0)
		return fail("machnet_connect()");
	for (i = 4; i < argc; i++) {
		if (machnet_send(channel, flow, argv[i], strlen(argv[i])) != 0)
			return fail("machnet_send()");
		if (!strcmp(argv[i], "quiet"))
			continue;
		len = receive(channel);
		if (len == 0)
			return fail("waiting");
		if (len > 0)
			printf("answer: %.*s\n", (int)len, buf);
		else
			printf("failed\n");
	}
	return 0;
}
