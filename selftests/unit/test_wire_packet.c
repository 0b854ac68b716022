// SPDX-License-Identifier: MIT
/* Packets of machnet/wire.h: their bytes, there and back, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "patch.h"
#include "random.h"
#include "transport/packet.h"

#define ROUNDS	2000
#define TAIL	5u	/* bytes of frames behind a header */

static uint64_t rng = 0x7061636b;

static uint64_t any64(void)
{
	/* Not 0: most fields are not. */
	return random_next(&rng) | 1;
}

static struct mn_wire_init good_init(bool answer)
{
	uint16_t first = 1 + random_below(&rng, 65535);

	return (struct mn_wire_init){
		.id = any64(),
		.instance = any64(),
		.cookie = answer ? 0 : any64(),
		.ts = any64(),
		.mss = any64(),
		.window = any64(),
		.port = answer ? 0 : any64(),
		.port_first = first,
		.port_count = 1 + random_below(&rng, 65536 - first),
		.wanted = answer ? 0 : any64(),
	};
}

static struct mn_packet good(uint8_t type)
{
	static const uint32_t codes[] = {
		MN_WIRE_CODE_UNKNOWN, MN_WIRE_CODE_BUSY, MN_WIRE_CODE_CLOSED, MN_WIRE_CODE_ABORTED,
	};
	struct mn_packet p = { .type = type, .engine = any64(), .path = any64() };

	switch (type) {
	case MN_WIRE_INIT:
		p.path = 0;
		p.init = good_init(false);
		break;
	case MN_WIRE_ANSWER:
		p.init = good_init(true);
		break;
	case MN_WIRE_RETRY:
		p.cookie = any64();
		break;
	case MN_WIRE_FRAMES:
		p.number = any64();
		p.least = p.number - random_below(&rng, p.number < UINT32_MAX ? p.number :
								UINT32_MAX);
		break;
	default:
		p.reset.code = codes[random_below(&rng, 4)];
		p.reset.to = any64();
		if (p.reset.code == MN_WIRE_CODE_UNKNOWN) {
			p.reset.id = any64();
			p.path = 0;
		}
	}
	return p;
}

static uint32_t write_good(uint8_t *buf, uint8_t type)
{
	struct mn_packet p = good(type);
	uint32_t n = mn_packet_write(buf, &p);

	memset(buf + n, 1, TAIL);
	return type == MN_WIRE_FRAMES ? n + TAIL : n;
}

/* From memory of exactly this size, so that a sanitizer sees a byte read behind it. */
static int parse(const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct mn_packet p;
	int ret;

	memcpy(copy, bytes, len);
	ret = mn_packet_parse(copy, len, &p);
	free(copy);
	return ret;
}

TEST(mn_packet_write__frames_bytes)
{
	static const uint8_t want[40] = {
		2, MN_WIRE_FRAMES, 7, 0, 0, 0, 0, 3,
		1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 1, 4,
	};
	struct mn_packet p = {
		.type = MN_WIRE_FRAMES, .engine = 7, .path = 0x0102030405060708, .number = 260,
		.least = 257,
	};
	uint8_t buf[64];

	ASSERT_EQ(sizeof(want), mn_packet_write(buf, &p));
	EXPECT_EQ(0, memcmp(want, buf, sizeof(want)));
}

TEST(mn_packet_write__init_bytes)
{
	static const uint8_t want[88] = {
		2, MN_WIRE_INIT, 7, [40] = 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2,
		0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 10,
	};
	struct mn_packet p = { .type = MN_WIRE_INIT, .engine = 7,
			       .init = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, { 0 } } };
	uint8_t buf[128];

	ASSERT_EQ(sizeof(want), mn_packet_write(buf, &p));
	EXPECT_EQ(0, memcmp(want, buf, sizeof(want)));
}

/* The header has 32 bits for it. */
TEST(mn_packet_write__least_far_behind)
{
	struct mn_packet p = good(MN_WIRE_FRAMES), got;
	uint8_t buf[64] = { 0 };

	p.number = UINT64_C(1) << 40;
	p.least = 1;
	mn_packet_write(buf, &p);
	ASSERT_EQ(0, mn_packet_parse(buf, sizeof(buf), &got));
	EXPECT_EQ(p.number - UINT32_MAX, got.least);
}

