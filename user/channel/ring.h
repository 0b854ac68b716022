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

/* The bytes at this side's index. */
static inline uint8_t *mn_ring_here(const struct mn_ring *r)
{
	return (uint8_t *)&r->slots[r->self & (r->size - 1)];
}

/* Slots from this side's index to the ring's end, when so many slots do not fit there; else 0. */
static inline uint32_t mn_ring_fill(const struct mn_ring *r, uint32_t slots)
{
	uint32_t left = r->size - (r->self & (r->size - 1));

	return slots > left ? left : 0;
}

/* Slots that an inline message of len bytes takes now, with its descriptor and a filler. */
static inline uint32_t mn_ring_need(const struct mn_ring *r, uint32_t len)
{
	uint32_t slots = 1 + mn_ring_slots(len);

	return mn_ring_fill(r, slots) + slots;
}

/*
 * Writes a descriptor with d->len bytes in the slots behind it, if need be behind a filler; the
 * caller has seen that there is room for mn_ring_need(). The bytes belong at the address that is
 * returned.
 */
static inline uint8_t *mn_ring_put_inline(struct mn_ring *r, const struct mn_desc *d)
{
	uint32_t slots = mn_ring_slots(d->len), fill = mn_ring_fill(r, 1 + slots);
	const struct mn_desc filler = { .type = MN_DESC_FILL, .len = fill };
	uint8_t *bytes;

	if (fill) {
		mn_ring_put(r, &filler);
		r->self += fill - 1;
	}
	mn_ring_put(r, d);
	bytes = mn_ring_here(r);
	r->self += slots;
	return bytes;
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

/* The bytes of an entry lie in the slots behind its descriptor. */
static inline bool mn_ring_has_bytes(const struct mn_desc *d)
{
	return d->type == MN_DESC_INLINE || d->type == MN_DESC_OPEN || d->type == MN_DESC_CONNECT;
}

/*
 * Slots behind an entry that was just taken, self being the index behind its descriptor: those of
 * its bytes or of a filler. -EPROTO when they are not what they must be: of a length that can be,
 * in one piece, all there; a filler ends at the ring's end. So none begins at its start, and two
 * fillers never follow each other.
 */
static inline int32_t mn_ring_extra(const struct mn_ring *r, const struct mn_desc *d)
{
	uint32_t left = r->size - ((r->self - 1) & (r->size - 1)), n;

	if (mn_ring_has_bytes(d))
		n = d->len && d->len <= MN_SHM_INLINE_MAX ? 1 + mn_ring_slots(d->len) : 0;
	else if (d->type == MN_DESC_FILL)
		n = d->len == left && d->len <= MN_SHM_INLINE_SLOTS ? d->len : 0;
	else
		return 0;
	return n && n <= left && n - 1 <= r->other - r->self ? (int32_t)n - 1 : -EPROTO;
}

/* Gives the slots of what was taken back to the producer. */
static inline void mn_ring_release(struct mn_ring *r)
{
	__atomic_store_n(&r->ctl->cons, r->self, __ATOMIC_RELEASE);
}

#endif /* MN_CHANNEL_RING_H */
