// SPDX-License-Identifier: MIT
/* stream.c - two streams of bytes, and how they begin and end */
#include <errno.h>

#include "transport/stream.h"

static void init(struct mn_stream *st, enum mn_stream_state state, uint8_t due)
{
	*st = (struct mn_stream){
		.state = state,
		.due = due,
		.lost = MN_RECORD_NONE,
		.rcv_fin = MN_OFFSET_NONE,
	};
}

static void forget_lost(struct mn_stream *st, struct mn_records *rs)
{
	while (st->lost != MN_RECORD_NONE) {
		uint32_t i = st->lost;

		st->lost = mn_record_at(rs, i)->next;
		mn_record_put(rs, i);
	}
}

void mn_stream_open(struct mn_stream *st)
{
	init(st, MN_STREAM_OPENING, MN_DUE_OPEN);
}

void mn_stream_reopen(struct mn_stream *st, struct mn_records *rs)
{
	forget_lost(st, rs);
	st->due = MN_DUE_OPEN;
	st->open_sent = false;
	st->fin_sent = false;
	st->peer_stopped = false;
	st->drops_seen = 0;
	st->snd_una = 0;
	st->snd_nxt = 0;
	st->snd_max = 0;
	st->snd_limit = 0;
	st->room_number = 0;
}

void mn_stream_accept(struct mn_stream *st, const struct mn_frame *open, uint64_t number)
{
	init(st, MN_STREAM_OPEN, MN_DUE_ACCEPT);
	st->accepted = true;
	st->has_remote = true;
	st->remote = open->conn;
	st->snd_limit = open->credit;
	st->room_number = number;
	/* What OPEN carries has credit. */
	st->rcv_limit = open->len;
}

void mn_stream_finish(struct mn_stream *st)
{
	st->fin_queued = true;
}

static bool has_new(const struct mn_stream *st)
{
	if (st->snd_nxt < st->snd_end)
		return st->snd_nxt < st->snd_limit;
	return st->fin_queued && !st->fin_sent;
}

uint8_t mn_stream_control(const struct mn_stream *st)
{
	switch (st->state) {
	case MN_STREAM_OPENING:
		return st->due & MN_DUE_OPEN;
	case MN_STREAM_OPEN:
		return st->due & (MN_DUE_ACCEPT | MN_DUE_STOP | MN_DUE_MOVE);
	case MN_STREAM_ABORTED:
		return st->due & (st->has_remote ? MN_DUE_ABORT : MN_DUE_OPEN);
	default:
		return 0;
	}
}

void mn_stream_control_sent(struct mn_stream *st, uint8_t what)
{
	st->due &= ~what;
	if (what & MN_DUE_OPEN)
		st->open_sent = true;
}

bool mn_stream_wants_packet(const struct mn_stream *st)
{
	if (mn_stream_control(st))
		return true;
	return st->state == MN_STREAM_OPEN && (st->lost != MN_RECORD_NONE || has_new(st));
}

void mn_stream_fill_room(struct mn_stream *st, uint32_t credit, struct mn_frame *f)
{
	/* What was given is not taken back but by mn_stream_stalls(). */
	if (st->rcv_limit > st->rcv_nxt + credit)
		credit = st->rcv_limit - st->rcv_nxt;
	if (credit > MN_CREDIT_MOST)
		credit = MN_CREDIT_MOST;
	f->accepted = st->rcv_nxt;
	f->drops = st->drops;
	f->credit = credit;
	if (st->rcv_limit < st->rcv_nxt + credit)
		st->rcv_limit = st->rcv_nxt + credit;
	st->due &= ~MN_DUE_ROOM;
}

/* --- lost pieces --- */

/* What has been accepted, or is to be sent as new, is not sent from a record. */
static bool trim(const struct mn_stream *st, struct mn_record *rec)
{
	uint64_t end = rec->offset + rec->len;

	if (end > st->snd_nxt)
		end = st->snd_nxt;
	if (rec->offset < st->snd_una)
		rec->offset = st->snd_una;
	if (rec->offset >= end)
		return false;
	rec->len = end - rec->offset;
	return true;
}

