// SPDX-License-Identifier: MIT
/* frame.c - frames between wire and host form */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "transport/frame.h"

#define PING_LEN	4u
#define CREDIT_MASK	((1u << MN_CREDIT_BITS) - 1)

static const struct {
	uint8_t size;
	uint8_t flags;		/* that it may have */
} kinds[MN_FRAME_TYPES] = {
	[MN_FRAME_PAD] = { 1, 0 },
	[MN_FRAME_PING] = { PING_LEN, 0 },
	[MN_FRAME_ACK] = { sizeof(struct mn_wire_ack), 0 },
	[MN_FRAME_DATA] = { sizeof(struct mn_wire_data), MN_FRAME_F_FIN | MN_FRAME_F_CREDIT },
	[MN_FRAME_CREDIT] = { sizeof(struct mn_wire_credit), 0 },
	[MN_FRAME_OPEN] = { sizeof(struct mn_wire_open), MN_FRAME_F_FIN },
	[MN_FRAME_ACCEPT] = { sizeof(struct mn_wire_accept), 0 },
	[MN_FRAME_REFUSE] = { sizeof(struct mn_wire_end), 0 },
	[MN_FRAME_ABORT] = { sizeof(struct mn_wire_end), 0 },
	[MN_FRAME_STOP] = { sizeof(struct mn_wire_end), 0 },
	[MN_FRAME_MOVE] = { sizeof(struct mn_wire_move), 0 },
	[MN_FRAME_CHALLENGE] = { sizeof(struct mn_wire_challenge), 0 },
	[MN_FRAME_RESPONSE] = { sizeof(struct mn_wire_challenge), 0 },
	[MN_FRAME_CANDIDATE] = { sizeof(struct mn_wire_candidate), 0 },
	[MN_FRAME_ARRIVAL] = { sizeof(struct mn_wire_arrival), 0 },
	[MN_FRAME_ADVICE] = { sizeof(struct mn_wire_advice), 0 },
};

uint32_t mn_frame_size(uint8_t type, uint8_t flags)
{
	bool room = type == MN_FRAME_DATA && (flags & MN_FRAME_F_CREDIT);

	return kinds[type].size + (room ? sizeof(struct mn_wire_room) : 0);
}

static void parse_room(const struct mn_wire_room *r, struct mn_frame *f)
{
	uint32_t word = be32toh(r->drops_credit);

	f->accepted = be64toh(r->accepted);
	f->drops = word >> MN_CREDIT_BITS;
	f->credit = word & CREDIT_MASK;
}

/* *size: bytes of the frame, at first of its fixed part. */
static int parse_data(const uint8_t *at, struct mn_frame *f, uint32_t *size)
{
	struct mn_wire_data w;
	struct mn_wire_room room;

	memcpy(&w, at, sizeof(w));
	f->flags = w.flags;
	f->len = be16toh(w.len);
	f->conn = be32toh(w.conn);
	f->offset = be64toh(w.offset);
	f->payload = at + *size;
	*size += f->len;
	if (f->flags & MN_FRAME_F_CREDIT) {
		memcpy(&room, at + sizeof(w), sizeof(room));
		parse_room(&room, f);
	}
	/* A frame that says nothing does not exist. */
	return f->len || f->flags ? 0 : -EBADMSG;
}

static int parse_open(const uint8_t *at, struct mn_frame *f, uint32_t *size)
{
	struct mn_wire_open w;

	memcpy(&w, at, sizeof(w));
	f->flags = w.flags;
	f->len = be16toh(w.len);
	f->conn = be32toh(w.conn);
	f->value = be64toh(w.serial);
	f->client_port = be32toh(w.client_port);
	f->port = be16toh(w.port);
	f->credit = be32toh(w.credit);
	f->payload = at + *size;
	*size += f->len;
	if (w.reserved)
		return -EPROTONOSUPPORT;
	return f->value && f->port && f->credit <= CREDIT_MASK ? 0 : -EBADMSG;
}

