// SPDX-License-Identifier: MIT
/* The engine's side of a channel, and what it makes of an application that lies. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "core/channel.h"

#define BUFS	MN_SHM_BUFS_MIN
#define BUF	MN_SHM_BUF_SIZE

/* The engine's side, and the application's view of the same rings. */
FIXTURE(channel)
{
	struct mn_channel ch;
	struct mn_ring tx, txc, rx, rxc;
};

static void app_ring(struct mn_channel *ch, struct mn_ring *r, enum mn_shm_ring which)
{
	mn_ring_init(r, (uint8_t *)ch->hdr + ch->hdr->ring_off[which], ch->hdr->ring_slots[which]);
}

FIXTURE_SETUP(channel)
{
	ASSERT_EQ(0, mn_channel_create(&self->ch, 7, BUFS, BUFS));
	app_ring(&self->ch, &self->tx, MN_SHM_RING_TX);
	app_ring(&self->ch, &self->txc, MN_SHM_RING_TXC);
	app_ring(&self->ch, &self->rx, MN_SHM_RING_RX);
	app_ring(&self->ch, &self->rxc, MN_SHM_RING_RXC);
}

FIXTURE_TEARDOWN(channel)
{
	mn_channel_destroy(&self->ch);
}

static void app_put(struct mn_ring *r, uint32_t type, uint32_t flow, uint32_t len, uint32_t buf)
{
	struct mn_desc d = { type, flow, len, buf };

	mn_ring_put(r, &d);
	mn_ring_publish(r);
}

static uint8_t pattern(uint32_t i)
{
	return i * 31 + i / BUF;
}

/* A message of len bytes in every other buffer from first on. */
static void app_send(struct mn_channel *ch, struct mn_ring *tx, uint32_t flow, uint32_t len, uint32_t first)
{
	for (uint32_t i = 0; i < len; i++)
		ch->tx_data[(first + 2 * (i / BUF)) * BUF + i % BUF] = pattern(i);
	for (uint32_t n = 0; n * BUF < len; n++)
		ch->tx_links[first + 2 * n] = (n + 1) * BUF < len ? first + 2 * (n + 1) : MN_SHM_BUF_NONE;
	app_put(tx, MN_DESC_MSG, flow, len, first);
}

static bool readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

TEST_F(channel, header_and_seals)
{
	const struct mn_shm_header *h = self->ch.hdr;

	EXPECT_EQ(MN_SHM_MAGIC, h->magic);
	EXPECT_EQ(MN_SHM_VERSION, h->version);
	EXPECT_EQ(sizeof(*h), h->header_len);
	EXPECT_EQ(self->ch.len, h->total_len);
	EXPECT_EQ((off_t)h->total_len, lseek(self->ch.memfd, 0, SEEK_END));
	EXPECT_EQ(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, fcntl(self->ch.memfd, F_GET_SEALS));
	EXPECT_EQ(-1, ftruncate(self->ch.memfd, 0));
	EXPECT_EQ(BUFS * BUF, mn_channel_rx_room(&self->ch));
}

TEST_F(channel, creation_touches_little)
{
	unsigned char *vec = malloc(self->ch.len / 4096);
	size_t resident = 0;

	ASSERT_NE(NULL, vec);
	ASSERT_EQ(0, mincore(self->ch.hdr, self->ch.len, vec));
	for (size_t i = 0; i < self->ch.len / 4096; i++)
		resident += vec[i] & 1;
	EXPECT_LT(resident, 8);
	free(vec);
}

TEST(counts)
{
	struct mn_channel ch;

	EXPECT_EQ(-EINVAL, mn_channel_create(&ch, 0, MN_SHM_BUFS_MAX + 1, 0));
	EXPECT_EQ(-EINVAL, mn_channel_create(&ch, 0, 0, UINT32_MAX));
	ASSERT_EQ(0, mn_channel_create(&ch, 0, 0, 1));
	EXPECT_EQ(MN_SHM_BUFS_DEFAULT, ch.tx_bufs);
	EXPECT_EQ(MN_SHM_BUFS_MIN, ch.rx_bufs);
	mn_channel_destroy(&ch);
	ASSERT_EQ(0, mn_channel_create(&ch, 0, MN_SHM_BUFS_MIN + 1, MN_SHM_BUFS_MAX));
	EXPECT_EQ(2 * MN_SHM_BUFS_MIN, ch.tx_bufs);
	EXPECT_EQ(MN_SHM_BUFS_MAX, ch.rx_bufs);
	mn_channel_destroy(&ch);
}

