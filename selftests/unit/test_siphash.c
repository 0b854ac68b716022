// SPDX-License-Identifier: MIT
#include <kselftest_harness.h>

#include "base/siphash.h"

/* Appendix A of the paper: key 00 01 .. 0f, message 00 01 .. 0e; and two of its authors' table. */
TEST(siphash__published_values)
{
	static const uint64_t key[2] = {
		UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908),
	};
	uint8_t msg[16];

	for (int i = 0; i < 16; i++)
		msg[i] = i;
	EXPECT_EQ(UINT64_C(0xa129ca6149be45e5), mn_siphash(key, msg, 15));
	EXPECT_EQ(UINT64_C(0x726fdb47dd0e0e31), mn_siphash(key, msg, 0));
	EXPECT_EQ(UINT64_C(0x93f5f5799a932462), mn_siphash(key, msg, 8));
}

/* Each bit of key and message matters. */
TEST(siphash__every_bit_counts)
{
	uint64_t key[2] = { 1, 2 }, seen;
	uint8_t msg[48] = { 0 };

	seen = mn_siphash(key, msg, sizeof(msg));
	for (uint32_t bit = 0; bit < 8 * sizeof(msg); bit++) {
		msg[bit / 8] ^= 1 << bit % 8;
		EXPECT_NE(seen, mn_siphash(key, msg, sizeof(msg)));
		msg[bit / 8] ^= 1 << bit % 8;
	}
	for (int bit = 0; bit < 128; bit++) {
		key[bit / 64] ^= UINT64_C(1) << bit % 64;
		EXPECT_NE(seen, mn_siphash(key, msg, sizeof(msg)));
		key[bit / 64] ^= UINT64_C(1) << bit % 64;
	}
	EXPECT_NE(seen, mn_siphash(key, msg, sizeof(msg) - 1));
}

TEST_HARNESS_MAIN
