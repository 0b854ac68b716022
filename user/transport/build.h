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

#include "transport/frame.h"
#include "transport/record.h"

struct mn_build {
	uint8_t *at, *end;
	struct mn_records *pool;
	uint16_t path;		/* whose they are */
	uint32_t first, last;	/* records so far */
	uint32_t spare;		/* records that it may still take, besides those of what was lost */
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
