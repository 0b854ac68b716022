// SPDX-License-Identifier: MIT
/* The inputs of fuzz_stack.c from a seed: the same ones each time. */
#include <kselftest_harness.h>

#include "fuzz_stack.h"

#define INPUTS	120
#define LEN	600

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

TEST(a_hostile_neighbour)
{
	uint64_t state = 0x737461636b, thrown_out = 0, times;
	uint32_t kept = 0;
	uint8_t input[LEN];

	for (uint32_t i = 0; i < INPUTS; i++) {
		size_t len = 1 + next(&state) % LEN;

		for (size_t n = 0; n < len; n++)
			input[n] = next(&state) >> 56;
		times = fuzz_stack_run(input, len);
		thrown_out += times;
		kept += !times;
	}
	/* It must be found out, but not always. */
	EXPECT_LT(INPUTS, thrown_out);
	EXPECT_LT(0, kept);
}

TEST_HARNESS_MAIN
