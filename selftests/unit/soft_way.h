/* SPDX-License-Identifier: MIT */
/*
 * soft_way.h - what stands between a host and the network: a NAT of ports, a filter
 *
 * Tuples are those of the packet: src is its sender. They are changed as the packet is.
 */
#ifndef UNIT_SOFT_WAY_H
#define UNIT_SOFT_WAY_H

#include "steer/steer.h"

enum soft_way_kind {
	SOFT_WAY_OPEN,		/* everything passes as it is */
	SOFT_WAY_FILTER,	/* in passes what answers a packet out */
	SOFT_WAY_ONE_PORT,	/* and what is for one port */
	SOFT_WAY_ANSWERS,	/* in passes what is for one port, out what answers that */
	SOFT_WAY_NAT,		/* a port outside for each inside; in passes what is for one */
	SOFT_WAY_NAT_STRICT,	/* a port outside for each tuple; in passes its answer */
	SOFT_WAY_KINDS,
};

struct soft_way_flow {
	struct mn_steer_tuple out;	/* as the host sends it, or may send it */
	uint16_t outside;		/* its source port behind the NAT */
};

struct soft_way {
	enum soft_way_kind kind;
	uint16_t port;			/* of SOFT_WAY_ONE_PORT */
	uint64_t rng;
	struct soft_way_flow *flows;
	uint32_t n_flows, room;
};

void soft_way_init(struct soft_way *w, enum soft_way_kind kind, uint16_t port, uint64_t seed);
void soft_way_fini(struct soft_way *w);

/* A packet of the host, to the network; false: it does not pass. */
bool soft_way_out(struct soft_way *w, struct mn_steer_tuple *t);
/* A packet to the host; likewise. */
bool soft_way_in(struct soft_way *w, struct mn_steer_tuple *t);
/* A NAT forgets its flows. */
void soft_way_forget(struct soft_way *w);

#endif /* UNIT_SOFT_WAY_H */
