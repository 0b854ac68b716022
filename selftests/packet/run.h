/* SPDX-License-Identifier: MIT */
/* run.h - a packet script in execution */
#ifndef PACKET_RUN_H
#define PACKET_RUN_H

#include "exchange.h"

struct run {
	struct script *script;
	struct world *world;
	struct labels labels;
	uint64_t at_us;		/* when the previous line happened */
	struct world_config config;
	struct spec spec;	/* of the present line: it is large */
};

/* Runs the script; false: script->complaint says why it failed. */
bool run_script(struct script *s);

/* One line, also for commands that stand for several. */
bool run_line(struct run *r, const char *line);

/* The packet of a line that comes in, whatever has come out before. */
bool run_inject(struct run *r, const char *line);

/* The world, made at its first use. */
struct world *run_world(struct run *r);

/*
 * Commands about applications and connections, and statements of what they and the control
 * thread have seen. Returns false when there is no such command, else *ok says how it went.
 */
bool command_run(struct run *r, const char *name, struct words *w, bool *ok);
bool check_run(struct run *r, const char *name, struct words *w, bool *ok);
/* Nothing has happened that the script did not ask for. */
bool check_nothing_left(struct run *r);

/* The connection that the next word names. */
struct conn *run_conn(struct run *r, struct words *w);
/* Takes the words "name N" if they come next. */
bool run_option(struct run *r, struct words *w, const char *name, uint64_t *value);

#endif /* PACKET_RUN_H */