TEST_F(channel, a_message_out)
{
	const uint32_t len = 3 * BUF + 17;
	struct mn_txmsg *msg = NULL;
	uint8_t *got = malloc(len);
	struct mn_desc d;

	EXPECT_EQ(0, mn_channel_tx_next(&self->ch, &msg));
	app_send(&self->ch, &self->tx, 5, len, 10);
	ASSERT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	EXPECT_EQ(5, msg->flow);
	EXPECT_EQ(len, msg->len);
	EXPECT_EQ(10, msg->first);
	EXPECT_EQ(0, mn_channel_tx_next(&self->ch, &msg));

	/* In pieces that do not match the buffers; then backwards, as a retransmission. */
	for (uint32_t off = 0; off < len; off += 1000)
		mn_channel_tx_copy(&self->ch, msg, off, got + off, len - off < 1000 ? len - off : 1000);
	for (uint32_t i = 0; i < len; i++)
		ASSERT_EQ(pattern(i), got[i]);
	for (uint32_t off = len; off-- > len - 2 * BUF;) {
		mn_channel_tx_copy(&self->ch, msg, off, got, 1);
		ASSERT_EQ(pattern(off), got[0]);
	}

	EXPECT_EQ(0, mn_channel_tx_done(&self->ch, msg));
	EXPECT_EQ(0, mn_ring_avail(&self->txc));
	mn_channel_flush(&self->ch);
	ASSERT_EQ(1, mn_ring_avail(&self->txc));
	mn_ring_get(&self->txc, &d);
	EXPECT_EQ(MN_DESC_MSG, d.type);
	EXPECT_EQ(10, d.buf);
	/* The same buffers again. */
	app_send(&self->ch, &self->tx, 5, len, 10);
	EXPECT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	free(got);
}

TEST_F(channel, the_largest_message_out)
{
	struct mn_txmsg *msg;
	uint8_t got[100];

	app_send(&self->ch, &self->tx, 1, MN_MSG_MAX, 0);
	ASSERT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	mn_channel_tx_copy(&self->ch, msg, MN_MSG_MAX - 100, got, 100);
	for (uint32_t i = 0; i < 100; i++)
		ASSERT_EQ(pattern(MN_MSG_MAX - 100 + i), got[i]);
	EXPECT_EQ(0, mn_channel_tx_done(&self->ch, msg));
}

TEST_F(channel, links_changed_after_the_message_was_taken)
{
	struct mn_txmsg *msg;
	uint8_t got[4];

	app_send(&self->ch, &self->tx, 1, 2 * BUF, 0);
	ASSERT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	self->ch.tx_links[0] = UINT32_MAX - 5;
	mn_channel_tx_copy(&self->ch, msg, BUF, got, 4);
	EXPECT_EQ(pattern(BUF), got[0]);
	EXPECT_EQ(0, mn_channel_tx_done(&self->ch, msg));
}

/* One lie about a message to send each. */
FIXTURE(tx_lie)
{
	struct mn_channel ch;
	struct mn_ring tx;
};
FIXTURE_VARIANT(tx_lie)
{
	uint32_t type, len, buf;
	uint32_t at, link;	/* this link is overwritten */
};
#define LIE(name, ...)	FIXTURE_VARIANT_ADD(tx_lie, name) { __VA_ARGS__ }
LIE(type_none, MN_DESC_NONE, 10, 0, 0, MN_SHM_BUF_NONE);
LIE(type_open, MN_DESC_OPEN, 10, 0, 0, MN_SHM_BUF_NONE);
LIE(type_unknown, 77, 10, 0, 0, MN_SHM_BUF_NONE);
LIE(no_bytes, MN_DESC_MSG, 0, 0, 0, MN_SHM_BUF_NONE);
LIE(too_long, MN_DESC_MSG, MN_MSG_MAX + 1, 0, 0, 2);
LIE(longest_number, MN_DESC_MSG, UINT32_MAX, 0, 0, 2);
LIE(first_out_of_range, MN_DESC_MSG, 10, BUFS, 0, MN_SHM_BUF_NONE);
LIE(first_none, MN_DESC_MSG, 10, MN_SHM_BUF_NONE, 0, MN_SHM_BUF_NONE);
LIE(link_out_of_range, MN_DESC_MSG, 2 * BUF, 0, 0, BUFS);
LIE(link_to_itself, MN_DESC_MSG, 2 * BUF, 0, 0, 0);
LIE(cycle, MN_DESC_MSG, 3 * BUF, 0, 2, 0);
LIE(chain_too_short, MN_DESC_MSG, 3 * BUF, 0, 2, MN_SHM_BUF_NONE);
LIE(chain_too_long, MN_DESC_MSG, BUF, 0, 0, 2);

