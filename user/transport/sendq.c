// SPDX-License-Identifier: MIT
/* sendq.c - messages as a stream */
#include <endian.h>
#include <string.h>

#include "base/min.h"
#include "transport/message.h"
#include "transport/sendq.h"

_Static_assert(MN_SHM_INLINE_COST(0) == MN_MSG_PREFIX, "what a chunk holds per message");
_Static_assert(MN_SHM_INLINE_COST(MN_SHM_INLINE_MAX) <= MN_TX_ARENA_SMALL_SIZE,
	       "a small chunk holds any inline message");

void mn_sendq_init(struct mn_sendq *q)
{
	*q = (struct mn_sendq){
		.head = MN_SHM_BUF_NONE,
		.tail = MN_SHM_BUF_NONE,
		.next = MN_SHM_BUF_NONE,
	};
}

static bool is_chunk(const struct mn_channel *ch, uint32_t name)
{
	return name >= ch->tx_bufs;
}

static uint8_t *chunk_data(const struct mn_channel *ch, uint32_t name)
{
	return mn_tx_arena_data(&ch->tx_arena, name - ch->tx_bufs);
}

static void append(struct mn_sendq *q, struct mn_channel *ch, uint32_t name)
{
	if (q->head == MN_SHM_BUF_NONE)
		q->head = name;
	else
		ch->txmsgs[q->tail].next = name;
	q->tail = name;
}

/* The tail has grown by a message. */
static void grown(struct mn_sendq *q, uint64_t end)
{
	if (q->next == MN_SHM_BUF_NONE)
		q->next = q->tail;
	q->end = end;
	q->messages++;
}

void mn_sendq_push(struct mn_sendq *q, struct mn_channel *ch, struct mn_txmsg *m)
{
	m->seq = q->end;
	m->end = m->seq + MN_MSG_PREFIX + m->len;
	append(q, ch, m->first);
	grown(q, m->end);
}

/* The piece that takes need bytes more; NULL: there is none. */
static struct mn_txmsg *tail_chunk(struct mn_sendq *q, struct mn_channel *ch, uint64_t flow,
				   uint32_t need)
{
	struct mn_txmsg *m = q->tail == MN_SHM_BUF_NONE ? NULL : &ch->txmsgs[q->tail];
	uint32_t chunk;

	if (m && is_chunk(ch, q->tail) &&
	    m->end - m->seq + need <= mn_tx_arena_size(q->tail - ch->tx_bufs))
		return m;
	chunk = mn_tx_arena_get(&ch->tx_arena, need, !m);
	if (chunk == MN_TX_ARENA_NONE)
		return NULL;
	m = &ch->txmsgs[ch->tx_bufs + chunk];
	*m = (struct mn_txmsg){
		.seq = q->end,
		.end = q->end,
		.flow = flow,
		.first = ch->tx_bufs + chunk,
		.next = MN_SHM_BUF_NONE,
	};
	append(q, ch, m->first);
	return m;
}

int mn_sendq_read(struct mn_sendq *q, struct mn_channel *ch, const struct mn_desc *d)
{
	uint32_t frame = htobe32(d->len), need = MN_MSG_PREFIX + d->len;
	struct mn_txmsg *m = tail_chunk(q, ch, d->flow, need);
	uint8_t *to;

	if (!m)
		return -ENOBUFS;
	to = chunk_data(ch, m->first) + (m->end - m->seq);
	memcpy(to, &frame, MN_MSG_PREFIX);
	mn_channel_tx_read(ch, d, to + MN_MSG_PREFIX);
	m->end += need;
	grown(q, m->end);
	return 0;
}

/* Bytes of one message's frame from offset off on, up to its end; returns how many. */
static uint32_t copy_frame(struct mn_channel *ch, struct mn_txmsg *m, uint32_t off, uint8_t *dst,
			   uint32_t len, struct mn_sum *sum)
{
	uint32_t frame = htobe32(m->len), done = 0, n;

	if (off < MN_MSG_PREFIX) {
		done = mn_min_u32(len, MN_MSG_PREFIX - off);
		mn_sum_copy(sum, dst, (uint8_t *)&frame + off, done);
		off += done;
	}
	if (done == len)
		return done;
	off -= MN_MSG_PREFIX;
	n = len - done < m->len - off ? len - done : m->len - off;
	mn_channel_tx_copy(ch, m, off, dst + done, n, sum);
	return done + n;
}

void mn_sendq_copy(struct mn_sendq *q, struct mn_channel *ch, uint64_t seq, uint8_t *dst,
		   uint32_t len, struct mn_sum *sum)
{
	uint32_t msg = q->next;

	/* Mostly it goes on where the last copy ended. */
	if (msg == MN_SHM_BUF_NONE || ch->txmsgs[msg].seq > seq)
		msg = q->head;
	while (ch->txmsgs[msg].end <= seq)
		msg = ch->txmsgs[msg].next;
	q->next = msg;
	while (len) {
		struct mn_txmsg *m = &ch->txmsgs[msg];
		uint32_t off = seq - m->seq, n;

		if (is_chunk(ch, msg)) {
			n = mn_min_u32(len, m->end - seq);
			mn_sum_copy(sum, dst, chunk_data(ch, msg) + off, n);
		} else {
			n = copy_frame(ch, m, off, dst, len, sum);
		}
		dst += n;
		seq += n;
		len -= n;
		msg = m->next;
	}
}

static int give_back(struct mn_channel *ch, struct mn_txmsg *m)
{
	if (!is_chunk(ch, m->first))
		return mn_channel_tx_done(ch, m);
	mn_tx_arena_put(&ch->tx_arena, m->first - ch->tx_bufs);
	mn_channel_tx_inline_done(ch, m->flow, m->end - m->seq);
	ch->tx_held = false;
	return 0;
}

int mn_sendq_ack(struct mn_sendq *q, struct mn_channel *ch, uint64_t seq)
{
	while (q->head != MN_SHM_BUF_NONE) {
		struct mn_txmsg *m = &ch->txmsgs[q->head];
		uint32_t next = m->next;
		int ret;

		if (m->end > seq)
			return 0;
		ret = give_back(ch, m);
		if (ret)
			return ret;
		if (q->next == q->head)
			q->next = next;
		q->head = next;
	}
	q->tail = MN_SHM_BUF_NONE;
	return 0;
}
