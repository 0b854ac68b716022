// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_mempool.h>

#include <kselftest_harness.h>

#include "dp/fault.h"
#include "dp/frame.h"

#define POOL	4095
#define ROOM	2048
#define BURST	32
#define PACKETS	100000u
#define PAYLOAD	200u
#define GAP_US	10	/* between two bursts */

/* What comes out of the faults. */
struct seen {
	uint32_t *number;	/* of the packets, in the order of their coming out */
	uint64_t *at_us;
	uint32_t n;
};

FIXTURE(fault)
{
	struct rte_mempool *pool;
	struct dp_fault f;
	uint64_t now_us;
	uint32_t sent;
	struct seen seen;
};

FIXTURE_SETUP(fault)
{
	static char *argv[] = { "test", "--no-huge", "-m", "64", "--no-shconf", "--no-pci",
				"--no-telemetry", "--log-level=error", "--lcores", "0", NULL };

	ASSERT_LE(0, rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv));
	self->pool = rte_pktmbuf_pool_create("mbufs", POOL, 0, 0, ROOM, SOCKET_ID_ANY);
	ASSERT_NE(NULL, self->pool);
	self->seen.number = calloc(2 * PACKETS, sizeof(*self->seen.number));
	self->seen.at_us = calloc(2 * PACKETS, sizeof(*self->seen.at_us));
	ASSERT_NE(NULL, self->seen.number);
	ASSERT_NE(NULL, self->seen.at_us);
}

/* Whatever was held is free in the end. */
FIXTURE_TEARDOWN(fault)
{
	dp_fault_fini(&self->f);
	EXPECT_EQ(POOL, rte_mempool_avail_count(self->pool));
	free(self->seen.number);
	free(self->seen.at_us);
	rte_mempool_free(self->pool);
	rte_eal_cleanup();
}

static void start(struct __test_metadata *_metadata, FIXTURE_DATA(fault) *self,
		  const struct machnet_dp_fault *cfg)
{
	dp_fault_fini(&self->f);
	ASSERT_EQ(0, dp_fault_init(&self->f, cfg, 0));
	self->now_us = 1000000;
	self->sent = self->seen.n = 0;
}

/* A packet as it comes from the wire: a frame whose payload begins with its number. */
static struct rte_mbuf *packet(struct rte_mempool *pool, uint32_t number)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct mn_tuple path = {
		.local = mn_addr_from_v4(htonl(0x0a000001)),
		.remote = mn_addr_from_v4(htonl(0x0a000002)),
		.local_port = 1000,
		.remote_port = 2000,
	};
	uint8_t *data;
	uint16_t sum;

	if (!m)
		return NULL;
	data = rte_pktmbuf_mtod(m, uint8_t *);
	memset(data, 0x5a, PAYLOAD);
	memcpy(data, &number, sizeof(number));
	m->data_len = m->pkt_len = PAYLOAD;
	sum = mn_checksum_add(data, PAYLOAD, 0);
	dp_frame_build(m, &path, mac, &sum);
	m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return m;
}

static uint32_t number_of(const struct rte_mbuf *m)
{
	uint32_t number;

	memcpy(&number, rte_pktmbuf_mtod_offset(m, uint8_t *, DP_FRAME_HDR_MAX - 20),
	       sizeof(number));
	return number;
}

/* Up to n packets arrive, as many as there is room for; look() sees what comes out. */
static void turn(struct __test_metadata *_metadata, FIXTURE_DATA(fault) *self, uint16_t n,
		 void (*look)(struct __test_metadata *, struct rte_mbuf *))
{
	struct rte_mbuf *pkts[BURST];

	n = dp_fault_rx_room(&self->f, n, self->now_us);
	for (uint16_t i = 0; i < n; i++) {
		pkts[i] = packet(self->pool, self->sent++);
		ASSERT_NE(NULL, pkts[i]);
	}
	n = dp_fault_rx(&self->f, pkts, n, BURST, self->now_us);
	ASSERT_GE(BURST, n);
	for (uint16_t i = 0; i < n; i++) {
		if (look)
			look(_metadata, pkts[i]);
		self->seen.number[self->seen.n] = number_of(pkts[i]);
		self->seen.at_us[self->seen.n++] = self->now_us;
	}
	rte_pktmbuf_free_bulk(pkts, n);
}

