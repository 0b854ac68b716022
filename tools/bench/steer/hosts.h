/* SPDX-License-Identifier: MIT */
/* hosts.h - two hosts with software NICs, and the ports between them */
#ifndef BENCH_STEER_HOSTS_H
#define BENCH_STEER_HOSTS_H

#include "selftests/unit/soft_nic.h"

#define HOSTS_PORT	61600	/* first of both blocks */
#define HOSTS_PORTS	64u

/* The NICs of both ends. */
struct hosts_kind {
	const char *name, *what;
	enum soft_nic_hash hash;
	enum soft_nic_table table;
	bool equal;		/* one key, or secret, for both */
	bool device;		/* key and table can be read */
};

extern const struct hosts_kind hosts_kinds[];
extern const uint32_t hosts_n_kinds;

struct host {
	struct mn_steer *steer;
	struct soft_nic nic;
	/* Where the packets of the other host arrive, by source and destination port. */
	uint8_t queues[HOSTS_PORTS][HOSTS_PORTS];
	uint32_t peer;		/* whose packets these are */
	uint64_t reached;	/* queues that they can arrive at; 0: not known */
};

struct hosts {
	struct host host[2];
	uint8_t engines;	/* of each */
	uint64_t rng;
	uint32_t candidates;	/* of both */
	uint32_t missed;	/* queues that were not found, though there are ports for them */
};

void hosts_init(struct hosts *h, const struct hosts_kind *kind, uint8_t engines, uint64_t seed);
void hosts_fini(struct hosts *h);

/* From now on the packets come from this peer, whose first one arrives at each. */
void hosts_meet(struct hosts *h, uint32_t peer);

/* Ports for both directions between engine i of host 0 and engine j of host 1. */
void hosts_join(struct hosts *h, uint8_t i, uint8_t j);

/* Between all engines, which ask at the same time. */
void hosts_join_at_once(struct hosts *h);

/* Fills in where all pairs of ports lead; due before the following. */
void hosts_fill(struct hosts *h);
/* Pairs of ports that are tried at random until one fits both directions; 0: there is none. */
uint32_t hosts_search(struct hosts *h, uint8_t i, uint8_t j);
/* One of so many random pairs fits both directions. */
bool hosts_spray(struct hosts *h, uint8_t i, uint8_t j, uint32_t pairs);

uint32_t hosts_random(struct hosts *h, uint32_t n);

#endif /* BENCH_STEER_HOSTS_H */
