// SPDX-License-Identifier: MIT
/* send.c - messages on their way to the engine */
#include <string.h>

#include "lib/priv.h"

/* Where the next byte of a message is read. */
struct source {
	const MachnetIovec_t *iov;
	size_t off;
};

static void copy_out(struct source *s, uint8_t *dst, uint32_t len)
{
	while (len) {
		size_t n = s->iov->len - s->off;

		if (n > len)
			n = len;
		if (n)
			memcpy(dst, (const uint8_t *)s->iov->base + s->off, n);
		dst += n;
		len -= n;
		s->off += n;
		if (s->off == s->iov->len) {
			s->iov++;
			s->off = 0;
		}
	}
}

/* 0 or -EAGAIN, and then a waiter or machnet_fd() reports when to try again. */
static int reserve(struct mnc_channel *ch, uint64_t handle, uint32_t len)
{
	int ret = mnc_room_for(ch, handle, len);

	if (ret > 0)
		return 0;
	if (ret < 0)
		return mnc_channel_corrupt(ch);
	mnc_room_refused(ch, handle, len);
	if (mnc_fd_used(ch)) {
		mnc_arm(ch, MN_SHM_WAKE_TX);
		ret = mnc_room_for(ch, handle, len);
		if (ret)
			return ret < 0 ? mnc_channel_corrupt(ch) : 0;
	}
	ret = mnc_channel_probe(ch);
	return ret ? ret : -EAGAIN;
}

/* Into the ring itself. */
static void put_inline(struct mnc_channel *ch, uint64_t handle, struct source *s, uint32_t len)
{
	struct mn_desc d = { handle, MN_DESC_INLINE, len, 0 };

	copy_out(s, mn_ring_put_inline(&ch->link.tx, &d), len);
}

static void put_message(struct mnc_channel *ch, uint64_t handle, struct source *s, uint32_t len)
{
	struct mn_desc d = { handle, MN_DESC_MSG, len, MN_SHM_BUF_NONE };
	uint32_t prev = MN_SHM_BUF_NONE, bufs = (len + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE;
	uint32_t b = 0, run = 0;

	for (; bufs; bufs--) {
		uint32_t n = len < MN_SHM_BUF_SIZE ? len : MN_SHM_BUF_SIZE;

		if (run)
			b++;
		else
			run = mn_runs_take(&ch->link.tx_runs, bufs, &b);
		run--;
		copy_out(s, ch->link.tx_data + (size_t)b * MN_SHM_BUF_SIZE, n);
		if (prev == MN_SHM_BUF_NONE) {
			d.buf = b;
		} else {
			ch->link.tx_chain[prev] = b;
			__atomic_store_n(&ch->link.tx_links[prev], b, __ATOMIC_RELAXED);
		}
		prev = b;
		len -= n;
	}
	ch->link.tx_chain[prev] = MN_SHM_BUF_NONE;
	__atomic_store_n(&ch->link.tx_links[prev], MN_SHM_BUF_NONE, __ATOMIC_RELAXED);
	ch->link.tx_sent[d.buf] = true;
	mn_ring_put(&ch->link.tx, &d);
}

/* Length of a message that may be sent, or -errno. */
static int64_t message_len(const MachnetMsgHdr_t *m)
{
	uint64_t sum = 0;

	if (!m || (m->msg_iovlen && !m->msg_iov))
		return -EINVAL;
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		if (m->msg_iov[i].len > MN_MSG_MAX - sum)
			return -EMSGSIZE;
		if (m->msg_iov[i].len && !m->msg_iov[i].base)
			return -EINVAL;
		sum += m->msg_iov[i].len;
	}
	return sum && sum == m->msg_size ? (int64_t)sum : -EINVAL;
}

/*
 * A message of a connection that has ended, or never was. In Microsoft's Machnet it is accepted.
 * The engine drops and counts it, for which it needs no more than a byte of it.
 */
static int accept_and_drop(struct mnc_channel *ch)
{
	uint8_t byte = 0;
	MachnetIovec_t iov = { &byte, sizeof(byte) };
	struct source s = { &iov, 0 };
	int ret = reserve(ch, MN_SHM_FLOW_NONE, sizeof(byte));

	if (ret)
		return ret;
	put_inline(ch, MN_SHM_FLOW_NONE, &s, sizeof(byte));
	mnc_room_sent(ch, MN_SHM_FLOW_NONE, sizeof(byte));
	return 0;
}

/* Puts a message on the ring, unpublished. Called with send_lock. */
static int send_locked(struct mnc_channel *ch, const MachnetMsgHdr_t *m)
{
	int64_t len = message_len(m);
	uint64_t handle;
	struct source s;
	int ret;

	if (len < 0)
		return len;
	ret = mnc_channel_look(ch);
	if (!ret && mnc_flow_handle_hint(ch, &ch->send_hint, &m->flow_info, &handle))
		return ch->ends ? -ENOTCONN : accept_and_drop(ch);
	if (!ret)
		ret = reserve(ch, handle, len);
	if (ret)
		return ret;
	s = (struct source){ m->msg_iov, 0 };
	if (len <= MN_SHM_INLINE_MAX)
		put_inline(ch, handle, &s, len);
	else
		put_message(ch, handle, &s, len);
	mnc_room_sent(ch, handle, len);
	return 0;
}

int machnet_sendmmsg(const void *channel_ctx, const MachnetMsgHdr_t *msghdr_iovec, int vlen)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	int ret = 0;
	int sent = 0;

	if (!ch || vlen < 0 || (vlen && !msghdr_iovec)) {
		errno = EINVAL;
		return 0;
	}
	pthread_mutex_lock(&ch->send_lock);
	while (sent < vlen) {
		ret = send_locked(ch, &msghdr_iovec[sent]);
		/* Its connections went with the daemon. */
		if (ret == -ENETDOWN)
			ret = ch->ends ? -ENOTCONN : 0;
		if (ret)
			break;
		sent++;
	}
	if (sent) {
		mn_ring_publish(&ch->link.tx);
		mnc_wake_engine(ch, MN_SHM_WAKE_ENGINE);
	}
	pthread_mutex_unlock(&ch->send_lock);
	if (ret)
		errno = -ret;
	return sent;
}

int machnet_sendmsg(const void *channel_ctx, const MachnetMsgHdr_t *msghdr)
{
	if (!msghdr) {
		errno = EINVAL;
		return -1;
	}
	return machnet_sendmmsg(channel_ctx, msghdr, 1) == 1 ? 0 : -1;
}

int machnet_send(const void *channel_ctx, MachnetFlow_t flow, const void *buf, size_t len)
{
	MachnetIovec_t iov = { (void *)buf, len };
	MachnetMsgHdr_t m = {
		.msg_size = len, .flow_info = flow, .msg_iov = &iov, .msg_iovlen = 1,
	};

	return machnet_sendmsg(channel_ctx, &m);
}

int mnc_send_ready(struct mnc_channel *ch)
{
	int ret;

	pthread_mutex_lock(&ch->send_lock);
	ret = mnc_channel_look(ch);
	if (!ret)
		ret = mnc_room_ready(ch);
	/* Sending has not become possible, but it does not have to wait either. */
	if (ret == -ENETDOWN)
		ret = 1;
	pthread_mutex_unlock(&ch->send_lock);
	return ret;
}
