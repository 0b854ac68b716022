// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <kselftest_harness.h>

#include "dp/frame.h"

#define ROOM		2048
#define PAYLOAD		100

static const uint8_t src_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t dst_mac[6] = { 2, 0, 0, 0, 0, 2 };

/* A mbuf without a pool: what frame.c uses of it. */
FIXTURE(frame)
{
	struct rte_mbuf m;
	struct mn_tuple path;
	uint8_t *room;
};

FIXTURE_SETUP(frame)
{
	memset(&self->m, 0, sizeof(self->m));
	self->room = malloc(ROOM);
	ASSERT_NE(NULL, self->room);
	self->m.buf_addr = self->room;
	self->m.buf_len = ROOM;
	self->m.data_off = RTE_PKTMBUF_HEADROOM;
	self->m.nb_segs = 1;
	self->path = (struct mn_tuple){
		.local = mn_addr_from_v4(htonl(0x0a000001)),
		.remote = mn_addr_from_v4(htonl(0x0a000002)),
		.local_port = 1000,
		.remote_port = 2000,
	};
	memcpy(self->path.mac, dst_mac, 6);
}

FIXTURE_TEARDOWN(frame)
{
	free(self->room);
}

/* A frame with len bytes of payload as it would arrive at the other side. */
static void build(struct rte_mbuf *m, const struct mn_tuple *path, uint16_t len)
{
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t sum;

	for (uint16_t i = 0; i < len; i++)
		data[i] = i;
	m->data_len = len;
	m->pkt_len = len;
	sum = mn_checksum_add(data, len, 0);
	dp_frame_build(m, path, src_mac, &sum);
}

static void expect_frame(struct __test_metadata *_metadata, const struct rte_mbuf *m,
			 const struct mn_tuple *sent, uint16_t len)
{
	struct dp_frame f;

	ASSERT_EQ(DP_FRAME_UDP, dp_frame_parse(m, &f));
	EXPECT_TRUE(dp_frame_checksum_ok(m));
	EXPECT_TRUE(mn_addr_equal(&f.tuple.remote, &sent->local));
	EXPECT_TRUE(mn_addr_equal(&f.tuple.local, &sent->remote));
	EXPECT_EQ(sent->local_port, f.tuple.remote_port);
	EXPECT_EQ(sent->remote_port, f.tuple.local_port);
	EXPECT_EQ(0, memcmp(f.tuple.mac, src_mac, 6));
	EXPECT_EQ(0, memcmp(&f.dst_mac, dst_mac, 6));
	ASSERT_EQ(len, f.payload_len);
	for (uint16_t i = 0; i < len; i++)
		ASSERT_EQ((uint8_t)i, f.payload[i]);
}

TEST_F(frame, ipv4_there_and_back)
{
	build(&self->m, &self->path, PAYLOAD);
	expect_frame(_metadata, &self->m, &self->path, PAYLOAD);
}

TEST_F(frame, ipv6_there_and_back)
{
	ASSERT_EQ(0, mn_addr_parse(&self->path.local, "fd00::1"));
	ASSERT_EQ(0, mn_addr_parse(&self->path.remote, "fd00::2"));
	build(&self->m, &self->path, PAYLOAD);
	expect_frame(_metadata, &self->m, &self->path, PAYLOAD);
}

TEST_F(frame, odd_length_and_empty)
{
	build(&self->m, &self->path, 1);
	expect_frame(_metadata, &self->m, &self->path, 1);
	self->m.data_off = RTE_PKTMBUF_HEADROOM;
	build(&self->m, &self->path, 0);
	expect_frame(_metadata, &self->m, &self->path, 0);
}

/* Ethernet pads short frames: what the IP header says counts. */
TEST_F(frame, padding_is_ignored)
{
	build(&self->m, &self->path, 1);
	memset(rte_pktmbuf_mtod_offset(&self->m, uint8_t *, self->m.data_len), 0xee, 17);
	self->m.data_len += 17;
	self->m.pkt_len += 17;
	expect_frame(_metadata, &self->m, &self->path, 1);
}

TEST_F(frame, every_flipped_bit_of_ip_and_udp_is_noticed)
{
	uint8_t *data;
	uint16_t len;

	build(&self->m, &self->path, PAYLOAD);
	data = rte_pktmbuf_mtod(&self->m, uint8_t *);
	len = self->m.data_len;
	for (uint32_t bit = 8 * sizeof(struct rte_ether_hdr); bit < 8u * len; bit++) {
		struct dp_frame f;

		data[bit / 8] ^= 1 << bit % 8;
		EXPECT_FALSE(dp_frame_parse(&self->m, &f) == DP_FRAME_UDP &&
			     dp_frame_checksum_ok(&self->m)) {
			TH_LOG("bit %u of byte %u", bit % 8, bit / 8);
		}
		data[bit / 8] ^= 1 << bit % 8;
	}
}

