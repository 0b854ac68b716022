/* SPDX-License-Identifier: MIT */
/*
 * tx_arena.h - memory for small messages that are on their way
 *
 * An engine copies messages that lie in a channel's ring out of it at once, so
 * that the ring's slots are free again: into chunks, private to the engine, that
 * hold consecutive messages of one connection just as its stream carries them.
 * A packet is then one copy, however many messages it carries.
 *
 * The first chunk of a connection at rest is a small one, so that many connections
 * with a message each take little; a connection with a backlog is given large ones. A small
 * chunk holds any inline message, and there is one for each connection of an engine by default:
 * connections whose peers do not read cannot use up the memory of the others, as long as the
 * application keeps to the limits of libmachnet (user/lib/room.c). Chunks are numbered, the small
 * ones first, and the one freed last is used next: it is still in the cache. Memory that was never
 * used is never touched.
 */
#ifndef MN_CHANNEL_TX_ARENA_H
#define MN_CHANNEL_TX_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#define MN_TX_ARENA_SMALL_SIZE	1088u
#define MN_TX_ARENA_LARGE_SIZE	8192u
#define MN_TX_ARENA_SMALL	16384u
#define MN_TX_ARENA_LARGE	1024u
#define MN_TX_ARENA_CHUNKS	(MN_TX_ARENA_SMALL + MN_TX_ARENA_LARGE)
#define MN_TX_ARENA_NONE	UINT32_MAX

struct mn_tx_arena {
	uint8_t *mem;		/* small chunks, then large ones */
	uint32_t *free_small, *free_large;	/* stacks */
	uint32_t n_small, n_large;		/* free ones */
};

/* 0 or -ENOMEM; all zero before. */
int mn_tx_arena_init(struct mn_tx_arena *a);
void mn_tx_arena_fini(struct mn_tx_arena *a);

/* A chunk for need bytes at least, if possible a small one or a large one. MN_TX_ARENA_NONE. */
uint32_t mn_tx_arena_get(struct mn_tx_arena *a, uint32_t need, bool small);
void mn_tx_arena_put(struct mn_tx_arena *a, uint32_t chunk);

static inline uint32_t mn_tx_arena_size(uint32_t chunk)
{
	return chunk < MN_TX_ARENA_SMALL ? MN_TX_ARENA_SMALL_SIZE : MN_TX_ARENA_LARGE_SIZE;
}

static inline uint8_t *mn_tx_arena_data(const struct mn_tx_arena *a, uint32_t chunk)
{
	if (chunk < MN_TX_ARENA_SMALL)
		return a->mem + (uint64_t)chunk * MN_TX_ARENA_SMALL_SIZE;
	return a->mem + (uint64_t)MN_TX_ARENA_SMALL * MN_TX_ARENA_SMALL_SIZE +
	       (uint64_t)(chunk - MN_TX_ARENA_SMALL) * MN_TX_ARENA_LARGE_SIZE;
}

#endif /* MN_CHANNEL_TX_ARENA_H */