TEST(mn_packet_parse__round_trip)
{
	uint8_t buf[128];

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct mn_packet p = good(MN_WIRE_INIT + i % MN_WIRE_RESET), got = { 0 };
		uint32_t n = mn_packet_write(buf, &p);

		if (p.type == MN_WIRE_FRAMES)
			p.len = TAIL;
		ASSERT_EQ(0, mn_packet_parse(buf, n + p.len, &got));
		EXPECT_EQ(p.type, got.type);
		EXPECT_EQ(p.engine, got.engine);
		EXPECT_EQ(p.path, got.path);
		EXPECT_EQ(p.number, got.number);
		EXPECT_EQ(p.least, got.least);
		EXPECT_EQ(p.cookie, got.cookie);
		EXPECT_EQ(0, memcmp(&p.init, &got.init, sizeof(p.init)));
		EXPECT_EQ(0, memcmp(&p.reset, &got.reset, sizeof(p.reset)));
		if (p.type == MN_WIRE_FRAMES) {
			EXPECT_EQ(buf + n, got.frames);
			EXPECT_EQ(TAIL, got.len);
		}
	}
}

TEST(mn_packet_parse__truncated)
{
	uint8_t buf[128];

	for (uint8_t type = MN_WIRE_INIT; type <= MN_WIRE_RESET; type++) {
		uint32_t n = write_good(buf, type);

		ASSERT_EQ(0, parse(buf, n));
		if (type == MN_WIRE_FRAMES)
			n = MN_PACKET_HDR;
		for (uint32_t cut = 0; cut < n; cut++)
			EXPECT_EQ(-EMSGSIZE, parse(buf, cut));
	}
}

TEST(mn_packet_parse__wrong_length)
{
	uint8_t buf[128];

	for (uint8_t type = MN_WIRE_INIT; type <= MN_WIRE_RESET; type++) {
		uint32_t n = write_good(buf, type);

		/* Frames are what there is of them, but there are some. */
		EXPECT_EQ(-EBADMSG, parse(buf, type == MN_WIRE_FRAMES ? MN_PACKET_HDR : n + 1));
	}
}

TEST(mn_packet_parse__reserved_bits)
{
	static const struct patch fields[] = {
		PATCH(0, mn_wire_hdr, reserved, 0),
		PATCH(0, mn_wire_hdr, tag, 0),
		PATCH(MN_WIRE_INIT, mn_wire_init, reserved, 0),
		PATCH(MN_WIRE_ANSWER, mn_wire_init, reserved, 0),
		PATCH(MN_WIRE_RESET, mn_wire_reset, reserved, 0),
	};
	uint8_t buf[128];

	for (uint8_t type = MN_WIRE_INIT; type <= MN_WIRE_RESET; type++) {
		uint32_t n = write_good(buf, type);

		for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
			uint8_t *at = buf + fields[f].at + (fields[f].type ? MN_PACKET_HDR : 0);

			if (fields[f].type && fields[f].type != type)
				continue;
			for (uint32_t bit = 0; bit < 8u * fields[f].size; bit++) {
				at[bit / 8] ^= 1 << bit % 8;
				EXPECT_EQ(-EPROTONOSUPPORT, parse(buf, n));
				at[bit / 8] ^= 1 << bit % 8;
			}
		}
		EXPECT_EQ(0, parse(buf, n));
	}
}

TEST(mn_packet_parse__other_versions_and_types)
{
	uint8_t buf[128];
	uint32_t n = write_good(buf, MN_WIRE_FRAMES);

	for (uint32_t v = 0; v < 256; v++) {
		buf[offsetof(struct mn_wire_hdr, version)] = v;
		EXPECT_EQ(v == MN_WIRE_VERSION ? 0 : -EPROTONOSUPPORT, parse(buf, n));
	}
	buf[offsetof(struct mn_wire_hdr, version)] = MN_WIRE_VERSION;
	for (uint32_t type = 0; type < 256; type++) {
		buf[offsetof(struct mn_wire_hdr, type)] = type;
		if (type < MN_WIRE_INIT || type > MN_WIRE_RESET)
			EXPECT_EQ(-EPROTONOSUPPORT, parse(buf, n));
	}
}

TEST(mn_packet_parse__impossible_header)
{
	static const struct patch bad[] = {
		PATCH(MN_WIRE_INIT, mn_wire_hdr, path, 1),
		PATCH(MN_WIRE_INIT, mn_wire_hdr, number, 1),
		PATCH(MN_WIRE_INIT, mn_wire_hdr, behind, 1),
		PATCH(MN_WIRE_ANSWER, mn_wire_hdr, path, 0),
		PATCH(MN_WIRE_ANSWER, mn_wire_hdr, number, 1),
		PATCH(MN_WIRE_RETRY, mn_wire_hdr, path, 0),
		PATCH(MN_WIRE_RETRY, mn_wire_hdr, behind, 1),
		PATCH(MN_WIRE_RESET, mn_wire_hdr, number, 1),
		PATCH(MN_WIRE_FRAMES, mn_wire_hdr, path, 0),
		PATCH(MN_WIRE_FRAMES, mn_wire_hdr, number, 0),
	};
	uint8_t buf[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t n = write_good(buf, bad[i].type);

		patch_apply(buf, &bad[i]);
		EXPECT_EQ(-EBADMSG, parse(buf, n)) {
			TH_LOG("patch %zu", i);
		}
	}
}