static int parse_ack(const uint8_t *at, struct mn_frame *f, uint32_t *size)
{
	struct mn_wire_ack *a = &f->ack;

	memcpy(a, at, sizeof(*a));
	a->window = be16toh(a->window);
	a->delay = be32toh(a->delay);
	a->largest = be64toh(a->largest);
	a->run = be32toh(a->run);
	a->wait = be16toh(a->wait);
	f->ranges = at + *size;
	*size += a->ranges * sizeof(struct mn_wire_range);
	if (a->reserved)
		return -EPROTONOSUPPORT;
	if (a->ranges >= MN_WIRE_RANGES || !a->window || a->run >= a->largest)
		return -EBADMSG;
	return 0;
}

/* No range is empty, and none reaches below number 1. */
static int check_ranges(const struct mn_frame *f)
{
	uint64_t lowest = f->ack.largest - f->ack.run;

	for (uint32_t i = 0; i < f->ack.ranges; i++) {
		struct mn_wire_range r = mn_frame_range(f, i);
		uint64_t below = (uint64_t)r.missing + r.there;

		if (!r.missing || !r.there || below >= lowest)
			return -EBADMSG;
		lowest -= below;
	}
	return 0;
}

static int parse_credit(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_credit w;

	memcpy(&w, at, sizeof(w));
	f->conn = be32toh(w.conn);
	parse_room(&w.room, f);
	return w.reserved[0] | w.reserved[1] | w.reserved[2] ? -EPROTONOSUPPORT : 0;
}

static int parse_accept(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_accept w;

	memcpy(&w, at, sizeof(w));
	f->conn = be32toh(w.conn);
	f->mine = be32toh(w.mine);
	parse_room(&w.room, f);
	return w.reserved[0] | w.reserved[1] | w.reserved[2] ? -EPROTONOSUPPORT : 0;
}

static bool code_fits(uint8_t type, uint16_t code)
{
	switch (code) {
	case MN_WIRE_CODE_NONE:
		return type == MN_FRAME_STOP;
	case MN_WIRE_CODE_BUSY:
	case MN_WIRE_CODE_REFUSED:
	case MN_WIRE_CODE_ELSEWHERE:
		return type == MN_FRAME_REFUSE;
	case MN_WIRE_CODE_ABORTED:
		return type == MN_FRAME_ABORT;
	default:
		return false;
	}
}

static int parse_end(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_end w;

	memcpy(&w, at, sizeof(w));
	f->engine = w.engine;
	f->code = be16toh(w.code);
	f->conn = be32toh(w.conn);
	if (w.engine && f->code != MN_WIRE_CODE_ELSEWHERE)
		return -EPROTONOSUPPORT;
	return code_fits(f->type, f->code) ? 0 : -EBADMSG;
}

static int parse_move(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_move w;

	memcpy(&w, at, sizeof(w));
	f->code = w.step;
	f->conn = be32toh(w.conn);
	f->mine = be32toh(w.mine);
	f->value = be64toh(w.path);
	if (w.reserved)
		return -EPROTONOSUPPORT;
	return f->value && w.step < MN_WIRE_MOVE_STEPS ? 0 : -EBADMSG;
}

static int parse_challenge(const uint8_t *at, struct mn_frame *f)
{
	static const uint8_t zero[7];
	struct mn_wire_challenge w;

	memcpy(&w, at, sizeof(w));
	f->value = be64toh(w.nonce);
	return memcmp(w.reserved, zero, sizeof(zero)) ? -EPROTONOSUPPORT : 0;
}

static int parse_candidate(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_candidate w;

	memcpy(&w, at, sizeof(w));
	f->value = be32toh(w.token);
	return w.reserved[0] | w.reserved[1] | w.reserved[2] || w.reserved2 ? -EPROTONOSUPPORT : 0;
}

