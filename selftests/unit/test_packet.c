// SPDX-License-Identifier: MIT
/* What is written can be read, and the bytes are those of the specification. */
#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "transport1/packet.h"

TEST(packet__data_bytes)
{
	static const uint8_t want[64] = {
		1, 3, 2, 1, 0x00, 0x01, 0x02, 0x03,
		1, 2, 3, 4, 5, 6, 7, 8,
		0, 0, 0, 0, 0, 0, 0, 9,
		0, 0, 0, 0, 0, 0, 0, 10,
		0, 0, 0, 11, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 30,
	};
	struct mn_seg seg = {
		.type = MN_WIRE_DATA, .flags = MN_WIRE_F_PROBE, .n_sack = 1, .credit = 0x010203,
		.id = 0x0102030405060708, .seq = 9, .ack = 10,
		.ts = 11, .ts_echo = 12, .ack_delay = 13, .sack = { { 20, 30 } },
	};
	uint8_t buf[128];
	struct mn_seg got;

	ASSERT_EQ(sizeof(want), mn_packet_write(buf, &seg));
	EXPECT_EQ(0, memcmp(want, buf, sizeof(want)));
	memcpy(buf + 64, "payload", 7);
	ASSERT_EQ(0, mn_packet_parse(buf, 71, &got));
	EXPECT_EQ(7, got.len);
	EXPECT_EQ(buf + 64, got.payload);
	EXPECT_EQ(seg.id, got.id);
	EXPECT_EQ(9, got.seq);
	EXPECT_EQ(10, got.ack);
	EXPECT_EQ(11, got.ts);
	EXPECT_EQ(12, got.ts_echo);
	EXPECT_EQ(13, got.ack_delay);
	EXPECT_EQ(0x010203, got.credit);
	EXPECT_EQ(30, got.sack[0].end);
}

TEST(packet__syn_bytes)
{
	static const uint8_t body[24] = {
		0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x05, 0xc0, 0, 7, 0, 0, 0, 0,
	};
	struct mn_seg seg = {
		.type = MN_WIRE_SYN, .syn = { .id = 0x1234, .mss = 1472, .engine = 7 },
	};
	uint8_t buf[128];
	struct mn_seg got;

	ASSERT_EQ(72, mn_packet_write(buf, &seg));
	EXPECT_EQ(0, memcmp(body, buf + 48, sizeof(body)));
	ASSERT_EQ(0, mn_packet_parse(buf, 72, &got));
	EXPECT_EQ(0x1234, got.syn.id);
	EXPECT_EQ(1472, got.syn.mss);
	EXPECT_EQ(7, got.syn.engine);
	seg.type = MN_WIRE_SYN_ACK;
	mn_packet_write(buf, &seg);
	EXPECT_EQ(-EBADMSG, mn_packet_parse(buf, 72, &got));
	seg.id = 99;
	mn_packet_write(buf, &seg);
	EXPECT_EQ(0, mn_packet_parse(buf, 72, &got));
}

/* Any byte of a good packet replaced by any other: no crash, and never a longer payload. */
TEST(packet__every_byte_replaced)
{
	struct mn_seg seg = {
		.type = MN_WIRE_DATA, .n_sack = 2, .id = 5, .seq = 9, .ack = 10,
		.sack = { { 20, 30 }, { 40, 50 } },
	};
	uint8_t good[96] = { 0 }, bad[96];
	uint32_t n = mn_packet_write(good, &seg);
	struct mn_seg got;

	ASSERT_EQ(80, n);
	for (uint32_t i = 0; i < n; i++) {
		for (int v = 0; v < 256; v++) {
			memcpy(bad, good, sizeof(bad));
			bad[i] = v;
			if (!mn_packet_parse(bad, sizeof(bad), &got) && got.len) {
				EXPECT_EQ(bad + sizeof(bad), got.payload + got.len);
				EXPECT_LE(bad + 48, got.payload);
			}
		}
	}
}

TEST_HARNESS_MAIN
