/* SPDX-License-Identifier: MIT */
/*
 * learn.h - the port part of an unknown hash, as observations have it
 *
 * Of one NIC and address family. Toeplitz is linear over GF(2), so that the ports' part of the
 * queue's bits is the same for all peers: Documentation/rss.md.
 */
#ifndef MN_STEER_LEARN_H
#define MN_STEER_LEARN_H

#include "steer/block.h"
#include "steer/label.h"
#include "steer/linear.h"

struct mn_learn {
	struct mn_linear map;
	struct mn_linear full;		/* span of the blocks asked about, and of map */
	struct mn_block asked_src, asked_dst;	/* the last ones */
	uint32_t epoch;			/* of map; origins of another are no use; never 0 */
	uint32_t hits;			/* predictions that came true, in a row */
	uint32_t needed;		/* of them, to trust; 0: queues are not bits */
	uint32_t failures;		/* maps in a row that failed before they were trusted */
	uint32_t rest;			/* observations until the next map is begun */
	uint32_t long_rest;		/* the next rest */
	uint32_t alike;			/* other ports of a peer at the same queue, in a row */
	uint32_t alike_needed;		/* of them, to say that ports do not matter */
	bool varies;			/* other ports were at another queue */
};

enum mn_learn_result {
	MN_LEARN_NEW,		/* it was not predicted */
	MN_LEARN_HIT,
	MN_LEARN_FAILED,	/* the hash is not linear, or has changed before it was trusted */
	MN_LEARN_CHANGED,	/* a trusted map failed */
};

void mn_learn_init(struct mn_learn *l, uint32_t queues);

/* Packets with these ports of the peer of this origin have arrived at the queue. */
enum mn_learn_result mn_learn_observe(struct mn_learn *l, struct mn_peer_origin *o, uint32_t ports,
				      uint8_t queue);

/* Ports of these blocks are asked about. */
void mn_learn_ask(struct mn_learn *l, struct mn_block src, struct mn_block dst);

/* The NIC has changed: forgets everything. */
void mn_learn_restart(struct mn_learn *l);

/* The queue of these ports; false: not in the span, or there is nothing to take them to. */
bool mn_learn_predict(const struct mn_learn *l, const struct mn_peer_origin *o, uint32_t ports,
		      uint8_t *queue);

/* An observation of these ports would raise the rank. */
bool mn_learn_wants(const struct mn_learn *l, const struct mn_peer_origin *o, uint32_t ports);

/* It may predict something, or learn from further observations of the peer of this origin. */
bool mn_learn_is_open(const struct mn_learn *l, const struct mn_peer_origin *o);

bool mn_learn_trusted(const struct mn_learn *l);
bool mn_learn_ignores_ports(const struct mn_learn *l);

/* Replaces the map by one that was known once: a hypothesis. */
void mn_learn_load(struct mn_learn *l, const struct mn_linear *map);

#endif /* MN_STEER_LEARN_H */
