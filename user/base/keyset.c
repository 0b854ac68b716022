// SPDX-License-Identifier: MIT
/* keyset.c - open addressing with linear probing; deletion moves keys back */
#include <errno.h>
#include <stdlib.h>

#include "base/keyset.h"

int mn_keyset_init(struct mn_keyset *ks, uint32_t limit)
{
	*ks = (struct mn_keyset){ .size = limit + limit / 2 + 1, .limit = limit };
	ks->keys = calloc(ks->size, sizeof(*ks->keys));
	return ks->keys ? 0 : -ENOMEM;
}

void mn_keyset_fini(struct mn_keyset *ks)
{
	free(ks->keys);
	ks->keys = NULL;
}

/* A multiplication instead of a division (Lemire, 2019). */
static uint32_t home(const struct mn_keyset *ks, uint64_t key)
{
	return (key >> 32) * ks->size >> 32;
}

static uint32_t after(const struct mn_keyset *ks, uint32_t i)
{
	return i + 1 < ks->size ? i + 1 : 0;
}

/* How many steps lead from one place to the other. */
static uint32_t steps(const struct mn_keyset *ks, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + ks->size - from;
}

/* The key's place, or the free one where it would go. */
static uint32_t find(const struct mn_keyset *ks, uint64_t key)
{
	uint32_t i = home(ks, key);

	while (ks->keys[i] && ks->keys[i] != key)
		i = after(ks, i);
	return i;
}

int mn_keyset_put(struct mn_keyset *ks, uint64_t key)
{
	uint32_t i;

	key += !key;
	i = find(ks, key);
	if (ks->keys[i])
		return -EEXIST;
	if (ks->used == ks->limit)
		return -ENOSPC;
	ks->keys[i] = key;
	ks->used++;
	return 0;
}

void mn_keyset_del(struct mn_keyset *ks, uint64_t key)
{
	uint32_t hole, i;

	key += !key;
	hole = i = find(ks, key);
	if (!ks->keys[hole])
		return;
	ks->used--;
	/* A key may fill the hole unless its home lies behind the hole. */
	for (;;) {
		ks->keys[hole] = 0;
		do {
			i = after(ks, i);
			if (!ks->keys[i])
				return;
		} while (steps(ks, home(ks, ks->keys[i]), i) < steps(ks, hole, i));
		ks->keys[hole] = ks->keys[i];
		hole = i;
	}
}