/* PACKETS packets, and then nothing until the last one has come out. */
static void run(struct __test_metadata *_metadata, FIXTURE_DATA(fault) *self,
		const struct machnet_dp_fault *cfg, uint16_t burst,
		void (*look)(struct __test_metadata *, struct rte_mbuf *))
{
	start(_metadata, self, cfg);
	while (self->sent < PACKETS) {
		turn(_metadata, self, RTE_MIN(burst, PACKETS - self->sent), look);
		self->now_us += GAP_US;
	}
	while (dp_fault_deadline(&self->f) != UINT64_MAX) {
		self->now_us = RTE_MAX(self->now_us, dp_fault_deadline(&self->f));
		turn(_metadata, self, 0, look);
	}
	EXPECT_EQ(0, dp_fault_held(&self->f));
}

/* n of PACKETS is what ppm makes, but for chance: eight times the standard deviation. */
static void expect_share(struct __test_metadata *_metadata, uint64_t n, uint32_t ppm)
{
	uint64_t want = (uint64_t)PACKETS * ppm / 1000000;
	uint64_t off = n > want ? n - want : want - n;

	EXPECT_LE(off * off, 64 * want) {
		TH_LOG("%lu of %u, want about %lu", n, PACKETS, want);
	}
}

TEST_F(fault, none_is_off)
{
	struct machnet_dp_fault cfg = { .seed = 7, .reorder_places = 3 };

	start(_metadata, self, &cfg);
	EXPECT_FALSE(self->f.on);
	EXPECT_EQ(UINT64_MAX, dp_fault_deadline(&self->f));
}

TEST_F(fault, each_is_as_frequent_as_was_asked)
{
	struct machnet_dp_fault cfg = {
		.seed = 7, .loss_ppm = 10000, .reorder_ppm = 20000, .reorder_places = 4,
		.duplicate_ppm = 30000, .corrupt_ppm = 40000, .truncate_ppm = 50000,
		.delay_ppm = 60000, .delay_us = 30,
	};
	const struct dp_fault_stats *s = &self->f.stats;

	run(_metadata, self, &cfg, BURST, NULL);
	expect_share(_metadata, s->fault_dropped, 10000);
	expect_share(_metadata, s->fault_reordered, 20000);
	expect_share(_metadata, s->fault_duplicated, 30000);
	expect_share(_metadata, s->fault_corrupted, 40000);
	expect_share(_metadata, s->fault_truncated, 50000);
	expect_share(_metadata, s->fault_delayed, 60000);
	EXPECT_EQ(PACKETS - s->fault_dropped + s->fault_duplicated, self->seen.n);
}

TEST_F(fault, loss_and_nothing_else)
{
	struct machnet_dp_fault cfg = { .seed = 1, .loss_ppm = 10000 };

	run(_metadata, self, &cfg, BURST, NULL);
	expect_share(_metadata, PACKETS - self->seen.n, 10000);
	for (uint32_t i = 1; i < self->seen.n; i++)
		ASSERT_LT(self->seen.number[i - 1], self->seen.number[i]);
}

TEST_F(fault, bursts_have_their_length)
{
	struct machnet_dp_fault cfg = { .seed = 1, .burst_ppm = 1000, .burst_packets = 8 };
	uint32_t exact = 0;

	run(_metadata, self, &cfg, BURST, NULL);
	for (uint32_t i = 1; i < self->seen.n; i++) {
		uint32_t gap = self->seen.number[i] - self->seen.number[i - 1] - 1;

		/* Two may follow each other at once. */
		ASSERT_EQ(0, gap % 8);
		exact += gap == 8;
	}
	EXPECT_LT(50, exact);
	EXPECT_LE(PACKETS - self->seen.n, self->f.stats.fault_burst_dropped);
}