/* The lowest number that matters is 1 at least. */
TEST(mn_packet_parse__behind_reaches_below_one)
{
	struct patch number = PATCH(MN_WIRE_FRAMES, mn_wire_hdr, number, 9);
	struct patch behind = PATCH(MN_WIRE_FRAMES, mn_wire_hdr, behind, 8);
	struct mn_packet p;
	uint8_t buf[128];
	uint32_t n = write_good(buf, MN_WIRE_FRAMES);

	patch_apply(buf, &number);
	patch_apply(buf, &behind);
	ASSERT_EQ(0, mn_packet_parse(buf, n, &p));
	EXPECT_EQ(1, p.least);
	for (behind.value = 9; behind.value < 12; behind.value++) {
		patch_apply(buf, &behind);
		EXPECT_EQ(-EBADMSG, parse(buf, n));
	}
}

TEST(mn_packet_parse__impossible_init)
{
	static const struct patch bad[] = {
		PATCH(MN_WIRE_INIT, mn_wire_init, id, 0),
		PATCH(MN_WIRE_INIT, mn_wire_init, instance, 0),
		PATCH(MN_WIRE_INIT, mn_wire_init, mss, 0),
		PATCH(MN_WIRE_INIT, mn_wire_init, window, 0),
		PATCH(MN_WIRE_INIT, mn_wire_init, port_first, 0),
		PATCH(MN_WIRE_INIT, mn_wire_init, port_count, 0),
		PATCH(MN_WIRE_ANSWER, mn_wire_init, cookie, 1),
		PATCH(MN_WIRE_ANSWER, mn_wire_init, port, 1),
		PATCH(MN_WIRE_ANSWER, mn_wire_init, wanted, 1),
		PATCH(MN_WIRE_ANSWER, mn_wire_init, id, 0),
		PATCH(MN_WIRE_RETRY, mn_wire_retry, cookie, 0),
	};
	uint8_t buf[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t n = write_good(buf, bad[i].type);

		patch_apply(buf + MN_PACKET_HDR, &bad[i]);
		EXPECT_EQ(-EBADMSG, parse(buf, n)) {
			TH_LOG("patch %zu", i);
		}
	}
}

TEST(mn_packet_parse__block_beyond_the_last_port)
{
	struct patch first = PATCH(MN_WIRE_INIT, mn_wire_init, port_first, 65500);
	struct patch count = PATCH(MN_WIRE_INIT, mn_wire_init, port_count, 36);
	uint8_t buf[128];
	uint32_t n = write_good(buf, MN_WIRE_INIT);

	patch_apply(buf + MN_PACKET_HDR, &first);
	patch_apply(buf + MN_PACKET_HDR, &count);
	EXPECT_EQ(0, parse(buf, n));
	count.value++;
	patch_apply(buf + MN_PACKET_HDR, &count);
	EXPECT_EQ(-EBADMSG, parse(buf, n));
}

/* UNKNOWN names the path by id, all others by path; other codes are none of a RESET. */
TEST(mn_packet_parse__reset_codes)
{
	uint8_t buf[128];

	for (uint32_t code = 0; code < 300; code++) {
		bool unknown = code == MN_WIRE_CODE_UNKNOWN;
		bool known = unknown || code == MN_WIRE_CODE_BUSY || code == MN_WIRE_CODE_CLOSED ||
			     code == MN_WIRE_CODE_ABORTED;

		for (uint32_t which = 0; which < 4; which++) {
			struct mn_packet p = {
				.type = MN_WIRE_RESET,
				.path = which & 1,
				.reset = { .id = which >> 1, .code = code },
			};
			uint32_t n = mn_packet_write(buf, &p);
			bool good = known && which == (unknown ? 2 : 1);

			EXPECT_EQ(good ? 0 : -EBADMSG, parse(buf, n)) {
				TH_LOG("code %u, ids %u", code, which);
			}
		}
	}
}

TEST_HARNESS_MAIN
