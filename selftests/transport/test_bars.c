// SPDX-License-Identifier: MIT
/* What loss and reordering may cost, as parts of the rate without them: 32 KiB, 32 under way. */
#include <kselftest_harness.h>

#include "peek.h"
#include "sim_load.h"

/* 10 Gbit/s; less on the long path, which 1 MiB would not fill twice while a loss is repaired. */
#define RATE(rtt_us)	((rtt_us) < 1000 ? 1250 : 312)

FIXTURE(bars)
{
	struct sim *sim;
	struct sim_load load;
};

FIXTURE_VARIANT(bars)
{
	uint16_t mtu;
	uint32_t rtt_us;
};

FIXTURE_VARIANT_ADD(bars, mtu1500_10us) { .mtu = 1500, .rtt_us = 10 };
FIXTURE_VARIANT_ADD(bars, mtu1500_100us) { .mtu = 1500, .rtt_us = 100 };
FIXTURE_VARIANT_ADD(bars, mtu1500_1ms) { .mtu = 1500, .rtt_us = 1000 };
FIXTURE_VARIANT_ADD(bars, mtu9000_10us) { .mtu = 9000, .rtt_us = 10 };
FIXTURE_VARIANT_ADD(bars, mtu9000_100us) { .mtu = 9000, .rtt_us = 100 };
FIXTURE_VARIANT_ADD(bars, mtu9000_1ms) { .mtu = 9000, .rtt_us = 1000 };

FIXTURE_SETUP(bars)
{
	struct mn_addr any = mn_addr_from_v4(0);

	self->sim = sim_new_sized(21, 16, 4096);
	self->sim->poll_us = 2;
	self->sim->mtu = variant->mtu;
	self->sim->net = (struct sim_net){
		.delay_us = variant->rtt_us / 2, .in_bytes_per_us = RATE(variant->rtt_us),
		.in_queue = 256,
	};
	ASSERT_EQ(0, mn_stack_listen(self->sim->host[1].stack, &self->sim->host[1].apps[0].ch, &any,
				     SIM_PORT));
	ASSERT_TRUE(sim_load_open(self->sim, &self->load, 1, 0, 0));
	self->load.len = 32768;
	self->load.window = 32;
}

FIXTURE_TEARDOWN(bars)
{
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
}

/* Bytes that arrive in us, once it has settled. */
static uint64_t rate(struct sim *sim, struct sim_load *l, uint64_t us)
{
	sim_load_run(sim, l, 1, us);
	sim_load_count(sim, l, 1);
	sim_load_run(sim, l, 1, us);
	return l->bytes;
}

TEST_F(bars, one_percent_of_loss)
{
	uint64_t us = 20000 + 100 * variant->rtt_us, clean, lossy;

	clean = rate(self->sim, &self->load, us);
	self->sim->net.loss = 10000;
	lossy = rate(self->sim, &self->load, us);
	EXPECT_LE(clean * 70, lossy * 100) TH_LOG("%lu of %lu bytes", lossy, clean);
	/* And without loss the link is used. */
	EXPECT_LT(us * RATE(variant->rtt_us) * 85, clean * 100)
		TH_LOG("%lu bytes in %lu us", clean, us);
}

/* 5 % of the packets are late by up to 8 packets. */
TEST_F(bars, reordering)
{
	const struct mn_stack_stats *st = mn_stack_stats(self->sim->host[0].stack);
	uint64_t sent, again;

	self->sim->net.in_queue = SIM_QUEUE_MAX;
	rate(self->sim, &self->load, 10000);
	sent = st->tx_packets;
	again = st->tx_retransmits;
	self->sim->net.reorder = 50000;
	self->sim->net.reorder_us = 8 * (variant->mtu + 66) / RATE(variant->rtt_us);
	rate(self->sim, &self->load, 100000);
	sent = st->tx_packets - sent;
	again = st->tx_retransmits - again;
	EXPECT_LT(0, mn_stack_stats(self->sim->host[1].stack)->rx_out_of_order);
	EXPECT_GT(sent, 1000 * again) TH_LOG("%lu of %lu packets sent again", again, sent);
}

static int to_lose;

static bool lose_data(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	(void)sim;
	return from == 0 && peek_has(data, len, MN_FRAME_DATA) && to_lose && to_lose--;
}

static uint64_t small_us(struct sim *sim, const struct sim_load *l)
{
	struct sim_flow *to = sim_flow(&sim->host[1].apps[0], l->flow[1]);
	uint64_t wanted = to->received + 1, from_us = sim->now_us;

	if (!sim_send(&sim->host[0].apps[0], l->flow[0], 64))
		return UINT64_MAX;
	while (to->received != wanted && sim->now_us < from_us + 1000000)
		sim_run(sim, 1, NULL);
	return sim->now_us - from_us;
}

/* The only packet of an idle connection: a round trip, another one, and less than a millisecond. */
TEST_F(bars, one_lost_packet)
{
	uint64_t clean_us = 0, lost_us;

	self->sim->filter = lose_data;
	for (int i = 0; i < 20; i++) {
		sim_run(self->sim, 10000, NULL);
		clean_us = small_us(self->sim, &self->load);
	}
	for (int i = 0; i < 20; i++) {
		sim_run(self->sim, 10000, NULL);
		to_lose = 1;
		lost_us = small_us(self->sim, &self->load);
		EXPECT_GT(clean_us + 2 * variant->rtt_us + 800, lost_us)
			TH_LOG("%lu us, not %lu us", lost_us, clean_us);
		EXPECT_LT(clean_us, lost_us);
	}
	/* The least timeout is 2 ms. */
	if (variant->rtt_us < 1000)
		EXPECT_EQ(0, mn_stack_stats(self->sim->host[0].stack)->rto_fired);
}

TEST_HARNESS_MAIN
