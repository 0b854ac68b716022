/* SPDX-License-Identifier: MIT */
/*
 * sendq.h - the messages of a connection that are not acknowledged yet, as a stream of bytes
 *
 * They lie in the application's TX buffers; the links are the channel's
 * mn_txmsg, named by first buffer.
 */
#ifndef MN_CORE_SENDQ_H
#define MN_CORE_SENDQ_H

#include <stdint.h>

#include "core/channel.h"

struct mn_sendq {
	uint32_t head, tail;	/* first buffers, MN_SHM_BUF_NONE: empty */
	uint32_t next;		/* message with the next byte to send; MN_SHM_BUF_NONE: all sent */
	uint64_t end;		/* length of the stream so far */
	uint64_t messages;	/* that were ever put in */
};

void mn_sendq_init(struct mn_sendq *q);
void mn_sendq_push(struct mn_sendq *q, struct mn_channel *ch, struct mn_txmsg *m);

/* Copies the stream's bytes [seq, seq + len), which begin in message msg. */
void mn_sendq_copy(struct mn_channel *ch, uint32_t msg, uint64_t seq, uint8_t *dst, uint32_t len);

/* The next byte to send is seq: at or after the last one, or anywhere after a mn_sendq_rewind(). */
void mn_sendq_advance(struct mn_sendq *q, const struct mn_channel *ch, uint64_t seq);
static inline void mn_sendq_rewind(struct mn_sendq *q)
{
	q->next = q->head;
}

/* Gives back what lies before seq. 0 or -EPROTO. */
int mn_sendq_ack(struct mn_sendq *q, struct mn_channel *ch, uint64_t seq);

#endif /* MN_CORE_SENDQ_H */
