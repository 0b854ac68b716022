// SPDX-License-Identifier: MIT
/*
 * histogram.c - counts values in buckets that grow with the value
 *
 * Below 2^BITS each value has a bucket of its own; above, each power of two is
 * cut into 2^BITS of them.
 */
#include "bench.h"

#define SUB	(1u << BENCH_HIST_BITS)

static uint32_t bucket_of(uint64_t v)
{
	uint32_t shift;

	if (v < SUB)
		return v;
	shift = 63 - BENCH_HIST_BITS - __builtin_clzll(v);
	return (shift << BENCH_HIST_BITS) + (v >> shift);
}

/* The middle of a bucket. */
static uint64_t value_of(uint32_t bucket)
{
	uint32_t shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = (bucket >> BENCH_HIST_BITS) - 1;
	return (((uint64_t)(bucket & (SUB - 1)) | SUB) << shift) + (1ull << shift) / 2;
}

void bench_hist_add(struct bench_hist *h, uint64_t value)
{
	h->bucket[bucket_of(value)]++;
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
}

uint64_t bench_hist_at(const struct bench_hist *h, double part)
{
	uint64_t want = part * h->count;
	uint64_t seen = 0;
	uint64_t v;

	/* The rank is rounded up: the median of one value is that value. */
	if (want < part * h->count || !want)
		want++;
	for (uint32_t i = 0; i < BENCH_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want) {
			v = value_of(i);
			return v < h->max ? v : h->max;
		}
	}
	return h->max;
}
