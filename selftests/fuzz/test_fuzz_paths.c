// SPDX-License-Identifier: MIT
/* The inputs of fuzz_paths.c from a seed: the same ones each time. */
#include <kselftest_harness.h>

#include "fuzz_paths.h"
#include "selftests/unit/random.h"

#define INPUTS	100u
#define LEN	800u

TEST(a_hostile_peer)
{
	uint64_t rng = 0x70617468, frames = 0;
	uint8_t input[LEN];

	for (uint32_t i = 0; i < INPUTS; i++) {
		size_t len = 1 + random_below(&rng, LEN);

		for (size_t n = 0; n < len; n++)
			input[n] = random_next(&rng) >> 56;
		frames += fuzz_paths_run(input, len);
	}
	/* Most of what it says is looked at. */
	EXPECT_LT(10 * INPUTS, frames);
}

TEST_HARNESS_MAIN
