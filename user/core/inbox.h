/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - the stream of a connection made into messages in its channel
 */
#ifndef MN_CORE_INBOX_H
#define MN_CORE_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/wire.h>
#include "core/channel.h"
#include "core/credit.h"

struct mn_inbox {
	uint8_t frame[MN_WIRE_FRAME_LEN];	/* length of the message under assembly */
	uint8_t frame_got;
	struct mn_rxmsg msg;
	struct mn_claim claim;
	/* Bytes of buffers taken by a byte of stream, times 16; grows at once, falls slowly. */
	uint32_t cost16;
	uint64_t messages;	/* that were handed over */
};

void mn_inbox_init(struct mn_inbox *in);

/*
 * Takes the next len bytes of the stream; *taken says how many went in. 0: all
 * of them. -ENOBUFS: the next message waits for its claim. -EAGAIN: the
 * message is complete, its ring is full. -EBADMSG: a length that cannot be.
 * -EPROTO: the channel is corrupt. After -ENOBUFS and -EAGAIN a call with len 0
 * tries again.
 */
int mn_inbox_take(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr, uint32_t flow,
		  const uint8_t *data, uint32_t len, uint32_t *taken);

/* Bytes that are still to come of the message whose buffers are set aside. */
static inline uint32_t mn_inbox_expects(const struct mn_inbox *in)
{
	return in->claim.granted ? in->msg.len - in->msg.got : 0;
}

/* Gives up the message under assembly. */
void mn_inbox_drop(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr);

#endif /* MN_CORE_INBOX_H */
