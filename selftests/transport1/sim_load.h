/* SPDX-License-Identifier: MIT */
/* sim_load.h - connections of the simulation that always have something to send */
#ifndef SIM_LOAD_H
#define SIM_LOAD_H

#include "sim.h"

/* A connection to app 0 of host 1 with so many messages under way. */
struct sim_load {
	int host, app;
	uint64_t flow[2];	/* handles here and there */
	uint32_t len, window;
	uint64_t before;	/* bytes that had arrived when they were counted last */
	uint64_t bytes;		/* since then */
};

/* Opens n connections from app of host; false: one failed. */
bool sim_load_open(struct sim *sim, struct sim_load *l, int n, int host, int app);
/* Keeps messages of len under way for a while. */
void sim_load_run(struct sim *sim, struct sim_load *l, int n, uint64_t us);
/* Counts anew from now on. */
void sim_load_count(struct sim *sim, struct sim_load *l, int n);

/* Of the bytes that were counted: their sum; Jain's index of fairness times 1000. */
uint64_t sim_load_bytes(const struct sim_load *l, int n);
uint64_t sim_load_fairness(const struct sim_load *l, int n);

#endif /* SIM_LOAD_H */
