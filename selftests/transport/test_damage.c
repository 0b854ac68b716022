// SPDX-License-Identifier: MIT
/* Frames that were damaged on the way: bits that flip, in all that a checksum covers. */
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include <kselftest_harness.h>

#include "dp/frame.h"
#include "sim.h"

#define ROOM		16384u
#define ETHER		((uint32_t)sizeof(struct rte_ether_hdr))
#define CONNS		3

/* A mbuf without a pool: what frame.c uses of it. */
struct frame {
	struct rte_mbuf m;
	uint8_t room[ROOM];
};

FIXTURE(damage)
{
	struct sim *sim;
	uint64_t flow[CONNS][2];
	struct frame *f;
	uint32_t frames;
	uint64_t unnoticed;
};

static void setup(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self, bool v6)
{
	struct sim_host *h;
	struct mn_addr any;

	self->sim = sim_new(3);
	self->f = calloc(1, sizeof(*self->f));
	ASSERT_NE(NULL, self->f);
	h = self->sim->host;
	ASSERT_EQ(0, mn_addr_parse(&any, v6 ? "::" : "0.0.0.0"));
	ASSERT_EQ(0, mn_addr_parse(&h[0].addr, v6 ? "fd00::1" : "10.0.0.1"));
	ASSERT_EQ(0, mn_addr_parse(&h[1].addr, v6 ? "fd00::2" : "10.0.0.2"));
	ASSERT_EQ(0, mn_stack_listen(h[1].stack, &h[1].apps[0].ch, &any, SIM_PORT));
	for (int i = 0; i < CONNS; i++)
		ASSERT_TRUE(sim_connect(self->sim, 0, &self->flow[i][0], &self->flow[i][1]));
}

FIXTURE_SETUP(damage)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(damage)
{
	EXPECT_EQ(0, self->unnoticed);
	EXPECT_EQ(0, self->sim->errors);
	sim_free(self->sim);
	free(self->f);
}

/* To the stack of host 1 if its engine would pass it on. */
static bool arrives(struct sim *sim, const struct rte_mbuf *m)
{
	struct sim_host *to = &sim->host[1];
	struct dp_frame f;
	struct mn_pkt pkt = { .tuple = &f.tuple };

	if (dp_frame_parse(m, &f) != DP_FRAME_UDP || !mn_addr_equal(&f.tuple.local, &to->addr) ||
	    !dp_frame_checksum_ok(m))
		return false;
	pkt.data = f.payload;
	pkt.len = f.payload_len;
	if (mn_stack_input(to->stack, &pkt))
		sim->errors++;	/* all come in order: none is kept */
	return true;
}

/* Of an IPv6 header no checksum covers version, class, label and hop limit. */
static bool is_covered(uint32_t byte, bool v6)
{
	return !v6 || byte > ETHER + 7 || (byte > ETHER + 3 && byte < ETHER + 7);
}

/* Host 0's next packet, with each bit behind the Ethernet header flipped in turn, then as it is. */
static bool carry_one(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct sim *sim = self->sim;
	struct rte_mbuf *m = &self->f->m;
	struct mn_tuple to;
	uint8_t *data;
	uint16_t sum;
	uint32_t len;

	*m = (struct rte_mbuf){
		.buf_addr = self->f->room, .buf_len = ROOM, .data_off = RTE_PKTMBUF_HEADROOM,
		.nb_segs = 1,
	};
	len = mn_stack_output(sim->host[0].stack, rte_pktmbuf_mtod(m, uint8_t *),
			      ROOM - RTE_PKTMBUF_HEADROOM, &to, &sum);
	if (!len)
		return false;
	m->data_len = m->pkt_len = len;
	dp_frame_build(m, &to, mac, &sum);
	data = rte_pktmbuf_mtod(m, uint8_t *);
	for (uint32_t bit = 8 * ETHER; bit < 8u * m->data_len; bit++) {
		if (!is_covered(bit / 8, !mn_addr_is_v4(&to.local)))
			continue;
		data[bit / 8] ^= 1 << bit % 8;
		self->unnoticed += arrives(sim, m);
		data[bit / 8] ^= 1 << bit % 8;
	}
	EXPECT_TRUE(arrives(sim, m));
	self->frames++;
	return true;
}

static bool have_arrived(struct sim *sim)
{
	for (int i = 0; i < CONNS; i++)
		if (sim->host[1].apps[0].flows[i].received != sim->host[0].apps[0].flows[i].sent)
			return false;
	return true;
}

/*
 * Messages of these lengths on the connections in turn. The simulation compares what arrives with
 * what was sent.
 */
static void carry(struct __test_metadata *_metadata, FIXTURE_DATA(damage) *self,
		  const uint32_t *lens, uint32_t n)
{
	struct sim *sim = self->sim;

	for (uint32_t i = 0; i < n; i++)
		ASSERT_TRUE(sim_send(&sim->host[0].apps[0], self->flow[i % CONNS][0], lens[i]));
	mn_stack_poll_channels(sim->host[0].stack);
	while (carry_one(_metadata, self))
		;
	mn_stack_flush(sim->host[1].stack);
	/* What the window did not let out goes the common way. */
	EXPECT_TRUE(sim_run(sim, 100000, have_arrived));
}

/* In pieces of any size: heads and payload, small and large, at odd places. */
static const uint32_t mixed[] = {
	1, 2, 255, 256, 257, 1023, 1024, 1025, 64, 64, 63, 4097, 3000, 7,
};
static const uint32_t large[] = { 9001, 4096, 3001 };
/* One packet: its first large piece lies behind an odd number of bytes; the last piece is small. */
static const uint32_t uneven[] = { 51, 700, 301 }, small_last[] = { 701, 50, 20 };

TEST_F(damage, every_bit__mixed)
{
	setup(_metadata, self, false);
	carry(_metadata, self, mixed, sizeof(mixed) / sizeof(mixed[0]));
	EXPECT_LT(4, self->frames);
}

TEST_F(damage, every_bit__large)
{
	setup(_metadata, self, false);
	carry(_metadata, self, large, sizeof(large) / sizeof(large[0]));
	EXPECT_LT(5, self->frames);
}

TEST_F(damage, every_bit__uneven)
{
	setup(_metadata, self, false);
	carry(_metadata, self, uneven, CONNS);
	EXPECT_EQ(1, self->frames);
	carry(_metadata, self, small_last, CONNS);
	EXPECT_EQ(2, self->frames);
}

TEST_F(damage, every_bit__ipv6)
{
	setup(_metadata, self, true);
	carry(_metadata, self, mixed, sizeof(mixed) / sizeof(mixed[0]));
	EXPECT_LT(4, self->frames);
}

/* Packets of 9000 bytes hold large pieces of all connections, and small ones in between. */
TEST_F(damage, every_bit__jumbo)
{
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct sim *sim;

	setup(_metadata, self, false);
	sim = self->sim;
	ASSERT_EQ(0, mn_stack_set_route(sim->host[0].stack, &sim->host[0].addr,
					&sim->host[1].addr, mac, 9000));
	carry(_metadata, self, mixed, sizeof(mixed) / sizeof(mixed[0]));
	EXPECT_LT(0, self->frames);
	carry(_metadata, self, large, sizeof(large) / sizeof(large[0]));
	EXPECT_LT(1, self->frames);
}

TEST_HARNESS_MAIN
