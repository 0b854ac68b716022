// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/outbox.h"

static uint64_t mem_len(void)
{
	return (uint64_t)MN_OUTBOX_SMALL * MN_OUTBOX_SMALL_SIZE +
	       (uint64_t)MN_OUTBOX_LARGE * MN_OUTBOX_LARGE_SIZE;
}

int mn_outbox_init(struct mn_outbox *ob)
{
	void *mem = mmap(NULL, mem_len(), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	ob->mem = mem;
	ob->free_small = calloc(MN_OUTBOX_SMALL, sizeof(*ob->free_small));
	ob->free_large = calloc(MN_OUTBOX_LARGE, sizeof(*ob->free_large));
	if (!ob->free_small || !ob->free_large)
		return -ENOMEM;
	while (ob->n_small < MN_OUTBOX_SMALL) {
		ob->free_small[ob->n_small] = MN_OUTBOX_SMALL - 1 - ob->n_small;
		ob->n_small++;
	}
	while (ob->n_large < MN_OUTBOX_LARGE) {
		ob->free_large[ob->n_large] = MN_OUTBOX_CHUNKS - 1 - ob->n_large;
		ob->n_large++;
	}
	return 0;
}

void mn_outbox_fini(struct mn_outbox *ob)
{
	if (ob->mem)
		munmap(ob->mem, mem_len());
	free(ob->free_small);
	free(ob->free_large);
	*ob = (struct mn_outbox){ 0 };
}

uint32_t mn_outbox_get(struct mn_outbox *ob, uint32_t need, bool small)
{
	bool fits = need <= MN_OUTBOX_SMALL_SIZE;

	if (fits && ob->n_small && (small || !ob->n_large))
		return ob->free_small[--ob->n_small];
	if (ob->n_large)
		return ob->free_large[--ob->n_large];
	return MN_OUTBOX_NONE;
}

void mn_outbox_put(struct mn_outbox *ob, uint32_t chunk)
{
	if (chunk < MN_OUTBOX_SMALL)
		ob->free_small[ob->n_small++] = chunk;
	else
		ob->free_large[ob->n_large++] = chunk;
}
