/* SPDX-License-Identifier: MIT */
/* sim_net.h - packets of the simulation under way */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "sim.h"

struct sim_packet {
	struct mn_list node;
	uint64_t at_us;
	int to;
	struct mn_tuple path;	/* as the receiver sees it */
	uint32_t len;
	uint8_t data[];
};

/* Puts a packet of a host on the link. */
void sim_transmit(struct sim *sim, int from, const struct mn_tuple *path, const uint8_t *data,
		  uint32_t len);
void sim_packets_free(struct mn_list *list);

#endif /* SIM_NET_H */
