/* SPDX-License-Identifier: MIT */
/*
 * world.h - stacks in one thread that hand each other their packets; the clock is virtual
 *
 * Host 0 is the server of the others. Each host has one channel, whose application is a set of
 * callbacks. All time that is measured is processor time of this process.
 */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/stack.h"

/* The first port of the listeners. A pair of hosts has 64,512 client ports for each of them. */
#define WORLD_PORT	31580
#define WORLD_MSG	64u
#define WORLD_HOSTS	65
/* Packets that an engine takes from its device, or gives to it, in a turn. */
#define WORLD_BURST	32u

struct world_host;

/* What the application of a host does; each may be NULL. */
struct world_app {
	void (*opened)(struct world_host *h, uint64_t flow);
	void (*message)(struct world_host *h, uint64_t flow);
	void (*ended)(struct world_host *h, uint64_t flow, int error);
};

/*
 * An RX ring of so many descriptors in front of a host, or of as many packets as a link holds: each
 * turn takes WORLD_BURST of those that have arrived.
 */
struct world_ring {
	uint32_t size;		/* 0: packets go straight to the stack */
	uint32_t delay_us;	/* until they arrive */
	uint32_t head, used, most;
	uint64_t dropped;
	struct world_packet **packets;
};

struct world_host {
	struct world *world;
	struct mn_stack *stack;
	struct mn_channel ch;
	struct mn_ring tx, rx, rxc;	/* the application's end */
	struct mn_addr addr;
	struct world_app app;
	void *ctx;			/* the application's */
	struct world_ring ring;
	uint64_t opened, received, ended;	/* events that the application has read */
	uint64_t closed;		/* connections that are over, in the stack */
	int64_t bytes;			/* of memory that it has touched */
	uint64_t *asked;		/* connections whose route is to be given */
	uint32_t n_asked;
	uint64_t failed;		/* of them, other than in order; and calls that failed */
};

struct world {
	uint32_t n;
	struct world_host host[WORLD_HOSTS];
	uint64_t now_us;
	/* Sees each packet; true: loses it. May be NULL. */
	bool (*lose)(struct world *w, uint32_t from, uint32_t len);
	void *ctx;
	int statm;			/* /proc/self/statm; 0: memory is not counted */
	struct world_host *running;	/* who touches memory now */
	int64_t resident;		/* when it began to */
	uint8_t packet[65536];
};

/* Rings are set before, in the hosts. */
struct world_config {
	uint32_t hosts;
	uint32_t ports;		/* listeners of the server, from WORLD_PORT on */
	uint32_t conns;		/* of the server */
	uint32_t client_conns;	/* of each other host; 0: as many */
	uint32_t bufs;		/* RX buffers of a channel, 0: as by default */
};

/* 0 or -errno; world_destroy() in any case. */
int world_create(struct world *w, const struct world_config *cfg);
void world_destroy(struct world *w);
/* Before a world with rings is created: counts the memory of hosts; it costs time in each turn. */
int world_count_memory(struct world *w);

/* A turn of each host: the application reads, the stack sends. us: then so much time passes. */
void world_turn(struct world *w, uint32_t us);
/* Time passes, and turns happen only when a timer wants one. */
void world_idle(struct world *w, uint64_t us);

/* Requests, published by the next turn: to connect, to the nth listener. 0 or -ENOBUFS. */
int world_connect(struct world_host *h, uint32_t n, uint32_t ports);
int world_close(struct world_host *h, uint64_t flow);
/* A message of WORLD_MSG bytes, likewise. */
int world_send(struct world_host *h, uint64_t flow);
/* An application that answers each message. */
void world_echo(struct world_host *h, uint64_t flow);

/* Packets that have been sent so far, by all. */
uint64_t world_packets(const struct world *w);
/* Processor time. */
uint64_t world_now_ns(void);

/* Prints the error; returns 1. */
int world_fail(const char *what, int error);

/* The measurements: an exit status each, and a line of JSON. */
int bench_cost(void);
int bench_exchange(void);
int bench_idle(void);
int bench_ring(void);
int bench_holes(void);
int bench_first(void);

#endif /* BENCH_WORLD_H */
