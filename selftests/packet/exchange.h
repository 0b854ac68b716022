/* SPDX-License-Identifier: MIT */
/* exchange.h - packets from a script to the stack, and the stack's against those of a script */
#ifndef PACKET_EXCHANGE_H
#define PACKET_EXCHANGE_H

#include "numbers.h"
#include "spec.h"

/* inject.c: puts the described packet into the stack, as from the peer. */
bool exchange_inject(struct world *w, struct labels *l, const struct spec *p);

/* match.c: the packet is the described one; if not it says in what they differ. */
bool exchange_match(struct world *w, struct labels *l, const struct spec *p,
		    const struct outgoing *o, char why[SCRIPT_LINE]);

/* own:PATH, peer:PATH, or a number. */
bool exchange_id(struct world *w, const char *text, uint64_t *id);
/* The path that the description is about; NULL: there is none, with a complaint. */
struct path *exchange_path(struct world *w, const struct spec *p);

#endif /* PACKET_EXCHANGE_H */