static int parse_arrival(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_arrival w;

	memcpy(&w, at, sizeof(w));
	f->engine = w.engine;
	f->value = be32toh(w.token);
	f->src_port = be16toh(w.src_port);
	f->dst_port = be16toh(w.dst_port);
	if (w.reserved || w.reserved2)
		return -EPROTONOSUPPORT;
	return f->src_port && f->dst_port ? 0 : -EBADMSG;
}

static int parse_advice(const uint8_t *at, struct mn_frame *f)
{
	struct mn_wire_advice w;

	memcpy(&w, at, sizeof(w));
	f->value = be32toh(w.token);
	f->src_port = be16toh(w.src_port);
	f->dst_port = be16toh(w.dst_port);
	if (w.reserved[0] | w.reserved[1] | w.reserved[2] || w.reserved2)
		return -EPROTONOSUPPORT;
	return f->src_port && f->dst_port ? 0 : -EBADMSG;
}

static int parse_ping(const uint8_t *at)
{
	return at[1] | at[2] | at[3] ? -EPROTONOSUPPORT : 0;
}

/* The rest of a packet from a PAD on. */
static int parse_pad(const uint8_t *at, const uint8_t *end, uint32_t *size)
{
	for (const uint8_t *p = at; p < end; p++)
		if (*p != MN_FRAME_PAD)
			return -EBADMSG;
	*size = end - at;
	return 0;
}

static int parse_fixed(const uint8_t *at, const uint8_t *end, struct mn_frame *f, uint32_t *size)
{
	switch (f->type) {
	case MN_FRAME_DATA:
		return parse_data(at, f, size);
	case MN_FRAME_ACK:
		return parse_ack(at, f, size);
	case MN_FRAME_CREDIT:
		return parse_credit(at, f);
	case MN_FRAME_OPEN:
		return parse_open(at, f, size);
	case MN_FRAME_ACCEPT:
		return parse_accept(at, f);
	case MN_FRAME_REFUSE:
	case MN_FRAME_ABORT:
	case MN_FRAME_STOP:
		return parse_end(at, f);
	case MN_FRAME_MOVE:
		return parse_move(at, f);
	case MN_FRAME_CHALLENGE:
	case MN_FRAME_RESPONSE:
		return parse_challenge(at, f);
	case MN_FRAME_CANDIDATE:
		return parse_candidate(at, f);
	case MN_FRAME_ARRIVAL:
		return parse_arrival(at, f);
	case MN_FRAME_ADVICE:
		return parse_advice(at, f);
	case MN_FRAME_PING:
		return parse_ping(at);
	default:
		return parse_pad(at, end, size);
	}
}

int mn_frame_next(const uint8_t **at, const uint8_t *end, struct mn_frame *f)
{
	const uint8_t *here = *at;
	uint32_t left = end - here, size;
	bool has_flags;
	int ret;

	if (!left)
		return 0;
	f->type = here[0];
	f->flags = 0;
	if (f->type >= MN_FRAME_TYPES)
		return -EPROTONOSUPPORT;
	size = kinds[f->type].size;
	if (left < size)
		return -EMSGSIZE;
	has_flags = kinds[f->type].flags;
	if (has_flags) {
		if (here[1] & ~kinds[f->type].flags)
			return -EPROTONOSUPPORT;
		size = mn_frame_size(f->type, here[1]);
		if (left < size)
			return -EMSGSIZE;
	}
	ret = parse_fixed(here, end, f, &size);
	if (ret)
		return ret;
	if (left < size)
		return -EMSGSIZE;
	if (f->type == MN_FRAME_ACK && f->ack.ranges && check_ranges(f))
		return -EBADMSG;
	*at = here + size;
	return 1;
}

struct mn_wire_range mn_frame_range(const struct mn_frame *f, uint32_t i)
{
	struct mn_wire_range r;

	memcpy(&r, f->ranges + i * sizeof(r), sizeof(r));
	r.missing = be32toh(r.missing);
	r.there = be32toh(r.there);
	return r;
}

static struct mn_wire_room room_of(const struct mn_frame *f)
{
	return (struct mn_wire_room){ htobe64(f->accepted),
				      htobe32((uint32_t)f->drops << MN_CREDIT_BITS | f->credit) };
}

