// SPDX-License-Identifier: MIT
/* toeplitz.c - bit i of the input adds bits i to i + 31 of the key */
#include <endian.h>
#include <string.h>

#include "steer/toeplitz.h"

static bool is_v4(const struct mn_steer_tuple *t)
{
	return mn_addr_is_v4(&t->src) && mn_addr_is_v4(&t->dst);
}

/* The hash of bytes that begin at this byte of the input. */
static uint32_t hash_at(const uint8_t *key, uint32_t at, const uint8_t *bytes, uint32_t len)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < len; i++) {
		uint64_t window = 0;

		/* Five bytes of the key are the windows of eight bits. */
		for (uint32_t k = at + i; k < at + i + 5; k++)
			window = window << 8 | (k < MN_TOEPLITZ_KEY_MIN ? key[k] : 0);
		for (uint32_t bit = 0; bit < 8; bit++)
			if (bytes[i] & 0x80 >> bit)
				hash ^= window >> (8 - bit);
	}
	return hash;
}

uint32_t mn_toeplitz_ports(const uint8_t *key, const struct mn_steer_tuple *t)
{
	uint16_t ports[2] = { htobe16(t->src_port), htobe16(t->dst_port) };
	uint8_t bytes[sizeof(ports)];

	memcpy(bytes, ports, sizeof(bytes));
	return hash_at(key, is_v4(t) ? 8 : 32, bytes, sizeof(bytes));
}

uint32_t mn_toeplitz(const uint8_t *key, const struct mn_steer_tuple *t)
{
	uint32_t len = is_v4(t) ? 4 : 16;

	return hash_at(key, 0, t->src.b + 16 - len, len) ^
	       hash_at(key, len, t->dst.b + 16 - len, len) ^ mn_toeplitz_ports(key, t);
}
