// SPDX-License-Identifier: MIT
/* Frames of machnet/wire.h: there and back, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "patch.h"
#include "random.h"
#include "transport/frame.h"

#define ROUNDS	4000
#define ROOM	1024u
#define CREDIT_MAX	((1u << MN_CREDIT_BITS) - 1)

static uint64_t rng = 0x6672616d65;

static uint64_t any64(void)
{
	return random_next(&rng) | 1;
}

static void any_room(struct mn_frame *f)
{
	f->accepted = any64();
	f->drops = any64();
	f->credit = any64() & CREDIT_MAX;
}

static uint16_t any_code(uint8_t type)
{
	static const uint16_t refuse[] = {
		MN_WIRE_CODE_BUSY, MN_WIRE_CODE_REFUSED, MN_WIRE_CODE_ELSEWHERE,
	};

	if (type == MN_FRAME_REFUSE)
		return refuse[random_below(&rng, 3)];
	if (type == MN_FRAME_STOP)
		return MN_WIRE_CODE_NONE;
	return MN_WIRE_CODE_ABORTED;
}

static void any_ack(struct mn_wire_ack *a)
{
	*a = (struct mn_wire_ack){
		.type = MN_FRAME_ACK,
		.ranges = random_below(&rng, MN_WIRE_RANGES),
		.window = any64(),
		.delay = any64(),
		.largest = any64() | UINT64_C(1) << 40,
		.run = any64(),
		.wait = any64(),
	};
}

/* A frame of the type with random fields; those that it does not have are 0. */
static struct mn_frame good(uint8_t type)
{
	struct mn_frame f = { .type = type, .conn = any64() };

	switch (type) {
	case MN_FRAME_DATA:
		f.flags = random_below(&rng, 4);
		f.len = 1 + random_below(&rng, 200);
		f.offset = any64();
		if (f.flags & MN_FRAME_F_CREDIT)
			any_room(&f);
		break;
	case MN_FRAME_OPEN:
		f.flags = random_below(&rng, 2);
		f.len = random_below(&rng, 200);
		f.value = any64();
		f.client_port = any64();
		f.port = any64();
		f.credit = any64() & CREDIT_MAX;
		break;
	case MN_FRAME_ACCEPT:
		f.mine = any64();
		/* fallthrough */
	case MN_FRAME_CREDIT:
		any_room(&f);
		break;
	case MN_FRAME_REFUSE:
	case MN_FRAME_ABORT:
	case MN_FRAME_STOP:
		f.code = any_code(type);
		f.engine = f.code == MN_WIRE_CODE_ELSEWHERE ? any64() : 0;
		break;
	case MN_FRAME_MOVE:
		f.code = random_below(&rng, MN_WIRE_MOVE_STEPS);
		f.mine = any64();
		f.value = any64();
		break;
	case MN_FRAME_ARRIVAL:
		f.engine = any64();
		/* fallthrough */
	case MN_FRAME_ADVICE:
		f.src_port = any64();
		f.dst_port = any64();
		/* fallthrough */
	case MN_FRAME_CANDIDATE:
		f.conn = 0;
		f.value = (uint32_t)any64();
		break;
	case MN_FRAME_CHALLENGE:
	case MN_FRAME_RESPONSE:
		f.conn = 0;
		f.value = any64();
		break;
	default:
		f.conn = 0;
		if (type == MN_FRAME_ACK)
			any_ack(&f.ack);
	}
	return f;
}

/* With its payload or ranges; returns the size of all. */
static uint32_t write_whole(uint8_t *at, const struct mn_frame *f)
{
	uint32_t n = mn_frame_write(at, f);

	for (uint32_t i = 0; i < f->len; i++)
		at[n++] = f->conn + i;
	for (uint32_t i = 0; f->type == MN_FRAME_ACK && i < f->ack.ranges; i++)
		n += mn_frame_write_range(at + n, 1 + i, 1000 - i);
	return n;
}

