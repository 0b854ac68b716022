/* SPDX-License-Identifier: MIT */
/*
 * reply.h - answers to packets that belong to no path
 *
 * A short ring: what does not fit is not answered. Answers to unknown paths are rate limited; no
 * answer is larger than the packet that asked for it.
 */
#ifndef MN_TRANSPORT_REPLY_H
#define MN_TRANSPORT_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/packet.h"
#include "transport/stack.h"

#define MN_REPLIES_MAX	256u

struct mn_reply {
	struct mn_tuple tuple;
	struct mn_packet packet;	/* RETRY or RESET */
};

struct mn_replies {
	struct mn_reply ring[MN_REPLIES_MAX];
	uint32_t head, tail;	/* free-running */
	uint32_t tokens;	/* answers to unknown paths that may be sent now */
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
uint32_t mn_replies_output(struct mn_replies *rs, uint8_t *buf, struct mn_tuple *to);

#endif /* MN_TRANSPORT_REPLY_H */
