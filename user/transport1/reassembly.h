/* SPDX-License-Identifier: MIT */
/*
 * reassembly.h - packets that arrived before their turn
 *
 * They stay in the engine's buffers, in the order of the stream, until the hole
 * in front of them is filled. Nothing is copied. The number is bounded per
 * connection and, by the pool, for all connections of a stack together: a connection may hold as
 * many as are still free, so that each finds some, and one alone gets half of them.
 */
#ifndef MN_TRANSPORT1_REASSEMBLY_H
#define MN_TRANSPORT1_REASSEMBLY_H

#include <stdint.h>

#include <machnet/wire1.h>
#include "base/list.h"

struct mn_held {
	struct mn_list node;
	uint64_t seq;
	const uint8_t *data;
	uint32_t len;
	void *handle;		/* the engine's buffer */
};

struct mn_held_pool {
	struct mn_held *all;
	struct mn_list free;
	uint32_t n_free;
};

struct mn_reassembly {
	struct mn_list held;	/* by seq */
	uint32_t count;
	uint64_t recent;	/* seq of the packet that came last */
};

int mn_held_pool_init(struct mn_held_pool *p, uint32_t n);
void mn_held_pool_fini(struct mn_held_pool *p);

void mn_reassembly_init(struct mn_reassembly *ra);

/* 0, -EEXIST (all of it is here), -ENOSPC (a bound is reached). */
int mn_reassembly_add(struct mn_reassembly *ra, struct mn_held_pool *p, uint64_t seq,
		      const uint8_t *data, uint32_t len, void *handle);

/* The first packet, NULL when none is held. */
struct mn_held *mn_reassembly_first(struct mn_reassembly *ra);
/* Forgets the first packet; the caller disposes of the handle that is returned. */
void *mn_reassembly_pop(struct mn_reassembly *ra, struct mn_held_pool *p);

/*
 * Ranges behind next, at most MN_WIRE_SACK_MAX: the one that grew last in front, then from the
 * lowest. Returns their number.
 */
int mn_reassembly_ranges(const struct mn_reassembly *ra, uint64_t next, struct mn_wire_sack *out);

#endif /* MN_TRANSPORT1_REASSEMBLY_H */