FIXTURE_SETUP(tx_lie)
{
	ASSERT_EQ(0, mn_channel_create(&self->ch, 0, BUFS, BUFS));
	app_ring(&self->ch, &self->tx, MN_SHM_RING_TX);
}

FIXTURE_TEARDOWN(tx_lie)
{
	mn_channel_destroy(&self->ch);
}

TEST_F(tx_lie, is_refused)
{
	struct mn_txmsg *msg;

	for (uint32_t n = 0; n < 8; n++)
		self->ch.tx_links[2 * n] = 2 * n + 2;
	self->ch.tx_links[variant->at] = variant->link;
	app_put(&self->tx, variant->type, 1, variant->len, variant->buf);
	EXPECT_EQ(-EPROTO, mn_channel_tx_next(&self->ch, &msg));
}

TEST_F(channel, a_message_over_the_limit)
{
	struct mn_txmsg *msg;

	for (uint32_t i = 0; i < MN_MSG_MAX / BUF; i++)
		self->ch.tx_links[i] = i + 1;
	self->ch.tx_links[MN_MSG_MAX / BUF] = MN_SHM_BUF_NONE;
	app_put(&self->tx, MN_DESC_MSG, 1, MN_MSG_MAX + 1, 0);
	EXPECT_EQ(-EPROTO, mn_channel_tx_next(&self->ch, &msg));
}

TEST_F(channel, a_buffer_sent_twice)
{
	struct mn_txmsg *msg;

	app_send(&self->ch, &self->tx, 1, 10, 3);
	app_send(&self->ch, &self->tx, 1, 10, 3);
	EXPECT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	EXPECT_EQ(-EPROTO, mn_channel_tx_next(&self->ch, &msg));
}

TEST_F(channel, a_chain_into_another_message)
{
	struct mn_txmsg *msg;

	app_send(&self->ch, &self->tx, 1, 2 * BUF, 10);
	app_send(&self->ch, &self->tx, 1, 2 * BUF, 21);
	self->ch.tx_links[21] = 12;
	EXPECT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	EXPECT_EQ(-EPROTO, mn_channel_tx_next(&self->ch, &msg));
}

TEST_F(channel, a_false_tx_index)
{
	struct mn_txmsg *msg;

	self->ch.tx.ctl->prod = self->ch.tx.size + 1;
	EXPECT_EQ(-EPROTO, mn_channel_tx_next(&self->ch, &msg));
	EXPECT_FALSE(mn_channel_arm(&self->ch));
	EXPECT_EQ(-EPROTO, mn_channel_tx_next(&self->ch, &msg));
}

TEST_F(channel, buffers_used_without_reading_txc)
{
	struct mn_txmsg *msg;

	for (uint32_t i = 0; i < BUFS; i++) {
		app_send(&self->ch, &self->tx, 1, 1, i % 7);
		ASSERT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
		ASSERT_EQ(0, mn_channel_tx_done(&self->ch, msg));
		mn_channel_flush(&self->ch);
	}
	app_send(&self->ch, &self->tx, 1, 1, 0);
	ASSERT_EQ(1, mn_channel_tx_next(&self->ch, &msg));
	EXPECT_EQ(-EPROTO, mn_channel_tx_done(&self->ch, msg));
}

static struct mn_rxmsg at_rest(void)
{
	return (struct mn_rxmsg){ .first = MN_SHM_BUF_NONE, .cur = MN_SHM_BUF_NONE };
}

/* Appends len bytes of the pattern in uneven pieces; the bytes that were taken. */
static uint32_t fill(struct mn_channel *ch, struct mn_rxmsg *m, uint32_t len)
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

