// SPDX-License-Identifier: MIT
/* rx.c - entries of the ring RX: what is for the program, and what is not */
#include <string.h>

#include "lib/priv.h"

/* Buffers go back to the engine in batches, and at once before the program goes idle. */
#define RETURN_BYTES	(64 * 1024)
/* What a short message counts for at least: no more than 32 of them are held back. */
#define RETURN_LEAST	(RETURN_BYTES / 32)
/* And slots, when they are such a part of the ring. */
#define RETURN_PART	8
#define ERRNO_MAX	4095

void mnc_sink_put(struct mnc_sink *s, const uint8_t *src, uint32_t len)
{
	while (len) {
		size_t n = s->iov->len - s->off;

		if (n > len)
			n = len;
		if (n)
			memcpy((uint8_t *)s->iov->base + s->off, src, n);
		src += n;
		len -= n;
		s->off += n;
		if (s->off == s->iov->len) {
			s->iov++;
			s->off = 0;
		}
	}
}

bool mnc_sink_fits(const MachnetIovec_t *iov, size_t iovlen, uint32_t len)
{
	uint64_t room = 0;

	for (size_t i = 0; i < iovlen && room < len; i++)
		room += iov[i].len;
	return room >= len;
}

/* The engine learns of what the program is done with. */
void mnc_rx_publish(struct mnc_channel *ch)
{
	struct mnc_link *link = &ch->link;

	if (!link->returned_bytes && link->rx_released == link->rx.self)
		return;
	if (link->returned_bytes)
		mn_ring_publish(&link->rxc);
	link->returned_bytes = 0;
	mn_ring_release(&link->rx);
	link->rx_released = link->rx.self;
	mnc_wake_engine(ch, MN_SHM_WAKE_ROOM);
}

/* The program is done with the entry in head; head is free. */
void mnc_rx_free(struct mnc_channel *ch)
{
	struct mnc_link *link = &ch->link;

	link->head.type = MN_DESC_NONE;
	if (link->returned_bytes >= RETURN_BYTES ||
	    link->rx.self - link->rx_released >= link->rx.size / RETURN_PART)
		mnc_rx_publish(ch);
}

/* For the engine's account of what the connection's program has not read. */
void mnc_rx_consumed(struct mnc_link *link, uint64_t flow, uint32_t len)
{
	uint32_t *done = &link->rx_done[flow & (link->flows - 1)];
	uint32_t was = __atomic_load_n(done, __ATOMIC_RELAXED);

	__atomic_store_n(done, was + len, __ATOMIC_RELAXED);
}

/* The buffers or slots in which the message in head lies go back. */
int mnc_rx_give_back(struct mnc_channel *ch)
{
	struct mn_desc d = ch->link.head;

	if (d.type == MN_DESC_INLINE) {
		ch->link.rx.self += mn_ring_slots(d.len);
	} else {
		if (mn_ring_free(&ch->link.rxc, 1) < 1)
			return -EPROTO;
		mn_ring_put(&ch->link.rxc, &d);
		ch->link.returned_bytes += d.len > RETURN_LEAST ? d.len : RETURN_LEAST;
	}
	mnc_rx_free(ch);
	return 0;
}

/* The program is done with the message in head. */
int mnc_rx_return(struct mnc_channel *ch)
{
	mnc_rx_consumed(&ch->link, ch->link.head.flow, ch->link.head.len);
	return mnc_rx_give_back(ch);
}

/* NULL: nothing waits for it. */
static struct mnc_connect *connect_of(struct mnc_channel *ch, uint64_t request)
{
	struct mnc_connect *c = ch->connects;

	while (c && c->request != request)
		c = c->next;
	return c;
}

/*
 * -EADDRINUSE: something of another connection with these addresses and ports is still to be
 * received, which the program would take for this one's.
 */
static int name_connection(struct mnc_channel *ch, uint64_t handle, const MachnetFlow_t *key)
{
	uint64_t other;
	uint32_t epoch;

	if (mnc_kept_has(ch, key) || !mnc_flow_handle(ch, key, &epoch, &other))
		return -EADDRINUSE;
	return mnc_flow_open(ch, handle, key);
}

static int take_open(struct mnc_channel *ch)
{
	uint64_t handle = ch->link.head.flow;
	struct mnc_connect *c = NULL;
	struct mn_shm_flow info;
	MachnetFlow_t key;
	int ret;

	if (ch->link.head.len != sizeof(info) || mn_ring_extra(&ch->link.rx, &ch->link.head) < 0)
		return -EPROTO;
	memcpy(&info, mn_ring_here(&ch->link.rx), sizeof(info));
	mnc_flow_from_info(&info, handle, &key);
	if (info.request) {
		c = connect_of(ch, info.request);
		if (!c || c->done)
			return -EPROTO;
		ret = name_connection(ch, handle, &key);
		if (ret == -EPROTO)
			return ret;
		c->flow = key;
		c->handle = handle;
		c->error = -ret;
		c->done = true;
	} else {
		ret = mnc_flow_open(ch, handle, &key);
		if (ret)
			return ret;
	}
	ch->link.rx.self += mn_ring_slots(sizeof(info));
	mnc_rx_free(ch);
	return 0;
}

