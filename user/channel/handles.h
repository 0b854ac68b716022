/* SPDX-License-Identifier: MIT */
/*
 * handles.h - the handles of a channel's connections
 *
 * A handle is serial << bits | slot. It names a connection for the life of its channel: no handle
 * is given out twice, and none names the engine that serves the connection, so a connection may
 * move to another engine together with its channel. Handles are below 2^53 (a number of
 * JavaScript), and none is 0. The lowest bits are the slot in the channel's accounts (shm.h).
 *
 * Free slots are used again in the order in which they became free. Memory is taken as slots are
 * used for the first time: 16 bytes each.
 *
 * One thread at a time.
 */
#ifndef MN_CHANNEL_HANDLES_H
#define MN_CHANNEL_HANDLES_H

#include <stdint.h>

#include <machnet/shm.h>

#define MN_HANDLES_NONE		UINT32_MAX

struct mn_handle_slot {
	uint64_t handle;	/* the last one that the slot was part of */
	uint32_t value;		/* the owner's; MN_HANDLES_NONE: the slot is free */
	uint32_t next;		/* free: the slot that became free after it */
};

struct mn_handles {
	struct mn_handle_slot *slots;
	uint32_t flows;		/* number of slots, a power of two */
	uint32_t bits;		/* of a slot's number */
	uint32_t fresh;		/* slots from here on were never used */
	uint32_t first, last;	/* free slots; MN_HANDLES_NONE: there is none */
};

/* flows: a power of two, at most MN_SHM_FLOWS_MAX. All zero before. 0, -EINVAL, -ENOMEM. */
int mn_handles_init(struct mn_handles *h, uint32_t flows);
void mn_handles_fini(struct mn_handles *h);

/* A handle for value, which is not MN_HANDLES_NONE. MN_SHM_FLOW_NONE: no slot is free. */
uint64_t mn_handles_new(struct mn_handles *h, uint32_t value);

/* Another value for a handle that is in use. */
void mn_handles_set(struct mn_handles *h, uint64_t handle, uint32_t value);

/* The handle ends; one that is not in use is ignored. */
void mn_handles_free(struct mn_handles *h, uint64_t handle);

/* The value of a handle, which may be any number. MN_HANDLES_NONE: it is not in use. */
static inline uint32_t mn_handles_find(const struct mn_handles *h, uint64_t handle)
{
	uint32_t slot = handle & (h->flows - 1);

	if (slot >= h->fresh || h->slots[slot].handle != handle)
		return MN_HANDLES_NONE;
	return h->slots[slot].value;
}

#endif /* MN_CHANNEL_HANDLES_H */
