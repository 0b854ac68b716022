/* SPDX-License-Identifier: MIT */
/*
 * reply.h - answers to packets that belong to no connection
 *
 * A short ring: what does not fit is not answered. Answers to unknown
 * connections are rate limited, for they are larger than a packet that asks for one;
 * those to SYNs are not larger than these.
 */
#ifndef MN_TRANSPORT1_REPLY_H
#define MN_TRANSPORT1_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "transport1/stack.h"

#define MN_REPLIES_MAX	256u

struct mn_reply {
	struct mn_path path;
	uint64_t id;		/* of the header */
	uint64_t lost_id;	/* of the body: the connection that is unknown here */
	uint64_t cookie;	/* not 0: a RETRY, no RST */
	uint32_t code;		/* enum mn_wire_code */
	uint32_t ts_echo;
};

struct mn_replies {
	struct mn_reply ring[MN_REPLIES_MAX];
	uint32_t head, tail;	/* free-running */
	uint32_t tokens;	/* answers to unknown connections that may be sent now */
	uint64_t tokens_us;	/* when they were last refilled */
};

void mn_replies_init(struct mn_replies *rs, uint64_t now_us);
/* False: not answered. */
bool mn_replies_put(struct mn_replies *rs, const struct mn_reply *r, uint64_t now_us);

static inline bool mn_replies_empty(const struct mn_replies *rs)
{
	return rs->head == rs->tail;
}

/* Writes the oldest answer; not empty. Returns its length. */
uint32_t mn_replies_output(struct mn_replies *rs, uint8_t *buf, struct mn_path *path,
			   uint64_t now_us);

#endif /* MN_TRANSPORT1_REPLY_H */
