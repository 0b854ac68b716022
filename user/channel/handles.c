// SPDX-License-Identifier: MIT
/* handles.c - handles of connections, never the same one twice */
#include <errno.h>
#include <sys/mman.h>

#include "channel/handles.h"

_Static_assert(sizeof(struct mn_handle_slot) == 16, "memory of a slot");

static size_t mem_len(const struct mn_handles *h)
{
	return (size_t)h->flows * sizeof(*h->slots);
}

/* Untouched pages take no memory. */
int mn_handles_init(struct mn_handles *h, uint32_t flows)
{
	void *mem;

	if (!flows || (flows & (flows - 1)) || flows > MN_SHM_FLOWS_MAX)
		return -EINVAL;
	*h = (struct mn_handles){
		.flows = flows,
		.bits = __builtin_ctz(flows),
		.first = MN_HANDLES_NONE,
		.last = MN_HANDLES_NONE,
	};
	mem = mmap(NULL, mem_len(h), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return -ENOMEM;
	h->slots = mem;
	return 0;
}

void mn_handles_fini(struct mn_handles *h)
{
	if (h->slots)
		munmap(h->slots, mem_len(h));
	*h = (struct mn_handles){ 0 };
}

static uint32_t take_slot(struct mn_handles *h)
{
	uint32_t slot = h->first;

	if (slot != MN_HANDLES_NONE) {
		h->first = h->slots[slot].next;
		return slot;
	}
	if (h->fresh == h->flows)
		return MN_HANDLES_NONE;
	slot = h->fresh++;
	/* Of serial 0, which is never given out: slot 0 would make a handle of 0. */
	h->slots[slot].handle = slot;
	return slot;
}

uint64_t mn_handles_new(struct mn_handles *h, uint32_t value)
{
	uint32_t slot = take_slot(h);

	if (slot == MN_HANDLES_NONE)
		return MN_SHM_FLOW_NONE;
	h->slots[slot].handle += h->flows;
	h->slots[slot].value = value;
	return h->slots[slot].handle;
}

void mn_handles_set(struct mn_handles *h, uint64_t handle, uint32_t value)
{
	if (mn_handles_find(h, handle) != MN_HANDLES_NONE)
		h->slots[handle & (h->flows - 1)].value = value;
}

void mn_handles_free(struct mn_handles *h, uint64_t handle)
{
	uint32_t slot = handle & (h->flows - 1);

	if (mn_handles_find(h, handle) == MN_HANDLES_NONE)
		return;
	h->slots[slot].value = MN_HANDLES_NONE;
	/* A slot whose serials are used up is not used again. */
	if (handle + h->flows >= MN_SHM_FLOW_END)
		return;
	h->slots[slot].next = MN_HANDLES_NONE;
	if (h->first == MN_HANDLES_NONE)
		h->first = slot;
	else
		h->slots[h->last].next = slot;
	h->last = slot;
}
