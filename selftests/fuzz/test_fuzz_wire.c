// SPDX-License-Identifier: MIT
/* The inputs of fuzz_wire.c from a seed: the same ones each time. */
#include <kselftest_harness.h>

#include "fuzz_wire.h"

#define INPUTS	2000
#define LEN	1500

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

TEST(anything_arrives)
{
	uint64_t state = 0x77697265, accepted = 0;
	uint8_t input[LEN];

	for (uint32_t i = 0; i < INPUTS; i++) {
		size_t len = 1 + next(&state) % LEN;

		for (size_t n = 0; n < len; n++)
			input[n] = next(&state) >> 56;
		accepted += fuzz_wire_run(input, len);
	}
	/* If nearly nothing gets past the parser the inputs do not test much. */
	EXPECT_LT(10 * INPUTS, accepted);
}

TEST_HARNESS_MAIN
