/* SPDX-License-Identifier: MIT */
/*
 * steer_world.h - a host whose NIC is steered around, and its peers
 *
 * It plays the part of the transport: the home tuple arrives first; a peer sends with the ports
 * that are advised until a packet arrives at the right queue, or there is no advice left.
 */
#ifndef UNIT_STEER_WORLD_H
#define UNIT_STEER_WORLD_H

#include "soft_nic.h"
#include "soft_way.h"

#define WORLD_PORT	61600	/* of all blocks */
#define WORLD_ASKS	3	/* for a tuple that does not arrive */

struct steer_world {
	struct mn_steer *steer;
	struct soft_nic nic;
	uint16_t ports;		/* of a block */
	bool v6;
	struct soft_way *way;	/* in front of the host, or NULL */
	struct soft_way *far;	/* in front of its peers, or NULL */
	uint32_t candidates;	/* that were sent */
	uint32_t packets;	/* with advised ports, candidates or not */
};

void world_init(struct steer_world *w, const struct soft_nic_config *nic, uint64_t seed);
void world_fini(struct steer_world *w);

struct mn_addr world_addr(const struct steer_world *w, uint32_t n);
/* Of peer n about a queue; home ports as world_meet() uses them. */
struct mn_steer_question world_question(const struct steer_world *w, uint32_t peer, uint8_t queue);
/* The peer's first packet, with the home tuple. The queue of its arrival. */
uint8_t world_meet(struct steer_world *w, uint32_t peer);
/* A packet of the peer with these ports: it is observed. -1: it has not arrived. */
int world_send(struct steer_world *w, uint32_t peer, uint16_t src_port, uint16_t dst_port);

/* Until a packet of the peer arrives at the queue. How the tuple was found; NONE: it was not. */
enum mn_steer_how world_steer(struct steer_world *w, uint32_t peer, uint8_t queue);

#endif /* UNIT_STEER_WORLD_H */