/*
 * Member by member, in place: a copy of a struct that was put together on the stack would read
 * back at once, as a whole, what was stored in parts, which no store buffer can forward.
 */
#define WRITE(at, ...)	({ *(typeof(__VA_ARGS__) *)(at) = (__VA_ARGS__); sizeof(__VA_ARGS__); })

static uint32_t write_data(uint8_t *at, const struct mn_frame *f)
{
	uint32_t n = WRITE(at, (struct mn_wire_data){ f->type, f->flags, htobe16(f->len),
						      htobe32(f->conn), htobe64(f->offset) });

	if (f->flags & MN_FRAME_F_CREDIT)
		n += WRITE(at + n, room_of(f));
	return n;
}

static uint32_t write_open(uint8_t *at, const struct mn_frame *f)
{
	return WRITE(at, (struct mn_wire_open){
		.type = f->type,
		.flags = f->flags,
		.len = htobe16(f->len),
		.conn = htobe32(f->conn),
		.serial = htobe64(f->value),
		.client_port = htobe32(f->client_port),
		.port = htobe16(f->port),
		.credit = htobe32(f->credit),
	});
}

static uint32_t write_ack(uint8_t *at, const struct mn_wire_ack *a)
{
	return WRITE(at, (struct mn_wire_ack){
		.type = MN_FRAME_ACK,
		.ranges = a->ranges,
		.window = htobe16(a->window),
		.delay = htobe32(a->delay),
		.largest = htobe64(a->largest),
		.run = htobe32(a->run),
		.wait = htobe16(a->wait),
	});
}

uint32_t mn_frame_write(uint8_t *at, const struct mn_frame *f)
{
	uint32_t conn = htobe32(f->conn);

	switch (f->type) {
	case MN_FRAME_DATA:
		return write_data(at, f);
	case MN_FRAME_ACK:
		return write_ack(at, &f->ack);
	case MN_FRAME_CREDIT:
		return WRITE(at, (struct mn_wire_credit){ f->type, { 0 }, conn, room_of(f) });
	case MN_FRAME_OPEN:
		return write_open(at, f);
	case MN_FRAME_ACCEPT:
		return WRITE(at, (struct mn_wire_accept){ f->type, { 0 }, conn, htobe32(f->mine),
							  room_of(f) });
	case MN_FRAME_REFUSE:
	case MN_FRAME_ABORT:
	case MN_FRAME_STOP:
		return WRITE(at, (struct mn_wire_end){ f->type, f->engine, htobe16(f->code),
						       conn });
	case MN_FRAME_MOVE:
		return WRITE(at, (struct mn_wire_move){ f->type, f->code, 0, conn,
							htobe32(f->mine), htobe64(f->value) });
	case MN_FRAME_CHALLENGE:
	case MN_FRAME_RESPONSE:
		return WRITE(at, (struct mn_wire_challenge){ f->type, { 0 }, htobe64(f->value) });
	case MN_FRAME_CANDIDATE:
		return WRITE(at, (struct mn_wire_candidate){ f->type, { 0 }, htobe32(f->value),
							     0 });
	case MN_FRAME_ARRIVAL:
		return WRITE(at, (struct mn_wire_arrival){ f->type, f->engine, 0, htobe32(f->value),
							   htobe16(f->src_port),
							   htobe16(f->dst_port), 0 });
	case MN_FRAME_ADVICE:
		return WRITE(at, (struct mn_wire_advice){ f->type, { 0 }, htobe32(f->value),
							  htobe16(f->src_port),
							  htobe16(f->dst_port), 0 });
	default:
		memset(at, 0, kinds[f->type].size);
		at[0] = f->type;
		return kinds[f->type].size;
	}
}

uint32_t mn_frame_write_range(uint8_t *at, uint32_t missing, uint32_t there)
{
	return WRITE(at, (struct mn_wire_range){ htobe32(missing), htobe32(there) });
}
