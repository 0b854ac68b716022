// SPDX-License-Identifier: MIT
/* The hostile application of fuzz_channel.c with inputs from a seed: the same ones each time. */
#include <stdlib.h>

#include <kselftest_harness.h>

#include "fuzz_channel.h"

#define INPUTS	3000
#define LEN	600

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

TEST(hostile_application)
{
	uint64_t state = 0x6d61636832;
	uint8_t input[LEN];
	uint32_t ended = 0;

	for (uint32_t i = 0; i < INPUTS; i++) {
		/* Short ones too, most of which end before a lie is found out. */
		size_t len = 1 + next(&state) % LEN;

		for (size_t n = 0; n < len; n++)
			input[n] = next(&state) >> 56;
		ended += fuzz_channel_run(input, len);
	}
	/* Both outcomes must be common, or the inputs do not test much. */
	EXPECT_GT(ended, INPUTS / 10);
	EXPECT_LT(ended, INPUTS * 99 / 100);
}

TEST_HARNESS_MAIN
