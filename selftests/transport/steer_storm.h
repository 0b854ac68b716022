/* SPDX-License-Identifier: MIT */
/*
 * steer_storm.h - many connections at once between two hosts that know nothing of each other
 *
 * Afterwards the paths ask for acknowledgements for a while, and then there are some more
 * connections: whose packets arrive where they belong, if there are ports for it.
 */
#ifndef STEER_STORM_H
#define STEER_STORM_H

#include "steer_app.h"
#include "steer_kind.h"

struct steer_storm_config {
	const struct steer_kind *kind;
	int engines[2];
	uint32_t connects;
	enum soft_way_kind way[2];
	bool v6;
	uint32_t loss_ppm;
	uint64_t seed;
};

/* What has become of some connections. */
struct steer_storm_part {
	uint32_t accepted, answered, failed, broken, wrong;
	bool closed;			/* no connection was left, at either host */
	uint32_t half_us, most_us, longest_us;	/* to the answer: of 50 %, of 99 %, of all */
	uint32_t longest_open_us;	/* of those whose path was open before */
	uint64_t handoffs, packets;	/* of both hosts */
};

struct steer_storm {
	struct steer_storm_part storm, after;
	uint64_t paths_ended;
	uint64_t lost;			/* packets that were declared lost */
	bool can_steer;
};

/* False: no memory. */
bool steer_storm_run(const struct steer_storm_config *cfg, struct steer_storm *s);

/*
 * What is wrong with it; NULL: nothing. single: of one engine at each host, without loss, where an
 * engine has as many connections under way. Times are in its round trips, and what a hand-off in
 * the host and losses add to them.
 */
const char *steer_storm_fault(const struct steer_storm_config *cfg, const struct steer_storm *s,
			      const struct steer_storm *single);

#endif /* STEER_STORM_H */
