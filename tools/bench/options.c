// SPDX-License-Identifier: MIT
/* options.c - the command line */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char usage[] =
	"Usage: machnet-bench server [-l ADDRESS] [-p PORT] [--verify] [--once]\n"
	"       machnet-bench client ADDRESS [-p PORT] [-s SIZE] [-w WINDOW] [-d SECONDS]\n"
	"                            [-n COUNT] [-c CONNECTIONS] [-b BATCH] [--interval USEC]\n"
	"                            [--verify] [--stuck PORT] [--json]\n"
	"       machnet-bench client ADDRESS [-p PORT] --connect N [--json]\n"
	"       machnet-bench client ADDRESS [-p PORT] --each [-w WINDOW] [-d SECONDS]\n"
	"                            [-n COUNT] [--json]\n"
	"       machnet-bench server|client ... [-b BATCH] [-t tcp|udp [--busy]]\n"
	"\n"
	"The client sends messages, the server returns them.\n"
	"\n"
	"  -s, --size SIZE        bytes per message, 1 to 8M; suffixes K, M (default: 64)\n"
	"  -w, --window WINDOW    messages under way at a time (default: 1)\n"
	"  -d, --duration SECONDS how long to send (default: 10, or no limit with -n)\n"
	"  -n, --count COUNT      how many messages to send\n"
	"  -c, --connections N    over so many connections in turn (default: 1)\n"
	"  -b, --batch N          messages that one call sends at most, 1 to 32 (default: 32)\n"
	"      --interval USEC    with window 1: from one message to the next at least so long\n"
	"      --connect N        measure attach, listen, connect, refused connect, first reply:\n"
	"                         N times each, the last one 10 times as often\n"
	"      --each             a connection for each message (of 16 bytes): opened, used,\n"
	"                         closed, WINDOW of them at a time\n"
	"      --stuck PORT       one more connection, to a server that never reads, which is\n"
	"                         sent messages as long as it takes any\n"
	"      --verify           check each byte of each message at both ends;\n"
	"                         server: turn clients away that do not\n"
	"  -t, --transport NAME   machnet (default), or the kernel's sockets: tcp, udp\n"
	"      --busy             sockets: ask again and again instead of sleeping in the kernel\n"
	"  -j, --json             report as JSON\n"
	"  -l, --listen ADDRESS   listen on this address alone\n"
	"  -p, --port PORT        the server's port (default: 31580)\n"
	"      --once             end when the last client has closed\n"
	"  -h, --help             this text\n"
	"      --version          print the version\n"
	"\n"
	"Exit status: 0 all well, 1 an error, a loss, a wrong byte, 2 a mistake in the options.\n";

enum { OPT_CONNECT = 256, OPT_VERIFY, OPT_ONCE, OPT_INTERVAL, OPT_BUSY,
       OPT_EACH, OPT_STUCK, OPT_VERSION };

static const struct option longopts[] = {
	{ "size", required_argument, NULL, 's' },
	{ "window", required_argument, NULL, 'w' },
	{ "duration", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, 'n' },
	{ "connections", required_argument, NULL, 'c' },
	{ "batch", required_argument, NULL, 'b' },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "connect", required_argument, NULL, OPT_CONNECT },
	{ "each", no_argument, NULL, OPT_EACH },
	{ "stuck", required_argument, NULL, OPT_STUCK },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "transport", required_argument, NULL, 't' },
	{ "busy", no_argument, NULL, OPT_BUSY },
	{ "json", no_argument, NULL, 'j' },
	{ "listen", required_argument, NULL, 'l' },
	{ "port", required_argument, NULL, 'p' },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* A number from 1 to max, with an optional suffix K or M. */
static bool parse_number(const char *text, uint64_t max, bool suffix, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-' || *out > max)
		return false;
	if (suffix && (*end == 'K' || *end == 'k')) {
		*out <<= 10;
		end++;
	} else if (suffix && (*end == 'M' || *end == 'm')) {
		*out <<= 20;
		end++;
	}
	return !*end && *out >= 1 && *out <= max;
}

static bool parse_seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end && *out > 0 && *out < 1e6;
}

const char *bench_transport_name(enum bench_transport t)
{
	static const char *const names[] = { "machnet", "tcp", "udp" };

	return names[t];
}

static bool parse_transport(const char *text, enum bench_transport *out)
{
	for (*out = BENCH_MACHNET; *out <= BENCH_UDP; (*out)++)
		if (!strcmp(text, bench_transport_name(*out)))
			return true;
	return false;
}

