// SPDX-License-Identifier: MIT
/* machnet-bench - how fast messages go to another host and back, and whether they arrive intact */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "channel/app_proto.h"
#include "lib/ends.h"

volatile sig_atomic_t bench_stop;

static void on_signal(int sig)
{
	(void)sig;
	bench_stop = 1;
}

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void *bench_attach(void)
{
	void *ch = machnet_attach_ends();
	const char *path = getenv(MN_APP_SOCKET_ENV);
	int error = errno;

	if (!ch)
		bench_fail(0, "no machnetd at %s: %s (" MN_APP_SOCKET_ENV " names another socket; "
			   "to start one: machnetd -i IFNAME, or systemctl start machnetd@IFNAME)",
			   path && *path ? path : MN_APP_SOCKET_DEFAULT, strerror(error));
	return ch;
}

static int run(const struct bench_options *o)
{
	bool server = o->mode == BENCH_SERVER;

	switch (o->transport) {
	case BENCH_TCP:
		return server ? bench_tcp_server(o) : bench_tcp_client(o);
	case BENCH_UDP:
		return server ? bench_udp_server(o) : bench_udp_client(o);
	default:
		if (server)
			return bench_server(o);
		return o->connects ? bench_connects(o) : o->each ? bench_each(o) : bench_client(o);
	}
}

int main(int argc, char **argv)
{
	/* Without SA_RESTART: a wait ends by the signal. */
	struct sigaction sa = { .sa_handler = on_signal };
	struct bench_options o;
	int status;

	if (bench_parse(argc, argv, &o, &status))
		return status;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	return run(&o);
}
