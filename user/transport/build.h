/* SPDX-License-Identifier: MIT */
/*
 * build.h - a packet in the making
 *
 * Frames are written one behind the other, straight into the buffer that is sent, together with
 * the records of what they carry.
 */
#ifndef MN_TRANSPORT_BUILD_H
#define MN_TRANSPORT_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/checksum.h"
#include "transport/frame.h"
#include "transport/record.h"

/* A piece of payload that is smaller is added up together with what lies around it. */
#define MN_BUILD_SUM_MIN	256u

struct mn_build {
	uint8_t *at, *end;
	struct mn_records *pool;
	uint16_t path;		/* whose they are */
	uint32_t first, last;	/* records so far */
	uint32_t spare;		/* records that it may still take, besides those of what was lost */
	bool sums;		/* the sum of the packet is wanted */
	struct mn_sum sum;	/* of [head_end, summed) */
	uint8_t *head_end;	/* beginning of the first piece that was added up while copied */
	uint8_t *summed;	/* end of the last one; NULL: there is none */
	bool asks;		/* something in it asks for an acknowledgement soon */
	bool lazy;		/* or at some time */
};

static inline uint32_t mn_build_room(const struct mn_build *b)
{
	return b->end - b->at;
}

/* The frame with its payload fits, and so do n records. */
static inline bool mn_build_fits(const struct mn_build *b, uint32_t size, uint32_t n)
{
	return mn_build_room(b) >= size && b->spare >= n;
}

/* Writes what lies in front of the payload; it has been seen to fit. */
static inline void mn_build_frame(struct mn_build *b, const struct mn_frame *f)
{
	b->at += mn_frame_write(b->at, f);
}

/*
 * For len bytes of payload that are copied to b->at next: the sum to add them to meanwhile, which
 * has by then what lies in front of them and does not change any more. NULL: they are added later.
 */
static inline struct mn_sum *mn_build_sum(struct mn_build *b, uint32_t len)
{
	if (!b->sums || len < MN_BUILD_SUM_MIN)
		return NULL;
	if (b->summed)
		mn_sum_add(&b->sum, b->summed, b->at - b->summed);
	else
		b->head_end = b->at;
	b->summed = b->at + len;
	return &b->sum;
}

/* A record of what was written; it has been seen to be there. */
static inline struct mn_record *mn_build_record(struct mn_build *b, uint8_t kind, uint32_t conn)
{
	uint32_t i = mn_record_get(b->pool, b->path);
	struct mn_record *rec = mn_record_at(b->pool, i);

	rec->kind = kind;
	rec->conn = conn;
	if (b->last == MN_RECORD_NONE)
		b->first = i;
	else
		mn_record_at(b->pool, b->last)->next = i;
	b->last = i;
	b->spare -= b->spare > 0;
	return rec;
}

#endif /* MN_TRANSPORT_BUILD_H */
