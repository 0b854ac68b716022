/* SPDX-License-Identifier: MIT */
/* channel_app.h - a channel with both its ends in one test, the application's by hand */
#ifndef CHANNEL_APP_H
#define CHANNEL_APP_H

#include <kselftest_harness.h>

#include "channel/channel.h"

#define BUFS	MN_SHM_BUFS_MIN
#define BUF	MN_SHM_BUF_SIZE

/* The engine's side, and the application's view of the same rings. */
FIXTURE(channel)
{
	struct mn_channel ch;
	struct mn_ring tx, txc, rx, rxc;
};

static inline void app_ring(struct mn_channel *ch, struct mn_ring *r, enum mn_shm_ring which)
{
	mn_ring_init(r, (uint8_t *)ch->hdr + ch->hdr->ring_off[which], ch->hdr->ring_slots[which]);
}

FIXTURE_SETUP(channel)
{
	ASSERT_EQ(0, mn_channel_create(&self->ch, 7, BUFS, BUFS, 0));
	app_ring(&self->ch, &self->tx, MN_SHM_RING_TX);
	app_ring(&self->ch, &self->txc, MN_SHM_RING_TXC);
	app_ring(&self->ch, &self->rx, MN_SHM_RING_RX);
	app_ring(&self->ch, &self->rxc, MN_SHM_RING_RXC);
}

FIXTURE_TEARDOWN(channel)
{
	mn_channel_destroy(&self->ch);
}

static inline void app_put(struct mn_ring *r, uint32_t type, uint64_t flow, uint32_t len,
			   uint32_t buf)
{
	struct mn_desc d = { flow, type, len, buf };

	mn_ring_put(r, &d);
	mn_ring_publish(r);
}

static inline uint8_t pattern(uint32_t i)
{
	return i * 31 + i / BUF;
}

/* A message of len bytes in every other buffer from first on. */
static inline void app_send(struct mn_channel *ch, struct mn_ring *tx, uint64_t flow, uint32_t len,
			    uint32_t first)
{
	for (uint32_t i = 0; i < len; i++)
		ch->tx_data[(first + 2 * (i / BUF)) * BUF + i % BUF] = pattern(i);
	for (uint32_t n = 0; n * BUF < len; n++)
		ch->tx_links[first + 2 * n] =
			(n + 1) * BUF < len ? first + 2 * (n + 1) : MN_SHM_BUF_NONE;
	app_put(tx, MN_DESC_MSG, flow, len, first);
}

/* Takes the next message, one in buffers: 1, 0 when there is none, -EPROTO. */
static inline int tx_next(struct mn_channel *ch, struct mn_txmsg **msg)
{
	struct mn_desc d;
	int ret = mn_channel_tx_peek(ch, &d);

	if (ret <= 0)
		return ret;
	ret = d.type == MN_DESC_MSG ? mn_channel_tx_take(ch, &d, msg) : -EPROTO;
	mn_channel_tx_release(ch);
	return ret ? ret : 1;
}

static inline struct mn_rxmsg at_rest(void)
{
	return (struct mn_rxmsg){ .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE };
}

/* Appends len bytes of the pattern in uneven pieces; the bytes that were taken. */
static inline uint32_t fill(struct mn_channel *ch, struct mn_rxmsg *m, uint32_t len)
{
	uint8_t piece[1448];
	uint32_t off = 0, n, took;

	while (off < len) {
		n = len - off < sizeof(piece) ? len - off : sizeof(piece);
		for (uint32_t i = 0; i < n; i++)
			piece[i] = pattern(off + i);
		took = mn_channel_rx_append(ch, m, piece, n);
		off += took;
		if (took < n)
			break;
	}
	return off;
}

#endif /* CHANNEL_APP_H */
