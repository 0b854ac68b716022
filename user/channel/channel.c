// SPDX-License-Identifier: MIT
/* channel.c - the engine's side of a channel: messages, buffers, doorbells */
#include <string.h>
#include <unistd.h>

#include "base/min.h"
#include "channel/channel.h"

/* Messages that are taken back in one call: the other channels must have their turn. */
#define RECLAIM_MAX	256

/* tx_state */
enum { TX_APP, TX_ENGINE };
/* rx_state: a chain goes back by its first buffer alone, and only once. */
enum { RX_FREE, RX_FILLING, RX_INSIDE, RX_POSTED };

static void wake_app(struct mn_channel *ch)
{
	ssize_t ret = write(ch->wake_fd, "", 1);

	/* A full pipe is readable already: the application cannot miss it. */
	(void)ret;
}

void mn_channel_close(struct mn_channel *ch, int error)
{
	if (ch->dead)
		return;
	ch->dead = true;
	__atomic_store_n(&ch->hdr->closed, error, __ATOMIC_RELEASE);
	wake_app(ch);
}

static void mark_posted(struct mn_channel *ch, uint32_t what)
{
	if (!ch->posted && ch->posted_list)
		mn_list_add_tail(ch->posted_list, &ch->in_posted);
	ch->posted |= what;
}

