/* SPDX-License-Identifier: MIT */
/* exchange.h - packets from a script to the stack, and the stack's against those of a script */
#ifndef PACKET_EXCHANGE_H
#define PACKET_EXCHANGE_H

#include "spec.h"

/* Times that scripts have given a name to. */
struct labels {
	struct {
		char name[SCRIPT_NAME];
		uint32_t ts;
	} of[64];
	unsigned int n;
};

/* Puts the described packet into the stack, as from the peer of its connection. */
bool exchange_inject(struct world *w, struct labels *l, const struct spec *p);

/* The packet is the described one; if not it says in what they differ. */
bool exchange_match(struct world *w, struct labels *l, const struct spec *p,
		    const struct outgoing *o, char why[SCRIPT_LINE]);

#endif /* PACKET_EXCHANGE_H */
