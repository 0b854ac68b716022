// SPDX-License-Identifier: MIT
/* socket.c - the kernel's sockets, to compare with */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

/* So often a blocked call returns, to look at the clock and for signals. */
#define TICK_US		20000
/* A window of datagrams must fit; what counts is the memory that their packets occupy. */
#define BUFFER_BYTES	(16 << 20)

static void set_options(int fd, int type)
{
	const struct timeval tick = { 0, TICK_US };
	const int one = 1, bytes = BUFFER_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_STREAM) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	} else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
		   setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes))) {
		/* As much as an ordinary user may have. */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	}
}

static int try_address(const struct bench_options *o, const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	int ret, error;

	if (fd < 0)
		return -1;
	set_options(fd, ai->ai_socktype);
	if (o->mode == BENCH_CLIENT)
		ret = connect(fd, ai->ai_addr, ai->ai_addrlen);
	else
		ret = bind(fd, ai->ai_addr, ai->ai_addrlen) ||
		      (ai->ai_socktype == SOCK_STREAM && listen(fd, 1));
	if (!ret)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int bench_socket(const struct bench_options *o, int type)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = type };
	struct addrinfo *list;
	char port[8];
	int fd, ret;

	snprintf(port, sizeof(port), "%u", o->port);
	ret = getaddrinfo(o->address, port, &hints, &list);
	if (ret) {
		bench_fail(0, "%s: %s", o->address, gai_strerror(ret));
		return -1;
	}
	fd = try_address(o, list);
	freeaddrinfo(list);
	if (fd < 0)
		bench_fail(errno, "cannot %s %s port %u",
			   o->mode == BENCH_CLIENT ? "connect to" : "listen on",
			   o->address ? o->address : "every address,", o->port);
	else if (o->mode == BENCH_SERVER)
		printf("listening on %s port %u\n", o->address ? o->address : "every address,",
		       o->port);
	fflush(stdout);
	return fd;
}

int bench_socket_error(const struct bench_options *o, const char *what)
{
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return bench_fail(errno, "cannot %s %s", what,
			  o->mode == BENCH_CLIENT ? "the server" : "a client");
}
