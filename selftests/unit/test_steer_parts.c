// SPDX-License-Identifier: MIT
/* What the learning of a hash is made of: Toeplitz, maps over GF(2), walks through blocks. */
#include "kselftest_harness.h"
#include "steer/block.h"
#include "steer/linear.h"
#include "steer/toeplitz.h"

static const uint8_t microsoft[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static struct mn_steer_tuple tuple_of(const char *src, uint16_t src_port, const char *dst,
				      uint16_t dst_port)
{
	struct mn_steer_tuple t = { .src_port = src_port, .dst_port = dst_port };

	mn_addr_parse(&t.src, src);
	mn_addr_parse(&t.dst, dst);
	return t;
}

/* Microsoft, "Verifying the RSS Hash Calculation". */
TEST(toeplitz__of_the_specification)
{
	struct mn_steer_tuple t;

	t = tuple_of("66.9.149.187", 2794, "161.142.100.80", 1766);
	EXPECT_EQ(0x51ccc178, mn_toeplitz(microsoft, &t));
	t = tuple_of("199.92.111.2", 14230, "65.69.140.83", 4739);
	EXPECT_EQ(0xc626b0ea, mn_toeplitz(microsoft, &t));
	t = tuple_of("3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766);
	EXPECT_EQ(0x40207d3d, mn_toeplitz(microsoft, &t));
	t = tuple_of("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf",
		     38024);
	EXPECT_EQ(0x02d1feef, mn_toeplitz(microsoft, &t));
}

TEST(toeplitz__ports_are_a_part_of_their_own)
{
	struct mn_steer_tuple t = tuple_of("66.9.149.187", 2794, "161.142.100.80", 1766), none = t;

	none.src_port = none.dst_port = 0;
	EXPECT_EQ(mn_toeplitz(microsoft, &t),
		  mn_toeplitz(microsoft, &none) ^ mn_toeplitz_ports(microsoft, &t));
}

TEST(linear__knows_the_span_and_nothing_else)
{
	struct mn_linear l = { 0 };
	uint8_t value = 3;
	uint32_t left = mn_linear_reduce(&l, 0x50, &value);

	EXPECT_EQ(0x50, left);
	mn_linear_add(&l, left, value);
	value = 5;
	left = mn_linear_reduce(&l, 0x70, &value);
	EXPECT_EQ(0x20, left);
	mn_linear_add(&l, left, value);
	EXPECT_EQ(2, l.rank);
	value = 0;
	EXPECT_EQ(0, mn_linear_reduce(&l, 0x20, &value));
	EXPECT_EQ(3 ^ 5, value);
	EXPECT_TRUE(mn_linear_spans(&l, 0));
	EXPECT_FALSE(mn_linear_spans(&l, 0x10));
	EXPECT_FALSE(mn_linear_spans(&l, 0x51));
}

TEST(block__walk_has_each_pair_once)
{
	for (uint32_t n = 1; n < 200; n++) {
		struct mn_block src = { 65000, 1 + n % 13 }, dst = { 7, 1 + n % 17 };
		uint32_t pairs = src.count * dst.count, seen = 0;
		bool given[13][17] = { 0 };
		struct mn_block_walk w;
		uint16_t x, y;

		mn_block_walk(&w, src, dst, n * UINT64_C(0x9e3779b97f4a7c15));
		while (mn_block_next(&w, &x, &y)) {
			ASSERT_TRUE(mn_block_has(src, x) && mn_block_has(dst, y));
			EXPECT_FALSE(given[x - 65000][y - 7]);
			given[x - 65000][y - 7] = true;
			seen++;
		}
		EXPECT_EQ(pairs, seen);
	}
}

TEST(block__is_clamped_to_ports_that_exist)
{
	struct mn_block b = mn_block_clamp(65530, 64);
	struct mn_block_walk w;
	uint16_t x, y;

	EXPECT_EQ(6, b.count);
	EXPECT_EQ(MN_BLOCK_PORTS, mn_block_clamp(1, 65535).count);
	mn_block_walk(&w, b, (struct mn_block){ 1, 0 }, 1);
	EXPECT_FALSE(mn_block_next(&w, &x, &y));
}

TEST_HARNESS_MAIN
