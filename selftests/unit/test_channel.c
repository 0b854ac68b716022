// SPDX-License-Identifier: MIT
/* The engine's side of a channel. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel_app.h"

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

	EXPECT_EQ(-EINVAL, mn_channel_create(&ch, 0, MN_SHM_BUFS_MAX + 1, 0, 0));
	EXPECT_EQ(-EINVAL, mn_channel_create(&ch, 0, 0, UINT32_MAX, 0));
	ASSERT_EQ(0, mn_channel_create(&ch, 0, 0, 1, 0));
	EXPECT_EQ(MN_SHM_BUFS_DEFAULT, ch.tx_bufs);
	EXPECT_EQ(MN_SHM_BUFS_MIN, ch.rx_bufs);
	mn_channel_destroy(&ch);
	ASSERT_EQ(0, mn_channel_create(&ch, 0, MN_SHM_BUFS_MIN + 1, MN_SHM_BUFS_MAX, 0));
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

	EXPECT_EQ(0, tx_next(&self->ch, &msg));
	app_send(&self->ch, &self->tx, 5, len, 10);
	ASSERT_EQ(1, tx_next(&self->ch, &msg));
	EXPECT_EQ(5, msg->flow);
	EXPECT_EQ(len, msg->len);
	EXPECT_EQ(10, msg->first);
	EXPECT_EQ(0, tx_next(&self->ch, &msg));

	/* In pieces that do not match the buffers; then backwards, as a retransmission. */
	for (uint32_t off = 0; off < len; off += 1000)
		mn_channel_tx_copy(&self->ch, msg, off, got + off,
				   len - off < 1000 ? len - off : 1000, NULL);
	for (uint32_t i = 0; i < len; i++)
		ASSERT_EQ(pattern(i), got[i]);
	for (uint32_t off = len; off-- > len - 2 * BUF;) {
		mn_channel_tx_copy(&self->ch, msg, off, got, 1, NULL);
		ASSERT_EQ(pattern(off), got[0]);
	}

	EXPECT_EQ(0, mn_channel_tx_done(&self->ch, msg));
	EXPECT_EQ(0, mn_ring_avail(&self->txc));
	mn_channel_flush(&self->ch);
	ASSERT_EQ(1, mn_ring_avail(&self->txc));
	mn_ring_get(&self->txc, &d);
	EXPECT_EQ(MN_DESC_MSG, (uint32_t)d.type);
	EXPECT_EQ(10, d.buf);
	/* The same buffers again. */
	app_send(&self->ch, &self->tx, 5, len, 10);
	EXPECT_EQ(1, tx_next(&self->ch, &msg));
	free(got);
}

TEST_F(channel, the_largest_message_out)
{
	struct mn_txmsg *msg;
	uint8_t got[100];

	app_send(&self->ch, &self->tx, 1, MN_MSG_MAX, 0);
	ASSERT_EQ(1, tx_next(&self->ch, &msg));
	mn_channel_tx_copy(&self->ch, msg, MN_MSG_MAX - 100, got, 100, NULL);
	for (uint32_t i = 0; i < 100; i++)
		ASSERT_EQ(pattern(MN_MSG_MAX - 100 + i), got[i]);
	EXPECT_EQ(0, mn_channel_tx_done(&self->ch, msg));
}

