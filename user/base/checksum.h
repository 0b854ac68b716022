/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - the Internet checksum (RFC 1071) of bytes in place, or while they are copied
 *
 * Whole vectors are added at a time. Copying and adding in one pass reads the bytes once.
 */
#ifndef MN_BASE_CHECKSUM_H
#define MN_BASE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One's complement sum of len bytes as 16-bit words in memory order, folded to 16 bits and
 * not inverted; an odd last byte is padded with zero. sum: of what precedes, 0 for nothing.
 */
uint16_t mn_checksum_add(const void *data, size_t len, uint32_t sum);

/* The same, of bytes that it copies to dst. The two do not overlap. */
uint16_t mn_checksum_copy(void *dst, const void *src, size_t len, uint32_t sum);

/* The sum of pieces that follow each other, of any length each. All zero for no piece. */
struct mn_sum {
	uint16_t sum;	/* as mn_checksum_add() returns it */
	bool odd;	/* the number of bytes so far is */
};

void mn_sum_add(struct mn_sum *s, const void *data, size_t len);

/* Adds the pieces that next is the sum of. */
void mn_sum_join(struct mn_sum *s, const struct mn_sum *next);

/* Copies the next piece; s NULL: does not add it. */
void mn_sum_copy(struct mn_sum *s, void *dst, const void *src, size_t len);

#endif /* MN_BASE_CHECKSUM_H */
