/* SPDX-License-Identifier: MIT */
/*
 * record.h - what a packet under way has carried, so that it can be sent again
 *
 * A record names a part of a connection's stream, or a control frame, which is made anew in its
 * newest version when it was lost. Records come from a pool that the paths of an engine share; one
 * path may have as many as are still free, so that each finds some. Lists of records are linked by
 * index.
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
};

#define MN_RECORD_F_ROOM	0x1	/* the packet told the connection's room, too */
#define MN_RECORD_F_FINAL	0x2	/* the peer's end included */

struct mn_record {
	uint64_t offset;
	uint32_t len;
	uint32_t conn;		/* number of the connection here */
	uint32_t next;		/* MN_RECORD_NONE: the last */
	uint8_t kind;		/* enum mn_record_kind */
	uint8_t flags;		/* MN_RECORD_F_* */
};

struct mn_records {
	struct mn_record *all;
	uint32_t n, n_free, free;	/* free: first of the list */
};

/* 0 or -ENOMEM. */
int mn_records_init(struct mn_records *rs, uint32_t n);
void mn_records_fini(struct mn_records *rs);

/* A record with next MN_RECORD_NONE; MN_RECORD_NONE: none is free. */
uint32_t mn_record_get(struct mn_records *rs);
void mn_record_put(struct mn_records *rs, uint32_t index);

static inline struct mn_record *mn_record_at(const struct mn_records *rs, uint32_t index)
{
	return &rs->all[index];
}

#endif /* MN_TRANSPORT_RECORD_H */
