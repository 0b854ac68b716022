// SPDX-License-Identifier: MIT
/* recv.c - messages and events from the engine */
#include <stdlib.h>
#include <string.h>

#include "lib/priv.h"

/* Buffers go back to the engine in batches, and at once before the program goes idle. */
#define RETURN_BYTES	(64 * 1024)
/* What a short message counts for at least: no more than 32 of them are held back. */
#define RETURN_LEAST	(RETURN_BYTES / 32)
/* And slots, when they are such a part of the ring. */
#define RETURN_PART	8
/* Receives in vain between two looks whether the daemon is there; a power of two. */
#define PROBE_CALLS	256
#define ERRNO_MAX	4095

/* Where the next byte of a message is written. */
struct sink {
	const MachnetIovec_t *iov;
	size_t off;
};

static void copy_in(struct sink *s, const uint8_t *src, uint32_t len)
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

static bool has_room(const MachnetIovec_t *iov, size_t iovlen, uint32_t len)
{
	uint64_t room = 0;

	for (size_t i = 0; i < iovlen && room < len; i++)
		room += iov[i].len;
	return room >= len;
}

/* The engine learns of what the program is done with. */
static void publish_returned(struct mnc_channel *ch)
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
static void free_head(struct mnc_channel *ch)
{
	struct mnc_link *link = &ch->link;

	link->head.type = MN_DESC_NONE;
	if (link->returned_bytes >= RETURN_BYTES ||
	    link->rx.self - link->rx_released >= link->rx.size / RETURN_PART)
		publish_returned(ch);
}

/* For the engine's account of what the connection's program has not read. */
static void count_consumed(struct mnc_link *link, const struct mn_desc *d)
{
	uint32_t *done = &link->rx_done[d->flow & (link->flows - 1)];
	uint32_t was = __atomic_load_n(done, __ATOMIC_RELAXED);

	if (d->type != MN_DESC_OPEN)
		__atomic_store_n(done, was + d->len, __ATOMIC_RELAXED);
}

/* And with the buffers or slots in which its message lies. */
static int return_head(struct mnc_channel *ch)
{
	struct mn_desc d = ch->link.head;

	count_consumed(&ch->link, &d);
	if (d.type == MN_DESC_INLINE) {
		ch->link.rx.self += mn_ring_slots(d.len);
	} else {
		d.type = MN_DESC_MSG;
		if (mn_ring_free(&ch->link.rxc, 1) < 1)
			return -EPROTO;
		mn_ring_put(&ch->link.rxc, &d);
		ch->link.returned_bytes += d.len > RETURN_LEAST ? d.len : RETURN_LEAST;
	}
	free_head(ch);
	return 0;
}

static int take_open(struct mnc_channel *ch)
{
	struct mn_shm_flow info;
	MachnetFlow_t key;
	int ret;

	if (ch->link.head.buf >= ch->link.rx_bufs || ch->link.head.len < sizeof(info))
		return -EPROTO;
	memcpy(&info, ch->link.rx_data + (size_t)ch->link.head.buf * MN_SHM_BUF_SIZE, sizeof(info));
	mnc_flow_from_info(&info, ch->link.head.flow, &key);
	ret = mnc_flow_open(ch, ch->link.head.flow, &key);
	return ret ? ret : return_head(ch);
}

static int skip_filler(struct mnc_channel *ch)
{
	int32_t extra = mn_ring_extra(&ch->link.rx, &ch->link.head);

	if (extra < 0)
		return -EPROTO;
	ch->link.rx.self += extra;
	free_head(ch);
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
		mnc_flow_end(ch, handle);
	}
	free_head(ch);
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
		return mnc_flow_key_hint(ch, &ch->recv_hint, d->flow, &key) ? return_head(ch) : 1;
	case MN_DESC_INLINE:
		if (mn_ring_extra(&ch->link.rx, d) < 0)
			return -EPROTO;
		return mnc_flow_key_hint(ch, &ch->recv_hint, d->flow, &key) ? return_head(ch) : 1;
	case MN_DESC_END:
		if (d->len > ERRNO_MAX)
			return -EPROTO;
		return settle_end(ch);
	case MN_DESC_FILL:
		return skip_filler(ch);
	default:
		return -EPROTO;
	}
}

/* Nonsense was found: the end of the channel, but only that of the link when it is down. */
static int spoilt(struct mnc_channel *ch)
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
	/* An engine that goes on after its daemon has hung up is not heard any more. */
	ch->link.rx_over = true;
	if (!mnc_flow_any(ch, &handle))
		return 0;
	ch->link.head = (struct mn_desc){ handle, MN_DESC_END, ENETRESET, MN_SHM_BUF_NONE };
	return 1;
}

/* Gets a message or an end of the link into head: 1, 0 when there is none, -errno. */
static int peek_link(struct mnc_channel *ch)
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
			ret = spoilt(ch);
	} while (!ret);
	return ret;
}

static int peek(struct mnc_channel *ch)
{
	return ch->kept ? 1 : peek_link(ch);
}

/* The same for a caller who does something else when there is none. */
static int peek_idle(struct mnc_channel *ch)
{
	int ret = peek(ch);

	if (ret)
		return ret;
	publish_returned(ch);
	ret = ++ch->idle_calls % PROBE_CALLS ? mnc_channel_look(ch) : mnc_channel_probe(ch);
	/* While the link is down there is nothing more to receive, but that is no error. */
	return ret == -ENETDOWN ? peek(ch) : ret;
}

