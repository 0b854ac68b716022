/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - the stream of a connection made into messages in its channel
 *
 * A small message that a packet holds as a whole goes straight into the channel's ring, all others
 * are put together in buffers.
 */
#ifndef MN_TRANSPORT_INBOX_H
#define MN_TRANSPORT_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/channel.h"
#include "transport/credit.h"
#include "transport/message.h"

struct mn_inbox {
	uint8_t frame[MN_MSG_PREFIX];	/* length of the message under assembly */
	uint8_t frame_got;
	struct mn_rxmsg msg;
	struct mn_claim claim;
	struct mn_cost cost;
	uint64_t messages;	/* that were handed over */
};

void mn_inbox_init(struct mn_inbox *in);

/*
 * Takes the next len bytes of the stream; *taken says how many went in. 0: all
 * of them. -ENOBUFS: the next message waits for its claim. -EAGAIN: the ring is full, for
 * the message that is complete or for the next, a small one. -EBADMSG: a length that cannot be.
 * -EPROTO: the channel is corrupt. After -ENOBUFS and -EAGAIN a call with len 0
 * tries again.
 */
int mn_inbox_take(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr, uint64_t flow,
		  const uint8_t *data, uint32_t len, uint32_t *taken);

/* Bytes that are still to come of the message whose buffers are set aside. */
static inline uint32_t mn_inbox_expects(const struct mn_inbox *in)
{
	return in->claim.granted ? in->msg.len - in->msg.got : 0;
}

/* Gives up the message under assembly. */
void mn_inbox_drop(struct mn_inbox *in, struct mn_channel *ch, struct mn_credit *cr);

#endif /* MN_TRANSPORT_INBOX_H */
