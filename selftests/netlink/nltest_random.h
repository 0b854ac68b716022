/* SPDX-License-Identifier: MIT */
/*
 * nltest_random.h - random numbers that a seed brings back, and how long to use them
 */
#ifndef MACHNET_NLTEST_RANDOM_H
#define MACHNET_NLTEST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct nt_random {
	uint64_t state;
};

/* MN_SEED, or one that is new each time. It is printed. */
uint64_t nt_seed(void);
/* MN_SECONDS, or so many. */
int nt_seconds(int usual);

void nt_random_init(struct nt_random *r, uint64_t seed);
/* Below n. */
uint32_t nt_random(struct nt_random *r, uint32_t n);
/* True once in n times. */
bool nt_once_in(struct nt_random *r, uint32_t n);

#endif /* MACHNET_NLTEST_RANDOM_H */
