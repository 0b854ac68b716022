// SPDX-License-Identifier: MIT
/* fuzz_frame.c with inputs from a seed: frames that are nearly right, cut anywhere. */
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "dp/frame.h"
#include "fuzz_frame.h"

#define INPUTS	200000
#define LEN	120

TEST(any_bytes)
{
	/* IPv4, UDP, 78 bytes in all, and the start of IPv6. */
	static const uint8_t ip4[] = { 8, 0, 0x45, 0, 0, 64, 0, 0, 0x40, 0, 64, 17 };
	static const uint8_t ip6[] = { 0x86, 0xdd, 0x60, 0, 0, 0, 0, 44, 17, 64 };
	uint32_t kinds[3] = { 0 };
	uint8_t input[LEN];

	srandom(7);
	for (uint32_t i = 0; i < INPUTS; i++) {
		for (size_t n = 0; n < LEN; n++)
			input[n] = random();
		memcpy(input + 12, i % 2 ? ip4 : ip6, i % 2 ? sizeof(ip4) : sizeof(ip6));
		input[38 + 20 * !(i % 2)] = 0;
		if (i % 3 == 0)
			input[39 + 20 * !(i % 2)] = 44;
		if (i % 5 == 0)
			input[12 + random() % 30] = random();
		kinds[fuzz_frame_run(input, random() % (LEN + 1))]++;
	}
	for (int k = 0; k < 3; k++)
		EXPECT_GT(kinds[k], INPUTS / 1000);
}

TEST_HARNESS_MAIN
