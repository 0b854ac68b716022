/* SPDX-License-Identifier: MIT */
/* peek.h - what a packet on the link carries */
#ifndef PEEK_H
#define PEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/frame.h"
#include "transport/packet.h"

/* The first frame of this type; false: there is none. */
static inline bool peek_frame(const uint8_t *data, uint32_t len, uint8_t type, struct mn_frame *f)
{
	struct mn_packet p;
	const uint8_t *at;

	if (mn_packet_parse(data, len, &p) || p.type != MN_WIRE_FRAMES)
		return false;
	at = p.frames;
	while (mn_frame_next(&at, p.frames + p.len, f) > 0)
		if (f->type == type)
			return true;
	return false;
}

static inline bool peek_has(const uint8_t *data, uint32_t len, uint8_t type)
{
	struct mn_frame f;

	return peek_frame(data, len, type, &f);
}

#endif /* PEEK_H */
