/* SPDX-License-Identifier: MIT */
/*
 * record.h - what a packet under way has carried, so that it can be sent again
 *
 * A record names a part of a connection's stream, or a control frame, which is made anew in its
 * newest version when it was lost. Records come from a pool that the paths of an engine share; one
 * path may have as many as are still free, so that each finds some. What is lost keeps its record,
 * or gives it back: sending it again needs no other one. Lists of records are linked by index.
 */
#ifndef MN_TRANSPORT_RECORD_H
#define MN_TRANSPORT_RECORD_H

#include <stdint.h>

#define MN_RECORD_NONE	UINT32_MAX

enum mn_record_kind {
	MN_RECORD_DATA,		/* [offset, offset + len) of the stream */
	MN_RECORD_FIN,		/* its end, at offset */
	MN_RECORD_CONTROL,	/* len: MN_DUE_* of the connection */
	MN_RECORD_REFUSE,	/* conn: the peer's number; offset: engine; len: code */
	MN_RECORD_MOVE,		/* the same; offset: path; len: mine; flags: step */
};

#define MN_RECORD_F_ROOM	0x1	/* the packet carried the connection's room, too */
#define MN_RECORD_F_FINAL	0x2	/* the peer's end included */

struct mn_record {
	uint64_t offset;
	uint32_t len;
	uint32_t conn;		/* number of the connection here */
	uint32_t next;		/* MN_RECORD_NONE: the last */
	uint16_t path;		/* slot of the path that it was taken for */
	uint8_t kind;		/* enum mn_record_kind */
	uint8_t flags;		/* MN_RECORD_F_* */
};

_Static_assert(sizeof(struct mn_record) == 24, "many of them are in memory");

struct mn_records {
	struct mn_record *all;
	uint32_t *used;		/* by slot of the path */
	uint32_t n, n_free, free;	/* free: first of the list */
};

/* 0 or -ENOMEM. */
int mn_records_init(struct mn_records *rs, uint32_t n, uint32_t paths);
void mn_records_fini(struct mn_records *rs);

/* A record of the path, all else zero, its next NONE. MN_RECORD_NONE: none is free. */
uint32_t mn_record_get(struct mn_records *rs, uint16_t path);
void mn_record_put(struct mn_records *rs, uint32_t index);

/* How many more the path may take; never the last one that is free. */
static inline uint32_t mn_records_spare(const struct mn_records *rs, uint16_t path)
{
	return rs->n_free > rs->used[path] ? (rs->n_free - rs->used[path]) / 2 : 0;
}

static inline struct mn_record *mn_record_at(const struct mn_records *rs, uint32_t index)
{
	return &rs->all[index];
}

#endif /* MN_TRANSPORT_RECORD_H */
