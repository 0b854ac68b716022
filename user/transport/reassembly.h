/* SPDX-License-Identifier: MIT */
/*
 * reassembly.h - pieces of a stream that arrived before their turn
 *
 * They stay in the engine's buffers, in the order of the stream, until the hole in front of them
 * is filled. Nothing is copied. A packet may hold pieces of several connections: it is given back
 * with the last of them. Pieces are bounded for a stack by its pool, and for a connection by what
 * is still free, so that each finds some, and one alone gets half of them.
 */
#ifndef MN_TRANSPORT_REASSEMBLY_H
#define MN_TRANSPORT_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* A packet that is kept. */
struct mn_kept {
	void *handle;		/* the engine's buffer */
	uint32_t pieces;	/* that lie in it, and one while it is being received */
	uint32_t next_free;
};

struct mn_held {
	struct mn_list node;
	uint64_t offset;
	const uint8_t *data;
	uint32_t len;
	uint32_t kept;		/* index of its packet */
};

struct mn_held_pool {
	struct mn_held *all;
	struct mn_kept *packets;
	struct mn_list free;
	uint32_t n_free;
	uint32_t n_packets, free_packet;	/* kept now; first of those that are free */
	void (*pkt_free)(void *ctx, void *handle);
	void *ctx;
};

#define MN_KEPT_NONE	UINT32_MAX

/* Its pieces are a circle in the order of the stream: a connection at rest has no list's head. */
struct mn_reassembly {
	uint32_t first;		/* of the pool's; without a meaning while there is none */
	uint32_t count;
};

/* Room for n pieces. 0 or -ENOMEM. pkt_free() is called for a packet that is not needed. */
int mn_held_pool_init(struct mn_held_pool *p, uint32_t n,
		      void (*pkt_free)(void *ctx, void *handle), void *ctx);
void mn_held_pool_fini(struct mn_held_pool *p);

void mn_reassembly_init(struct mn_reassembly *ra);

/*
 * Keeps a piece of the packet with this handle; *kept is its index, MN_KEPT_NONE before its first
 * piece. 0, -EEXIST (all of it is here), -ENOSPC (a bound is reached).
 */
int mn_reassembly_add(struct mn_reassembly *ra, struct mn_held_pool *p, uint64_t offset,
		      const uint8_t *data, uint32_t len, void *handle, uint32_t *kept);

/* The packet has been received. True: it is kept. */
bool mn_held_pool_received(struct mn_held_pool *p, uint32_t kept);

/* The first piece, NULL when none is held. */
struct mn_held *mn_reassembly_first(const struct mn_reassembly *ra, const struct mn_held_pool *p);
/* Forgets it. */
void mn_reassembly_pop(struct mn_reassembly *ra, struct mn_held_pool *p);

#endif /* MN_TRANSPORT_REASSEMBLY_H */