static const struct machnet_dp_fault all = {
	.seed = 7, .loss_ppm = 10000, .burst_ppm = 1000, .burst_packets = 5,
	.reorder_ppm = 50000, .reorder_places = 8, .duplicate_ppm = 20000,
	.corrupt_ppm = 10000, .truncate_ppm = 10000, .delay_ppm = 100000, .delay_us = 100,
	.jitter_us = 50, .stall_ppm = 1000, .stall_us = 500,
};

/* What happened to the packets, as one number. */
static uint64_t digest(const struct seen *s)
{
	uint64_t h = s->n;

	for (uint32_t i = 0; i < s->n; i++)
		h = (h ^ s->number[i] ^ s->at_us[i] << 32) * 0x100000001b3u;
	return h;
}

TEST_F(fault, the_same_seed_does_the_same)
{
	struct machnet_dp_fault cfg = all;
	struct dp_fault_stats stats;
	uint64_t first;

	run(_metadata, self, &cfg, BURST, NULL);
	first = digest(&self->seen);
	stats = self->f.stats;
	EXPECT_NE(0, stats.fault_stalls);
	run(_metadata, self, &cfg, BURST, NULL);
	EXPECT_EQ(first, digest(&self->seen));
	EXPECT_EQ(0, memcmp(&stats, &self->f.stats, sizeof(stats)));
	cfg.seed++;
	run(_metadata, self, &cfg, BURST, NULL);
	EXPECT_NE(first, digest(&self->seen));
}

TEST_F(fault, engines_differ)
{
	struct dp_fault other;

	start(_metadata, self, &all);
	ASSERT_EQ(0, dp_fault_init(&other, &all, 1));
	EXPECT_NE(self->f.rx_state, other.rx_state);
	EXPECT_NE(self->f.tx_state, other.tx_state);
	EXPECT_NE(other.rx_state, other.tx_state);
	dp_fault_fini(&other);
}

/* Neither how the packets come nor what else happens changes which of them are lost. */
TEST_F(fault, losses_depend_on_the_seed_alone)
{
	struct machnet_dp_fault cfg = { .seed = 7, .loss_ppm = 10000 };
	uint8_t *there = calloc(PACKETS, 1);
	uint32_t missing = 0;

	ASSERT_NE(NULL, there);
	run(_metadata, self, &cfg, BURST, NULL);
	for (uint32_t i = 0; i < self->seen.n; i++)
		there[self->seen.number[i]] = 1;
	cfg.reorder_ppm = 50000;
	cfg.reorder_places = 8;
	cfg.duplicate_ppm = 10000;
	run(_metadata, self, &cfg, 7, NULL);
	for (uint32_t i = 0; i < self->seen.n; i++) {
		ASSERT_NE(0, there[self->seen.number[i]]);
		there[self->seen.number[i]] = 2;
	}
	for (uint32_t i = 0; i < PACKETS; i++)
		missing += there[i] == 1;
	EXPECT_EQ(0, missing);
	free(there);
}

static void expect_reorder(struct __test_metadata *_metadata, FIXTURE_DATA(fault) *self,
			   uint32_t places)
{
	uint32_t most = 0, max = 0;
	uint8_t *there = calloc(PACKETS, 1);

	ASSERT_NE(NULL, there);
	ASSERT_EQ(PACKETS, self->seen.n);
	for (uint32_t i = 0; i < self->seen.n; i++) {
		uint32_t number = self->seen.number[i], overtaken = 0;

		ASSERT_EQ(0, there[number]);
		there[number] = 1;
		/* Only what was sent later and has come out already. */
		for (uint32_t later = number + 1; later <= number + places + 1 && later < PACKETS;
		     later++)
			overtaken += there[later];
		most = RTE_MAX(most, overtaken);
		ASSERT_GE(number + places, max) {
			TH_LOG("%u comes behind %u", number, max);
		}
		max = RTE_MAX(max, number);
	}
	EXPECT_EQ(places, most);
	free(there);
}

