/* SPDX-License-Identifier: MIT */
/* bench.h - the parts of machnet-bench */
#ifndef MACHNET_BENCH_H
#define MACHNET_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet/machnet.h>

#define BENCH_PORT		31580
#define BENCH_WINDOW_MAX	65536

/* Without an answer for so long a run has failed. */
#define BENCH_STALL_MS		30000

enum bench_mode { BENCH_SERVER, BENCH_CLIENT };

struct bench_options {
	enum bench_mode mode;
	const char *address;	/* client: of the server; server: to listen on, NULL: all */
	uint16_t port;
	uint32_t size;		/* bytes */
	uint32_t window;	/* messages under way */
	uint32_t connects;	/* not 0: measure set-up times, so many of each */
	uint64_t count;		/* messages, 0: no limit */
	double seconds;		/* 0: no limit */
	bool verify, json, once;
};

/* 0: go on; otherwise the program ends with *status: 0 after --help, 2 after a mistake. */
int bench_parse(int argc, char **argv, struct bench_options *o, int *status);

/* The first message of a connection, which the server returns. */
#define BENCH_MAGIC		0x48434e42u	/* "BNCH" */
#define BENCH_VERIFY		0x1u
struct bench_hello {
	uint32_t magic;
	uint32_t flags;		/* BENCH_VERIFY: the messages that follow are patterns */
	uint64_t seed;
};

/* pattern.c: bytes that follow from a seed and the number of the message. */
void bench_pattern(uint64_t seed, uint64_t seq, void *buf, size_t len);
/* Where buf differs from the pattern; len when it does not. */
size_t bench_pattern_check(uint64_t seed, uint64_t seq, const void *buf, size_t len);

/* histogram.c: log-linear, within 1 % of the value. */
#define BENCH_HIST_BITS		6
#define BENCH_HIST_BUCKETS	((65 - BENCH_HIST_BITS) << BENCH_HIST_BITS)
struct bench_hist {
	uint64_t bucket[BENCH_HIST_BUCKETS];
	uint64_t count, sum, max;
};
void bench_hist_add(struct bench_hist *h, uint64_t value);
/* The value that part (0..1) of all values do not exceed. */
uint64_t bench_hist_at(const struct bench_hist *h, double part);

/* What a run of the client came to. */
struct bench_result {
	struct bench_hist latency_ns;
	uint64_t sent, received;
	uint64_t errors;
	uint64_t pause_ns;	/* longest time without an answer */
	double seconds;		/* from the first message out to the last one in */
};

/* What --connect measures. */
enum bench_step { BENCH_ATTACH, BENCH_LISTEN, BENCH_CONNECT, BENCH_REFUSED, BENCH_STEPS };

/* report.c */
void bench_report(const struct bench_options *o, const struct bench_result *r);
void bench_report_connect(const struct bench_options *o, const struct bench_hist step[BENCH_STEPS]);
/* Once a second during a run: what this second brought. Standard error. */
void bench_progress(const struct bench_options *o, const struct bench_result *r, double seconds,
		    uint64_t now_received, double interval, uint64_t pause_ns);
void bench_progress_end(void);
/* "machnet-bench: ...: the error's text", and what may mend it; returns 1. */
int bench_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Exit status of the program. */
int bench_server(const struct bench_options *o);
int bench_client(const struct bench_options *o);
int bench_connects(const struct bench_options *o);

/* machnet-bench.c: set by SIGINT and SIGTERM. */
extern volatile sig_atomic_t bench_stop;
uint64_t bench_now_ns(void);
/* Attaches, or says why not and returns NULL. */
void *bench_attach(void);

#endif /* MACHNET_BENCH_H */
