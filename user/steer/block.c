// SPDX-License-Identifier: MIT
/* block.c - a walk in steps that have no divisor in common with the number of pairs */
#include "base/min.h"
#include "steer/block.h"
#include "steer/linear.h"

struct mn_block mn_block_clamp(uint16_t first, uint32_t count)
{
	count = mn_min_u32(count, MN_BLOCK_PORTS);
	return (struct mn_block){ first, mn_min_u32(count, UINT32_C(65536) - first) };
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void mn_block_walk(struct mn_block_walk *w, struct mn_block src, struct mn_block dst,
		   uint64_t random)
{
	uint32_t pairs = (uint32_t)src.count * dst.count;

	*w = (struct mn_block_walk){ .src = src, .dst = dst, .pairs = pairs };
	if (!pairs)
		return;
	w->left = mn_min_u32(pairs, MN_BLOCK_PAIRS);
	w->at = (uint32_t)random % pairs;
	w->stride = (random >> 32) % pairs;
	while (common_divisor(w->stride, pairs) != 1)
		w->stride = (w->stride + 1) % pairs;
}

bool mn_block_next(struct mn_block_walk *w, uint16_t *src, uint16_t *dst)
{
	if (!w->left)
		return false;
	w->left--;
	*src = w->src.first + w->at / w->dst.count;
	*dst = w->dst.first + w->at % w->dst.count;
	w->at = (w->at + w->stride) % w->pairs;
	return true;
}

static void span_ports(struct mn_linear *l, struct mn_block b, int shift)
{
	for (uint32_t i = 1; i < b.count; i++) {
		uint8_t value = 0;
		uint32_t d = (uint32_t)(b.first ^ (b.first + i)) << shift;

		d = mn_linear_reduce(l, d, &value);
		if (d)
			mn_linear_add(l, d, 0);
	}
}

void mn_block_span(struct mn_linear *l, struct mn_block src, struct mn_block dst)
{
	span_ports(l, src, 16);
	span_ports(l, dst, 0);
}
