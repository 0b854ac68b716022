/* SPDX-License-Identifier: MIT */
/* bench.h - the parts of machnet-bench */
#ifndef MACHNET_BENCH_H
#define MACHNET_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet.h>

#define BENCH_PORT		31580
#define BENCH_WINDOW_MAX	65536
#define BENCH_CONNS_MAX		100000
#define BENCH_BATCH_MAX		32
/* The number that tells datagrams apart. */
#define BENCH_UDP_MIN		8
#define BENCH_UDP_MAX		65507

/* Without an answer for so long a run has failed. */
#define BENCH_STALL_MS		30000

enum bench_mode { BENCH_SERVER, BENCH_CLIENT };
enum bench_transport { BENCH_MACHNET, BENCH_TCP, BENCH_UDP };

struct bench_options {
	enum bench_mode mode;
	enum bench_transport transport;
	bool busy;		/* sockets: never sleep */
	const char *address;	/* client: of the server; server: to listen on, NULL: all */
	uint16_t port;
	uint32_t size;		/* bytes */
	uint32_t window;	/* messages under way, of all connections */
	uint32_t batch;		/* messages that one call sends at most */
	uint32_t connections;
	uint32_t interval_us;	/* from one message to the next, 0: at once */
	uint32_t connects;	/* not 0: measure set-up times, so many of each */
	bool each;		/* a connection for each message */
	uint16_t stuck;		/* port of a server that never reads, 0: none */
	uint64_t count;		/* messages, 0: no limit */
	double seconds;		/* 0: no limit */
	bool verify, json, once;
};

/* 0: go on; otherwise the program ends with *status: 0 after --help, 2 after a mistake. */
int bench_parse(int argc, char **argv, struct bench_options *o, int *status);
const char *bench_transport_name(enum bench_transport t);

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

/* flows.c: connections by the flow that machnet_recv() tells; to be embedded. */
struct bench_flow {
	MachnetFlow_t flow;
	struct bench_flow *next;
};

struct bench_flows {
	struct bench_flow **bucket;
	struct bench_flow *last;	/* found last */
	uint32_t buckets, count;
};

MachnetFlow_t bench_flow_reverse(const MachnetFlow_t *f);
struct bench_flow *bench_flows_find(struct bench_flows *t, const MachnetFlow_t *flow);
/* 0 or -ENOMEM. */
int bench_flows_add(struct bench_flows *t, struct bench_flow *f);
void bench_flows_remove(struct bench_flows *t, struct bench_flow *f);
/* Empties the table; the flows, too, are freed unless free_flow is NULL. */
void bench_flows_free(struct bench_flows *t, void (*free_flow)(struct bench_flow *));

/* What a run of the client came to. */
struct bench_result {
	struct bench_hist latency_ns;
	uint64_t sent, received;
	uint64_t resent;	/* UDP: datagrams that got no answer in time */
	uint64_t errors;
	uint64_t pause_ns;	/* longest time without an answer */
	double seconds;		/* from the first message out to the last one in */
};

/* meter.c: how far the run of a client is, whatever carries its messages. */
struct bench_meter {
	const struct bench_options *o;
	struct bench_result r;
	uint64_t start_ns, last_ns;	/* first message out, last message in */
	uint64_t progress_ns, progress_received;
	uint64_t pause_ns;		/* the longest since the last progress */
};

void bench_meter_start(struct bench_meter *m, const struct bench_options *o);
/* How many messages may be sent now, most at most. */
uint32_t bench_meter_room(const struct bench_meter *m, uint64_t now, uint32_t most);
/* Answers that came at now: first the time, then each message by when it was sent. */
void bench_meter_heard(struct bench_meter *m, uint64_t now);
void bench_meter_answer(struct bench_meter *m, uint64_t sent_ns, uint64_t now);
/* True at the end: nothing more to send, or to wait for. */
bool bench_meter_done(const struct bench_meter *m, uint64_t now);
/* Progress on the standard error. 0, or an exit status when no answer has come for long. */
int bench_meter_tick(struct bench_meter *m, uint64_t now);
void bench_meter_end(struct bench_meter *m);

/*
 * How many messages one call sends: enough to share its cost, at most so many bytes that the
 * peer does not wait for the first.
 */
uint32_t bench_batch(const struct bench_options *o, uint32_t bytes);

/* What --connect measures. */
enum bench_step {
	BENCH_ATTACH,
	BENCH_LISTEN,
	BENCH_CONNECT,
	BENCH_REFUSED,
	BENCH_REPLY,		/* connect, a message, and its answer */
	BENCH_STEPS
};

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
int bench_each(const struct bench_options *o);
int bench_tcp_server(const struct bench_options *o);
int bench_tcp_client(const struct bench_options *o);
int bench_udp_server(const struct bench_options *o);
int bench_udp_client(const struct bench_options *o);

/* socket.c */
/* A socket that is bound (server) or connected (client), type as socket(2) has it; -1: said why. */
int bench_socket(const struct bench_options *o, int type);
/* What to do after a call on a socket failed: 0 to go on, or an exit status. */
int bench_socket_error(const struct bench_options *o, const char *what);

/* machnet-bench.c: set by SIGINT and SIGTERM. */
extern volatile sig_atomic_t bench_stop;
uint64_t bench_now_ns(void);
/* Attaches, or says why not and returns NULL. */
void *bench_attach(void);

#endif /* MACHNET_BENCH_H */