static void insert_lost(struct mn_stream *st, struct mn_records *rs, uint32_t rec)
{
	uint64_t offset = mn_record_at(rs, rec)->offset;
	uint32_t *at = &st->lost;

	while (*at != MN_RECORD_NONE && mn_record_at(rs, *at)->offset < offset)
		at = &mn_record_at(rs, *at)->next;
	mn_record_at(rs, rec)->next = *at;
	*at = rec;
}

uint32_t mn_stream_lost_len(struct mn_stream *st, struct mn_records *rs)
{
	while (st->lost != MN_RECORD_NONE) {
		uint32_t i = st->lost;
		struct mn_record *rec = mn_record_at(rs, i);

		if (trim(st, rec))
			return rec->len;
		st->lost = rec->next;
		mn_record_put(rs, i);
	}
	return 0;
}

/* The first lost piece, or its beginning; false: nothing of them matters any more. */
static bool take_lost(struct mn_stream *st, struct mn_records *rs, uint32_t max,
		      struct mn_span *sp)
{
	uint32_t i, len = mn_stream_lost_len(st, rs);
	struct mn_record *rec;

	if (!len)
		return false;
	i = st->lost;
	rec = mn_record_at(rs, i);
	*sp = (struct mn_span){ rec->offset, len < max ? len : max, false, true };
	if (len > max) {
		rec->offset += max;
		rec->len -= max;
		return true;
	}
	st->lost = rec->next;
	mn_record_put(rs, i);
	return true;
}

static bool take_new(struct mn_stream *st, uint32_t max, struct mn_span *sp)
{
	uint64_t left = st->snd_end - st->snd_nxt, from = st->snd_nxt, end;
	uint32_t len;
	bool fin;

	/* OPEN carries what it can, before any credit. */
	if (st->state == MN_STREAM_OPEN) {
		uint64_t credit = st->snd_limit > from ? st->snd_limit - from : 0;

		if (credit < left)
			left = credit;
	}
	len = left < max ? left : max;
	end = from + len;
	fin = st->fin_queued && !st->fin_sent && end == st->snd_end;
	*sp = (struct mn_span){ from, len, fin, len && from < st->snd_max };
	st->snd_nxt = end;
	st->fin_sent |= fin;
	if (st->snd_max < end + fin)
		st->snd_max = end + fin;
	return len || fin;
}

bool mn_stream_take(struct mn_stream *st, struct mn_records *rs, uint32_t max, struct mn_span *sp)
{
	if (st->state == MN_STREAM_OPEN && max && take_lost(st, rs, max, sp))
		return true;
	/* OPEN after an abort only asks for the peer's number. */
	if (st->state == MN_STREAM_ABORTED) {
		*sp = (struct mn_span){ 0 };
		return false;
	}
	return take_new(st, max, sp);
}

/* Both ends have been accepted, and the peer knows. */
static void check_over(struct mn_stream *st)
{
	if (st->state == MN_STREAM_OPEN && st->fin_known && mn_stream_finished(st))
		st->state = MN_STREAM_OVER;
}

void mn_stream_arrived(struct mn_stream *st, const struct mn_record *rec)
{
	if (rec->kind == MN_RECORD_CONTROL && (rec->len & MN_DUE_ABORT) &&
	    st->state == MN_STREAM_ABORTED)
		st->state = MN_STREAM_OVER;
	if (rec->flags & MN_RECORD_F_FINAL)
		st->fin_known = true;
	check_over(st);
}

static void open_lost(struct mn_stream *st)
{
	/* Nothing has been answered: it is sent as it was, or with more. */
	if (st->has_remote || st->room_number)
		return;
	st->due |= MN_DUE_OPEN;
	st->snd_nxt = 0;
	st->fin_sent = false;
}

