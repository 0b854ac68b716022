// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "channel/tx_arena.h"

static uint64_t mem_len(void)
{
	return (uint64_t)MN_TX_ARENA_SMALL * MN_TX_ARENA_SMALL_SIZE +
	       (uint64_t)MN_TX_ARENA_LARGE * MN_TX_ARENA_LARGE_SIZE;
}

int mn_tx_arena_init(struct mn_tx_arena *a)
{
	void *mem = mmap(NULL, mem_len(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	a->mem = mem;
	a->free_small = calloc(MN_TX_ARENA_SMALL, sizeof(*a->free_small));
	a->free_large = calloc(MN_TX_ARENA_LARGE, sizeof(*a->free_large));
	if (!a->free_small || !a->free_large)
		return -ENOMEM;
	while (a->n_small < MN_TX_ARENA_SMALL) {
		a->free_small[a->n_small] = MN_TX_ARENA_SMALL - 1 - a->n_small;
		a->n_small++;
	}
	while (a->n_large < MN_TX_ARENA_LARGE) {
		a->free_large[a->n_large] = MN_TX_ARENA_CHUNKS - 1 - a->n_large;
		a->n_large++;
	}
	return 0;
}

void mn_tx_arena_fini(struct mn_tx_arena *a)
{
	if (a->mem)
		munmap(a->mem, mem_len());
	free(a->free_small);
	free(a->free_large);
	*a = (struct mn_tx_arena){ 0 };
}

uint32_t mn_tx_arena_get(struct mn_tx_arena *a, uint32_t need, bool small)
{
	bool fits = need <= MN_TX_ARENA_SMALL_SIZE;

	if (fits && a->n_small && (small || !a->n_large))
		return a->free_small[--a->n_small];
	if (a->n_large)
		return a->free_large[--a->n_large];
	return MN_TX_ARENA_NONE;
}

void mn_tx_arena_put(struct mn_tx_arena *a, uint32_t chunk)
{
	if (chunk < MN_TX_ARENA_SMALL)
		a->free_small[a->n_small++] = chunk;
	else
		a->free_large[a->n_large++] = chunk;
}
