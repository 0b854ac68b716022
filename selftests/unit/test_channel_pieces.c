// SPDX-License-Identifier: MIT
/* Received messages lie in one piece while memory allows, and give all of it back. */
#include "channel_app.h"

/* Messages of 64 KiB and less, several under assembly at a time. */
TEST_F(channel, messages_in_lie_in_one_piece)
{
	uint32_t first[8], bufs, at[8] = { 0 };
	struct mn_rxmsg m[8];
	struct mn_desc d;

	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			m[i] = at_rest();
			m[i].len = 1 + (round * 8 + i) * 4099 % (MN_RUNS_MAX * BUF);
			at[i] = 0;
		}
		/* Piece by piece in turn. */
		for (uint32_t i = 0, left = 8; left; i = (i + 1) % 8) {
			uint32_t n = m[i].len - at[i] < 5000 ? m[i].len - at[i] : 5000;

			if (!n)
				continue;
			ASSERT_EQ(n, fill(&self->ch, &m[i], n));
			at[i] += n;
			left -= at[i] == m[i].len;
		}
		for (uint32_t i = 0; i < 8; i++) {
			first[i] = m[i].first;
			bufs = (m[i].len + BUF - 1) / BUF;
			ASSERT_EQ(0, m[i].run);
			for (uint32_t k = 0; k < bufs; k++)
				ASSERT_EQ(k + 1 < bufs ? first[i] + k + 1 : MN_SHM_BUF_NONE,
					  self->ch.rx_links[first[i] + k]);
			ASSERT_EQ(0, mn_channel_rx_post(&self->ch, 1, &m[i]));
		}
		mn_channel_flush(&self->ch);
		/* Half of them are never given back. */
		for (uint32_t i = round % 2; i < 8; i += 2)
			app_put(&self->rxc, MN_DESC_MSG, 1, 1, first[i]);
		ASSERT_EQ(0, mn_channel_rx_reclaim(&self->ch));
		while (mn_ring_avail(&self->rx) > 0)
			mn_ring_get(&self->rx, &d);
		mn_ring_release(&self->rx);
		if (self->ch.rx_free_count < BUFS / 2)
			break;
	}
	EXPECT_GT(BUFS / 2, self->ch.rx_free_count);
}

/* A message that is given up half-way gives back what it was promised, too. */
TEST_F(channel, a_run_comes_back)
{
	struct mn_rxmsg m = at_rest();

	for (uint32_t n = 0; n < 2 * BUFS; n++) {
		m.len = MN_RUNS_MAX * BUF;
		ASSERT_EQ(BUF + 1, fill(&self->ch, &m, BUF + 1));
		EXPECT_EQ(MN_RUNS_MAX - 2, m.run);
		/* They are not used yet. */
		EXPECT_EQ(BUFS - 2, self->ch.rx_free_count);
		EXPECT_EQ(BUFS - MN_RUNS_MAX, self->ch.rx_runs.count);
		mn_channel_rx_drop(&self->ch, &m);
		EXPECT_EQ(BUFS, self->ch.rx_free_count);
		EXPECT_EQ(BUFS, self->ch.rx_runs.count);
	}
}

/* Memory in pieces: the message takes what there is, by links. */
TEST_F(channel, a_message_in_pieces)
{
	struct mn_rxmsg one[BUFS], m = at_rest();
	uint32_t b, n = 0;

	for (uint32_t i = 0; i < BUFS; i++) {
		one[i] = at_rest();
		one[i].len = 1;
		ASSERT_EQ(1, fill(&self->ch, &one[i], 1));
	}
	for (uint32_t i = 0; i < BUFS; i += 2)
		mn_channel_rx_drop(&self->ch, &one[i]);
	m.len = MN_RUNS_MAX * BUF;
	ASSERT_EQ(m.len, fill(&self->ch, &m, m.len));
	for (b = m.first; b != MN_SHM_BUF_NONE; b = self->ch.rx_links[b])
		n++;
	EXPECT_EQ(MN_RUNS_MAX, n);
	mn_channel_rx_drop(&self->ch, &m);
	for (uint32_t i = 1; i < BUFS; i += 2)
		mn_channel_rx_drop(&self->ch, &one[i]);
	EXPECT_EQ(BUFS, self->ch.rx_free_count);
	EXPECT_EQ(BUFS, self->ch.rx_runs.count);
}

TEST_HARNESS_MAIN
