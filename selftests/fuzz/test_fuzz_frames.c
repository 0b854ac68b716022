// SPDX-License-Identifier: MIT
/* fuzz_frames.c with inputs from a seed: packets that are nearly right, cut anywhere. */
#include <string.h>

#include <kselftest_harness.h>

#include "fuzz_frames.h"
#include "selftests/unit/random.h"
#include "transport/frame.h"
#include "transport/packet.h"

#define INPUTS	200000u
#define LEN	400u

static uint64_t rng = 0x66726d73;

/* The fields of a frame as they come; few of them are possible. */
static uint32_t put_frame(uint8_t *at)
{
	struct mn_frame f = {
		.type = random_below(&rng, MN_FRAME_TYPES),
		.flags = random_below(&rng, 4),
		.engine = random_below(&rng, 2),
		.code = random_below(&rng, 9),
		.conn = random_next(&rng),
		.len = random_below(&rng, 40),
		.offset = random_next(&rng),
		.accepted = random_next(&rng),
		.credit = random_below(&rng, 1 << MN_CREDIT_BITS),
		.port = random_below(&rng, 3),
		.src_port = 1,
		.dst_port = random_below(&rng, 3),
		.value = random_below(&rng, 4),
		.ack = { .ranges = random_below(&rng, 4), .window = 1, .largest = 1000,
			 .run = random_below(&rng, 300) },
	};
	uint32_t n = mn_frame_write(at, &f);

	for (uint32_t i = 0; f.type == MN_FRAME_ACK && i < f.ack.ranges; i++)
		n += mn_frame_write_range(at + n, random_below(&rng, 200), random_below(&rng, 200));
	if (f.type == MN_FRAME_DATA || f.type == MN_FRAME_OPEN)
		n += f.len;
	return n;
}

TEST(any_bytes)
{
	uint32_t none = 0, frames = 0;
	uint8_t input[LEN];

	for (uint32_t i = 0; i < INPUTS; i++) {
		struct mn_packet p = { .type = random_below(&rng, 8) ? MN_WIRE_FRAMES :
					       MN_WIRE_INIT + random_below(&rng, 5),
				       .path = random_below(&rng, 8), .number = 9, .least = 5 };
		uint32_t n, got;

		memset(input, 0, sizeof(input));
		n = mn_packet_write(input, &p);
		while (random_below(&rng, 4) && n < LEN - 100)
			n += put_frame(input + n);
		if (!random_below(&rng, 4))
			input[random_below(&rng, n)] = random_next(&rng);
		if (!random_below(&rng, 4))
			n = random_below(&rng, n + 1);
		got = fuzz_frames_run(input, n);
		none += !got;
		frames += got;
	}
	EXPECT_LT(INPUTS / 20, none);
	EXPECT_LT(INPUTS, frames);
}

TEST_HARNESS_MAIN
