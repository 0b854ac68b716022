/* SPDX-License-Identifier: MIT */
/* random.h - the same numbers in each run (xorshift64*, Vigna 2016) */
#ifndef UNIT_RANDOM_H
#define UNIT_RANDOM_H

#include <stdint.h>

/* *state is the seed, not 0. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (random_next(state) >> 32) % n;
}

#endif /* UNIT_RANDOM_H */
