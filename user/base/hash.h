/* SPDX-License-Identifier: MIT */
/*
 * hash.h - table from 64-bit keys to 32-bit values
 *
 * Open addressing, a fixed number of entries, no tombstones. Seeded: whoever
 * can choose keys cannot choose where they collide.
 */
#ifndef MN_BASE_HASH_H
#define MN_BASE_HASH_H

#include <stdint.h>

#define MN_HASH_NONE	UINT32_MAX	/* no value; not to be stored */

struct mn_hash_entry {
	uint64_t key;
	uint32_t value;		/* MN_HASH_NONE: free */
};

struct mn_hash {
	struct mn_hash_entry *entries;
	uint32_t mask;		/* number of entries - 1 */
	uint32_t used, limit;
	uint64_t seed[2];
};

/* Room for limit keys, up to 2^30. 0 or -ENOMEM. */
int mn_hash_init(struct mn_hash *h, uint32_t limit, const uint64_t seed[2]);
void mn_hash_fini(struct mn_hash *h);

/* 0, -EEXIST, -ENOSPC. */
int mn_hash_put(struct mn_hash *h, uint64_t key, uint32_t value);
/* MN_HASH_NONE when it is not there. */
uint32_t mn_hash_get(const struct mn_hash *h, uint64_t key);
/* Nothing when it is not there. */
void mn_hash_del(struct mn_hash *h, uint64_t key);

/* Mixes two words and two seeds to one that tells nothing about them. */
static inline uint64_t mn_hash_mix(uint64_t a, uint64_t b, const uint64_t seed[2])
{
	unsigned __int128 p = (unsigned __int128)(a ^ seed[0]) * (b ^ seed[1]);
	uint64_t x = (uint64_t)p ^ (uint64_t)(p >> 64) ^ a;

	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ (x >> 32);
}

#endif /* MN_BASE_HASH_H */
