// SPDX-License-Identifier: MIT
/* echo_epoll - returns messages from an event loop that has other things to do as well */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <machnet/machnet.h>

#define PORT 31582

static char buf[MACHNET_MSG_MAX_LEN];

/* An answer that found no room, and where it goes; len 0: there is none. */
static struct {
	MachnetFlow_t flow;
	ssize_t len;
} waiting;

static int fail(const char *what)
{
	return fprintf(stderr, "echo_epoll: %s: %s\n", what, strerror(errno)), 1;
}

/* False while there is no room: epoll tells when to try again. */
static int answer(void *ch)
{
	if (waiting.len && machnet_send(ch, waiting.flow, buf, waiting.len) && errno == EAGAIN)
		return 0;
	waiting.len = 0;	/* sent, or its client is gone */
	return 1;
}

/* The rule of machnet_fd(): go on until nothing is left, or nothing can be sent. */
static int serve(void *ch)
{
	MachnetFlow_t from;
	ssize_t n;

	while (answer(ch)) {
		n = machnet_recv(ch, buf, sizeof(buf), &from);
		if (!n)
			return 0;
		if (n < 0 && (errno == EPROTO || !from.src_port))
			return fail("receive");	/* our port is lost */
		if (n < 0)
			continue;	/* a connection has ended; errno says how */
		waiting.flow.src_ip = from.dst_ip;
		waiting.flow.dst_ip = from.src_ip;
		waiting.flow.src_port = from.dst_port;
		waiting.flow.dst_port = from.src_port;
		waiting.len = n;
	}
	return 0;
}

/* Edges: while an answer waits for room, what is there to receive must not wake us again. */
static int watch(int epfd, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.fd = fd };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
}

int main(void)
{
	void *ch = machnet_attach();
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev;
	sigset_t signals;
	int sigfd, ret = 0;

	if (!ch)
		return fail("no machnetd");
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
