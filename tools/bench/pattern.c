// SPDX-License-Identifier: MIT
/* pattern.c - message contents that neither loss nor reordering nor a shift by a byte can fake */
#include <string.h>

#include "bench.h"

#define STEP	0x9e3779b97f4a7c15u

/* The i-th eight bytes of a message: a counter, scrambled. */
static uint64_t word(uint64_t base, uint64_t i)
{
	uint64_t x = base + i * STEP;

	x = (x ^ (x >> 31)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

static uint64_t base_of(uint64_t seed, uint64_t seq)
{
	return word(seed, word(seq, 1));
}

void bench_pattern(uint64_t seed, uint64_t seq, void *buf, size_t len)
{
	uint64_t base = base_of(seed, seq);
	uint8_t *p = buf;
	uint64_t w;

	for (size_t i = 0; i < len / sizeof(w); i++) {
		w = word(base, i);
		memcpy(p + i * sizeof(w), &w, sizeof(w));
	}
	w = word(base, len / sizeof(w));
	memcpy(p + len / sizeof(w) * sizeof(w), &w, len % sizeof(w));
}

size_t bench_pattern_check(uint64_t seed, uint64_t seq, const void *buf, size_t len)
{
	uint64_t base = base_of(seed, seq);
	const uint8_t *p = buf;
	uint8_t want[sizeof(uint64_t)];
	uint64_t w;

	for (size_t off = 0; off < len; off += sizeof(w)) {
		size_t n = len - off < sizeof(w) ? len - off : sizeof(w);

		w = word(base, off / sizeof(w));
		if (!memcmp(p + off, &w, n))
			continue;
		memcpy(want, &w, sizeof(w));
		while (*(p + off) == want[off % sizeof(w)])
			off++;
		return off;
	}
	return len;
}