TEST_F(channel, a_message_in)
{
	const uint32_t len = 5 * BUF + 1;
	uint64_t room = mn_channel_rx_room(&self->ch);
	struct mn_rxmsg m = at_rest();
	struct mn_desc d;
	uint32_t b;

	m.len = len;
	ASSERT_EQ(len, fill(&self->ch, &m, len));
	EXPECT_EQ(room - 6 * BUF, mn_channel_rx_room(&self->ch));
	ASSERT_EQ(0, mn_channel_rx_post(&self->ch, 9, &m));
	EXPECT_EQ(MN_SHM_BUF_NONE, m.first);
	EXPECT_EQ(0, mn_ring_avail(&self->rx));
	mn_channel_flush(&self->ch);
	ASSERT_EQ(1, mn_ring_avail(&self->rx));
	mn_ring_get(&self->rx, &d);
	EXPECT_EQ(MN_DESC_MSG, d.type);
	EXPECT_EQ(9, d.flow);
	EXPECT_EQ(len, d.len);
	b = d.buf;
	for (uint32_t i = 0; i < len; i++) {
		if (i && i % BUF == 0)
			b = self->ch.rx_links[b];
		ASSERT_LT(b, BUFS);
		ASSERT_EQ(pattern(i), self->ch.rx_data[b * BUF + i % BUF]);
	}
	EXPECT_EQ(MN_SHM_BUF_NONE, self->ch.rx_links[b]);

	app_put(&self->rxc, MN_DESC_MSG, 9, len, d.buf);
	EXPECT_EQ(0, mn_channel_rx_reclaim(&self->ch));
	EXPECT_EQ(room, mn_channel_rx_room(&self->ch));
}

TEST_F(channel, buffers_run_out_and_come_back)
{
	struct mn_rxmsg m = at_rest();

	EXPECT_EQ(BUFS * BUF, fill(&self->ch, &m, BUFS * BUF + 100));
	EXPECT_EQ(0, mn_channel_rx_room(&self->ch));
	EXPECT_EQ(-EAGAIN, mn_channel_post_open(&self->ch, 1, &(struct mn_shm_flow){ 0 }));
	mn_channel_rx_drop(&self->ch, &m);
	EXPECT_EQ(MN_SHM_BUF_NONE, m.first);
	EXPECT_EQ(BUFS * BUF, mn_channel_rx_room(&self->ch));
	mn_channel_rx_drop(&self->ch, &m);
	EXPECT_EQ(BUFS * BUF, mn_channel_rx_room(&self->ch));
}

TEST_F(channel, events)
{
	struct mn_shm_flow info = { .local_port = 1234, .remote_port = 4321 };
	struct mn_desc d;

	ASSERT_EQ(0, mn_channel_post_open(&self->ch, 3, &info));
	ASSERT_EQ(0, mn_channel_post_end(&self->ch, 3, ECONNRESET));
	mn_channel_flush(&self->ch);
	ASSERT_EQ(2, mn_ring_avail(&self->rx));
	mn_ring_get(&self->rx, &d);
	EXPECT_EQ(MN_DESC_OPEN, d.type);
	EXPECT_EQ(0, memcmp(&info, self->ch.rx_data + d.buf * BUF, sizeof(info)));
	app_put(&self->rxc, MN_DESC_MSG, 3, d.len, d.buf);
	mn_ring_get(&self->rx, &d);
	EXPECT_EQ(MN_DESC_END, d.type);
	EXPECT_EQ(ECONNRESET, d.len);
	EXPECT_EQ(0, mn_channel_rx_reclaim(&self->ch));
	EXPECT_EQ(BUFS * BUF, mn_channel_rx_room(&self->ch));
}

TEST_F(channel, a_full_rx_ring_is_for_later)
{
	for (uint32_t i = 0; i < 2 * BUFS; i++)
		ASSERT_EQ(0, mn_channel_post_end(&self->ch, i, 0));
	EXPECT_EQ(-EAGAIN, mn_channel_post_end(&self->ch, 1, 0));
	mn_channel_flush(&self->ch);
	self->rx.self = 1;
	mn_ring_release(&self->rx);
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	self->ch.rx.ctl->cons = UINT32_MAX / 2;
	EXPECT_EQ(-EPROTO, mn_channel_post_end(&self->ch, 1, 0));
}

/* A posted message of two buffers, and what may not come back instead of its first. */
FIXTURE(rxc_lie)
{
	struct mn_channel ch;
	struct mn_ring rxc;
	uint32_t first, second, filling;
};

FIXTURE_SETUP(rxc_lie)
{
	struct mn_rxmsg m = at_rest();

	ASSERT_EQ(0, mn_channel_create(&self->ch, 0, BUFS, BUFS));
	app_ring(&self->ch, &self->rxc, MN_SHM_RING_RXC);
	ASSERT_EQ(BUF + 1, fill(&self->ch, &m, BUF + 1));
	self->first = m.first;
	self->second = m.cur;
	ASSERT_EQ(0, mn_channel_rx_post(&self->ch, 1, &m));
	ASSERT_EQ(1, fill(&self->ch, &m, 1));
	self->filling = m.first;
	mn_channel_flush(&self->ch);
}

