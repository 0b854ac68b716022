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

int mn_tx_arena_init(struct mn_tx_arena *ob)
{
	void *mem = mmap(NULL, mem_len(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	ob->mem = mem;
	ob->free_small = calloc(MN_TX_ARENA_SMALL, sizeof(*ob->free_small));
	ob->free_large = calloc(MN_TX_ARENA_LARGE, sizeof(*ob->free_large));
	if (!ob->free_small || !ob->free_large)
		return -ENOMEM;
	while (ob->n_small < MN_TX_ARENA_SMALL) {
		ob->free_small[ob->n_small] = MN_TX_ARENA_SMALL - 1 - ob->n_small;
		ob->n_small++;
	}
	while (ob->n_large < MN_TX_ARENA_LARGE) {
		ob->free_large[ob->n_large] = MN_TX_ARENA_CHUNKS - 1 - ob->n_large;
		ob->n_large++;
	}
	return 0;
}

void mn_tx_arena_fini(struct mn_tx_arena *ob)
{
	if (ob->mem)
		munmap(ob->mem, mem_len());
	free(ob->free_small);
	free(ob->free_large);
	*ob = (struct mn_tx_arena){ 0 };
}

uint32_t mn_tx_arena_get(struct mn_tx_arena *ob, uint32_t need, bool small)
{
	bool fits = need <= MN_TX_ARENA_SMALL_SIZE;

	if (fits && ob->n_small && (small || !ob->n_large))
		return ob->free_small[--ob->n_small];
	if (ob->n_large)
		return ob->free_large[--ob->n_large];
	return MN_TX_ARENA_NONE;
}

void mn_tx_arena_put(struct mn_tx_arena *ob, uint32_t chunk)
{
	if (chunk < MN_TX_ARENA_SMALL)
		ob->free_small[ob->n_small++] = chunk;
	else
		ob->free_large[ob->n_large++] = chunk;
}
