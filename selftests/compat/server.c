/* SPDX-License-Identifier: MIT */
/*
 * server.c ADDRESS PORT - a server as programs for Microsoft's Machnet have them
 *
 * It answers each message with the same bytes. machnet_recv() below 0 ends it, and an
 * answer is sent until it is accepted: so they do. "quiet" is not answered before another
 * client says "now", and "long" with more than a client's buffer holds.
 */
#include <machnet.h>

static char buf[1024];

static int fail(const char *what)
{
	fprintf(stderr, "server: %s failed\n", what);
	return 1;
}

static MachnetFlow_t answer_to(const MachnetFlow_t *from)
{
	MachnetFlow_t flow;

	flow.src_ip = from->dst_ip;
	flow.dst_ip = from->src_ip;
	flow.src_port = from->dst_port;
	flow.dst_port = from->src_port;
	return flow;
}

static void answer(void *channel, MachnetFlow_t flow, size_t len)
{
	static char out[4096];

	memcpy(out, buf, sizeof(buf));
	while (machnet_send(channel, flow, out, len) != 0)
		;
}

static bool is(const char *text, ssize_t len)
{
	return (size_t)len == strlen(text) && !memcmp(buf, text, strlen(text));
}

int main(int argc, char **argv)
{
	MachnetFlow_t from, quiet = { 0, 0, 0, 0 };
	void *channel;
	ssize_t len;

	if (argc != 3 || machnet_init() != 0)
		return fail("machnet_init()");
	channel = machnet_attach();
	if (!channel || machnet_listen(channel, argv[1], (uint16_t)atoi(argv[2])) != 0)
		return fail("machnet_listen()");
	printf("listening\n");
	fflush(stdout);
	for (;;) {
		len = machnet_recv(channel, buf, sizeof(buf), &from);
		if (len < 0)
			return fail("machnet_recv()");
		if (len == 0) {
			usleep(100);
			continue;
		}
		if (is("quiet", len)) {
			quiet = answer_to(&from);
			continue;
		}
		if (is("now", len))
			answer(channel, quiet, 5);
		answer(channel, answer_to(&from), is("long", len) ? 4096 : (size_t)len);
	}
}
