/* SPDX-License-Identifier: MIT */
/*
 * linear.h - a linear map over GF(2), known on the span of some vectors
 *
 * A vector is the difference (xor) of the ports of two tuples, its value that of their queues.
 */
#ifndef MN_STEER_LINEAR_H
#define MN_STEER_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#define MN_LINEAR_BITS	32

/* Row i is the vector whose highest bit is i. */
struct mn_linear {
	uint32_t vector[MN_LINEAR_BITS];	/* 0: none */
	uint8_t value[MN_LINEAR_BITS];
	uint8_t rank;
};

/* What is left of the vector; 0: it is in the span. *value: less that of what was taken away. */
uint32_t mn_linear_reduce(const struct mn_linear *l, uint32_t vector, uint8_t *value);

/* Adds a vector that mn_linear_reduce() has left, not 0, and its value. */
void mn_linear_add(struct mn_linear *l, uint32_t vector, uint8_t value);

static inline bool mn_linear_spans(const struct mn_linear *l, uint32_t vector)
{
	uint8_t value = 0;

	return mn_linear_reduce(l, vector, &value) == 0;
}

#endif /* MN_STEER_LINEAR_H */