TEST_F(fault, reordering_is_bounded)
{
	struct machnet_dp_fault cfg = { .seed = 3, .reorder_ppm = 50000, .reorder_places = 8 };

	run(_metadata, self, &cfg, BURST, NULL);
	expect_reorder(_metadata, self, 8);
	expect_share(_metadata, self->f.stats.fault_reordered, 50000);
}

TEST_F(fault, the_most_reordering_there_is)
{
	struct machnet_dp_fault cfg = {
		.seed = 3, .reorder_ppm = 999999, .reorder_places = MACHNET_DP_REORDER_MAX,
	};

	run(_metadata, self, &cfg, BURST, NULL);
	ASSERT_EQ(PACKETS, self->seen.n);
	cfg.reorder_ppm = 10000;
	run(_metadata, self, &cfg, BURST, NULL);
	expect_reorder(_metadata, self, MACHNET_DP_REORDER_MAX);
}

TEST_F(fault, nobody_waits_long_to_be_overtaken)
{
	struct machnet_dp_fault cfg = { .seed = 3, .reorder_ppm = 1000000, .reorder_places = 8 };
	uint64_t began;

	start(_metadata, self, &cfg);
	began = self->now_us;
	turn(_metadata, self, 1, NULL);
	EXPECT_EQ(0, self->seen.n);
	EXPECT_EQ(1, dp_fault_held(&self->f));
	EXPECT_EQ(began + DP_FAULT_REORDER_US, dp_fault_deadline(&self->f));
	self->now_us = began + DP_FAULT_REORDER_US;
	turn(_metadata, self, 0, NULL);
	EXPECT_EQ(1, self->seen.n);
	EXPECT_EQ(UINT64_MAX, dp_fault_deadline(&self->f));
}

TEST_F(fault, delay_keeps_the_order)
{
	struct machnet_dp_fault cfg = {
		.seed = 3, .delay_ppm = 1000000, .delay_us = 200, .jitter_us = 50,
	};
	uint64_t least = UINT64_MAX, most = 0;

	run(_metadata, self, &cfg, 16, NULL);
	ASSERT_EQ(PACKETS, self->seen.n);
	for (uint32_t i = 0; i < self->seen.n; i++) {
		uint64_t sent_us = 1000000 + i / 16 * GAP_US;

		ASSERT_EQ(i, self->seen.number[i]);
		least = RTE_MIN(least, self->seen.at_us[i] - sent_us);
		most = RTE_MAX(most, self->seen.at_us[i] - sent_us);
	}
	EXPECT_LE(150, least);
	EXPECT_GE(250 + GAP_US, most);
	EXPECT_LE(240, most);
	EXPECT_EQ(PACKETS, self->f.stats.fault_delayed);
}

TEST_F(fault, what_is_held_is_bounded_and_not_lost)
{
	struct machnet_dp_fault cfg = { .seed = 3, .delay_ppm = 1000000, .delay_us = 100000 };
	uint16_t room;

	start(_metadata, self, &cfg);
	while ((room = dp_fault_rx_room(&self->f, BURST, self->now_us)))
		turn(_metadata, self, room, NULL);
	EXPECT_GE(DP_FAULT_HELD, dp_fault_held(&self->f));
	EXPECT_LT(DP_FAULT_HELD / 2, dp_fault_held(&self->f));
	EXPECT_EQ(0, self->seen.n);
	EXPECT_EQ(self->now_us + 100000, dp_fault_deadline(&self->f));
	self->now_us += 100000;
	while (dp_fault_held(&self->f))
		turn(_metadata, self, 0, NULL);
	EXPECT_EQ(self->sent, self->seen.n);
	/* What is held when the engine ends is the tear-down's. */
	turn(_metadata, self, BURST, NULL);
	EXPECT_EQ(BURST, dp_fault_held(&self->f));
}

