/* SPDX-License-Identifier: MIT */
/* paths.h - the same ports found by paths: the frames of the transport, in virtual time */
#ifndef BENCH_STEER_PATHS_H
#define BENCH_STEER_PATHS_H

#include "hosts.h"

/* Means over seeds of all paths between two hosts, each with a packet and its answer per ms. */
struct paths_cost {
	double settled_ms;	/* after which no packet arrives at a wrong queue any more */
	double handoffs;	/* packets that did, per path */
	double probes;		/* packets that tried tuples, per path */
	uint32_t unsettled;	/* runs that never came to this */
	uint64_t ended, lost;	/* paths; packets, beyond those that the network loses */
};

/*
 * first: the hosts know nothing of each other; changed: then one host's NIC gets another key and
 * table. loss_ppm: packets in a million that are lost.
 */
void paths_measure(const struct hosts_kind *kind, uint8_t engines, uint32_t loss_ppm,
		   struct paths_cost *first, struct paths_cost *changed);

#endif /* BENCH_STEER_PATHS_H */
