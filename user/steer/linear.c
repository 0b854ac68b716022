// SPDX-License-Identifier: MIT
/* linear.c - rows in echelon form, each with its value */
#include "steer/linear.h"

static int highest(uint32_t vector)
{
	return 31 - __builtin_clz(vector);
}

uint32_t mn_linear_reduce(const struct mn_linear *l, uint32_t vector, uint8_t *value)
{
	uint32_t left = 0;

	/* Bits that no row begins with are what is left. */
	while (vector) {
		int i = highest(vector);

		if (l->vector[i]) {
			vector ^= l->vector[i];
			*value ^= l->value[i];
		} else {
			left |= UINT32_C(1) << i;
			vector ^= UINT32_C(1) << i;
		}
	}
	return left;
}

void mn_linear_add(struct mn_linear *l, uint32_t vector, uint8_t value)
{
	int i = highest(vector);

	l->vector[i] = vector;
	l->value[i] = value;
	l->rank++;
}
