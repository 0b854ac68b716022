// SPDX-License-Identifier: MIT
/* conn_output.c - a connection's frames in a packet */
#include "base/min.h"
#include "transport/build.h"
#include "transport/stack_priv.h"

/* A smaller piece of a longer stream is not worth a frame. */
#define PIECE_MIN	256u

static uint8_t room_flags(const struct mn_conn *c)
{
	return MN_RECORD_F_ROOM | (mn_stream_peer_finished(&c->st) ? MN_RECORD_F_FINAL : 0);
}

/* Of a frame that each message may have, only what it has is written. */
static void begin(const struct mn_conn *c, struct mn_frame *f, uint8_t type, uint8_t flags)
{
	f->type = type;
	f->flags = flags;
	f->conn = c->st.remote;
}

static void fill_room(struct mn_conn *c, struct mn_frame *f)
{
	mn_stream_fill_room(&c->st, mn_conn_credit(c), f);
	mn_list_del(&c->in_rooms);
}

/* Bytes of the stream behind a frame's head. */
static void write_bytes(struct mn_conn *c, struct mn_build *b, const struct mn_span *sp)
{
	if (!sp->len)
		return;
	mn_sendq_copy(&c->sendq, c->sch->ch, sp->offset, b->at, sp->len, mn_build_sum(b, sp->len));
	b->at += sp->len;
}

static void record_data(struct mn_conn *c, struct mn_build *b, const struct mn_span *sp,
			uint8_t flags)
{
	struct mn_record *rec;

	if (sp->len) {
		rec = mn_build_record(b, MN_RECORD_DATA, c->number);
		rec->offset = sp->offset;
		rec->len = sp->len;
		rec->flags = flags;
		flags = 0;
	}
	if (sp->fin) {
		rec = mn_build_record(b, MN_RECORD_FIN, c->number);
		rec->offset = sp->offset + sp->len;
		rec->flags = flags;
	}
}

/* OPEN carries the first bytes, as far as they are there. */
static bool output_open(struct mn_conn *c, struct mn_build *b)
{
	uint32_t head = mn_frame_size(MN_FRAME_OPEN, 0);
	struct mn_span sp = { 0 };
	struct mn_frame f = {
		.type = MN_FRAME_OPEN,
		.conn = c->number,
		.client_port = c->local_port,
		.port = c->remote_port,
	};
	struct mn_record *rec;

	if (!mn_build_fits(b, head, 1))
		return false;
	/* Not before it is sent: one that were never served would hold up those behind it. */
	if (!c->serial)
		c->serial = c->lane->path->next_serial++;
	f.value = c->serial;
	mn_stream_take(&c->st, &c->stack->records, mn_build_room(b) - head, &sp);
	f.len = sp.len;
	f.flags = sp.fin ? MN_FRAME_F_FIN : 0;
	fill_room(c, &f);
	mn_build_frame(b, &f);
	write_bytes(c, b, &sp);
	mn_stream_control_sent(&c->st, MN_DUE_OPEN);
	rec = mn_build_record(b, MN_RECORD_CONTROL, c->number);
	rec->len = MN_DUE_OPEN;
	return true;
}

static bool output_accept(struct mn_conn *c, struct mn_build *b)
{
	struct mn_frame f = {
		.type = MN_FRAME_ACCEPT,
		.conn = c->st.remote,
		.mine = c->number,
	};
	struct mn_record *rec;

	if (!mn_build_fits(b, mn_frame_size(MN_FRAME_ACCEPT, 0), 1))
		return false;
	rec = mn_build_record(b, MN_RECORD_CONTROL, c->number);
	rec->len = MN_DUE_ACCEPT;
	rec->flags = room_flags(c);
	fill_room(c, &f);
	mn_build_frame(b, &f);
	mn_stream_control_sent(&c->st, MN_DUE_ACCEPT);
	mn_conn_move_sent(c);
	return true;
}

static bool output_move(struct mn_conn *c, struct mn_build *b)
{
	struct mn_frame f;

	if (!mn_conn_move_frame(c, &f)) {
		c->st.due &= ~MN_DUE_MOVE;
		return true;
	}
	if (!mn_build_fits(b, mn_frame_size(MN_FRAME_MOVE, 0), 1))
		return false;
	mn_build_record(b, MN_RECORD_CONTROL, c->number)->len = MN_DUE_MOVE;
	mn_build_frame(b, &f);
	mn_stream_control_sent(&c->st, MN_DUE_MOVE);
	b->asks = true;
	return true;
}

static bool output_end(struct mn_conn *c, struct mn_build *b, uint8_t type, uint16_t code,
		       uint8_t due)
{
	struct mn_frame f = { .type = type, .code = code, .conn = c->st.remote };

	if (!mn_build_fits(b, mn_frame_size(type, 0), 1))
		return false;
	mn_build_record(b, MN_RECORD_CONTROL, c->number)->len = due;
	mn_build_frame(b, &f);
	mn_stream_control_sent(&c->st, due);
	c->stack->stats.aborts_sent += type == MN_FRAME_ABORT;
	return true;
}