FIXTURE_TEARDOWN(rxc_lie)
{
	mn_channel_destroy(&self->ch);
}

#define RXC_LIE(name, type, buf)						\
	TEST_F(rxc_lie, name)							\
	{									\
		app_put(&self->rxc, type, 1, 1, buf);				\
		EXPECT_EQ(-EPROTO, mn_channel_rx_reclaim(&self->ch));		\
	}
RXC_LIE(never_given, MN_DESC_MSG, BUFS - 1)
RXC_LIE(out_of_range, MN_DESC_MSG, BUFS)
RXC_LIE(none, MN_DESC_MSG, MN_SHM_BUF_NONE)
RXC_LIE(middle_of_a_chain, MN_DESC_MSG, self->second)
RXC_LIE(still_filling, MN_DESC_MSG, self->filling)
RXC_LIE(wrong_type, MN_DESC_END, self->first)

TEST_F(rxc_lie, given_back_twice)
{
	app_put(&self->rxc, MN_DESC_MSG, 1, 1, self->first);
	app_put(&self->rxc, MN_DESC_MSG, 1, 1, self->first);
	EXPECT_EQ(-EPROTO, mn_channel_rx_reclaim(&self->ch));
}

TEST_F(rxc_lie, false_index)
{
	self->ch.rxc.ctl->prod = BUFS + 1;
	EXPECT_EQ(-EPROTO, mn_channel_rx_reclaim(&self->ch));
}

TEST_F(rxc_lie, shared_links_do_not_matter)
{
	self->ch.rx_links[self->first] = self->first;
	app_put(&self->rxc, MN_DESC_MSG, 1, 1, self->first);
	EXPECT_EQ(0, mn_channel_rx_reclaim(&self->ch));
	EXPECT_EQ((BUFS - 1) * BUF, mn_channel_rx_room(&self->ch));
}

TEST_F(channel, the_application_is_woken_for_what_it_waits_for)
{
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	mn_channel_flush(&self->ch);
	EXPECT_FALSE(readable(self->ch.app_efd));

	self->ch.hdr->app_sleeps = MN_SHM_WAKE_TXC;
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	mn_channel_flush(&self->ch);
	EXPECT_FALSE(readable(self->ch.app_efd));
	EXPECT_EQ(MN_SHM_WAKE_TXC, self->ch.hdr->app_sleeps);

	self->ch.hdr->app_sleeps = MN_SHM_WAKE_TXC | MN_SHM_WAKE_RX;
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	EXPECT_FALSE(readable(self->ch.app_efd));
	mn_channel_flush(&self->ch);
	EXPECT_TRUE(readable(self->ch.app_efd));
	EXPECT_EQ(0, self->ch.hdr->app_sleeps);
}

TEST_F(channel, an_application_cannot_block_the_engine)
{
	char byte;

	/* What a malicious owner of the descriptor can do: never read, make it blocking, close it. */
	fcntl(self->ch.app_efd, F_SETFL, 0);
	fcntl(self->ch.engine_efd, F_SETFL, 0);
	EXPECT_EQ(-1, write(self->ch.app_efd, "", 1));
	for (int i = 0; i < 100000; i++) {
		self->ch.hdr->app_sleeps = MN_SHM_WAKE_RX;
		self->ch.posted = MN_SHM_WAKE_RX;
		mn_channel_flush(&self->ch);
	}
	EXPECT_EQ(1, read(self->ch.app_efd, &byte, 1));
	mn_channel_close(&self->ch, ENETDOWN);
}

TEST_F(channel, arm)
{
	ASSERT_TRUE(mn_channel_arm(&self->ch));
	EXPECT_EQ(1, self->ch.hdr->engine_sleeps);
	mn_channel_disarm(&self->ch);
	EXPECT_EQ(0, self->ch.hdr->engine_sleeps);
	app_send(&self->ch, &self->tx, 1, 1, 0);
	EXPECT_FALSE(mn_channel_arm(&self->ch));
	EXPECT_EQ(0, self->ch.hdr->engine_sleeps);
}

TEST_F(channel, close_tells_the_first_reason)
{
	mn_channel_close(&self->ch, EPROTO);
	mn_channel_close(&self->ch, ENETDOWN);
	EXPECT_EQ(EPROTO, self->ch.hdr->closed);
	EXPECT_TRUE(readable(self->ch.app_efd));
	EXPECT_TRUE(self->ch.dead);
}

TEST_HARNESS_MAIN