static void control_lost(struct mn_stream *st, uint8_t what)
{
	if (what & MN_DUE_OPEN)
		open_lost(st);
	if (st->state == MN_STREAM_OPEN)
		st->due |= what & (MN_DUE_ACCEPT | MN_DUE_STOP | MN_DUE_MOVE);
	if (st->state == MN_STREAM_ABORTED)
		st->due |= what & MN_DUE_ABORT;
}

void mn_stream_lost(struct mn_stream *st, struct mn_records *rs, uint32_t i)
{
	struct mn_record *rec = mn_record_at(rs, i);

	if ((rec->flags & MN_RECORD_F_ROOM) && st->state == MN_STREAM_OPEN)
		st->due |= MN_DUE_ROOM;
	switch (rec->kind) {
	case MN_RECORD_CONTROL:
		control_lost(st, rec->len);
		break;
	case MN_RECORD_FIN:
		/* Not if the end lies elsewhere since. */
		if (rec->offset == st->snd_end && st->snd_nxt == st->snd_end &&
		    !mn_stream_finished(st))
			st->fin_sent = false;
		break;
	default:
		if (st->state != MN_STREAM_OPEN || st->peer_stopped || !trim(st, rec))
			break;
		insert_lost(st, rs, i);
		return;
	}
	mn_record_put(rs, i);
}

/* --- received --- */

/* Sends again, as new, what the peer has not accepted; of a stream that it stopped, the end. */
static void rewind_to(struct mn_stream *st, struct mn_records *rs, uint64_t offset)
{
	forget_lost(st, rs);
	if (offset > st->snd_end)
		return;
	if (!st->peer_stopped)
		st->snd_nxt = offset;
	st->fin_sent = false;
}

void mn_stream_detach(struct mn_stream *st, struct mn_records *rs)
{
	if (st->lost != MN_RECORD_NONE)
		rewind_to(st, rs, st->snd_una);
	st->room_number = 0;
}

static void advance_una(struct mn_stream *st, uint64_t accepted)
{
	st->snd_una = accepted;
	if (st->snd_nxt < accepted)
		st->snd_nxt = accepted < st->snd_end ? accepted : st->snd_end;
	if (accepted > st->snd_end)
		st->fin_sent = true;
}

int mn_stream_room(struct mn_stream *st, struct mn_records *rs, const struct mn_frame *f,
		   uint64_t number)
{
	bool more = f->accepted > st->snd_una;

	if (f->accepted > st->snd_max)
		return -EBADMSG;
	if (more)
		advance_una(st, f->accepted);
	if (number <= st->room_number)
		return more;
	st->room_number = number;
	/* If it has overtaken ACCEPT: the opening was served, and is not sent again. */
	st->due &= ~MN_DUE_OPEN;
	st->snd_limit = f->accepted + f->credit;
	if (f->drops != st->drops_seen) {
		st->drops_seen = f->drops;
		rewind_to(st, rs, st->snd_una);
	}
	check_over(st);
	return more;
}

int mn_stream_accepted(struct mn_stream *st, struct mn_records *rs, const struct mn_frame *f,
		       uint64_t number)
{
	bool stops = st->peer_stopped;
	int ret;

	if (st->accepted || st->has_remote)
		return 0;
	st->due &= ~MN_DUE_OPEN;
	st->has_remote = true;
	st->remote = f->mine;
	if (st->state != MN_STREAM_OPENING)
		return 0;
	st->state = MN_STREAM_OPEN;
	st->peer_stopped = false;
	ret = mn_stream_room(st, rs, f, number);
	if (ret < 0)
		return ret;
	/*
	 * What OPEN carried and the peer did not take is under way nowhere. The end may be missing
	 * alone: the copy that was served need not be the last one.
	 */
	if (st->snd_max > st->snd_una)
		rewind_to(st, rs, st->snd_una);
	if (stops)
		mn_stream_peer_stops(st, rs);
	return 0;
}

