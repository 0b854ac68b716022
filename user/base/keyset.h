/* SPDX-License-Identifier: MIT */
/*
 * keyset.h - a set of 64-bit keys
 *
 * Open addressing, a fixed number of entries, no tombstones, at most two thirds full: 12 bytes per
 * key. The keys are hashes already, of a secret seed (hash.h): their upper half is the place where
 * they belong. Pages that were never written take no memory.
 */
#ifndef MN_BASE_KEYSET_H
#define MN_BASE_KEYSET_H

#include <stdint.h>

struct mn_keyset {
	uint64_t *keys;		/* 0: free; the key 0 counts as 1 */
	uint32_t size;
	uint32_t used, limit;
};

/* Room for limit keys, up to 2^30. 0 or -ENOMEM. */
int mn_keyset_init(struct mn_keyset *ks, uint32_t limit);
void mn_keyset_fini(struct mn_keyset *ks);

/* 0, -EEXIST, -ENOSPC. */
int mn_keyset_put(struct mn_keyset *ks, uint64_t key);
/* Nothing when it is not there. */
void mn_keyset_del(struct mn_keyset *ks, uint64_t key);

#endif /* MN_BASE_KEYSET_H */
