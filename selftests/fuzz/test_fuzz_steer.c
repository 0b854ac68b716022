// SPDX-License-Identifier: MIT
/* fuzz_steer.c with inputs from a seed. */
#include <string.h>

#include <kselftest_harness.h>

#include "fuzz_steer.h"
#include "selftests/unit/random.h"

#define INPUTS	3000u
#define LEN	3000u

TEST(any_steps)
{
	uint64_t rng = 0x73746565;
	uint32_t answers = 0;
	uint8_t input[LEN];

	for (uint32_t i = 0; i < INPUTS; i++) {
		for (uint32_t n = 0; n < LEN; n++)
			input[n] = random_next(&rng) >> 32;
		/* Few queues, so that some of it makes sense. */
		if (i % 2)
			input[0] = i / 2 % 4;
		answers += fuzz_steer_run(input, random_below(&rng, LEN));
	}
	EXPECT_GT(answers, INPUTS * 20);
}

TEST_HARNESS_MAIN
