// SPDX-License-Identifier: MIT
/* recv.c - messages and events from the engine */
#include <string.h>

#include "lib/priv.h"

/* Buffers go back to the engine in batches, and at once before the program goes idle. */
#define RETURN_BYTES	(64 * 1024)
/* What a short message counts for at least: no more than 32 of them are held back. */
#define RETURN_LEAST	(RETURN_BYTES / 32)
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

static void publish_returned(struct mnc_channel *ch)
{
	if (!ch->returned_bytes)
		return;
	ch->returned_bytes = 0;
	mn_ring_publish(&ch->rxc);
	mnc_wake_engine(ch);
}

/* The buffers of the entry in head go back to the engine; head is free. */
static int return_head(struct mnc_channel *ch)
{
	struct mn_desc d = { MN_DESC_MSG, ch->head.flow, ch->head.len, ch->head.buf };

	if (mn_ring_free(&ch->rxc, 1) < 1)
		return -EPROTO;
	mn_ring_put(&ch->rxc, &d);
	ch->returned_bytes += d.len > RETURN_LEAST ? d.len : RETURN_LEAST;
	if (ch->returned_bytes >= RETURN_BYTES)
		publish_returned(ch);
	ch->head.type = MN_DESC_NONE;
	return 0;
}

static int take_open(struct mnc_channel *ch)
{
	struct mn_shm_flow info;
	MachnetFlow_t key;
	int ret;

	if (ch->head.buf >= ch->rx_bufs || ch->head.len < sizeof(info))
		return -EPROTO;
	memcpy(&info, ch->rx_data + (size_t)ch->head.buf * MN_SHM_BUF_SIZE, sizeof(info));
	mnc_flow_from_info(&info, ch->head.flow, &key);
	ret = mnc_flow_open(ch, ch->head.flow, &key);
	return ret ? ret : return_head(ch);
}

/* Looks at the entry in head: 1 when it is for the program, 0 when that was all, -errno. */
static int settle_head(struct mnc_channel *ch)
{
	const struct mn_desc *d = &ch->head;
	MachnetFlow_t key;

	switch (d->type) {
	case MN_DESC_OPEN:
		return take_open(ch);
	case MN_DESC_MSG:
		if (d->buf >= ch->rx_bufs || !d->len || d->len > MN_MSG_MAX)
			return -EPROTO;
		/* It came before the program closed the connection. */
		return mnc_flow_key(ch, d->flow, &key) ? return_head(ch) : 1;
	case MN_DESC_END:
		if (d->len > ERRNO_MAX)
			return -EPROTO;
		if (!mnc_flow_key(ch, d->flow, &key))
			return 1;
		ch->head.type = MN_DESC_NONE;
		return 0;
	default:
		return -EPROTO;
	}
}

/* Gets a message or an end into head: 1, 0 when there is none, -errno. */
static int peek(struct mnc_channel *ch)
{
	int64_t avail;
	int ret;

	if (__atomic_load_n(&ch->error, __ATOMIC_RELAXED) == EPROTO)
		return -EPROTO;
	do {
		if (ch->head.type == MN_DESC_NONE) {
			avail = mn_ring_avail(&ch->rx);
			if (!avail)
				return 0;
			if (avail < 0)
				return mnc_channel_fail(ch, EPROTO);
			mn_ring_get(&ch->rx, &ch->head);
			mn_ring_release(&ch->rx);
		}
		ret = settle_head(ch);
	} while (!ret);
	return ret == -EPROTO ? mnc_channel_fail(ch, EPROTO) : ret;
}

/* The same for a caller who does something else when there is none. */
static int peek_idle(struct mnc_channel *ch)
{
	int ret = peek(ch);

	if (ret)
		return ret;
	publish_returned(ch);
	if (++ch->idle_calls % PROBE_CALLS == 0)
		return mnc_channel_probe(ch);
	return -mnc_channel_error(ch);
}

static void flow_from_peer(const MachnetFlow_t *key, MachnetFlow_t *flow)
{
	*flow = (MachnetFlow_t){ key->dst_ip, key->src_ip, key->dst_port, key->src_port };
}

static int take_end(struct mnc_channel *ch, MachnetFlow_t *flow)
{
	MachnetFlow_t key;

	if (mnc_flow_key(ch, ch->head.flow, &key))
		return mnc_channel_fail(ch, EPROTO);
	flow_from_peer(&key, flow);
	mnc_flow_end(ch, ch->head.flow);
	ch->head.type = MN_DESC_NONE;
	return ch->head.len ? -(int)ch->head.len : -ESHUTDOWN;
}

static int take_message(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
			MachnetFlow_t *flow)
{
	struct sink s = { iov, 0 };
	uint32_t left = ch->head.len;
	uint32_t b = ch->head.buf;
	MachnetFlow_t key;
	uint64_t room = 0;

	for (size_t i = 0; i < iovlen && room < left; i++)
		room += iov[i].len;
	if (room < left)
		return -EMSGSIZE;
	if (mnc_flow_key(ch, ch->head.flow, &key))
		return mnc_channel_fail(ch, EPROTO);
	while (left) {
		uint32_t n = left < MN_SHM_BUF_SIZE ? left : MN_SHM_BUF_SIZE;

		if (b >= ch->rx_bufs)
			return mnc_channel_fail(ch, EPROTO);
		copy_in(&s, ch->rx_data + (size_t)b * MN_SHM_BUF_SIZE, n);
		b = __atomic_load_n(&ch->rx_links[b], __ATOMIC_RELAXED);
		left -= n;
	}
	flow_from_peer(&key, flow);
	return return_head(ch) ? mnc_channel_fail(ch, EPROTO) : 1;
}

/* 1 and *len, *flow; 0; -errno, with *flow when it is the end of a connection. */
static int receive(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
		   MachnetFlow_t *flow, uint32_t *len)
{
	int ret;

	pthread_mutex_lock(&ch->recv_lock);
	do {
		ret = peek_idle(ch);
	} while (!ret && mnc_fd_used(ch) && !mnc_fd_quiet(ch));
	if (ret > 0 && ch->head.type == MN_DESC_END) {
		ret = take_end(ch, flow);
	} else if (ret > 0) {
		*len = ch->head.len;
		ret = take_message(ch, iov, iovlen, flow);
	}
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
	if (peek(ch) > 0 && ch->head.type == MN_DESC_MSG)
		len = ch->head.len;
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