static bool output_control(struct mn_conn *c, struct mn_build *b, uint8_t due)
{
	if ((due & MN_DUE_OPEN) && !output_open(c, b))
		return false;
	if ((due & MN_DUE_ACCEPT) && !output_accept(c, b))
		return false;
	if ((due & MN_DUE_STOP) && !output_end(c, b, MN_FRAME_STOP, MN_WIRE_CODE_NONE, MN_DUE_STOP))
		return false;
	if ((due & MN_DUE_ABORT) &&
	    !output_end(c, b, MN_FRAME_ABORT, MN_WIRE_CODE_ABORTED, MN_DUE_ABORT))
		return false;
	b->asks = true;
	return true;
}

/* A piece is begun in what is left of this packet when it ends there or is not small. */
static bool is_worth_it(const struct mn_conn *c, uint32_t room)
{
	return room >= PIECE_MIN || c->st.snd_end - c->st.snd_nxt <= room;
}

/* There are records for the next piece: for new bytes and an end two, for lost ones their own. */
static bool has_records(struct mn_conn *c, const struct mn_build *b, uint32_t room)
{
	uint32_t lost;

	if (b->spare >= 2)
		return true;
	lost = c->st.state == MN_STREAM_OPEN ? mn_stream_lost_len(&c->st, b->pool) : 0;
	/* One that is cut leaves the record with the rest. */
	return lost && (lost <= room || b->pool->n_free);
}

/* One DATA frame. False: no room for it, or none that is worth it. */
static bool output_data(struct mn_conn *c, struct mn_build *b)
{
	bool room_due = c->st.due & MN_DUE_ROOM;
	uint8_t with = room_due ? MN_FRAME_F_CREDIT : 0;
	uint32_t head = mn_frame_size(MN_FRAME_DATA, with);
	struct mn_stack_stats *st = &c->stack->stats;
	uint8_t flags = room_due ? room_flags(c) : 0;
	struct mn_frame f;
	struct mn_span sp;

	if (!mn_build_fits(b, head + 1, 0) || !is_worth_it(c, mn_build_room(b) - head) ||
	    !has_records(c, b, mn_build_room(b) - head))
		return false;
	if (!mn_stream_take(&c->st, &c->stack->records, mn_build_room(b) - head, &sp))
		return true;
	begin(c, &f, MN_FRAME_DATA, with | (sp.fin ? MN_FRAME_F_FIN : 0));
	f.offset = sp.offset;
	f.len = sp.len;
	if (room_due)
		fill_room(c, &f);
	mn_build_frame(b, &f);
	write_bytes(c, b, &sp);
	record_data(c, b, &sp, flags);
	b->asks = true;
	st->tx_frames_data++;
	st->tx_retransmits += sp.again;
	c->lane->path->tx_frames++;
	return true;
}

static bool output_room(struct mn_conn *c, struct mn_build *b)
{
	struct mn_record *rec;
	struct mn_frame f;

	if (!mn_build_fits(b, mn_frame_size(MN_FRAME_CREDIT, 0), 1))
		return false;
	begin(c, &f, MN_FRAME_CREDIT, 0);
	rec = mn_build_record(b, MN_RECORD_CONTROL, c->number);
	rec->flags = room_flags(c);
	fill_room(c, &f);
	mn_build_frame(b, &f);
	b->lazy = true;
	return true;
}

/* On its new path nothing of it comes before the peer knows that it is there. */
static bool output_here(struct mn_conn *c, struct mn_build *b)
{
	if (!output_move(c, b))
		return false;
	return !(c->st.due & MN_DUE_ROOM) || c->st.state != MN_STREAM_OPEN || output_room(c, b);
}

bool mn_conn_output(struct mn_conn *c, struct mn_build *b)
{
	uint8_t due = mn_conn_control(c);
	uint32_t room = mn_build_room(b);

	if (c->moving == MN_MOVE_HERE && !output_here(c, b))
		return false;
	if ((due & MN_DUE_MOVE) && c->moving != MN_MOVE_HERE && !output_move(c, b))
		return false;
	due &= ~MN_DUE_MOVE;
	if (due && !output_control(c, b, due))
		return false;
	if (c->st.state != MN_STREAM_OPEN || mn_conn_is_held(c))
		return true;
	while (mn_stream_wants_packet(&c->st)) {
		if (!output_data(c, b))
			return false;
		/* The next one's turn. */
		if (room - mn_build_room(b) >= MN_CONN_QUANTUM)
			return true;
	}
	return true;
}

bool mn_conn_output_room(struct mn_conn *c, struct mn_build *b)
{
	return c->moving == MN_MOVE_HERE ? output_here(c, b) : output_room(c, b);
}

void mn_conn_record(struct mn_conn *c, uint32_t i, bool lost)
{
	struct mn_records *rs = &c->stack->records;

	if (!lost) {
		mn_stream_arrived(&c->st, mn_record_at(rs, i));
		mn_record_put(rs, i);
		if (c->st.state == MN_STREAM_OVER)
			mn_conn_check(c);
		return;
	}
	mn_stream_lost(&c->st, rs, i);
	if (c->st.due & MN_DUE_ROOM)
		mn_conn_room_due(c, true);
	mn_conn_ready(c);
}
