// SPDX-License-Identifier: MIT
/* The inputs of fuzz_lib.c from a seed: the same ones each time. */
#include <kselftest_harness.h>

#include "fuzz_lib.h"

#define INPUTS	1500
#define LEN	600

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

TEST(a_hostile_daemon)
{
	uint32_t ends[FUZZ_LIB_ENDS] = { 0 };
	uint64_t state = 0x6c6962;
	uint8_t input[LEN];

	for (uint32_t i = 0; i < INPUTS; i++) {
		size_t len = 1 + next(&state) % LEN;

		for (size_t n = 0; n < len; n++)
			input[n] = next(&state) >> 56;
		ends[fuzz_lib_run(input, len)]++;
	}
	/* All ends must be common, or the inputs do not test much. */
	for (int i = 0; i < FUZZ_LIB_ENDS; i++)
		EXPECT_LT(INPUTS / 100, ends[i]);
}

TEST_HARNESS_MAIN
