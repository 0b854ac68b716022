/* SPDX-License-Identifier: MIT */
/*
 * steer_app.h - applications of two hosts with many engines, which connect for one request each
 *
 * Each engine has a channel. Those of host 1 listen, each on a port of its own; those of host 0
 * connect to all of them in turn, a window of connections at a time each. A connection carries a
 * request, which names it, and the answer, and is closed then.
 */
#ifndef STEER_APP_H
#define STEER_APP_H

#include "steer_net.h"

/* Of the listener on engine 0 of host 1; those of the others follow. */
#define STEER_PORT	31580
/* That an engine opens: one for each port, and one for each engine that it learns of otherwise. */
#define STEER_APP_PATHS	(2 * STEER_ENGINES)

/* A path of host 0, by its number. */
struct steer_app_path {
	uint64_t number, open_us;
};

struct steer_app {
	struct mn_channel ch;
	struct mn_ring tx, rx, rxc;	/* the application's end */
	uint32_t *numbers;		/* of connections, by the slot of the handle */
	uint64_t *asked;		/* connections whose route is to be given */
	uint32_t n_asked;
	uint32_t begun, under_way;	/* connects; those without an answer */
	struct steer_app_path paths[STEER_APP_PATHS];
	uint32_t n_paths;
};

/* Connection n is that of engine n mod engines of host 0. */
struct steer_connect {
	uint64_t at_us;
	uint64_t path_us;	/* when its path was open */
	bool opened, requested, answered;
};

struct steer_apps {
	struct steer_net *net;
	uint64_t rng;
	struct steer_app app[2][STEER_ENGINES];
	struct steer_connect *connects;
	uint32_t n_connects, window;
	uint32_t *took_us;		/* of those that were answered */
	uint32_t longest_open_us;	/* of those whose path was open before */
	uint32_t accepted, answered;
	uint32_t failed;		/* not opened */
	uint32_t broken;		/* ended otherwise than in order, at either end */
	uint32_t wrong;			/* events and messages that must not be */
};

/* The channels, of stacks that take so many connections, and the listeners. False: no memory. */
bool steer_apps_init(struct steer_apps *a, struct steer_net *n, uint32_t max_conns);
void steer_apps_fini(struct steer_apps *a);

/* So many connections are to be opened, a window of them by each engine; all counts begin anew. */
void steer_apps_begin(struct steer_apps *a, uint32_t connects, uint32_t window);
/* Until so many were answered, or for so long. */
bool steer_apps_run(struct steer_apps *a, uint32_t answered, uint64_t for_us);
/* Until neither host has a connection left, or for so long. */
bool steer_apps_drain(struct steer_apps *a, uint64_t for_us);
/* This share of those that were answered, 0 to 1, took so long at most. */
uint32_t steer_apps_took_us(struct steer_apps *a, double share);

#endif /* STEER_APP_H */
