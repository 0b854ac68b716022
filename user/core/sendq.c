// SPDX-License-Identifier: MIT
/* sendq.c - messages as a stream */
#include <endian.h>

#include <machnet/wire.h>
#include "core/sendq.h"

void mn_sendq_init(struct mn_sendq *q)
{
	*q = (struct mn_sendq){
		.head = MN_SHM_BUF_NONE,
		.tail = MN_SHM_BUF_NONE,
		.next = MN_SHM_BUF_NONE,
	};
}

static uint64_t msg_end(const struct mn_txmsg *m)
{
	return m->seq + MN_WIRE_FRAME_LEN + m->len;
}

void mn_sendq_push(struct mn_sendq *q, struct mn_channel *ch, struct mn_txmsg *m)
{
	m->seq = q->end;
	m->next = MN_SHM_BUF_NONE;
	if (q->head == MN_SHM_BUF_NONE)
		q->head = m->first;
	else
		ch->txmsgs[q->tail].next = m->first;
	q->tail = m->first;
	if (q->next == MN_SHM_BUF_NONE)
		q->next = m->first;
	q->end = msg_end(m);
	q->messages++;
}

/* Bytes of one message's frame from offset off on, up to its end; returns how many. */
static uint32_t copy_frame(struct mn_channel *ch, struct mn_txmsg *m, uint32_t off, uint8_t *dst,
			   uint32_t len)
{
	uint32_t frame = htobe32(m->len), done = 0, n;

	while (off < MN_WIRE_FRAME_LEN && done < len)
		dst[done++] = ((uint8_t *)&frame)[off++];
	if (done == len)
		return done;
	off -= MN_WIRE_FRAME_LEN;
	n = len - done < m->len - off ? len - done : m->len - off;
	mn_channel_tx_copy(ch, m, off, dst + done, n);
	return done + n;
}

void mn_sendq_copy(struct mn_channel *ch, uint32_t msg, uint64_t seq, uint8_t *dst, uint32_t len)
{
	while (len) {
		struct mn_txmsg *m = &ch->txmsgs[msg];
		uint32_t n = copy_frame(ch, m, seq - m->seq, dst, len);

		dst += n;
		seq += n;
		len -= n;
		msg = m->next;
	}
}

void mn_sendq_advance(struct mn_sendq *q, const struct mn_channel *ch, uint64_t seq)
{
	while (q->next != MN_SHM_BUF_NONE && msg_end(&ch->txmsgs[q->next]) <= seq)
		q->next = ch->txmsgs[q->next].next;
}

int mn_sendq_ack(struct mn_sendq *q, struct mn_channel *ch, uint64_t seq)
{
	while (q->head != MN_SHM_BUF_NONE) {
		struct mn_txmsg *m = &ch->txmsgs[q->head];
		uint32_t next = m->next;
		int ret;

		if (msg_end(m) > seq)
			return 0;
		ret = mn_channel_tx_done(ch, m);
		if (ret)
			return ret;
		if (q->next == q->head)
			q->next = next;
		q->head = next;
	}
	q->tail = MN_SHM_BUF_NONE;
	return 0;
}
