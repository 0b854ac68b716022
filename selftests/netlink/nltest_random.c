// SPDX-License-Identifier: MIT
/*
 * nltest_random.c - random numbers that a seed brings back, and how long to use them
 */
#include "nltest_random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t nt_seed(void)
{
	const char *text = getenv("MN_SEED");
	uint64_t seed = 1;

	if (text)
		seed = strtoull(text, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = time(NULL);
	fprintf(stderr, "# MN_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

int nt_seconds(int usual)
{
	const char *text = getenv("MN_SECONDS");

	return text ? atoi(text) : usual;
}

/* splitmix64: any seed is as good as any other. */
static uint64_t next(struct nt_random *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void nt_random_init(struct nt_random *r, uint64_t seed)
{
	r->state = seed;
}

uint32_t nt_random(struct nt_random *r, uint32_t n)
{
	return next(r) % n;
}

bool nt_once_in(struct nt_random *r, uint32_t n)
{
	return nt_random(r, n) == 0;
}