/* Follows the links once; afterwards tx_chain alone says where the message lies. */
static int tx_take_chain(struct mn_channel *ch, uint32_t first, uint32_t len)
{
	uint32_t count = (len + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE;
	uint32_t b = first;

	while (count--) {
		if (b >= ch->tx_bufs || ch->tx_state[b] != TX_APP)
			return -EPROTO;
		ch->tx_state[b] = TX_ENGINE;
		ch->tx_chain[b] = __atomic_load_n(&ch->tx_links[b], __ATOMIC_RELAXED);
		b = ch->tx_chain[b];
	}
	return b == MN_SHM_BUF_NONE ? 0 : -EPROTO;
}

/* Entries of tx, refreshed when none is known. */
static int64_t tx_avail(struct mn_channel *ch)
{
	return ch->tx_ended ? ch->tx.other - ch->tx.self : mn_ring_avail(&ch->tx);
}

int mn_channel_tx_end(struct mn_channel *ch)
{
	int64_t avail = mn_ring_refresh(&ch->tx);

	ch->tx_ended = true;
	return avail < 0 ? avail : 0;
}

/* The next entry, which stays there: 1, 0, -EPROTO. */
static int tx_look(struct mn_channel *ch, struct mn_desc *d)
{
	int64_t avail = tx_avail(ch);
	int32_t extra;

	if (avail <= 0)
		return avail;
	mn_ring_get(&ch->tx, d);
	extra = mn_ring_extra(&ch->tx, d);
	ch->tx.self--;
	return extra < 0 ? extra : 1;
}

int mn_channel_tx_peek(struct mn_channel *ch, struct mn_desc *d)
{
	int ret = tx_look(ch, d);

	if (ret > 0 && d->type == MN_DESC_FILL) {
		ch->tx.self += d->len;
		ret = tx_look(ch, d);
	}
	if (ret <= 0)
		return ret;
	switch (d->type) {
	case MN_DESC_INLINE:
	case MN_DESC_CLOSE:
		return 1;
	case MN_DESC_MSG:
		return d->len && d->len <= MN_MSG_MAX ? 1 : -EPROTO;
	case MN_DESC_CONNECT:
		return d->len == sizeof(struct mn_shm_connect) ? 1 : -EPROTO;
	default:
		return -EPROTO;
	}
}

int mn_channel_tx_take(struct mn_channel *ch, const struct mn_desc *d, struct mn_txmsg **msg)
{
	if (tx_take_chain(ch, d->buf, d->len))
		return -EPROTO;
	ch->tx.self++;
	*msg = &ch->txmsgs[d->buf];
	**msg = (struct mn_txmsg){
		.flow = d->flow,
		.len = d->len,
		.first = d->buf,
		.cur = d->buf,
		.next = MN_SHM_BUF_NONE,
	};
	return 0;
}

void mn_channel_tx_read(struct mn_channel *ch, const struct mn_desc *d, void *dst)
{
	ch->tx.self++;
	memcpy(dst, mn_ring_here(&ch->tx), d->len);
	ch->tx.self += mn_ring_slots(d->len);
}

/* Only the application reads these counters: what it writes to them misleads no one but itself. */
static void count_done(uint32_t *counter, uint32_t n)
{
	uint32_t was = __atomic_load_n(counter, __ATOMIC_RELAXED);

	__atomic_store_n(counter, was + n, __ATOMIC_RELAXED);
}

void mn_channel_tx_inline_done(struct mn_channel *ch, uint64_t flow, uint32_t bytes)
{
	count_done(&ch->tx_done[flow & (ch->flows - 1)].inline_bytes, bytes);
	mark_posted(ch, MN_SHM_WAKE_TX);
}

void mn_channel_tx_release(struct mn_channel *ch)
{
	mn_ring_release(&ch->tx);
	/* Not for each slot: one that waits for a slot waits until there are many. */
	if (ch->tx.other - ch->tx.self <= ch->tx.size / 2)
		mark_posted(ch, MN_SHM_WAKE_TX);
}

void mn_channel_tx_copy(struct mn_channel *ch, struct mn_txmsg *msg, uint32_t off, void *dst,
			uint32_t len, struct mn_sum *sum)
{
	uint8_t *out = dst;

	if (off < msg->cur_off) {
		msg->cur = msg->first;
		msg->cur_off = 0;
	}
	while (len) {
		uint32_t in_buf, n;

		while (off - msg->cur_off >= MN_SHM_BUF_SIZE) {
			msg->cur = ch->tx_chain[msg->cur];
			msg->cur_off += MN_SHM_BUF_SIZE;
		}
		in_buf = off - msg->cur_off;
		n = mn_min_u32(len, MN_SHM_BUF_SIZE - in_buf);
		mn_sum_copy(sum, out, ch->tx_data + (size_t)msg->cur * MN_SHM_BUF_SIZE + in_buf,
			    n);
		out += n;
		off += n;
		len -= n;
	}
}

int mn_channel_tx_done(struct mn_channel *ch, struct mn_txmsg *msg)
{
	struct mn_desc d = { msg->flow, MN_DESC_MSG, msg->len, msg->first };
	uint32_t bufs = 0;

	/* TXC has a slot for each TX buffer: full means that they were used unread. */
	if (mn_ring_free(&ch->txc, 1) < 1)
		return -EPROTO;
	for (uint32_t b = msg->first; b != MN_SHM_BUF_NONE; b = ch->tx_chain[b]) {
		ch->tx_state[b] = TX_APP;
		bufs++;
	}
	/* Published with the entry. */
	count_done(&ch->tx_done[msg->flow & (ch->flows - 1)].bufs, bufs);
	mn_ring_put(&ch->txc, &d);
	ch->txc_put = true;
	mark_posted(ch, MN_SHM_WAKE_TX);
	return 0;
}

static void rx_use(struct mn_channel *ch, uint32_t b, uint8_t state)
{
	ch->rx_free_count--;
	ch->rx_state[b] = state;
	ch->rx_chain[b] = MN_SHM_BUF_NONE;
	__atomic_store_n(&ch->rx_links[b], MN_SHM_BUF_NONE, __ATOMIC_RELAXED);
}

/* Of the state of the others nothing depends: they are inside of no chain that could come back. */
static void rx_free_chain(struct mn_channel *ch, uint32_t b)
{
	ch->rx_state[b] = RX_FREE;
	ch->rx_free_count += mn_runs_put_chain(&ch->rx_runs, ch->rx_chain, b);
}

int mn_channel_rx_reclaim(struct mn_channel *ch)
{
	int64_t avail = mn_ring_avail(&ch->rxc);
	struct mn_desc d;

	if (avail <= 0)
		return avail;
	if (avail > RECLAIM_MAX)
		avail = RECLAIM_MAX;
	while (avail--) {
		mn_ring_get(&ch->rxc, &d);
		if (d.type != MN_DESC_MSG || d.buf >= ch->rx_bufs ||
		    ch->rx_state[d.buf] != RX_POSTED)
			return -EPROTO;
		rx_free_chain(ch, d.buf);
	}
	mn_ring_release(&ch->rxc);
	return 0;
}

/* The next buffer of the message's run, or the first one of another run. */
static uint32_t rx_next(struct mn_channel *ch, struct mn_rxmsg *m)
{
	uint32_t left = m->len > m->got ? m->len - m->got : 1, b = m->cur + 1;

	if (!m->run)
		m->run = mn_runs_take(&ch->rx_runs, (left + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE,
				      &b);
	if (!m->run)
		return MN_SHM_BUF_NONE;
	m->run--;
	return b;
}

/* Makes room for the next byte. False when no buffer is left. */
static bool rx_extend(struct mn_channel *ch, struct mn_rxmsg *m)
{
	uint32_t b = rx_next(ch, m);

	if (b == MN_SHM_BUF_NONE)
		return false;
	rx_use(ch, b, m->got ? RX_INSIDE : RX_FILLING);
	if (m->got) {
		ch->rx_chain[m->cur] = b;
		__atomic_store_n(&ch->rx_links[m->cur], b, __ATOMIC_RELAXED);
	} else {
		m->first = b;
	}
	m->cur = b;
	return true;
}

uint32_t mn_channel_rx_append(struct mn_channel *ch, struct mn_rxmsg *m, const void *src,
			      uint32_t len)
{
	uint32_t done = 0;

	while (done < len) {
		uint32_t in_buf = m->got % MN_SHM_BUF_SIZE;
		uint32_t n = mn_min_u32(len - done, MN_SHM_BUF_SIZE - in_buf);

		if (!in_buf && !rx_extend(ch, m))
			break;
		memcpy(ch->rx_data + (size_t)m->cur * MN_SHM_BUF_SIZE + in_buf,
		       (const uint8_t *)src + done, n);
		m->got += n;
		done += n;
	}
	return done;
}

uint32_t mn_channel_unread(const struct mn_channel *ch, uint64_t flow)
{
	uint32_t slot = flow & (ch->flows - 1);

	return ch->rx_posted[slot] - __atomic_load_n(&ch->rx_done[slot], __ATOMIC_RELAXED);
}

bool mn_channel_tx_is_held(const struct mn_channel *ch, uint32_t buf)
{
	return __atomic_load_n(&ch->tx_state[buf], __ATOMIC_RELAXED) == TX_ENGINE;
}

void mn_channel_usage(const struct mn_channel *ch, struct mn_channel_usage *u)
{
	u->rx_bufs = ch->rx_bufs - __atomic_load_n(&ch->rx_free_count, __ATOMIC_RELAXED);
	u->tx_bufs = 0;
	for (uint32_t i = 0; i < ch->tx_bufs; i++)
		u->tx_bufs += mn_channel_tx_is_held(ch, i);
}

/* The message has ended, with what is left of its run. */
static void rxmsg_rest(struct mn_channel *ch, struct mn_rxmsg *m)
{
	if (m->run)
		mn_runs_put(&ch->rx_runs, m->cur + 1, m->run);
	*m = (struct mn_rxmsg){ .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE };
}

/* 0 when RX has a slot. */
static int rx_slot(struct mn_channel *ch)
{
	int64_t room = mn_ring_free(&ch->rx, 1);

	if (room < 0)
		return room;
	return room ? 0 : -EAGAIN;
}

static void rx_put(struct mn_channel *ch, const struct mn_desc *d)
{
	if (d->buf != MN_SHM_BUF_NONE)
		ch->rx_state[d->buf] = RX_POSTED;
	mn_ring_put(&ch->rx, d);
	mark_posted(ch, MN_SHM_WAKE_RX);
}

int mn_channel_rx_post(struct mn_channel *ch, uint64_t flow, struct mn_rxmsg *m)
{
	struct mn_desc d = { flow, MN_DESC_MSG, m->got, m->first };
	int ret = rx_slot(ch);

	if (ret)
		return ret;
	rx_put(ch, &d);
	ch->rx_posted[flow & (ch->flows - 1)] += d.len;
	rxmsg_rest(ch, m);
	return 0;
}

/* d->len bytes with their descriptor. 0, -EAGAIN, -EPROTO. */
static int rx_put_bytes(struct mn_channel *ch, const struct mn_desc *d, const void *bytes)
{
	uint32_t slots = mn_ring_need(&ch->rx, d->len);
	int64_t room = mn_ring_free(&ch->rx, slots);

	if (room < (int64_t)slots)
		return room < 0 ? room : -EAGAIN;
	memcpy(mn_ring_put_inline(&ch->rx, d), bytes, d->len);
	mark_posted(ch, MN_SHM_WAKE_RX);
	return 0;
}

int mn_channel_rx_inline(struct mn_channel *ch, uint64_t flow, const void *data, uint32_t len)
{
	struct mn_desc d = { flow, MN_DESC_INLINE, len, 0 };
	int ret = rx_put_bytes(ch, &d, data);

	if (!ret)
		ch->rx_posted[flow & (ch->flows - 1)] += len;
	return ret;
}

void mn_channel_rx_drop(struct mn_channel *ch, struct mn_rxmsg *m)
{
	if (m->first != MN_SHM_BUF_NONE)
		rx_free_chain(ch, m->first);
	rxmsg_rest(ch, m);
}

int mn_channel_rx_received(struct mn_channel *ch, uint32_t at)
{
	/* More than there can be: what is known is refreshed. */
	if (mn_ring_free(&ch->rx, ch->rx.size + 1) < 0)
		return -EPROTO;
	return (int32_t)(ch->rx.other - at) > 0;
}

int mn_channel_post_open(struct mn_channel *ch, uint64_t flow, const struct mn_shm_flow *info)
{
	struct mn_desc d = { flow, MN_DESC_OPEN, sizeof(*info), 0 };

	return rx_put_bytes(ch, &d, info);
}

static int rx_put_event(struct mn_channel *ch, enum mn_desc_type type, uint64_t flow, int error)
{
	struct mn_desc d = { flow, type, error, MN_SHM_BUF_NONE };
	int ret = rx_slot(ch);

	if (!ret)
		rx_put(ch, &d);
	return ret;
}

int mn_channel_post_end(struct mn_channel *ch, uint64_t flow, int error)
{
	return rx_put_event(ch, MN_DESC_END, flow, error);
}

int mn_channel_post_failed(struct mn_channel *ch, uint64_t request, int error)
{
	return rx_put_event(ch, MN_DESC_FAILED, request, error);
}

void mn_channel_flush(struct mn_channel *ch)
{
	uint32_t posted = ch->posted;

	if (!posted)
		return;
	ch->posted = 0;
	mn_list_del(&ch->in_posted);
	if (posted & MN_SHM_WAKE_RX)
		mn_ring_publish(&ch->rx);
	if (ch->txc_put)
		mn_ring_publish(&ch->txc);
	ch->txc_put = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* Whatever the exchange finds by now is answered: a flag cleared in silence is lost. */
	if ((__atomic_load_n(&ch->hdr->app_sleeps, __ATOMIC_RELAXED) & posted) &&
	    __atomic_exchange_n(&ch->hdr->app_sleeps, 0, __ATOMIC_RELAXED))
		wake_app(ch);
}

/* Slots of RX have come back, where there were few. */
static bool rx_has_more_room(struct mn_channel *ch)
{
	uint32_t before = ch->rx.other;

	return mn_ring_free(&ch->rx, ch->rx.size / 2) < 0 || ch->rx.other != before;
}

/* Something to take from the application, other than what has to wait for a chunk. */
static bool has_work(struct mn_channel *ch, bool wants_room)
{
	return (!ch->tx_held && tx_avail(ch)) ||
	       (wants_room && (mn_ring_avail(&ch->rxc) || rx_has_more_room(ch)));
}

bool mn_channel_arm(struct mn_channel *ch, bool wants_room)
{
	uint32_t wake = MN_SHM_WAKE_ENGINE | (wants_room ? MN_SHM_WAKE_ROOM : 0);

	__atomic_store_n(&ch->hdr->engine_sleeps, wake, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!has_work(ch, wants_room))
		return true;
	mn_channel_disarm(ch);
	return false;
}

void mn_channel_disarm(struct mn_channel *ch)
{
	__atomic_store_n(&ch->hdr->engine_sleeps, 0, __ATOMIC_RELAXED);
}
