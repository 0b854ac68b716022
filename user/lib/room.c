// SPDX-License-Identifier: MIT
/*
 * room.c - room to send: of the channel as a whole, and of each connection
 *
 * A connection whose peer does not read must leave room to the others of its channel. Each has a
 * dynamic limit (Choudhury, Hahne: Dynamic Queue Length Thresholds, IEEE/ACM ToN 6(2), 1998):
 * it may queue up to an eighth of what is free, and with nothing queued always one message, for
 * which an eighth of the buffers is set aside. Messages over MNC_ROOM_LARGE take at most half of
 * the buffers together. Inline messages and messages in buffers have separate memory and limits.
 */
#include "lib/priv.h"

/* Memory of the engine for inline messages; less than it has, since its chunks are not all full. */
#define INLINE_TOTAL	(6u << 20)
/* A connection may always have such an amount queued: the engine has a small chunk for each. */
#define INLINE_SMALL	1024u
/* The share of what is free that a connection may queue; and of the buffers, for first messages. */
#define SHARE		8u
/* Slots that are refreshed when a connection has no room. */
#define SWEEP		64u
#define LARGE_BUFS	(MNC_ROOM_LARGE / MN_SHM_BUF_SIZE)

static bool is_inline(uint32_t len)
{
	return len <= MN_SHM_INLINE_MAX;
}

