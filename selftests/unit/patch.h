/* SPDX-License-Identifier: MIT */
/* patch.h - one field of a packet's bytes, and what the parser makes of it */
#ifndef UNIT_PATCH_H
#define UNIT_PATCH_H

#include <stddef.h>
#include <stdint.h>

/* A field of size bytes in the struct of a type, and a value for it. */
struct patch {
	uint8_t type;
	uint16_t at, size;
	uint64_t value;
};

#define PATCH(t, s, field, v)	{ t, offsetof(struct s, field), sizeof(((struct s *)0)->field), v }

/* In network byte order. */
static inline void patch_apply(uint8_t *bytes, const struct patch *p)
{
	for (uint16_t i = 0; i < p->size; i++) {
		uint32_t shift = 8u * (p->size - 1 - i);

		bytes[p->at + i] = shift < 64 ? p->value >> shift : 0;
	}
}

#endif /* UNIT_PATCH_H */
