// SPDX-License-Identifier: MIT
/* What a channel makes of an application that lies: the channel ends, the engine does not. */
#include <fcntl.h>
#include <unistd.h>

#include "channel_app.h"

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
LIE(connect_too_short, MN_DESC_CONNECT, sizeof(struct mn_shm_connect) - 1, 0, 0, 0);
LIE(connect_without_its_slots, MN_DESC_CONNECT, sizeof(struct mn_shm_connect), 0, 0, 0);
LIE(type_failed, MN_DESC_FAILED, 1, 0, 0, 0);
LIE(inline_empty, MN_DESC_INLINE, 0, 0, 0, MN_SHM_BUF_NONE);
LIE(inline_too_long, MN_DESC_INLINE, MN_SHM_INLINE_MAX + 1, 0, 0, MN_SHM_BUF_NONE);
LIE(inline_without_its_slots, MN_DESC_INLINE, 1, 0, 0, MN_SHM_BUF_NONE);
LIE(inline_longest_number, MN_DESC_INLINE, UINT32_MAX, 0, 0, MN_SHM_BUF_NONE);
LIE(first_out_of_range, MN_DESC_MSG, 10, BUFS, 0, MN_SHM_BUF_NONE);
LIE(first_none, MN_DESC_MSG, 10, MN_SHM_BUF_NONE, 0, MN_SHM_BUF_NONE);
LIE(link_out_of_range, MN_DESC_MSG, 2 * BUF, 0, 0, BUFS);
LIE(link_to_itself, MN_DESC_MSG, 2 * BUF, 0, 0, 0);
LIE(cycle, MN_DESC_MSG, 3 * BUF, 0, 2, 0);
LIE(chain_too_short, MN_DESC_MSG, 3 * BUF, 0, 2, MN_SHM_BUF_NONE);
LIE(chain_too_long, MN_DESC_MSG, BUF, 0, 0, 2);

FIXTURE_SETUP(tx_lie)
{
	ASSERT_EQ(0, mn_channel_create(&self->ch, 0, BUFS, BUFS, 0));
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
	EXPECT_EQ(-EPROTO, tx_next(&self->ch, &msg));
}

/* Fillers at so many slots from the end of the ring, and inline messages over it. */
FIXTURE(end_lie)
{
	struct mn_channel ch;
	struct mn_ring tx;
};
FIXTURE_VARIANT(end_lie)
{
	uint32_t left, type, len, slots;	/* slots: published */
};
#define END_LIE(name, ...)	FIXTURE_VARIANT_ADD(end_lie, name) { __VA_ARGS__ }
END_LIE(of_no_slot, 5, MN_DESC_FILL, 0, 10);
END_LIE(too_short, 5, MN_DESC_FILL, 4, 10);
END_LIE(too_long, 5, MN_DESC_FILL, 6, 10);
END_LIE(of_the_longest_length, 5, MN_DESC_FILL, 0xffffff, 10);
END_LIE(without_its_slots, 5, MN_DESC_FILL, 5, 4);
END_LIE(longer_than_any, MN_SHM_INLINE_SLOTS + 1, MN_DESC_FILL, MN_SHM_INLINE_SLOTS + 1, 100);
END_LIE(all_of_the_ring, 0, MN_DESC_FILL, 16384, 16384);
END_LIE(message_over_the_end, 5, MN_DESC_INLINE, 80, 6);
END_LIE(message_at_the_start, 1, MN_DESC_INLINE, 16, 2);

FIXTURE_SETUP(end_lie)
{
	ASSERT_EQ(0, mn_channel_create(&self->ch, 0, BUFS, BUFS, 0));
	app_ring(&self->ch, &self->tx, MN_SHM_RING_TX);
	ASSERT_EQ(16384, self->tx.size);
}

FIXTURE_TEARDOWN(end_lie)
{
	mn_channel_destroy(&self->ch);
}