void mn_stream_peer_stops(struct mn_stream *st, struct mn_records *rs)
{
	if (st->peer_stopped)
		return;
	st->peer_stopped = true;
	/* It has overtaken ACCEPT: OPEN is sent as it was, see mn_stream_accepted(). */
	if (st->state == MN_STREAM_OPENING)
		return;
	forget_lost(st, rs);
	if (st->snd_max <= st->snd_end) {
		st->snd_end = st->snd_max;
		st->fin_queued = true;
		st->fin_sent = false;
	}
	/* If an end was sent and taken back, it alone is sent again. */
	st->snd_nxt = st->snd_end;
}

static bool set_fin(struct mn_stream *st, uint64_t end)
{
	if (st->rcv_fin == MN_OFFSET_NONE && (st->stopped || end >= st->rcv_nxt))
		st->rcv_fin = end;
	return st->rcv_fin == end;
}

/* Nothing is read any more: all of it is accepted, in any order. */
static enum mn_place place_stopped(struct mn_stream *st, const struct mn_frame *f, uint64_t end)
{
	if (f->flags & MN_FRAME_F_FIN) {
		if (!set_fin(st, end))
			return MN_PLACE_BROKEN;
		end++;
	}
	if (end > st->rcv_nxt)
		st->rcv_nxt = end;
	st->due |= MN_DUE_ROOM;
	return MN_PLACE_OLD;
}

enum mn_place mn_stream_place(struct mn_stream *st, const struct mn_frame *f, uint32_t *skip)
{
	uint64_t end = f->offset + f->len;

	if (end < f->offset || end == MN_OFFSET_NONE)
		return MN_PLACE_BROKEN;
	if (st->stopped)
		return place_stopped(st, f, end);
	st->due |= MN_DUE_ROOM;
	if (end > st->rcv_limit)
		return MN_PLACE_BEYOND;
	if ((f->flags & MN_FRAME_F_FIN) && !set_fin(st, end))
		return MN_PLACE_BROKEN;
	if (end > st->rcv_fin)
		return MN_PLACE_BROKEN;
	/* The end itself, when all before it is there, is accepted by mn_stream_took(). */
	if (end < st->rcv_nxt || (end == st->rcv_nxt && st->rcv_fin != end))
		return MN_PLACE_OLD;
	if (mn_stream_peer_finished(st))
		return MN_PLACE_OLD;
	if (f->offset > st->rcv_nxt)
		return MN_PLACE_AHEAD;
	*skip = st->rcv_nxt - f->offset;
	return MN_PLACE_NEXT;
}

void mn_stream_took(struct mn_stream *st, uint64_t n)
{
	st->rcv_nxt += n;
	st->due |= MN_DUE_ROOM;
	if (st->rcv_nxt == st->rcv_fin)
		st->rcv_nxt++;
}

/* --- the end --- */

void mn_stream_stop(struct mn_stream *st)
{
	if (st->stopped)
		return;
	st->stopped = true;
	if (mn_stream_peer_finished(st))
		return;
	st->due |= MN_DUE_STOP | MN_DUE_ROOM;
	/* Held pieces are dropped; the known end counts at once. */
	if (st->rcv_fin != MN_OFFSET_NONE)
		st->rcv_nxt = st->rcv_fin + 1;
}

void mn_stream_abort(struct mn_stream *st, struct mn_records *rs)
{
	bool unknown = st->state == MN_STREAM_OPENING && !st->open_sent;

	if (st->state == MN_STREAM_OVER || st->state == MN_STREAM_ABORTED)
		return;
	forget_lost(st, rs);
	st->state = unknown ? MN_STREAM_OVER : MN_STREAM_ABORTED;
	st->due = (st->due & MN_DUE_OPEN) | MN_DUE_ABORT;
}

void mn_stream_end(struct mn_stream *st, struct mn_records *rs)
{
	forget_lost(st, rs);
	st->state = MN_STREAM_OVER;
	st->due = 0;
}
