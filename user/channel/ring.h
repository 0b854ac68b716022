/* SPDX-License-Identifier: MIT */
/*
 * ring.h - single-producer single-consumer ring of descriptors in shared memory
 *
 * The other side is not trusted: this side's index and the geometry live in
 * private memory, the other side's index is read once per refresh and checked.
 * One thread at a time per side. rte_ring is not used here because it takes
 * its size, mask and both indices from the shared memory itself, and because
 * applications do not link DPDK.
 */
#ifndef MN_CHANNEL_RING_H
#define MN_CHANNEL_RING_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <machnet/shm.h>

/* One side's private view of a ring. */
struct mn_ring {
	struct mn_shm_ring_ctl *ctl;	/* shared */
	struct mn_desc *slots;		/* shared, slots of them */
	uint32_t size;			/* power of two */
	uint32_t self;			/* this side's index, not yet published when ahead of ctl */
	uint32_t other;			/* the other side's index, as last read and checked */
};

/* Bytes that a ring of slots entries takes: control lines and slots. */
static inline uint64_t mn_ring_memsize(uint32_t slots)
{
	return sizeof(struct mn_shm_ring_ctl) + (uint64_t)slots * sizeof(struct mn_desc);
}

/* base points at the ring in the mapping; both sides start at index 0. */
static inline void mn_ring_init(struct mn_ring *r, void *base, uint32_t slots)
{
	r->ctl = (struct mn_shm_ring_ctl *)base;
	r->slots = (struct mn_desc *)(r->ctl + 1);
	r->size = slots;
	r->self = 0;
	r->other = 0;
}

/*
 * Free slots for the producer, refreshed when fewer than want are known.
 * -EPROTO when the consumer's index cannot be true.
 */
static inline int64_t mn_ring_free(struct mn_ring *r, uint32_t want)
{
	uint32_t room = r->size - (r->self - r->other);
	uint32_t cons;

	if (room >= want)
		return room;
	cons = __atomic_load_n(&r->ctl->cons, __ATOMIC_ACQUIRE);
	if (r->self - cons > r->size)
		return -EPROTO;
	r->other = cons;
	return r->size - (r->self - cons);
}

/* Writes one entry; the caller has seen that there is room. */
static inline void mn_ring_put(struct mn_ring *r, const struct mn_desc *d)
{
	r->slots[r->self++ & (r->size - 1)] = *d;
}

/* Slots that so many bytes take. */
static inline uint32_t mn_ring_slots(uint32_t bytes)
{
	return (bytes + sizeof(struct mn_desc) - 1) / sizeof(struct mn_desc);
}

/* The slot at this side's index, and how many bytes lie from there to the ring's end. */
static inline uint8_t *mn_ring_here(const struct mn_ring *r, uint32_t *bytes)
{
	uint32_t at = r->self & (r->size - 1);

	*bytes = (r->size - at) * sizeof(struct mn_desc);
	return (uint8_t *)&r->slots[at];
}

/* Writes len bytes into the next mn_ring_slots(len) slots, which the caller has seen to be free. */
static inline void mn_ring_put_bytes(struct mn_ring *r, const void *src, uint32_t len)
{
	uint32_t first;
	uint8_t *here = mn_ring_here(r, &first);

	if (len <= first) {
		memcpy(here, src, len);
	} else {
		memcpy(here, src, first);
		memcpy(r->slots, (const uint8_t *)src + first, len - first);
	}
	r->self += mn_ring_slots(len);
}

/* Takes len bytes out of the next slots; the caller has seen that they are there. */
static inline void mn_ring_get_bytes(struct mn_ring *r, void *dst, uint32_t len)
{
	uint32_t first;
	const uint8_t *here = mn_ring_here(r, &first);

	if (len <= first) {
		memcpy(dst, here, len);
	} else {
		memcpy(dst, here, first);
		memcpy((uint8_t *)dst + first, r->slots, len - first);
	}
	r->self += mn_ring_slots(len);
}

/* Makes what was put visible to the consumer. */
static inline void mn_ring_publish(struct mn_ring *r)
{
	__atomic_store_n(&r->ctl->prod, r->self, __ATOMIC_RELEASE);
}

/* All entries that the consumer sees by now. -EPROTO when the producer's index cannot be true. */
static inline int64_t mn_ring_refresh(struct mn_ring *r)
{
	uint32_t prod = __atomic_load_n(&r->ctl->prod, __ATOMIC_ACQUIRE);

	if (prod - r->self > r->size)
		return -EPROTO;
	r->other = prod;
	return prod - r->self;
}

/* Entries for the consumer, refreshed when none is known. -EPROTO as above. */
static inline int64_t mn_ring_avail(struct mn_ring *r)
{
	uint32_t used = r->other - r->self;

	return used ? used : mn_ring_refresh(r);
}

/* Half of a slot. */
typedef uint64_t __attribute__((may_alias)) mn_ring_word;

/*
 * Takes one entry, by its two words; the caller has seen that there is one. The copy is the only
 * read of the slot: a producer that changes it afterwards changes nothing.
 */
static inline void mn_ring_get(struct mn_ring *r, struct mn_desc *d)
{
	const mn_ring_word *slot = (const mn_ring_word *)&r->slots[r->self++ & (r->size - 1)];
	mn_ring_word *to = (mn_ring_word *)d;

	to[0] = __atomic_load_n(&slot[0], __ATOMIC_RELAXED);
	to[1] = __atomic_load_n(&slot[1], __ATOMIC_RELAXED);
}

/* Gives the slots of what was taken back to the producer. */
static inline void mn_ring_release(struct mn_ring *r)
{
	__atomic_store_n(&r->ctl->cons, r->self, __ATOMIC_RELEASE);
}

#endif /* MN_CHANNEL_RING_H */