static int take_failed(struct mnc_channel *ch)
{
	struct mnc_connect *c = connect_of(ch, ch->link.head.flow);
	uint32_t error = ch->link.head.len;

	if (!c || c->done || !error || error > ERRNO_MAX)
		return -EPROTO;
	c->error = error;
	c->done = true;
	mnc_rx_free(ch);
	return 0;
}

static int skip_filler(struct mnc_channel *ch)
{
	int32_t extra = mn_ring_extra(&ch->link.rx, &ch->link.head);

	if (extra < 0)
		return -EPROTO;
	ch->link.rx.self += extra;
	mnc_rx_free(ch);
	return 0;
}

/* 1: an end to be received. 0: the program has closed the connection, or knows no ends. */
static int settle_end(struct mnc_channel *ch)
{
	uint64_t handle = ch->link.head.flow;
	MachnetFlow_t key;

	if (!mnc_flow_key_hint(ch, &ch->recv_hint, handle, &key)) {
		if (ch->ends)
			return 1;
		mnc_flow_remove(ch, ch->epoch, handle);
	}
	mnc_rx_free(ch);
	return 0;
}

/* Looks at the entry in head: 1 when it is for the program, 0 when that was all, -errno. */
static int settle_head(struct mnc_channel *ch)
{
	const struct mn_desc *d = &ch->link.head;
	MachnetFlow_t key;

	switch (d->type) {
	case MN_DESC_OPEN:
		return take_open(ch);
	case MN_DESC_MSG:
		if (d->buf >= ch->link.rx_bufs || !d->len || d->len > MN_MSG_MAX)
			return -EPROTO;
		/* It came before the program closed the connection. */
		return mnc_flow_key_hint(ch, &ch->recv_hint, d->flow, &key) ? mnc_rx_return(ch) : 1;
	case MN_DESC_INLINE:
		if (mn_ring_extra(&ch->link.rx, d) < 0)
			return -EPROTO;
		return mnc_flow_key_hint(ch, &ch->recv_hint, d->flow, &key) ? mnc_rx_return(ch) : 1;
	case MN_DESC_END:
		if (d->len > ERRNO_MAX)
			return -EPROTO;
		return settle_end(ch);
	case MN_DESC_FAILED:
		return take_failed(ch);
	case MN_DESC_FILL:
		return skip_filler(ch);
	default:
		return -EPROTO;
	}
}

/* Nonsense was found: the end of the channel, but only that of the link when it is down. */
int mnc_rx_spoilt(struct mnc_channel *ch)
{
	int ret = mnc_channel_corrupt(ch);

	if (ret != -ENETDOWN)
		return ret;
	ch->link.rx_over = true;
	ch->link.head.type = MN_DESC_NONE;
	return 0;
}

/* Gets an entry of the ring into head; after the last one of a dead daemon, what it cannot say. */
static int next_entry(struct mnc_channel *ch)
{
	/* In this order: what a daemon wrote before its end is seen by who knows of the end. */
	bool down = mnc_channel_down(ch);
	int64_t avail = ch->link.rx_over ? 0 : mn_ring_avail(&ch->link.rx);
	uint64_t handle;

	if (avail < 0)
		return -EPROTO;
	if (avail > 0) {
		mn_ring_get(&ch->link.rx, &ch->link.head);
		return 1;
	}
	if (!down)
		return 0;
	/* What an engine writes after its daemon has hung up is not read any more. */
	ch->link.rx_over = true;
	if (!mnc_flow_any(ch, &handle))
		return 0;
	ch->link.head = (struct mn_desc){ handle, MN_DESC_END, ENETRESET, MN_SHM_BUF_NONE };
	return 1;
}

/* Gets a message or an end of the link into head: 1, 0 when there is none, -errno. */
int mnc_rx_peek(struct mnc_channel *ch)
{
	int ret;

	if (mnc_channel_error(ch) == EPROTO)
		return -EPROTO;
	do {
		ret = ch->link.head.type == MN_DESC_NONE ? next_entry(ch) : 1;
		if (!ret)
			return 0;
		if (ret > 0)
			ret = settle_head(ch);
		if (ret == -EPROTO)
			ret = mnc_rx_spoilt(ch);
	} while (!ret);
	return ret;
}

static int copy_chain(struct mnc_channel *ch, struct mnc_sink *s, uint32_t b, uint32_t left)
{
	while (left) {
		uint32_t n = left < MN_SHM_BUF_SIZE ? left : MN_SHM_BUF_SIZE;

		if (b >= ch->link.rx_bufs)
			return -EPROTO;
		mnc_sink_put(s, ch->link.rx_data + (size_t)b * MN_SHM_BUF_SIZE, n);
		b = __atomic_load_n(&ch->link.rx_links[b], __ATOMIC_RELAXED);
		left -= n;
	}
	return 0;
}

/* The message in head. */
int mnc_rx_copy(struct mnc_channel *ch, struct mnc_sink *s)
{
	const struct mn_desc *d = &ch->link.head;

	if (d->type != MN_DESC_INLINE)
		return copy_chain(ch, s, d->buf, d->len);
	mnc_sink_put(s, mn_ring_here(&ch->link.rx), d->len);
	return 0;
}

