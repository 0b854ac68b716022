// SPDX-License-Identifier: MIT
/* hello - "hello listen" on one machine, then "hello 10.0.0.2 'good morning'" on another */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <machnet.h>

#define PORT 31581

/* Ends of connections are received; of no header until the handle interface is there. */
void *machnet_attach_ends(void);

static char buf[MACHNET_MSG_MAX_LEN];	/* so that no message is too long for it */
static MachnetFlow_t flow, from;	/* a connection; from: as the sender sees it */
static ssize_t n;

static int fail(const char *what)
{
	return fprintf(stderr, "hello: %s: %s\n", what, strerror(errno)), 1;
}

static int no_daemon(void)
{
	const char *path = getenv("MACHNET_SOCKET");

	return fprintf(stderr, "hello: no machnetd at %s: %s (MACHNET_SOCKET names another socket;"
		       " to start one: machnetd -i IFNAME, or systemctl start machnetd@IFNAME)\n",
		       path && *path ? path : "/run/machnet/machnetd.sock", strerror(errno)), 1;
}

static int serve(void *ch)
{
	if (machnet_listen(ch, NULL, PORT))
		return fail("listen");
	for (puts("listening"); !fflush(stdout); ) {
		n = machnet_recv_timeout(ch, buf, sizeof(buf), &from, -1);
		if (n < 0 && (errno == EPROTO || !from.src_port))
			return fail("receive");		/* the port is lost; else one client is */
		if (n <= 0)
			continue;
		printf("got: %.*s\n", (int)n, buf);
		/* An answer goes the way back: source and destination swapped. */
		flow = (MachnetFlow_t){ from.dst_ip, from.src_ip, from.dst_port, from.src_port };
		machnet_send(ch, flow, buf, n);
	}
	return fail("print");
}

int main(int argc, char **argv)
{
	int listens = argc == 2 && !strcmp(argv[1], "listen");
	void *ch;

	if (!listens && argc != 3)
		return fprintf(stderr, "usage: hello listen | hello ADDRESS TEXT\n"), 2;
	ch = machnet_attach_ends();	/* to machnetd; the rest happens on this channel */
	if (!ch || listens)
		return ch ? serve(ch) : no_daemon();
	if (machnet_connect(ch, NULL, argv[1], PORT, &flow) ||
	    machnet_send(ch, flow, argv[2], strlen(argv[2])))
		return fail(argv[1]);
	n = machnet_recv_timeout(ch, buf, sizeof(buf), &from, 5000);
	if (n <= 0)
		return errno = n ? errno : ETIMEDOUT, fail("no answer");
	printf("answer: %.*s\n", (int)n, buf);
	machnet_close(ch, flow);	/* in order: the server is told ESHUTDOWN */
	machnet_detach(ch);
	return 0;
}
