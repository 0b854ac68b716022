// SPDX-License-Identifier: MIT
/*
 * fuzz_frames.c - any bytes as a packet of wire format 2
 *
 * What is understood, written anew, has to be the same bytes: nothing is overlooked, nothing has
 * two meanings.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_frames.h"
#include "transport/frame.h"
#include "transport/packet.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void rewrite_frame(const struct mn_frame *f, const uint8_t *at, const uint8_t *end)
{
	uint8_t buf[64 + MN_WIRE_RANGES * sizeof(struct mn_wire_range)];
	uint32_t n = mn_frame_write(buf, f);

	must(n == mn_frame_size(f->type, f->flags));
	if (f->type == MN_FRAME_ACK)
		for (uint32_t i = 0; i < f->ack.ranges; i++) {
			struct mn_wire_range r = mn_frame_range(f, i);

			n += mn_frame_write_range(buf + n, r.missing, r.there);
		}
	if (f->type == MN_FRAME_PAD)
		return;
	must(!memcmp(buf, at, n));
	must(f->len ? f->payload == at + n && f->payload + f->len == end : at + n == end);
}

static uint32_t rewrite_frames(const uint8_t *at, const uint8_t *end)
{
	uint32_t n = 0;

	for (;;) {
		struct mn_frame f = { 0 };
		const uint8_t *here = at;
		int ret = mn_frame_next(&at, end, &f);

		if (ret <= 0) {
			must(at == here && (ret || at == end));
			return n;
		}
		must(at > here && at <= end);
		rewrite_frame(&f, here, at);
		n++;
	}
}

uint32_t fuzz_frames_run(const uint8_t *data, size_t len)
{
	/* Exactly as large as the packet: a sanitizer sees the first byte read behind it. */
	uint8_t *copy = malloc(len ? len : 1), buf[256];
	struct mn_packet p = { 0 };
	uint32_t n = 0, frames = 0;

	if (!copy || len > UINT16_MAX) {
		free(copy);
		return 0;
	}
	memcpy(copy, data, len);
	if (!mn_packet_parse(copy, len, &p)) {
		n = mn_packet_write(buf, &p);
		must(n + (p.type == MN_WIRE_FRAMES ? p.len : 0) == len && !memcmp(buf, copy, n));
		if (p.type == MN_WIRE_FRAMES)
			frames = rewrite_frames(p.frames, p.frames + p.len);
	}
	free(copy);
	return frames + (n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_frames_run(data, len);
	return 0;
}
