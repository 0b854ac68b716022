// SPDX-License-Identifier: MIT
/* stream.c - what a stream of messages looks like on the wire */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "transport/message.h"
#include "world.h"

bool stream_append(struct stream *st, uint32_t len)
{
	uint32_t *lens = realloc(st->lens, (st->n + 1) * sizeof(*lens));

	if (!lens)
		return false;
	st->lens = lens;
	lens[st->n++] = len;
	st->end += MN_MSG_PREFIX + len;
	return true;
}

static uint8_t message_byte(uint32_t n, uint32_t len, uint32_t at)
{
	uint32_t frame = htobe32(len);

	if (at < MN_MSG_PREFIX)
		return ((uint8_t *)&frame)[at];
	return sim_pattern(n, at - MN_MSG_PREFIX);
}

bool stream_copy(const struct stream *st, uint64_t off, uint8_t *dst, uint32_t len)
{
	uint32_t done = 0;

	if (len > st->end || off > st->end - len)
		return false;
	for (uint32_t n = 0; done < len; n++) {
		uint64_t size = (uint64_t)MN_MSG_PREFIX + st->lens[n];

		for (; off < size && done < len; off++)
			dst[done++] = message_byte(n, st->lens[n], off);
		off -= done < len ? size : 0;
	}
	return true;
}