static uint32_t bufs_of(uint32_t len)
{
	return (len + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE;
}

static uint32_t slot_of(const struct mnc_link *link, uint64_t handle)
{
	return handle & (link->flows - 1);
}

/* What a counter of the engine says; one that cannot be true is ignored. */
static uint32_t released(const uint32_t *counter, uint32_t before, uint32_t sent)
{
	uint32_t now = __atomic_load_n(counter, __ATOMIC_RELAXED);

	return now - before <= sent - before ? now : before;
}

static void refresh(struct mnc_link *link, uint32_t slot)
{
	const struct mn_shm_tx_done *done = &link->tx_done[slot];
	struct mnc_room *r = &link->rooms[slot];
	uint32_t now = released(&done->inline_bytes, r->inline_released, r->inline_sent);

	link->inline_queued -= now - r->inline_released;
	r->inline_released = now;
	r->bufs_released = released(&done->bufs, r->bufs_released, r->bufs_sent);
}

static bool inline_fits(const struct mnc_link *link, const struct mnc_room *r, uint32_t cost)
{
	uint32_t queued = r->inline_sent - r->inline_released;
	uint64_t free = link->inline_queued < INLINE_TOTAL ? INLINE_TOTAL - link->inline_queued : 0;

	return !queued || queued + cost <= INLINE_SMALL || queued + cost <= free / SHARE;
}

static bool bufs_fit(const struct mnc_link *link, const struct mnc_room *r, uint32_t bufs)
{
	uint32_t queued = r->bufs_sent - r->bufs_released, aside = link->tx_bufs / SHARE;
	uint32_t free = link->tx_runs.count > aside ? link->tx_runs.count - aside : 0;

	return !queued || queued + bufs <= free / SHARE;
}

static bool connection_fits(const struct mnc_link *link, const struct mnc_room *r, uint32_t len)
{
	return is_inline(len) ? inline_fits(link, r, MN_SHM_INLINE_COST(len))
			      : bufs_fit(link, r, bufs_of(len));
}

/* Connections that send no more are still accounted with what they had queued last. */
static void refresh_others(struct mnc_link *link)
{
	for (uint32_t i = 0; i < SWEEP && link->inline_queued > INLINE_TOTAL / 2; i++)
		refresh(link, link->sweep++ & (link->flows - 1));
}

/* The connection has room for it. The counters are read only when they may change the answer. */
static bool connection_has_room(struct mnc_link *link, uint32_t slot, uint32_t len)
{
	if (connection_fits(link, &link->rooms[slot], len))
		return true;
	refresh(link, slot);
	refresh_others(link);
	return connection_fits(link, &link->rooms[slot], len);
}

/* Takes back the buffers of messages that the engine is done with. */
static int reclaim(struct mnc_link *link)
{
	int64_t avail = mn_ring_avail(&link->txc);
	struct mn_desc d;
	uint32_t n;

	if (avail <= 0)
		return avail;
	while (avail--) {
		mn_ring_get(&link->txc, &d);
		if (d.type != MN_DESC_MSG || d.buf >= link->tx_bufs || !link->tx_sent[d.buf])
			return -EPROTO;
		link->tx_sent[d.buf] = false;
		n = mn_runs_put_chain(&link->tx_runs, link->tx_chain, d.buf);
		link->tx_large -= n > LARGE_BUFS ? n : 0;
	}
	mn_ring_release(&link->txc);
	return 0;
}

static bool large_fits(const struct mnc_link *link, uint32_t bufs)
{
	return bufs <= LARGE_BUFS || link->tx_large + bufs <= link->tx_bufs / 2;
}

/* 1: the channel has room for a message of some connection, 0: not now, -EPROTO. */
static int channel_has_room(struct mnc_link *link, uint32_t len)
{
	uint32_t slots = is_inline(len) ? mn_ring_need(&link->tx, len) : 1, bufs = bufs_of(len);
	int64_t room = mn_ring_free(&link->tx, slots);
	int ret;

	if (room < (int64_t)slots)
		return room < 0 ? room : 0;
	if (is_inline(len))
		return 1;
	ret = reclaim(link);
	return ret ? ret : link->tx_runs.count >= bufs && large_fits(link, bufs);
}

int mnc_room_for(struct mnc_channel *ch, uint64_t handle, uint32_t len)
{
	int ret = channel_has_room(&ch->link, len);

	if (ret <= 0 || handle == MN_SHM_FLOW_NONE)
		return ret;
	return connection_has_room(&ch->link, slot_of(&ch->link, handle), len);
}

void mnc_room_sent(struct mnc_channel *ch, uint64_t handle, uint32_t len)
{
	struct mnc_link *link = &ch->link;
	struct mnc_room *r = &link->rooms[slot_of(link, handle)];
	uint32_t bufs = bufs_of(len);

	if (is_inline(len)) {
		r->inline_sent += MN_SHM_INLINE_COST(len);
		link->inline_queued += MN_SHM_INLINE_COST(len);
	} else {
		r->bufs_sent += bufs;
		link->tx_large += bufs > LARGE_BUFS ? bufs : 0;
	}
	r->refused = 0;
}

void mnc_room_refused(struct mnc_channel *ch, uint64_t handle, uint32_t len)
{
	struct mnc_link *link = &ch->link;
	uint32_t slot = slot_of(link, handle);
	struct mnc_room *r = &link->rooms[slot];

	__atomic_store_n(&ch->tx_starved, true, __ATOMIC_RELAXED);
	if (handle == MN_SHM_FLOW_NONE || connection_has_room(link, slot, len)) {
		ch->tx_wanted = len;
		return;
	}
	r->refused = len;
	if (r->listed)
		return;
	r->listed = true;
	r->next = link->refused;
	link->refused = slot;
}

/* Takes those with room off the list; 1 if there were any. */
static int refused_ready(struct mnc_link *link)
{
	uint32_t *at = &link->refused;
	int ready = 0;

	while (*at != MNC_ROOM_NONE) {
		struct mnc_room *r = &link->rooms[*at];

		if (r->refused && !connection_has_room(link, *at, r->refused)) {
			at = &r->next;
			continue;
		}
		ready |= r->refused != 0;
		r->refused = 0;
		r->listed = false;
		*at = r->next;
	}
	return ready;
}

int mnc_room_ready(struct mnc_channel *ch)
{
	bool starved = __atomic_load_n(&ch->tx_starved, __ATOMIC_RELAXED);
	uint32_t len = ch->tx_wanted || starved ? ch->tx_wanted : MN_SHM_BUF_SIZE;
	int ret = len ? channel_has_room(&ch->link, len) : reclaim(&ch->link);

	if (ret < 0)
		return mnc_channel_corrupt(ch);
	if (ret)
		ch->tx_wanted = 0;
	ret |= refused_ready(&ch->link);
	if (!ch->tx_wanted && ch->link.refused == MNC_ROOM_NONE)
		__atomic_store_n(&ch->tx_starved, false, __ATOMIC_RELAXED);
	return ret;
}