TEST_F(end_lie, is_refused)
{
	uint32_t from = self->tx.size - variant->left;
	struct mn_desc d = { 0, variant->type, variant->len, 0 };

	self->tx.self = self->ch.tx.self = self->ch.tx.other = from;
	self->tx.ctl->cons = from;
	mn_ring_put(&self->tx, &d);
	self->tx.self = from + variant->slots;
	mn_ring_publish(&self->tx);
	EXPECT_EQ(-EPROTO, mn_channel_tx_peek(&self->ch, &d));
	EXPECT_EQ(-EPROTO, mn_channel_tx_peek(&self->ch, &d));
}

TEST_F(channel, a_filler_behind_a_filler)
{
	struct mn_desc d = { 0, MN_DESC_FILL, 5, 0 };
	uint32_t from = self->tx.size - 5;

	self->tx.self = self->ch.tx.self = self->ch.tx.other = from;
	self->tx.ctl->cons = from;
	mn_ring_put(&self->tx, &d);
	self->tx.self = self->tx.size;
	mn_ring_put(&self->tx, &d);
	self->tx.self += 10;
	mn_ring_publish(&self->tx);
	EXPECT_EQ(-EPROTO, mn_channel_tx_peek(&self->ch, &d));
}

TEST_F(channel, a_message_over_the_limit)
{
	struct mn_txmsg *msg;

	for (uint32_t i = 0; i < MN_MSG_MAX / BUF; i++)
		self->ch.tx_links[i] = i + 1;
	self->ch.tx_links[MN_MSG_MAX / BUF] = MN_SHM_BUF_NONE;
	app_put(&self->tx, MN_DESC_MSG, 1, MN_MSG_MAX + 1, 0);
	EXPECT_EQ(-EPROTO, tx_next(&self->ch, &msg));
}

TEST_F(channel, a_buffer_sent_twice)
{
	struct mn_txmsg *msg;

	app_send(&self->ch, &self->tx, 1, 10, 3);
	app_send(&self->ch, &self->tx, 1, 10, 3);
	EXPECT_EQ(1, tx_next(&self->ch, &msg));
	EXPECT_EQ(-EPROTO, tx_next(&self->ch, &msg));
}

TEST_F(channel, a_chain_into_another_message)
{
	struct mn_txmsg *msg;

	app_send(&self->ch, &self->tx, 1, 2 * BUF, 10);
	app_send(&self->ch, &self->tx, 1, 2 * BUF, 21);
	self->ch.tx_links[21] = 12;
	EXPECT_EQ(1, tx_next(&self->ch, &msg));
	EXPECT_EQ(-EPROTO, tx_next(&self->ch, &msg));
}

TEST_F(channel, a_false_tx_index)
{
	struct mn_txmsg *msg;

	self->ch.tx.ctl->prod = self->ch.tx.size + 1;
	EXPECT_EQ(-EPROTO, tx_next(&self->ch, &msg));
	EXPECT_FALSE(mn_channel_arm(&self->ch, true));
	EXPECT_EQ(-EPROTO, tx_next(&self->ch, &msg));
}

TEST_F(channel, buffers_used_without_reading_txc)
{
	struct mn_txmsg *msg;

	for (uint32_t i = 0; i < BUFS; i++) {
		app_send(&self->ch, &self->tx, 1, 1, i % 7);
		ASSERT_EQ(1, tx_next(&self->ch, &msg));
		ASSERT_EQ(0, mn_channel_tx_done(&self->ch, msg));
		mn_channel_flush(&self->ch);
	}
	app_send(&self->ch, &self->tx, 1, 1, 0);
	ASSERT_EQ(1, tx_next(&self->ch, &msg));
	EXPECT_EQ(-EPROTO, mn_channel_tx_done(&self->ch, msg));
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

	ASSERT_EQ(0, mn_channel_create(&self->ch, 0, BUFS, BUFS, 0));
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

TEST_F(channel, an_application_cannot_block_the_engine)
{
	char byte;

	/* What a malicious owner of the descriptors can do: never read, make them blocking. */
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

TEST_HARNESS_MAIN
