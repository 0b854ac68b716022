// SPDX-License-Identifier: MIT
/* recv.c - messages and events from the engine */
#include <stdlib.h>
#include <string.h>

#include "lib/priv.h"

/* Receives in vain between two looks whether the daemon is there; a power of two. */
#define PROBE_CALLS	256

/* The program is done with what was kept first. */
static void return_kept(struct mnc_channel *ch)
{
	const struct mnc_kept *e = ch->kept;

	if (e->handle != MN_SHM_FLOW_NONE && e->error)
		mnc_flow_remove(ch, ch->epoch, e->handle);
	else if (e->handle != MN_SHM_FLOW_NONE)
		mnc_rx_consumed(&ch->link, e->handle, e->len);
	mnc_kept_drop(ch);
}

/* Of a connection that the program has closed nothing more is received. */
static bool is_closed(struct mnc_channel *ch, const struct mnc_kept *e)
{
	MachnetFlow_t key;

	return e->handle != MN_SHM_FLOW_NONE &&
	       mnc_flow_key_hint(ch, &ch->recv_hint, e->handle, &key);
}

static int peek(struct mnc_channel *ch)
{
	while (ch->kept && is_closed(ch, ch->kept))
		return_kept(ch);
	return ch->kept ? 1 : mnc_rx_peek(ch);
}

/* The same for a caller who does something else when there is none. */
static int peek_idle(struct mnc_channel *ch)
{
	int ret = peek(ch);

	if (ret)
		return ret;
	mnc_rx_publish(ch);
	ret = ++ch->idle_calls % PROBE_CALLS ? mnc_channel_look(ch) : mnc_channel_probe(ch);
	/* While the link is down there is nothing more to receive, but that is no error. */
	return ret == -ENETDOWN ? peek(ch) : ret;
}

static int take_end(struct mnc_channel *ch, MachnetFlow_t *flow)
{
	struct mn_desc d = ch->link.head;
	MachnetFlow_t key;

	mnc_rx_free(ch);
	mnc_rx_publish(ch);
	/* Another thread has closed it just now. */
	if (mnc_flow_key_hint(ch, &ch->recv_hint, d.flow, &key))
		return 0;
	*flow = mnc_flow_reverse(&key);
	mnc_flow_remove(ch, ch->epoch, d.flow);
	return d.len ? -(int)d.len : -ESHUTDOWN;
}

static int take_message(struct mnc_channel *ch, const MachnetIovec_t *iov, size_t iovlen,
			MachnetFlow_t *flow)
{
	const struct mn_desc *d = &ch->link.head;
	struct mnc_sink s = { iov, 0 };
	MachnetFlow_t key;

	if (!mnc_sink_fits(iov, iovlen, d->len))
		return ch->ends || !mnc_rx_return(ch) ? -EMSGSIZE : mnc_rx_spoilt(ch);
	/* As above. */
	if (mnc_flow_key_hint(ch, &ch->recv_hint, d->flow, &key))
		return mnc_rx_return(ch) ? mnc_rx_spoilt(ch) : 0;
	if (mnc_rx_copy(ch, &s))
		return mnc_rx_spoilt(ch);
	*flow = mnc_flow_reverse(&key);
	return mnc_rx_return(ch) ? mnc_rx_spoilt(ch) : 1;
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
	struct mnc_sink s = { iov, 0 };
	int ret = ch->kept->error ? -ch->kept->error : 1;

	if (!mnc_sink_fits(iov, iovlen, ch->kept->len)) {
		if (!ch->ends)
			return_kept(ch);
		return -EMSGSIZE;
	}
	mnc_sink_put(&s, ch->kept->data, ch->kept->len);
	*flow = ch->kept->flow;
	*len = ch->kept->len;
	return_kept(ch);
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
	if (peek(ch) > 0)
		len = ch->kept ? ch->kept->len :
		      ch->link.head.type != MN_DESC_END ? ch->link.head.len : 0;
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