/* The first frame, from memory of exactly this size; the answer of mn_frame_next(). */
static int parse(const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	const uint8_t *at = copy;
	struct mn_frame f;
	int ret;

	memcpy(copy, bytes, len);
	ret = mn_frame_next(&at, copy + len, &f);
	/* What was refused is not passed over. */
	if (ret <= 0 && at != copy)
		ret = 99;
	free(copy);
	return ret;
}

static uint32_t write_good(uint8_t *buf, uint8_t type)
{
	struct mn_frame f = good(type);

	return write_whole(buf, &f);
}

static void expect_same(struct __test_metadata *_metadata, const struct mn_frame *want,
			const struct mn_frame *got)
{
	EXPECT_EQ(want->type, got->type);
	EXPECT_EQ(want->flags, got->flags);
	EXPECT_EQ(want->engine, got->engine);
	EXPECT_EQ(want->code, got->code);
	EXPECT_EQ(want->conn, got->conn);
	EXPECT_EQ(want->len, got->len);
	EXPECT_EQ(want->offset, got->offset);
	EXPECT_EQ(want->accepted, got->accepted);
	EXPECT_EQ(want->drops, got->drops);
	EXPECT_EQ(want->credit, got->credit);
	EXPECT_EQ(want->mine, got->mine);
	EXPECT_EQ(want->client_port, got->client_port);
	EXPECT_EQ(want->port, got->port);
	EXPECT_EQ(want->src_port, got->src_port);
	EXPECT_EQ(want->dst_port, got->dst_port);
	EXPECT_EQ(want->value, got->value);
	EXPECT_EQ(0, memcmp(&want->ack, &got->ack, sizeof(want->ack)));
}

TEST(mn_frame_write__data_bytes)
{
	static const uint8_t want[28] = {
		MN_FRAME_DATA, 3, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7,
		0, 0, 0, 0, 0, 0, 0, 8, 9, 0, 1, 2,
	};
	struct mn_frame f = {
		.type = MN_FRAME_DATA, .flags = MN_FRAME_F_FIN | MN_FRAME_F_CREDIT, .len = 5,
		.conn = 6, .offset = 7, .accepted = 8, .drops = 9, .credit = 0x102,
	};
	uint8_t buf[64];

	ASSERT_EQ(sizeof(want), mn_frame_write(buf, &f));
	EXPECT_EQ(0, memcmp(want, buf, sizeof(want)));
}

TEST(mn_frame_write__open_bytes)
{
	static const uint8_t want[28] = {
		MN_FRAME_OPEN, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4,
		0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 7,
	};
	struct mn_frame f = {
		.type = MN_FRAME_OPEN, .flags = MN_FRAME_F_FIN, .len = 2, .conn = 3, .value = 4,
		.client_port = 5, .port = 6, .credit = 7,
	};
	uint8_t buf[64];

	ASSERT_EQ(sizeof(want), mn_frame_write(buf, &f));
	EXPECT_EQ(0, memcmp(want, buf, sizeof(want)));
}

/* Several frames of random types in a packet. */
TEST(mn_frame_next__round_trip)
{
	struct mn_frame sent[8], got;
	uint8_t buf[8 * ROOM];

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t len = 0, n = 1 + random_below(&rng, 8);
		const uint8_t *at = buf;

		for (uint32_t i = 0; i < n; i++) {
			sent[i] = good(MN_FRAME_PING + random_below(&rng, MN_FRAME_TYPES - 1));
			len += write_whole(buf + len, &sent[i]);
		}
		for (uint32_t i = 0; i < n; i++) {
			const uint8_t *before = at;
			uint32_t head = mn_frame_size(sent[i].type, sent[i].flags);

			memset(&got, 0, sizeof(got));
			ASSERT_EQ(1, mn_frame_next(&at, buf + len, &got));
			expect_same(_metadata, &sent[i], &got);
			if (sent[i].len)
				EXPECT_EQ(before + head, got.payload);
			for (uint32_t r = 0; r < sent[i].ack.ranges; r++) {
				EXPECT_EQ(1 + r, mn_frame_range(&got, r).missing);
				EXPECT_EQ(1000 - r, mn_frame_range(&got, r).there);
			}
			EXPECT_EQ(before + head + sent[i].len + 8u * sent[i].ack.ranges, at);
		}
		EXPECT_EQ(0, mn_frame_next(&at, buf + len, &got));
	}
}

