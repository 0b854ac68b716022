// SPDX-License-Identifier: MIT
/* toeplitz.c - bit i of the input adds bits i to i + 31 of the key */
#include <endian.h>
#include <string.h>

#include "steer/toeplitz.h"

static uint32_t put(uint8_t *to, uint32_t at, const void *bytes, uint32_t len)
{
	memcpy(to + at, bytes, len);
	return at + len;
}

static uint32_t make_input(uint8_t input[36], const struct mn_steer_tuple *t)
{
	uint32_t skip = mn_addr_is_v4(&t->src) && mn_addr_is_v4(&t->dst) ? 12 : 0;
	uint16_t ports[2] = { htobe16(t->src_port), htobe16(t->dst_port) };
	uint32_t n = 0;

	n = put(input, n, t->src.b + skip, 16 - skip);
	n = put(input, n, t->dst.b + skip, 16 - skip);
	return put(input, n, ports, sizeof(ports));
}

uint32_t mn_toeplitz(const uint8_t *key, const struct mn_steer_tuple *t)
{
	uint8_t input[36];
	uint32_t len = make_input(input, t);
	uint32_t hash = 0, window;

	memcpy(&window, key, sizeof(window));
	window = be32toh(window);
	for (uint32_t i = 0; i < 8 * len; i++) {
		uint32_t next = i + 32;

		if (input[i / 8] >> (7 - i % 8) & 1)
			hash ^= window;
		/* Behind the last bit of the input no key is needed. */
		if (next < 8 * MN_TOEPLITZ_KEY_MIN)
			window = window << 1 | (key[next / 8] >> (7 - next % 8) & 1);
	}
	return hash;
}
