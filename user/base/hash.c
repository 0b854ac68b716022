// SPDX-License-Identifier: MIT
/* hash.c - open addressing with linear probing; deletion moves entries back */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

int mn_hash_init(struct mn_hash *h, uint32_t limit, const uint64_t seed[2])
{
	uint32_t size = 16;

	/* At most half full: probes stay short. */
	while (size / 2 < limit)
		size *= 2;
	h->entries = malloc((size_t)size * sizeof(*h->entries));
	if (!h->entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++)
		h->entries[i].value = MN_HASH_NONE;
	h->mask = size - 1;
	h->used = 0;
	h->limit = limit;
	h->seed[0] = seed[0];
	h->seed[1] = seed[1];
	return 0;
}

void mn_hash_fini(struct mn_hash *h)
{
	free(h->entries);
	h->entries = NULL;
}

static uint32_t home(const struct mn_hash *h, uint64_t key)
{
	return mn_hash_mix(key, 0, h->seed) & h->mask;
}

/* The key's entry, or the free one where it would go. */
static uint32_t find(const struct mn_hash *h, uint64_t key)
{
	uint32_t i = home(h, key);

	while (h->entries[i].value != MN_HASH_NONE && h->entries[i].key != key)
		i = (i + 1) & h->mask;
	return i;
}

int mn_hash_put(struct mn_hash *h, uint64_t key, uint32_t value)
{
	uint32_t i = find(h, key);

	if (h->entries[i].value != MN_HASH_NONE)
		return -EEXIST;
	if (h->used == h->limit)
		return -ENOSPC;
	h->entries[i] = (struct mn_hash_entry){ key, value };
	h->used++;
	return 0;
}

uint32_t mn_hash_get(const struct mn_hash *h, uint64_t key)
{
	return h->entries[find(h, key)].value;
}

void mn_hash_del(struct mn_hash *h, uint64_t key)
{
	uint32_t hole = find(h, key), i = hole;

	if (h->entries[hole].value == MN_HASH_NONE)
		return;
	h->used--;
	/* An entry may fill the hole unless its home lies behind the hole. */
	for (;;) {
		h->entries[hole].value = MN_HASH_NONE;
		do {
			i = (i + 1) & h->mask;
			if (h->entries[i].value == MN_HASH_NONE)
				return;
		} while (((i - home(h, h->entries[i].key)) & h->mask) < ((i - hole) & h->mask));
		h->entries[hole] = h->entries[i];
		hole = i;
	}
}