TEST(mn_frame_next__truncated)
{
	uint8_t buf[ROOM];

	for (uint32_t i = 0; i < 20 * MN_FRAME_TYPES; i++) {
		uint8_t type = i % MN_FRAME_TYPES;
		uint32_t n = write_good(buf, type);

		EXPECT_EQ(0, parse(buf, 0));
		ASSERT_EQ(1, parse(buf, n));
		for (uint32_t cut = 1; cut < n; cut++) {
			EXPECT_EQ(-EMSGSIZE, parse(buf, cut)) {
				TH_LOG("type %u cut to %u of %u", type, cut, n);
			}
		}
	}
}

TEST(mn_frame_next__unknown_types)
{
	uint8_t buf[64] = { 0 };

	for (uint32_t type = MN_FRAME_TYPES; type < 256; type++) {
		buf[0] = type;
		EXPECT_EQ(-EPROTONOSUPPORT, parse(buf, sizeof(buf)));
	}
}

TEST(mn_frame_next__reserved_bits)
{
	static const struct patch fields[] = {
		{ MN_FRAME_PING, 1, 3, 0 },
		PATCH(MN_FRAME_ACK, mn_wire_ack, reserved, 0),
		PATCH(MN_FRAME_CREDIT, mn_wire_credit, reserved, 0),
		PATCH(MN_FRAME_OPEN, mn_wire_open, reserved, 0),
		PATCH(MN_FRAME_ACCEPT, mn_wire_accept, reserved, 0),
		PATCH(MN_FRAME_ABORT, mn_wire_end, engine, 0),
		PATCH(MN_FRAME_STOP, mn_wire_end, engine, 0),
		PATCH(MN_FRAME_MOVE, mn_wire_move, reserved, 0),
		PATCH(MN_FRAME_CHALLENGE, mn_wire_challenge, reserved, 0),
		PATCH(MN_FRAME_RESPONSE, mn_wire_challenge, reserved, 0),
		PATCH(MN_FRAME_CANDIDATE, mn_wire_candidate, reserved, 0),
		PATCH(MN_FRAME_CANDIDATE, mn_wire_candidate, reserved2, 0),
		PATCH(MN_FRAME_ARRIVAL, mn_wire_arrival, reserved, 0),
		PATCH(MN_FRAME_ARRIVAL, mn_wire_arrival, reserved2, 0),
		PATCH(MN_FRAME_ADVICE, mn_wire_advice, reserved, 0),
		PATCH(MN_FRAME_ADVICE, mn_wire_advice, reserved2, 0),
	};
	uint8_t buf[ROOM];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint32_t n = write_good(buf, fields[i].type);

		for (uint32_t bit = 0; bit < 8u * fields[i].size; bit++) {
			buf[fields[i].at + bit / 8] ^= 1 << bit % 8;
			EXPECT_EQ(-EPROTONOSUPPORT, parse(buf, n)) {
				TH_LOG("field %zu bit %u", i, bit);
			}
			buf[fields[i].at + bit / 8] ^= 1 << bit % 8;
		}
	}
}

TEST(mn_frame_next__flags)
{
	uint8_t buf[ROOM];

	for (uint32_t flags = 0; flags < 256; flags++) {
		uint32_t n = write_good(buf, MN_FRAME_DATA);

		/* Room for a credit that was not there. */
		buf[offsetof(struct mn_wire_data, flags)] = flags;
		EXPECT_EQ(flags < 4 ? 1 : -EPROTONOSUPPORT, parse(buf, n + 12));
		n = write_good(buf, MN_FRAME_OPEN);
		buf[offsetof(struct mn_wire_open, flags)] = flags;
		EXPECT_EQ(flags < 2 ? 1 : -EPROTONOSUPPORT, parse(buf, n));
	}
}

