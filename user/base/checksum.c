// SPDX-License-Identifier: MIT
/* checksum.c - sums of 16-bit words, by vectors */
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/checksum.h"

/*
 * A lane of 32 bits takes two words of each block: "all" adds them up as they are, modulo 2^32,
 * "high" the upper one alone. The lower ones are what is left of all without high << 16, exactly
 * so, for their sum is less than 2^32 in so many blocks.
 */
#define BLOCKS_MAX	65536u
#define BLOCK		32u
#define LANES		(BLOCK / sizeof(uint32_t))

static uint64_t add_lanes(const uint32_t *all, const uint32_t *high)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < LANES; i++)
		sum += (uint64_t)(uint32_t)(all[i] - (high[i] << 16)) + high[i];
	return sum;
}

/* The words of some blocks, which go to dst, too, unless it is NULL. */
static inline __attribute__((always_inline)) uint64_t blocks_any(uint8_t *dst, const uint8_t *p,
								 size_t n)
{
	typedef uint32_t lanes __attribute__((vector_size(BLOCK / 2)));
	lanes all[2] = { 0 }, high[2] = { 0 }, v[2];
	uint32_t sums[2][LANES];

	for (size_t i = 0; i < n; i++) {
		memcpy(v, p + i * BLOCK, BLOCK);
		if (dst)
			memcpy(dst + i * BLOCK, v, BLOCK);
		for (int k = 0; k < 2; k++) {
			all[k] += v[k];
			high[k] += v[k] >> 16;
		}
	}
	memcpy(sums[0], all, BLOCK);
	memcpy(sums[1], high, BLOCK);
	return add_lanes(sums[0], sums[1]);
}

static uint64_t add_any(uint8_t *dst, const uint8_t *p, size_t n)
{
	return dst ? blocks_any(dst, p, n) : blocks_any(NULL, p, n);
}

#ifdef __x86_64__
/* By hand: vectors wider than the base instruction set go through memory when they are generic. */
static inline __attribute__((always_inline, target("avx2"))) uint64_t
blocks_avx2(uint8_t *dst, const uint8_t *p, size_t n)
{
	__m256i all = _mm256_setzero_si256(), high = all, v;
	uint32_t sums[2][LANES];

#pragma GCC unroll 2
	for (size_t i = 0; i < n; i++) {
		v = _mm256_loadu_si256((const __m256i *)(p + i * BLOCK));
		if (dst)
			_mm256_storeu_si256((__m256i *)(dst + i * BLOCK), v);
		all = _mm256_add_epi32(all, v);
		high = _mm256_add_epi32(high, _mm256_srli_epi32(v, 16));
	}
	_mm256_storeu_si256((__m256i *)sums[0], all);
	_mm256_storeu_si256((__m256i *)sums[1], high);
	return add_lanes(sums[0], sums[1]);
}

__attribute__((target("avx2"))) static uint64_t add_avx2(uint8_t *dst, const uint8_t *p, size_t n)
{
	return dst ? blocks_avx2(dst, p, n) : blocks_avx2(NULL, p, n);
}

static uint64_t add(uint8_t *dst, const uint8_t *p, size_t n)
{
	return __builtin_cpu_supports("avx2") ? add_avx2(dst, p, n) : add_any(dst, p, n);
}
#else
static uint64_t add(uint8_t *dst, const uint8_t *p, size_t n)
{
	return add_any(dst, p, n);
}
#endif

/* What is left of less than a block: 32 bits count like the 16-bit words in them (RFC 1071, 2). */
static uint64_t add_rest(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, p, len);
	return sum + word;
}

static inline __attribute__((always_inline)) uint16_t add_all(uint8_t *dst, const uint8_t *p,
							      size_t len, uint64_t sum)
{
	while (len >= BLOCK) {
		size_t n = len / BLOCK < BLOCKS_MAX ? len / BLOCK : BLOCKS_MAX;

		sum += add(dst, p, n);
		dst = dst ? dst + n * BLOCK : NULL;
		p += n * BLOCK;
		len -= n * BLOCK;
	}
	if (dst)
		memcpy(dst, p, len);
	sum += add_rest(p, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint16_t mn_checksum_add(const void *data, size_t len, uint32_t sum)
{
	return add_all(NULL, data, len, sum);
}

uint16_t mn_checksum_copy(void *dst, const void *src, size_t len, uint32_t sum)
{
	return add_all(dst, src, len, sum);
}

/* Behind an odd number of bytes each word lies the other way round (RFC 1071, 2B). */
static void add_piece(struct mn_sum *s, uint16_t piece, bool odd)
{
	uint32_t sum = s->sum + (s->odd ? __builtin_bswap16(piece) : piece);

	s->sum = (sum & 0xffff) + (sum >> 16);
	s->odd ^= odd;
}

void mn_sum_join(struct mn_sum *s, const struct mn_sum *next)
{
	add_piece(s, next->sum, next->odd);
}

void mn_sum_add(struct mn_sum *s, const void *data, size_t len)
{
	add_piece(s, mn_checksum_add(data, len, 0), len & 1);
}

void mn_sum_copy(struct mn_sum *s, void *dst, const void *src, size_t len)
{
	if (s)
		add_piece(s, mn_checksum_copy(dst, src, len, 0), len & 1);
	else
		memcpy(dst, src, len);
}
