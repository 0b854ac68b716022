// SPDX-License-Identifier: MIT
/* echo_epoll - returns messages from an event loop that has other things to do as well */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <machnet.h>

#define PORT 31582
/* Bytes of answers that are kept for a client that does not read; then it is closed. */
#define BACKLOG (64 * 1024 * 1024)

/* Ends of connections are received; of no header until the handle interface is there. */
void *machnet_attach_ends(void);

static char buf[MACHNET_MSG_MAX_LEN];

struct answer {
	struct answer *next;
	size_t len;
	char data[];
};

/* A client whose answers found no room. Room belongs to the connection: others are served. */
struct client {
	struct client *next;
	MachnetFlow_t flow;	/* for sending */
	struct answer *first, **last;
	size_t bytes;
};

static struct client *clients;

static int fail(const char *what)
{
	return fprintf(stderr, "echo_epoll: %s: %s\n", what, strerror(errno)), 1;
}

static int no_daemon(void)
{
	const char *path = getenv("MACHNET_SOCKET");

	return fprintf(stderr,
		       "echo_epoll: no machnetd at %s: %s (MACHNET_SOCKET names another socket; "
		       "to start one: machnetd -i IFNAME, or systemctl start machnetd@IFNAME)\n",
		       path && *path ? path : "/run/machnet/machnetd.sock", strerror(errno)), 1;
}

static struct client **find(const MachnetFlow_t *flow)
{
	struct client **c = &clients;

	while (*c && memcmp(&(*c)->flow, flow, sizeof(*flow)))
		c = &(*c)->next;
	return c;
}

static void forget(struct client **at)
{
	struct client *c = *at;
	struct answer *a;

	while ((a = c->first)) {
		c->first = a->next;
		free(a);
	}
	*at = c->next;
	free(c);
}

/* Appends an answer to those that the client has still to get. */
static int keep(struct client **at, MachnetFlow_t flow, size_t len)
{
	struct answer *a = malloc(sizeof(*a) + len);

	if (a && !*at && (*at = calloc(1, sizeof(**at)))) {
		(*at)->flow = flow;
		(*at)->last = &(*at)->first;
	}
	if (!a || !*at) {
		free(a);
		return -1;
	}
	a->next = NULL;
	a->len = len;
	memcpy(a->data, buf, len);
	*(*at)->last = a;
	(*at)->last = &a->next;
	(*at)->bytes += len;
	return 0;
}

static void answer(void *ch, MachnetFlow_t flow, size_t len)
{
	struct client **at = find(&flow);

	if (!*at && (!machnet_send(ch, flow, buf, len) || errno != EAGAIN))
		return;		/* sent, or the client is gone */
	if ((!*at || (*at)->bytes < BACKLOG) && !keep(at, flow, len))
		return;
	machnet_close(ch, flow);
	if (*at)
		forget(at);
}

/* Sends what was kept, as far as there is room now. */
static void send_kept(void *ch)
{
	struct client **at = &clients;

	while (*at) {
		struct client *c = *at;
		struct answer *a = c->first;

		if (machnet_send(ch, c->flow, a->data, a->len) && errno == EAGAIN) {
			at = &c->next;
			continue;
		}
		c->first = a->next;
		c->bytes -= a->len;
		free(a);
		if (!c->first)
			forget(at);
	}
}

/* The rule of machnet_fd(): try again what was refused, and receive until nothing is left. */
static int serve(void *ch)
{
	MachnetFlow_t from, to;
	struct client **at;
	ssize_t n;

	send_kept(ch);
	while ((n = machnet_recv(ch, buf, sizeof(buf), &from))) {
		if (n < 0 && (errno == EPROTO || !from.src_port))
			return fail("receive");	/* our port is lost */
		to.src_ip = from.dst_ip;
		to.dst_ip = from.src_ip;
		to.src_port = from.dst_port;
		to.dst_port = from.src_port;
		at = find(&to);
		if (n > 0)
			answer(ch, to, n);
		else if (*at)
			forget(at);	/* its connection has ended; errno says how */
	}
	return 0;
}

static int watch(int epfd, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
}

int main(void)
{
	void *ch = machnet_attach_ends();
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev;
	sigset_t signals;
	int sigfd, ret = 0;

	if (!ch)
		return no_daemon();
	if (machnet_listen(ch, NULL, PORT))
		return fail("listen");
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigfd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (watch(epfd, sigfd) || watch(epfd, machnet_fd(ch)))
		return fail("epoll");
	puts("listening");
	fflush(stdout);
	while (!ret && epoll_wait(epfd, &ev, 1, -1) == 1 && ev.data.fd != sigfd)
		ret = serve(ch);
	machnet_detach(ch);
	return ret;
}