/* A broken Ethernet header is somebody else's; the rest has checksums. */
static void expect_noticed(struct __test_metadata *_metadata, struct rte_mbuf *m)
{
	static const struct rte_ether_addr src = { { 2, 0, 0, 0, 0, 1 } }, dst;
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	struct dp_frame f;
	uint32_t number;

	if (m->data_len < sizeof(*eth) || !rte_is_same_ether_addr(&eth->src_addr, &src) ||
	    !rte_is_same_ether_addr(&eth->dst_addr, &dst))
		return;
	if (dp_frame_parse(m, &f) != DP_FRAME_UDP || !dp_frame_checksum_ok(m))
		return;
	ASSERT_EQ(PAYLOAD, f.payload_len);
	memcpy(&number, f.payload, sizeof(number));
	ASSERT_GT(PACKETS, number);
	for (uint32_t i = sizeof(number); i < PAYLOAD; i++)
		ASSERT_EQ(0x5a, f.payload[i]);
	ASSERT_EQ(1000, f.tuple.remote_port);
	ASSERT_EQ(2000, f.tuple.local_port);
}

TEST_F(fault, every_corruption_is_noticed)
{
	struct machnet_dp_fault cfg = { .seed = 3, .corrupt_ppm = 1000000 };

	run(_metadata, self, &cfg, BURST, expect_noticed);
	EXPECT_EQ(PACKETS, self->f.stats.fault_corrupted);
}

static void expect_short(struct __test_metadata *_metadata, struct rte_mbuf *m)
{
	ASSERT_GT(PAYLOAD + DP_FRAME_HDR_MAX - 20, m->data_len);
	ASSERT_EQ(m->data_len, m->pkt_len);
}

TEST_F(fault, truncated_means_shorter)
{
	struct machnet_dp_fault cfg = { .seed = 3, .truncate_ppm = 1000000 };

	run(_metadata, self, &cfg, BURST, expect_short);
	EXPECT_EQ(PACKETS, self->f.stats.fault_truncated);
}

TEST_F(fault, a_duplicate_follows_the_first)
{
	struct machnet_dp_fault cfg = { .seed = 3, .duplicate_ppm = 1000000 };

	run(_metadata, self, &cfg, 8, expect_noticed);
	ASSERT_EQ(2 * PACKETS, self->seen.n);
	for (uint32_t i = 0; i < self->seen.n; i++)
		ASSERT_EQ(i / 2, self->seen.number[i]);
}

TEST_F(fault, a_stall_ends_with_a_burst)
{
	struct machnet_dp_fault cfg = { .seed = 3, .stall_ppm = 1000000, .stall_us = 5000 };
	uint64_t end;

	start(_metadata, self, &cfg);
	end = self->now_us + 5000;
	turn(_metadata, self, 4, NULL);
	EXPECT_EQ(0, self->seen.n);
	EXPECT_EQ(end, dp_fault_deadline(&self->f));
	self->now_us = end - 1;
	turn(_metadata, self, BURST, NULL);
	EXPECT_EQ(4, self->sent);
	EXPECT_EQ(0, self->seen.n);
	self->now_us = end;
	turn(_metadata, self, 0, NULL);
	EXPECT_EQ(4, self->seen.n);
	EXPECT_EQ(1, self->f.stats.fault_stalls);
	EXPECT_EQ(UINT64_MAX, dp_fault_deadline(&self->f));
}

TEST_F(fault, a_full_ring_takes_a_part_and_then_nothing)
{
	struct machnet_dp_fault cfg = { .seed = 3, .tx_full_ppm = 10000, .tx_full_us = 100 };
	uint64_t part = 0, offered = 0, taken;

	start(_metadata, self, &cfg);
	while (offered < PACKETS) {
		taken = dp_fault_tx(&self->f, BURST, self->now_us);
		offered += taken;
		if (taken == BURST)
			continue;
		offered++;
		part += taken > 0;
		self->now_us += 99;
		EXPECT_EQ(0, dp_fault_tx(&self->f, BURST, self->now_us));
		self->now_us++;
	}
	expect_share(_metadata, self->f.stats.fault_tx_full, 10000);
	EXPECT_LT(self->f.stats.fault_tx_full / 2, part);
}

TEST_HARNESS_MAIN
