// SPDX-License-Identifier: MIT
/*
 * leaver - programs that leave right after sending, and the ones that they send to
 *
 *   leaver sink PORT CONNECTIONS            receives until so many connections have ended
 *   leaver send ADDRESS PORT SIZE COUNT HOW connects, sends, and leaves by close, detach,
 *                                           close-detach or exit
 *   leaver serve PORT                       answers the first message with ten, and exits at once
 *   leaver fill PORT                        the same on SIGUSR1, with as many as find room
 *   leaver ask ADDRESS PORT SIZE            sends ten messages, receives ten answers, then the end
 *
 * Each message begins with its number and the number of all.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <machnet.h>
#include "lib/ends.h"

#define PEERS_MAX	256
#define TIMEOUT_MS	30000
#define FULL_MS		2000
#define ASKED		10

struct head {
	uint32_t number, of;
};

struct peer {
	MachnetFlow_t flow;
	uint32_t received, of;
};

static struct peer peers[PEERS_MAX];
static int n_peers;
static char buf[MACHNET_MSG_MAX_LEN];

static int fail(const char *what)
{
	fprintf(stderr, "leaver: %s: %s\n", what, strerror(errno));
	return 1;
}

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static struct peer *peer_of(const MachnetFlow_t *flow)
{
	for (int i = 0; i < n_peers; i++)
		if (!memcmp(&peers[i].flow, flow, sizeof(*flow)))
			return &peers[i];
	if (n_peers == PEERS_MAX)
		abort();
	peers[n_peers].flow = *flow;
	return &peers[n_peers++];
}

/* The connection may end in order only, and after its last message. */
static int take_end(const MachnetFlow_t *flow, int error)
{
	const struct peer *p = peer_of(flow);

	if (error == ESHUTDOWN && p->received == p->of)
		return 0;
	printf("%u of %u messages, then: %s\n", p->received, p->of, strerror(error));
	return 1;
}

static int take_message(const MachnetFlow_t *flow, ssize_t n)
{
	struct peer *p = peer_of(flow);
	struct head h;

	memcpy(&h, buf, sizeof(h));
	if (n < (ssize_t)sizeof(h) || h.number != p->received) {
		printf("message %u instead of %u\n", h.number, p->received);
		return 1;
	}
	p->received++;
	p->of = h.of;
	return 0;
}

static int sink(void *ch, uint16_t port, int connections)
{
	MachnetFlow_t from;
	int wrong = 0;

	if (machnet_listen(ch, NULL, port))
		return fail("listen");
	say("listening");
	while (connections) {
		ssize_t n = machnet_recv_timeout(ch, buf, sizeof(buf), &from, TIMEOUT_MS);

		if (n > 0) {
			wrong += take_message(&from, n);
		} else if (!n) {
			printf("%d connections have not ended\n", connections);
			return 1;
		} else {
			wrong += take_end(&from, errno);
			connections--;
		}
	}
	return wrong != 0;
}

static int send_all(void *ch, MachnetFlow_t flow, size_t size, uint32_t count)
{
	struct head h = { .of = count };

	while (h.number < count) {
		memcpy(buf, &h, sizeof(h));
		if (!machnet_send(ch, flow, buf, size))
			h.number++;
		else if (errno != EAGAIN || machnet_wait(ch, MACHNET_WAIT_SEND, TIMEOUT_MS) <= 0)
			return fail("send");
	}
	return 0;
}

/* Until the peer takes no more: each message may be the last. */
static int send_until_full(void *ch, MachnetFlow_t flow, size_t size)
{
	struct head h = { .of = 1 };

	for (;;) {
		memcpy(buf, &h, sizeof(h));
		if (!machnet_send(ch, flow, buf, size)) {
			h.number++;
			h.of++;
		} else if (errno != EAGAIN) {
			return fail("send");
		} else if (machnet_wait(ch, MACHNET_WAIT_SEND, FULL_MS) <= 0) {
			return 0;
		}
	}
}

static int send_and_leave(void *ch, char **argv)
{
	const char *how = argv[4];
	MachnetFlow_t flow;

	if (machnet_connect(ch, NULL, argv[0], atoi(argv[1]), &flow))
		return fail("connect");
	if (send_all(ch, flow, strtoul(argv[2], NULL, 10), atoi(argv[3])))
		return 1;
	if (strstr(how, "close") && machnet_close(ch, flow))
		return fail("close");
	if (strstr(how, "detach"))
		machnet_detach(ch);
	return 0;
}

static void wait_for_usr1(void)
{
	sigset_t usr1;
	int signal;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	say("asked");
	sigwait(&usr1, &signal);
}

static int serve(void *ch, uint16_t port, bool fill)
{
	MachnetFlow_t from, to;
	ssize_t n;

	if (machnet_listen(ch, NULL, port))
		return fail("listen");
	say("listening");
	n = machnet_recv_timeout(ch, buf, sizeof(buf), &from, TIMEOUT_MS);
	if (n <= 0)
		return fail("receive");
	to = (MachnetFlow_t){ from.dst_ip, from.src_ip, from.dst_port, from.src_port };
	if (!fill)
		return send_all(ch, to, n, ASKED);
	wait_for_usr1();
	return send_until_full(ch, to, n);
}

static int ask(void *ch, char **argv)
{
	MachnetFlow_t flow, from;
	int wrong = 0;
	ssize_t n;

	if (machnet_connect(ch, NULL, argv[0], atoi(argv[1]), &flow))
		return fail("connect");
	if (send_all(ch, flow, strtoul(argv[2], NULL, 10), ASKED))
		return 1;
	while ((n = machnet_recv_timeout(ch, buf, sizeof(buf), &from, TIMEOUT_MS)) > 0)
		wrong += take_message(&from, n);
	return n ? take_end(&from, errno) || wrong : fail("no end");
}

int main(int argc, char **argv)
{
	void *ch = machnet_attach_ends();

	if (!ch)
		return fail("attach");
	if (argc == 4 && !strcmp(argv[1], "sink"))
		return sink(ch, atoi(argv[2]), atoi(argv[3]));
	if (argc == 7 && !strcmp(argv[1], "send"))
		return send_and_leave(ch, argv + 2);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(ch, atoi(argv[2]), false);
	if (argc == 3 && !strcmp(argv[1], "fill"))
		return serve(ch, atoi(argv[2]), true);
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(ch, argv + 2);
	fprintf(stderr, "leaver: usage\n");
	return 2;
}