static int take_end(struct mnc_channel *ch, MachnetFlow_t *flow)
{
	struct mn_desc d = ch->link.head;
	MachnetFlow_t key;

	free_head(ch);
	publish_returned(ch);
	/* Another thread has closed it just now. */
	if (mnc_flow_key_hint(ch, &ch->recv_hint, d.flow, &key))
		return 0;
	*flow = mnc_flow_reverse(&key);
	mnc_flow_end(ch, d.flow);
	return d.len ? -(int)d.len : -ESHUTDOWN;
}

static int copy_chain(struct mnc_channel *ch, struct sink *s, uint32_t b, uint32_t left)
{
	while (left) {
		uint32_t n = left < MN_SHM_BUF_SIZE ? left : MN_SHM_BUF_SIZE;

		if (b >= ch->link.rx_bufs)
			return -EPROTO;
		copy_in(s, ch->link.rx_data + (size_t)b * MN_SHM_BUF_SIZE, n);
		b = __atomic_load_n(&ch->link.rx_links[b], __ATOMIC_RELAXED);
		left -= n;
	}
	return 0;
}

static int take_message(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
			MachnetFlow_t *flow)
{
	const struct mn_desc *d = &ch->link.head;
	struct sink s = { iov, 0 };
	MachnetFlow_t key;

	if (!has_room(iov, iovlen, d->len))
		return ch->ends || !return_head(ch) ? -EMSGSIZE : spoilt(ch);
	/* As above. */
	if (mnc_flow_key_hint(ch, &ch->recv_hint, d->flow, &key))
		return return_head(ch) ? spoilt(ch) : 0;
	if (d->type == MN_DESC_INLINE)
		copy_in(&s, mn_ring_here(&ch->link.rx), d->len);
	else if (copy_chain(ch, &s, d->buf, d->len))
		return spoilt(ch);
	*flow = mnc_flow_reverse(&key);
	return return_head(ch) ? spoilt(ch) : 1;
}

/* Takes what is in head: 1, an end as -errno, 0 when there was nothing to it. */
static int take_head(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
		     MachnetFlow_t *flow, uint32_t *len)
{
	if (ch->link.head.type == MN_DESC_END)
		return take_end(ch, flow);
	*len = ch->link.head.len;
	return take_message(ch, iov, iovlen, flow);
}

static int take_kept(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
		     MachnetFlow_t *flow, uint32_t *len)
{
	struct sink s = { iov, 0 };
	int ret = ch->kept->error ? -ch->kept->error : 1;

	if (!has_room(iov, iovlen, ch->kept->len)) {
		if (!ch->ends)
			mnc_kept_drop(ch);
		return -EMSGSIZE;
	}
	copy_in(&s, ch->kept->data, ch->kept->len);
	*flow = ch->kept->flow;
	*len = ch->kept->len;
	mnc_kept_drop(ch);
	return ret;
}

int mnc_recv_keep(struct mnc_channel *ch)
{
	MachnetIovec_t iov;
	struct mnc_kept *e;
	uint32_t len;
	int ret;

	while ((ret = peek_link(ch)) > 0) {
		e = mnc_kept_new(ch->link.head.type == MN_DESC_END ? 0 : ch->link.head.len);
		if (!e)
			return -ENOMEM;
		iov = (MachnetIovec_t){ e->data, e->len };
		ret = take_head(ch, &iov, 1, &e->flow, &len);
		e->error = ret < 0 ? -ret : 0;
		if (ret)
			mnc_kept_append(ch, e);
		else
			free(e);
	}
	return ret;
}

/* 1 and *len, *flow; 0; -errno, with *flow when it is the end of a connection. */
static int receive(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
		   MachnetFlow_t *flow, uint32_t *len)
{
	int ret;

	mnc_reattach_try(ch);
	pthread_mutex_lock(&ch->recv_lock);
	do {
		do {
			ret = peek_idle(ch);
		} while (!ret && mnc_fd_used(ch) && !mnc_fd_quiet(ch));
		if (ret <= 0)
			break;
		ret = ch->kept ? take_kept(ch, iov, iovlen, flow, len)
			       : take_head(ch, iov, iovlen, flow, len);
	} while (!ret);
	pthread_mutex_unlock(&ch->recv_lock);
	return ret;
}

ssize_t machnet_recv(const void *channel_ctx, void *buf, size_t len, MachnetFlow_t *flow)
{
	MachnetIovec_t iov = { buf, len };
	MachnetFlow_t ignored;
	uint32_t got;
	int ret = -EINVAL;

	if (channel_ctx && (buf || !len))
		ret = receive((struct mnc_channel *)channel_ctx, &iov, 1, flow ? flow : &ignored,
			      &got);
	if (ret >= 0)
		return ret ? (ssize_t)got : 0;
	errno = -ret;
	return -1;
}

int machnet_recvmsg(const void *channel_ctx, MachnetMsgHdr_t *msghdr)
{
	int ret = -EINVAL;

	if (channel_ctx && msghdr && (msghdr->msg_iov || !msghdr->msg_iovlen))
		ret = receive((struct mnc_channel *)channel_ctx, msghdr->msg_iov,
			      msghdr->msg_iovlen, &msghdr->flow_info, &msghdr->msg_size);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

size_t machnet_pending(const void *channel_ctx)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	size_t len = 0;

	if (!ch)
		return 0;
	pthread_mutex_lock(&ch->recv_lock);
	if (ch->kept)
		len = ch->kept->len;
	else if (peek_link(ch) > 0 && ch->link.head.type != MN_DESC_END)
		len = ch->link.head.len;
	pthread_mutex_unlock(&ch->recv_lock);
	return len;
}

int mnc_recv_ready(struct mnc_channel *ch)
{
	int ret;

	pthread_mutex_lock(&ch->recv_lock);
	ret = peek_idle(ch);
	pthread_mutex_unlock(&ch->recv_lock);
	return ret;
}