TEST_F(channel, links_changed_after_the_message_was_taken)
{
	struct mn_txmsg *msg;
	uint8_t got[4];

	app_send(&self->ch, &self->tx, 1, 2 * BUF, 0);
	ASSERT_EQ(1, tx_next(&self->ch, &msg));
	self->ch.tx_links[0] = UINT32_MAX - 5;
	mn_channel_tx_copy(&self->ch, msg, BUF, got, 4, NULL);
	EXPECT_EQ(pattern(BUF), got[0]);
	EXPECT_EQ(0, mn_channel_tx_done(&self->ch, msg));
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
	EXPECT_EQ(MN_DESC_MSG, (uint32_t)d.type);
	EXPECT_EQ(9, d.flow);
	EXPECT_EQ(len, (uint32_t)d.len);
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
	/* What needs none has its way. */
	EXPECT_EQ(0, mn_channel_post_open(&self->ch, 1, &(struct mn_shm_flow){ 0 }));
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
	ASSERT_EQ(0, mn_channel_post_failed(&self->ch, 77, ENOSPC));
	ASSERT_EQ(0, mn_channel_post_end(&self->ch, 3, ECONNRESET));
	mn_channel_flush(&self->ch);
	ASSERT_EQ(3 + mn_ring_slots(sizeof(info)), mn_ring_avail(&self->rx));
	mn_ring_get(&self->rx, &d);
	EXPECT_EQ(MN_DESC_OPEN, (uint32_t)d.type);
	EXPECT_EQ(sizeof(info), (uint32_t)d.len);
	EXPECT_EQ(0, memcmp(&info, mn_ring_here(&self->rx), sizeof(info)));
	self->rx.self += mn_ring_slots(sizeof(info));
	mn_ring_get(&self->rx, &d);
	EXPECT_EQ(MN_DESC_FAILED, (uint32_t)d.type);
	EXPECT_EQ(77, d.flow);
	EXPECT_EQ(ENOSPC, (uint32_t)d.len);
	mn_ring_get(&self->rx, &d);
	EXPECT_EQ(MN_DESC_END, (uint32_t)d.type);
	EXPECT_EQ(ECONNRESET, (uint32_t)d.len);
	EXPECT_EQ(0, mn_channel_rx_reclaim(&self->ch));
	EXPECT_EQ(BUFS * BUF, mn_channel_rx_room(&self->ch));
}

/* Requests come in their order between the messages. */
TEST_F(channel, requests)
{
	const struct mn_desc want = { 9, MN_DESC_CONNECT, sizeof(struct mn_shm_connect), 0 };
	struct mn_shm_connect out = { .remote_port = 80 }, in;
	struct mn_txmsg *msg;
	struct mn_desc d;

	app_put(&self->tx, MN_DESC_CLOSE, 5, 0, 0);
	memcpy(mn_ring_put_inline(&self->tx, &want), &out, sizeof(out));
	app_send(&self->ch, &self->tx, 6, 100, 0);
	ASSERT_EQ(1, mn_channel_tx_peek(&self->ch, &d));
	EXPECT_EQ(MN_DESC_CLOSE, (uint32_t)d.type);
	EXPECT_EQ(5, d.flow);
	mn_channel_tx_skip(&self->ch);
	ASSERT_EQ(1, mn_channel_tx_peek(&self->ch, &d));
	EXPECT_EQ(MN_DESC_CONNECT, (uint32_t)d.type);
	EXPECT_EQ(9, d.flow);
	mn_channel_tx_read(&self->ch, &d, &in);
	EXPECT_EQ(0, memcmp(&in, &out, sizeof(in)));
	EXPECT_EQ(1, tx_next(&self->ch, &msg));
	EXPECT_EQ(0, mn_channel_tx_peek(&self->ch, &d));
}

TEST_F(channel, a_full_rx_ring_is_for_later)
{
	for (uint32_t i = 0; i < self->rx.size; i++)
		ASSERT_EQ(0, mn_channel_post_end(&self->ch, i, 0));
	EXPECT_EQ(-EAGAIN, mn_channel_post_end(&self->ch, 1, 0));
	mn_channel_flush(&self->ch);
	self->rx.self = 1;
	mn_ring_release(&self->rx);
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	self->ch.rx.ctl->cons = UINT32_MAX / 2;
	EXPECT_EQ(-EPROTO, mn_channel_post_end(&self->ch, 1, 0));
}

TEST_F(channel, the_application_is_woken_for_what_it_waits_for)
{
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	mn_channel_flush(&self->ch);
	EXPECT_FALSE(readable(self->ch.app_efd));

	self->ch.hdr->app_sleeps = MN_SHM_WAKE_TX;
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	mn_channel_flush(&self->ch);
	EXPECT_FALSE(readable(self->ch.app_efd));
	EXPECT_EQ(MN_SHM_WAKE_TX, self->ch.hdr->app_sleeps);

	self->ch.hdr->app_sleeps = MN_SHM_WAKE_TX | MN_SHM_WAKE_RX;
	EXPECT_EQ(0, mn_channel_post_end(&self->ch, 1, 0));
	EXPECT_FALSE(readable(self->ch.app_efd));
	mn_channel_flush(&self->ch);
	EXPECT_TRUE(readable(self->ch.app_efd));
	EXPECT_EQ(0, self->ch.hdr->app_sleeps);
}

