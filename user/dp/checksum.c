// SPDX-License-Identifier: MIT
#include <string.h>

#include "dp/checksum.h"

/* Lanes of 32 bits that take a 16-bit word each time: no carry is lost in so many blocks. */
#define BLOCKS_MAX	65536u

typedef uint32_t lanes __attribute__((vector_size(32)));

/* The words of blocks * sizeof(lanes) bytes. */
static inline __attribute__((always_inline)) uint64_t add_blocks(const uint8_t *p, size_t blocks)
{
	lanes even = { 0 }, odd = { 0 }, v;
	uint64_t sum = 0;

	for (size_t i = 0; i < blocks; i++) {
		memcpy(&v, p + i * sizeof(v), sizeof(v));
		even += v & 0xffff;
		odd += v >> 16;
	}
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		sum += (uint64_t)even[i] + odd[i];
	return sum;
}

static uint64_t add_any(const uint8_t *p, size_t blocks)
{
	return add_blocks(p, blocks);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint64_t add_avx2(const uint8_t *p, size_t blocks)
{
	return add_blocks(p, blocks);
}

static uint64_t add(const uint8_t *p, size_t blocks)
{
	return __builtin_cpu_supports("avx2") ? add_avx2(p, blocks) : add_any(p, blocks);
}
#else
static uint64_t add(const uint8_t *p, size_t blocks)
{
	return add_any(p, blocks);
}
#endif

/* What is left of less than a block. */
static uint64_t add_rest(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint16_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, p, 1);
		sum += word;
	}
	return sum;
}

uint16_t dp_checksum_add(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;
	uint64_t all = sum;

	while (len >= sizeof(lanes)) {
		size_t blocks = len / sizeof(lanes);

		if (blocks > BLOCKS_MAX)
			blocks = BLOCKS_MAX;
		all += add(p, blocks);
		p += blocks * sizeof(lanes);
		len -= blocks * sizeof(lanes);
	}
	all += add_rest(p, len);
	while (all >> 16)
		all = (all & 0xffff) + (all >> 16);
	return all;
}
