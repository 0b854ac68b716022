/* SPDX-License-Identifier: MIT */
/*
 * plan.h - all that will be sent on a connection, derived from the run's seed and the
 * connection's token
 *
 * Both ends make the same plan, so that the receiver knows the number, the lengths and every byte
 * of the messages without being told: a message may be one byte long.
 */
#ifndef SOAK_PLAN_H
#define SOAK_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Directions: from the side that connected, and to it. */
enum { PLAN_OUT, PLAN_BACK, PLAN_DIRECTIONS };

struct plan {
	uint64_t seed, token;
	uint32_t max_bits;		/* messages are shorter than two to the power of it */
	uint32_t total[PLAN_DIRECTIONS];
	bool connector_closes;
	/* Whoever closes does so when it has sent all; else it waits for the other's, too. */
	bool at_once;
};

/* What comes first on a connection, from the side that connected. */
struct plan_hello {
	uint64_t token;
	uint32_t host;		/* where its application listens */
	uint32_t port;
	uint64_t check;
};

/* A number that looks random, the same for the same two. */
uint64_t plan_mix(uint64_t a, uint64_t b);

void plan_make(struct plan *p, uint64_t seed, uint64_t token);
/* Bytes of message n, 1 to 8 MiB. */
uint32_t plan_size(const struct plan *p, int direction, uint32_t n);
void plan_fill(const struct plan *p, int direction, uint32_t n, void *buf);
/* Offset of the first byte that is wrong; plan_size(): none is. */
size_t plan_check(const struct plan *p, int direction, uint32_t n, const void *buf);

void plan_hello_make(struct plan_hello *h, uint64_t seed, uint64_t token, uint32_t host,
		     uint32_t port);
/* False for anything but a hello of this run. */
bool plan_hello_read(struct plan_hello *h, uint64_t seed, const void *buf, size_t len);

#endif /* SOAK_PLAN_H */
