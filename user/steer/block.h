/* SPDX-License-Identifier: MIT */
/* block.h - the pairs of ports of two blocks, each once, in a random order */
#ifndef MN_STEER_BLOCK_H
#define MN_STEER_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mn_linear;

/* More ports of a block, and more pairs than that, are not looked at: they are enough. */
#define MN_BLOCK_PORTS	1024u
#define MN_BLOCK_PAIRS	4096u

struct mn_block {
	uint16_t first, count;
};

struct mn_block_walk {
	struct mn_block src, dst;
	uint32_t pairs, at, stride, left;
};

/* The random number decides the order. */
void mn_block_walk(struct mn_block_walk *w, struct mn_block src, struct mn_block dst,
		   uint64_t random);
bool mn_block_next(struct mn_block_walk *w, uint16_t *src, uint16_t *dst);

/* The block without what is above port 65535 or too much of it. */
struct mn_block mn_block_clamp(uint16_t first, uint32_t count);

static inline bool mn_block_has(struct mn_block b, uint16_t port)
{
	return port >= b.first && port - b.first < b.count;
}

static inline uint32_t mn_block_ports(uint16_t src, uint16_t dst)
{
	return (uint32_t)src << 16 | dst;
}

/* Adds the differences of the pairs to the span. */
void mn_block_span(struct mn_linear *l, struct mn_block src, struct mn_block dst);

#endif /* MN_STEER_BLOCK_H */