/* Only a refusal that sends elsewhere names an engine. */
TEST(mn_frame_next__engine_of_a_refusal)
{
	struct mn_frame f = { .type = MN_FRAME_REFUSE, .code = MN_WIRE_CODE_ELSEWHERE,
			      .engine = 3 };
	uint8_t buf[ROOM];
	uint32_t n = mn_frame_write(buf, &f);

	EXPECT_EQ(1, parse(buf, n));
	f.code = MN_WIRE_CODE_REFUSED;
	mn_frame_write(buf, &f);
	EXPECT_EQ(-EPROTONOSUPPORT, parse(buf, n));
}

TEST(mn_frame_next__codes)
{
	uint8_t buf[ROOM];

	for (uint32_t i = 0; i < 3 * 70; i++) {
		static const uint32_t fit[] = {	/* bits by code */
			1 << MN_WIRE_CODE_BUSY | 1 << MN_WIRE_CODE_REFUSED |
				1 << MN_WIRE_CODE_ELSEWHERE,
			1 << MN_WIRE_CODE_ABORTED,
			1 << MN_WIRE_CODE_NONE,
		};
		struct mn_frame f = { .type = MN_FRAME_REFUSE + i % 3, .code = i / 3 };
		uint32_t n = mn_frame_write(buf, &f);
		bool fits = f.code < 32 && fit[i % 3] >> f.code & 1;

		EXPECT_EQ(fits ? 1 : -EBADMSG, parse(buf, n)) {
			TH_LOG("type %u code %u", f.type, f.code);
		}
	}
}

TEST(mn_frame_next__impossible)
{
	static const struct patch bad[] = {
		PATCH(MN_FRAME_ACK, mn_wire_ack, ranges, MN_WIRE_RANGES),
		PATCH(MN_FRAME_ACK, mn_wire_ack, ranges, 255),
		PATCH(MN_FRAME_ACK, mn_wire_ack, window, 0),
		PATCH(MN_FRAME_ACK, mn_wire_ack, largest, 0),
		PATCH(MN_FRAME_OPEN, mn_wire_open, serial, 0),
		PATCH(MN_FRAME_OPEN, mn_wire_open, port, 0),
		PATCH(MN_FRAME_OPEN, mn_wire_open, credit, CREDIT_MAX + 1),
		PATCH(MN_FRAME_OPEN, mn_wire_open, credit, UINT32_MAX),
		PATCH(MN_FRAME_MOVE, mn_wire_move, path, 0),
		PATCH(MN_FRAME_MOVE, mn_wire_move, step, MN_WIRE_MOVE_STEPS),
		PATCH(MN_FRAME_MOVE, mn_wire_move, step, 255),
		PATCH(MN_FRAME_ARRIVAL, mn_wire_arrival, src_port, 0),
		PATCH(MN_FRAME_ARRIVAL, mn_wire_arrival, dst_port, 0),
		PATCH(MN_FRAME_ADVICE, mn_wire_advice, src_port, 0),
		PATCH(MN_FRAME_ADVICE, mn_wire_advice, dst_port, 0),
	};
	uint8_t buf[4 * ROOM] = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_good(buf, bad[i].type);
		patch_apply(buf, &bad[i]);
		EXPECT_EQ(-EBADMSG, parse(buf, sizeof(buf))) {
			TH_LOG("patch %zu", i);
		}
	}
}

TEST(mn_frame_next__data_that_says_nothing)
{
	struct mn_frame f = { .type = MN_FRAME_DATA, .conn = 1 };
	uint8_t buf[ROOM];

	for (f.flags = 0; f.flags < 4; f.flags++)
		EXPECT_EQ(f.flags ? 1 : -EBADMSG, parse(buf, mn_frame_write(buf, &f)));
}