TEST_F(channel, arm)
{
	ASSERT_TRUE(mn_channel_arm(&self->ch, true));
	EXPECT_EQ(MN_SHM_WAKE_ENGINE | MN_SHM_WAKE_ROOM, self->ch.hdr->engine_sleeps);
	mn_channel_disarm(&self->ch);
	EXPECT_EQ(0, self->ch.hdr->engine_sleeps);
	app_send(&self->ch, &self->tx, 1, 1, 0);
	EXPECT_FALSE(mn_channel_arm(&self->ch, true));
	EXPECT_EQ(0, self->ch.hdr->engine_sleeps);
}

TEST_F(channel, room_is_something_to_do_for_who_wants_it)
{
	struct mn_rxmsg m = at_rest();

	ASSERT_EQ(1, fill(&self->ch, &m, 1));
	ASSERT_EQ(0, mn_channel_rx_post(&self->ch, 1, &m));
	app_put(&self->rxc, MN_DESC_MSG, 1, 1, BUFS - 1);
	ASSERT_TRUE(mn_channel_arm(&self->ch, false));
	EXPECT_EQ(MN_SHM_WAKE_ENGINE, self->ch.hdr->engine_sleeps);
	EXPECT_FALSE(mn_channel_arm(&self->ch, true));
}

/* The application has given slots back just before the engine said that it waits for them. */
TEST_F(channel, slots_are_room_too)
{
	static const uint8_t data[MN_SHM_INLINE_MAX];

	while (!mn_channel_rx_inline(&self->ch, 1, data, sizeof(data)))
		;
	mn_channel_flush(&self->ch);
	ASSERT_TRUE(mn_channel_arm(&self->ch, true));
	mn_channel_disarm(&self->ch);
	ASSERT_LT(0, mn_ring_avail(&self->rx));
	self->rx.self += 1 + mn_ring_slots(sizeof(data));
	mn_ring_release(&self->rx);
	EXPECT_TRUE(mn_channel_arm(&self->ch, false));
	EXPECT_FALSE(mn_channel_arm(&self->ch, true));
	/* That has been looked at now, and there is no more. */
	EXPECT_TRUE(mn_channel_arm(&self->ch, true));
}

/* Small messages lie in the rings, and never across their ends. */
TEST_F(channel, small_messages_out_and_in)
{
	uint8_t data[MN_SHM_INLINE_MAX], got[MN_SHM_INLINE_MAX];
	uint32_t at = 0, fillers = 0, need;
	struct mn_desc d;

	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = pattern(i);
	for (uint32_t n = 0; n < 5 * self->rx.size / 8; n++) {
		uint32_t len = 1 + n % MN_SHM_INLINE_MAX;

		d = (struct mn_desc){ n, MN_DESC_INLINE, len, 0 };
		memcpy(mn_ring_put_inline(&self->tx, &d), data, len);
		mn_ring_publish(&self->tx);
		ASSERT_EQ(1, mn_channel_tx_peek(&self->ch, &d));
		ASSERT_EQ(MN_DESC_INLINE, (uint32_t)d.type);
		ASSERT_EQ(len, (uint32_t)d.len);
		mn_channel_tx_read(&self->ch, &d, got);
		mn_channel_tx_release(&self->ch);
		ASSERT_EQ(0, memcmp(data, got, len));
		ASSERT_EQ(0, mn_channel_tx_peek(&self->ch, &d));

		need = mn_ring_need(&self->ch.rx, len);
		ASSERT_EQ(0, mn_channel_rx_inline(&self->ch, n, got, len));
		mn_channel_flush(&self->ch);
		ASSERT_EQ(need, mn_ring_avail(&self->rx));
		mn_ring_get(&self->rx, &d);
		ASSERT_LE(0, mn_ring_extra(&self->rx, &d));
		if (d.type == MN_DESC_FILL) {
			fillers++;
			self->rx.self += d.len - 1;
			ASSERT_EQ(0, self->rx.self % self->rx.size);
			mn_ring_get(&self->rx, &d);
		}
		ASSERT_EQ(n, d.flow);
		ASSERT_EQ(0, memcmp(data, mn_ring_here(&self->rx), len));
		self->rx.self += mn_ring_slots(d.len);
		mn_ring_release(&self->rx);
		at += 1 + mn_ring_slots(len);
	}
	EXPECT_LT(self->rx.size, at);
	EXPECT_LT(self->tx.size, at);
	EXPECT_LT(0, fillers);
}