/* NULL, or what is wrong with the number, which is how many of something. */
static const char *set_amount(struct bench_options *o, int opt, const char *arg)
{
	uint64_t n;

	switch (opt) {
	case 'c':
		if (!parse_number(arg, BENCH_CONNS_MAX, false, &n))
			return "--connections takes 1 to 100000";
		o->connections = n;
		return NULL;
	case 'b':
		if (!parse_number(arg, BENCH_BATCH_MAX, false, &n))
			return "a batch is 1 to 32";
		o->batch = n;
		return NULL;
	case OPT_INTERVAL:
		if (!parse_number(arg, 10000000, false, &n))
			return "an interval is 1 to 10000000 microseconds";
		o->interval_us = n;
		return NULL;
	case OPT_STUCK:
		if (!parse_number(arg, UINT16_MAX, false, &n))
			return "a port is 1 to 65535";
		o->stuck = n;
		return NULL;
	case OPT_CONNECT:
		if (!parse_number(arg, 10000, false, &n))
			return "--connect takes 1 to 10000";
		o->connects = n;
		return NULL;
	default:
		return "unknown option";
	}
}

/* NULL, or what is wrong with the option's value. */
static const char *set_option(struct bench_options *o, int opt, const char *arg)
{
	uint64_t n;

	switch (opt) {
	case 's':
		if (!parse_number(arg, MACHNET_MSG_MAX_LEN, true, &n))
			return "a size is 1 to 8M: a message is at most 8 MiB";
		o->size = n;
		return NULL;
	case 'w':
		if (!parse_number(arg, BENCH_WINDOW_MAX, false, &n))
			return "a window is 1 to 65536";
		o->window = n;
		return NULL;
	case 'n':
		if (!parse_number(arg, UINT64_MAX, false, &o->count))
			return "a count is 1 or more";
		return NULL;
	case 'd':
		return parse_seconds(arg, &o->seconds) ? NULL : "a duration is a number of seconds";
	case 'p':
		if (!parse_number(arg, UINT16_MAX, false, &n))
			return "a port is 1 to 65535";
		o->port = n;
		return NULL;
	case 't':
		return parse_transport(arg, &o->transport) ? NULL
							   : "a transport is machnet, tcp or udp";
	default:
		return set_amount(o, opt, arg);
	}
}

static int mistake(int *status, const char *what, const char *arg)
{
	fprintf(stderr, "machnet-bench: %s%s%s (machnet-bench --help says more)\n", what,
		arg ? ": " : "", arg ? arg : "");
	*status = 2;
	return -1;
}

/* The words: server, or client ADDRESS. */
static int parse_words(int n, char **word, struct bench_options *o, int *status)
{
	if (n >= 1 && !strcmp(word[0], "server")) {
		o->mode = BENCH_SERVER;
		return n == 1 ? 0 : mistake(status, "one word too many", word[1]);
	}
	if (n < 1 || strcmp(word[0], "client"))
		return mistake(status, "say server or client", n < 1 ? NULL : word[0]);
	o->mode = BENCH_CLIENT;
	if (n < 2)
		return mistake(status, "the address of the server is missing", NULL);
	if (o->address)
		return mistake(status, "a client does not listen", o->address);
	o->address = word[1];
	return n == 2 ? 0 : mistake(status, "one word too many", word[2]);
}

/* NULL, or what does not go together. */
static const char *conflict(const struct bench_options *o)
{
	if (o->interval_us && o->window > 1)
		return "--interval is for window 1";
	if (o->each && (o->verify || o->connects || o->stuck || o->connections > 1))
		return "--each has its own messages and connections";
	if (o->transport == BENCH_MACHNET)
		return o->busy ? "--busy is for sockets" : NULL;
	if (o->verify || o->connects || o->interval_us || o->connections > 1 || o->stuck ||
	    o->each)
		return "this is not measured over sockets";
	if (o->transport == BENCH_UDP && o->once)
		return "over udp a server does not see its clients go";
	if (o->transport == BENCH_UDP && (o->size < BENCH_UDP_MIN || o->size > BENCH_UDP_MAX))
		return "a datagram has 8 to 65507 bytes";
	return NULL;
}

int bench_parse(int argc, char **argv, struct bench_options *o, int *status)
{
	const char *wrong;
	int opt;

	*o = (struct bench_options){ .port = BENCH_PORT, .size = 64, .window = 1,
				     .connections = 1,
				     .batch = BENCH_BATCH_MAX };
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "s:w:d:n:c:b:t:jl:p:h", longopts, NULL)) != -1) {
		switch (opt) {
		case 'h':
			fputs(usage, stdout);
			*status = 0;
			return -1;
		case OPT_VERSION:
			puts("machnet-bench " MACHNET_VERSION);
			*status = 0;
			return -1;
		case 'j':
			o->json = true;
			break;
		case 'l':
			o->address = optarg;
			break;
		case OPT_VERIFY:
			o->verify = true;
			break;
		case OPT_BUSY:
			o->busy = true;
			break;
		case OPT_EACH:
			o->each = true;
			break;
		case OPT_ONCE:
			o->once = true;
			break;
		case '?':
			return mistake(status, "unknown option, or its value is missing",
				       argv[optind - 1]);
		default:
			wrong = set_option(o, opt, optarg);
			if (wrong)
				return mistake(status, wrong, optarg);
		}
	}
	if (!o->seconds && !o->count)
		o->seconds = 10;
	wrong = conflict(o);
	if (wrong)
		return mistake(status, wrong, NULL);
	return parse_words(argc - optind, argv + optind, o, status);
}