TEST(mn_frame_next__pad_is_the_last)
{
	uint8_t buf[64] = { 0 };
	const uint8_t *at = buf;
	struct mn_frame f;

	ASSERT_EQ(1, mn_frame_next(&at, buf + sizeof(buf), &f));
	EXPECT_EQ(MN_FRAME_PAD, f.type);
	EXPECT_EQ(buf + sizeof(buf), at);
	for (uint32_t i = 1; i < sizeof(buf); i++) {
		buf[i] = MN_FRAME_PING;
		EXPECT_EQ(-EBADMSG, parse(buf, sizeof(buf)));
		buf[i] = 0;
	}
}

static int parse_ranges(uint64_t largest, uint32_t run, const struct mn_wire_range *r, uint8_t n)
{
	struct mn_frame f = { .type = MN_FRAME_ACK,
			      .ack = { .ranges = n, .window = 1, .largest = largest, .run = run } };
	uint8_t buf[ROOM];
	uint32_t len = mn_frame_write(buf, &f);

	for (uint8_t i = 0; i < n; i++)
		len += mn_frame_write_range(buf + len, r[i].missing, r[i].there);
	return parse(buf, len);
}

TEST(mn_frame_next__ranges_end_at_one)
{
	struct mn_wire_range r[] = { { 1, 2 }, { 3, 4 } };

	/* 18..20, 15..16, 8..11. */
	EXPECT_EQ(1, parse_ranges(20, 2, r, 2));
	/* 11..13, 8..9, 1..4. */
	EXPECT_EQ(1, parse_ranges(13, 2, r, 2));
	EXPECT_EQ(-EBADMSG, parse_ranges(12, 2, r, 2));
	EXPECT_EQ(1, parse_ranges(13, 12, NULL, 0));
	EXPECT_EQ(-EBADMSG, parse_ranges(13, 13, NULL, 0));
	EXPECT_EQ(-EBADMSG, parse_ranges(13, UINT32_MAX, NULL, 0));
}

TEST(mn_frame_next__ranges_that_are_none)
{
	struct mn_wire_range r[2] = { { 1, 1 }, { 1, 1 } };

	ASSERT_EQ(1, parse_ranges(1000, 0, r, 2));
	r[1].missing = 0;
	EXPECT_EQ(-EBADMSG, parse_ranges(1000, 0, r, 2));
	r[1] = (struct mn_wire_range){ 1, 0 };
	EXPECT_EQ(-EBADMSG, parse_ranges(1000, 0, r, 2));
}

/* Their sum has more than 32 bits. */
TEST(mn_frame_next__ranges_do_not_wrap)
{
	struct mn_wire_range r[2] = { { UINT32_MAX, UINT32_MAX }, { UINT32_MAX, 1 } };

	EXPECT_EQ(-EBADMSG, parse_ranges(1000, 0, r, 1));
	EXPECT_EQ(-EBADMSG, parse_ranges(1000, 0, r + 1, 1));
	EXPECT_EQ(-EBADMSG, parse_ranges(UINT64_C(2) * UINT32_MAX, 0, r, 1));
	EXPECT_EQ(1, parse_ranges(UINT64_C(2) * UINT32_MAX + 1, 0, r, 1));
	EXPECT_EQ(-EBADMSG, parse_ranges(UINT64_C(3) * UINT32_MAX + 1, 0, r, 2));
	EXPECT_EQ(1, parse_ranges(UINT64_C(3) * UINT32_MAX + 2, 0, r, 2));
}

/* Any byte replaced by any other: nothing is read or pointed to outside of the packet. */
TEST(mn_frame_next__every_byte_replaced)
{
	uint8_t buf[ROOM];

	for (uint8_t type = 0; type < MN_FRAME_TYPES; type++) {
		uint32_t n = write_good(buf, type);

		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t v = 0; v < 256; v += 1 + random_below(&rng, 9)) {
				uint8_t was = buf[i];
				const uint8_t *at = buf;
				struct mn_frame f;

				buf[i] = v;
				parse(buf, n);
				if (mn_frame_next(&at, buf + n, &f) > 0)
					EXPECT_LE(at, buf + n);
				buf[i] = was;
			}
		}
	}
}

TEST_HARNESS_MAIN