/* At each distance from the ring's end: the room that is asked for is what it takes. */
TEST_F(channel, room_up_to_the_end_of_the_ring)
{
	static const uint8_t data[MN_SHM_INLINE_MAX];
	struct mn_ring *rx = &self->ch.rx;

	for (uint32_t left = 1; left <= 2 * MN_SHM_INLINE_SLOTS; left++) {
		for (uint32_t len = 1; len <= MN_SHM_INLINE_MAX; len += 61) {
			uint32_t slots = 1 + mn_ring_slots(len);
			uint32_t fill = left < slots ? left : 0;

			/* A slot less than it takes, then all of it. */
			rx->self = 3 * rx->size - left;
			rx->other = rx->self + fill + slots - 1 - rx->size;
			rx->ctl->cons = rx->other;
			EXPECT_EQ(-EAGAIN, mn_channel_rx_inline(&self->ch, 1, data, len));
			rx->ctl->cons++;
			EXPECT_EQ(0, mn_channel_rx_inline(&self->ch, 1, data, len));
			EXPECT_EQ(3 * rx->size - left + fill + slots, rx->self);
			EXPECT_EQ(0, mn_ring_free(rx, 1));
		}
	}
}

/* What is promised to senders fits, wherever the ring's end is. */
TEST_F(channel, ring_room_counts_fillers)
{
	static const uint8_t data[MN_SHM_INLINE_MAX];
	struct mn_ring *rx = &self->ch.rx;

	for (uint32_t at = 0; at <= 4 * MN_SHM_INLINE_SLOTS; at++) {
		uint32_t len = 1 + at * 37 % MN_SHM_INLINE_MAX, sent = 0;
		uint64_t room;

		rx->self = 2 * rx->size - at;
		rx->other = rx->ctl->cons = rx->self + 4 * MN_SHM_INLINE_SLOTS - rx->size;
		room = mn_channel_rx_ring_room(&self->ch) / sizeof(struct mn_desc);
		ASSERT_LT(2 * MN_SHM_INLINE_SLOTS, room);
		while (!mn_channel_rx_inline(&self->ch, 1, data, len))
			sent += 1 + mn_ring_slots(len);
		/* Less than a message is left. */
		EXPECT_LT(room, sent + 1 + mn_ring_slots(len));
		rx->self = 0;
	}
}

TEST_F(channel, any_entry_has_room_when_it_is_said)
{
	static const uint8_t data[MN_SHM_INLINE_MAX];
	struct mn_ring *rx = &self->ch.rx;

	for (uint32_t left = 1; left <= 2 * MN_SHM_INLINE_SLOTS; left++) {
		rx->self = rx->size - left;
		rx->other = rx->ctl->cons = rx->self - rx->size;
		for (uint32_t room = 0; !mn_channel_rx_has_room(&self->ch); room++) {
			ASSERT_GT(2 * MN_SHM_INLINE_SLOTS + 1, room);
			rx->ctl->cons++;
		}
		ASSERT_EQ(0, mn_channel_rx_inline(&self->ch, 1, data, sizeof(data)));
	}
}

/* The next message is behind a filler, whether that has come with it or alone. */
TEST_F(channel, fillers_are_skipped)
{
	struct mn_desc d = { 5, MN_DESC_INLINE, 100, 0 };

	for (uint32_t left = 1; left <= 7; left++) {
		uint32_t from = self->tx.size - left;

		self->tx.self = self->tx.other = self->ch.tx.self = self->ch.tx.other = from;
		self->tx.ctl->prod = self->tx.ctl->cons = from;
		d.len = 100;
		memset(mn_ring_put_inline(&self->tx, &d), 'x', d.len);
		if (left % 2) {
			self->tx.ctl->prod = self->tx.size;
			ASSERT_EQ(0, mn_channel_tx_peek(&self->ch, &d));
			ASSERT_EQ(self->tx.size, self->ch.tx.self);
		}
		mn_ring_publish(&self->tx);
		ASSERT_EQ(1, mn_channel_tx_peek(&self->ch, &d));
		ASSERT_EQ(MN_DESC_INLINE, (uint32_t)d.type);
		ASSERT_EQ(5, d.flow);
	}
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
