/* SPDX-License-Identifier: MIT */
/*
 * sendq.h - what a connection has to send and was not acknowledged yet, as a stream of bytes
 *
 * A list of pieces (struct mn_txmsg, by name): messages in the application's TX buffers, and
 * chunks of small messages in the channel's tx_arena.
 */
#ifndef MN_TRANSPORT_SENDQ_H
#define MN_TRANSPORT_SENDQ_H

#include <stdint.h>

#include "channel/channel.h"

struct mn_sendq {
	uint32_t head, tail;	/* pieces, MN_SHM_BUF_NONE: empty */
	uint32_t next;		/* where the last copy began; MN_SHM_BUF_NONE: in no piece */
	uint64_t end;		/* length of the stream so far */
	uint64_t messages;	/* that were ever put in */
};

void mn_sendq_init(struct mn_sendq *q);
/* A message in buffers. */
void mn_sendq_push(struct mn_sendq *q, struct mn_channel *ch, struct mn_txmsg *m);
/* Takes a message that lies in the ring. 0, -ENOBUFS: no chunk is free, it stays there. */
int mn_sendq_read(struct mn_sendq *q, struct mn_channel *ch, const struct mn_desc *d);

/*
 * Copies the stream's bytes [seq, seq + len), from anywhere in what is not given back, and adds
 * them to sum, unless that is NULL.
 */
void mn_sendq_copy(struct mn_sendq *q, struct mn_channel *ch, uint64_t seq, uint8_t *dst,
		   uint32_t len, struct mn_sum *sum);

/* Gives back what lies before seq. 0 or -EPROTO. */
int mn_sendq_ack(struct mn_sendq *q, struct mn_channel *ch, uint64_t seq);

#endif /* MN_TRANSPORT_SENDQ_H */
