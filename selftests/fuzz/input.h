/* SPDX-License-Identifier: MIT */
/* input.h - the input of a fuzzer as a program: numbers, one after the other; 0 behind the last */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *data;
	size_t len;
};

/* Up to 4 bytes. */
static inline uint32_t take(struct input *in, size_t bytes)
{
	uint32_t v = 0;

	if (bytes > in->len)
		bytes = in->len;
	memcpy(&v, in->data, bytes);
	in->data += bytes;
	in->len -= bytes;
	return v;
}

/* Mostly a small number, sometimes any. */
static inline uint32_t take_index(struct input *in)
{
	uint32_t kind = take(in, 1);

	return kind & 0xe0 ? kind & 0x1f : take(in, 4);
}

#endif /* FUZZ_INPUT_H */
