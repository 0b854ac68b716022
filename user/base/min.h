/* SPDX-License-Identifier: MIT */
/* min.h - the lesser of two */
#ifndef MN_BASE_MIN_H
#define MN_BASE_MIN_H

#include <stdint.h>

static inline uint32_t mn_min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

#endif /* MN_BASE_MIN_H */