TEST_F(frame, every_truncation_is_refused)
{
	struct dp_frame f;
	uint16_t len;

	build(&self->m, &self->path, PAYLOAD);
	len = self->m.data_len;
	for (uint16_t cut = 0; cut < len; cut++) {
		self->m.data_len = cut;
		self->m.pkt_len = cut;
		EXPECT_NE(DP_FRAME_UDP, dp_frame_parse(&self->m, &f)) {
			TH_LOG("cut to %u bytes", cut);
		}
	}
}

TEST_F(frame, fragments_options_and_others_go_to_the_kernel)
{
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr *ip;
	struct dp_frame f;

	build(&self->m, &self->path, PAYLOAD);
	eth = rte_pktmbuf_mtod(&self->m, struct rte_ether_hdr *);
	ip = (struct rte_ipv4_hdr *)(eth + 1);
	ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG);
	EXPECT_EQ(DP_FRAME_OTHER, dp_frame_parse(&self->m, &f));
	ip->fragment_offset = rte_cpu_to_be_16(1);
	EXPECT_EQ(DP_FRAME_OTHER, dp_frame_parse(&self->m, &f));
	ip->fragment_offset = 0;
	ip->next_proto_id = IPPROTO_TCP;
	EXPECT_EQ(DP_FRAME_OTHER, dp_frame_parse(&self->m, &f));
	ip->next_proto_id = IPPROTO_UDP;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
	EXPECT_EQ(DP_FRAME_OTHER, dp_frame_parse(&self->m, &f));
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	self->m.nb_segs = 2;
	EXPECT_EQ(DP_FRAME_OTHER, dp_frame_parse(&self->m, &f));
}

/* The type of the Ethernet frame alone does not say what it is. */
TEST_F(frame, another_version_of_ip_goes_to_the_kernel)
{
	struct mn_tuple v6 = self->path;
	struct rte_ipv6_hdr *ip;
	struct dp_frame f;

	ASSERT_EQ(0, mn_addr_parse(&v6.local, "fd00::1"));
	ASSERT_EQ(0, mn_addr_parse(&v6.remote, "fd00::2"));
	build(&self->m, &v6, PAYLOAD);
	ASSERT_EQ(DP_FRAME_UDP, dp_frame_parse(&self->m, &f));
	ip = rte_pktmbuf_mtod_offset(&self->m, struct rte_ipv6_hdr *, sizeof(struct rte_ether_hdr));
	for (uint32_t version = 0; version < 16; version++) {
		ip->vtc_flow = rte_cpu_to_be_32(version << 28);
		EXPECT_EQ(version == 6 ? DP_FRAME_UDP : DP_FRAME_OTHER,
			  dp_frame_parse(&self->m, &f));
	}
}

TEST_F(frame, a_missing_udp_checksum_is_refused)
{
	struct rte_udp_hdr *udp;

	build(&self->m, &self->path, PAYLOAD);
	udp = rte_pktmbuf_mtod_offset(&self->m, struct rte_udp_hdr *,
				      sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr));
	udp->dgram_cksum = 0;
	EXPECT_FALSE(dp_frame_checksum_ok(&self->m));
}

/* Of a frame within the host: no checksum, and none is missed. */
TEST_F(frame, an_intact_frame_has_no_udp_checksum)
{
	build(&self->m, &self->path, 0);
	self->m.data_off = RTE_PKTMBUF_HEADROOM;
	self->m.data_len = PAYLOAD;
	self->m.pkt_len = PAYLOAD;
	dp_frame_build(&self->m, &self->path, src_mac, NULL);
	EXPECT_TRUE(self->m.ol_flags & RTE_MBUF_F_TX_UDP_CKSUM);
	EXPECT_FALSE(dp_frame_checksum_ok(&self->m));
	dp_frame_set_intact(&self->m);
	EXPECT_TRUE(dp_frame_checksum_ok(&self->m));
}

/* The sum of the payload comes from elsewhere; 0 is sent as ffff (RFC 768). */
TEST_F(frame, a_checksum_of_zero_is_sent_as_ones)
{
	const uint32_t off = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr);
	struct rte_udp_hdr *udp;
	uint8_t *data;
	uint16_t sum;

	build(&self->m, &self->path, 2);
	udp = rte_pktmbuf_mtod_offset(&self->m, struct rte_udp_hdr *, off);
	/* What would have to be there instead of 0 and 1 for the checksum to be 0. */
	sum = mn_checksum_add(udp + 1, 2, udp->dgram_cksum);
	self->m.data_off = RTE_PKTMBUF_HEADROOM;
	data = rte_pktmbuf_mtod(&self->m, uint8_t *);
	memcpy(data, &sum, 2);
	self->m.data_len = 2;
	self->m.pkt_len = 2;
	dp_frame_build(&self->m, &self->path, src_mac, &sum);
	udp = rte_pktmbuf_mtod_offset(&self->m, struct rte_udp_hdr *, off);
	EXPECT_EQ(0xffff, udp->dgram_cksum);
	EXPECT_TRUE(dp_frame_checksum_ok(&self->m));
}

TEST_HARNESS_MAIN
