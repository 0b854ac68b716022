// SPDX-License-Identifier: MIT
/* stream_world_conn.c - the connection around a stream, as conn_*.c has it, in its least form */
#include "stream_world_conn.h"

static struct mn_record pool[WORLD_RECORDS];
static uint32_t pool_used;
struct mn_records world_pool = { .all = pool, .used = &pool_used };

void world_need(struct world *w, bool holds, const char *what)
{
	if (!holds && !w->wrong)
		w->wrong = what;
}

void world_empty_pool(void)
{
	for (uint32_t i = 0; i < WORLD_RECORDS; i++)
		pool[i].next = i + 1 < WORLD_RECORDS ? i + 1 : MN_RECORD_NONE;
	world_pool.n = world_pool.n_free = WORLD_RECORDS;
	world_pool.free = 0;
	pool_used = 0;
}

/* --- received --- */

void world_room_due(struct world_side *s)
{
	s->st.due |= MN_DUE_ROOM;
	s->in_rooms |= s->st.has_remote && s->st.state == MN_STREAM_OPEN;
}

void world_mute(struct world_side *s)
{
	s->held = 0;
	s->stalled = false;
}

void world_check_peer(struct world_side *s)
{
	if (s->st.state != MN_STREAM_OPEN || s->stalled || !mn_stream_peer_finished(&s->st) ||
	    !s->st.peer_stopped)
		return;
	world_mute(s);
	mn_stream_finish(&s->st);
	mn_stream_stop(&s->st);
	world_room_due(s);
}

static void take(struct world *w, struct world_side *s, uint32_t n)
{
	struct world_side *peer = &w->side[s == &w->side[0]];

	world_need(w, s->st.rcv_nxt == s->taken, "bytes are taken out of order");
	s->taken += n;
	world_need(w, peer->mode == WORLD_GONE || s->taken <= peer->st.snd_max,
	     "more is taken than was sent");
	mn_stream_took(&s->st, n);
}

void world_drain_held(struct world *w, struct world_side *s)
{
	while (world_is_reading(s) && !s->stalled && (s->held >> s->st.rcv_nxt & 1))
		take(w, s, 1);
}

static void receive_next(struct world *w, struct world_side *s, const struct mn_frame *f,
			 uint32_t skip, uint8_t how)
{
	uint32_t len = f->len - skip;

	if (!len) {
		mn_stream_took(&s->st, 0);
	} else if (s->stalled) {
		mn_stream_dropped(&s->st);
	} else {
		if (!(how & WORLD_NO_ROOM))
			take(w, s, len);
		if (how) {
			s->stalled = true;
			mn_stream_stalls(&s->st);
		}
		if (how & WORLD_NO_ROOM)
			mn_stream_dropped(&s->st);
	}
	world_drain_held(w, s);
}

static void place(struct world *w, struct world_side *s, const struct mn_frame *f, uint8_t how)
{
	uint32_t skip = 0;

	switch (mn_stream_place(&s->st, f, &skip)) {
	case MN_PLACE_OLD:
		break;
	case MN_PLACE_NEXT:
		receive_next(w, s, f, skip, how);
		break;
	case MN_PLACE_AHEAD:
		if (f->len && (how & WORLD_NO_ROOM))
			mn_stream_dropped(&s->st);
		else
			s->held |= ((1u << f->len) - 1) << f->offset;
		break;
	case MN_PLACE_BEYOND:
		mn_stream_dropped(&s->st);
		break;
	case MN_PLACE_BROKEN:
		world_need(w, false, "an honest peer contradicts itself");
	}
}

static void receive_data(struct world *w, struct world_side *s, const struct mn_frame *f,
			 uint8_t how)
{
	if (s->st.state == MN_STREAM_OPENING) {
		mn_stream_dropped(&s->st);
		return;
	}
	if (s->st.state != MN_STREAM_OPEN)
		return;
	place(w, s, f, how);
	world_room_due(s);
	world_check_peer(s);
}

static void receive_room(struct world *w, struct world_side *s, const struct mn_frame *f,
			 uint64_t number)
{
	if (s->st.state <= MN_STREAM_OPEN)
		world_need(w, mn_stream_room(&s->st, &world_pool, f, number) >= 0,
		     "an honest peer accepts what was not sent");
}

static void receive_open(struct world *w, struct world_side *s, struct mn_frame *f,
			 uint64_t number, uint8_t how)
{
	if (s->mode != WORLD_NONE)
		return;
	if (how & WORLD_REFUSE) {
		s->mode = WORLD_REFUSED;
		s->refuse_due = true;
		return;
	}
	mn_stream_accept(&s->st, f, number);
	s->mode = WORLD_CONN;
	if (f->len || (f->flags & MN_FRAME_F_FIN))
		receive_data(w, s, f, how & (WORLD_NO_ROOM | WORLD_LAST_ROOM));
}

static void receive_accept(struct world *w, struct world_side *s, const struct mn_frame *f,
			   uint64_t number)
{
	bool opening = s->st.state == MN_STREAM_OPENING;

	if (s->st.has_remote) {
		receive_room(w, s, f, number);
		return;
	}
	world_need(w, !mn_stream_accepted(&s->st, &world_pool, f, number),
	     "an honest peer accepts what was not sent");
	if (opening && s->st.state == MN_STREAM_OPEN)
		world_room_due(s);
}

static void receive_stop(struct world_side *s)
{
	if (s->st.state > MN_STREAM_OPEN || s->st.peer_stopped)
		return;
	mn_stream_peer_stops(&s->st, &world_pool);
	world_check_peer(s);
}

void world_receive(struct world *w, struct world_side *s, const struct world_frame *wf,
			  uint64_t number, uint8_t how)
{
	struct mn_frame f = {
		.type = wf->type, .flags = wf->flags, .offset = wf->offset, .len = wf->len,
		.accepted = wf->accepted, .drops = wf->drops, .credit = wf->credit,
	};

	if (f.type == MN_FRAME_OPEN)
		receive_open(w, s, &f, number, how);
	if (s->mode != WORLD_CONN)
		return;
	if (f.type == MN_FRAME_CREDIT || (f.type == MN_FRAME_DATA && f.flags & MN_FRAME_F_CREDIT))
		receive_room(w, s, &f, number);
	if (f.type == MN_FRAME_DATA && s->st.state != MN_STREAM_OVER &&
	    (f.len || (f.flags & MN_FRAME_F_FIN)))
		receive_data(w, s, &f, how & (WORLD_NO_ROOM | WORLD_LAST_ROOM));
	if (f.type == MN_FRAME_ACCEPT)
		receive_accept(w, s, &f, number);
	if (f.type == MN_FRAME_STOP)
		receive_stop(s);
	if (f.type == MN_FRAME_ABORT || (f.type == MN_FRAME_REFUSE && !s->st.has_remote))
		mn_stream_end(&s->st, &world_pool);
}

/* --- sent --- */

static void add_record(struct world_packet *p, uint8_t kind, uint8_t flags, uint64_t offset,
		       uint32_t len)
{
	p->records[p->n_records++] = (struct world_record){ kind, flags, offset, len };
}

static void add_frame(struct world_packet *p, const struct mn_frame *f)
{
	p->frames[p->n_frames++] = (struct world_frame){
		f->type, f->flags, f->offset, f->len, f->accepted, f->drops, f->credit,
	};
}

static void fill_room(struct world_side *s, struct mn_frame *f, uint8_t how)
{
	uint32_t credit = WORLD_CREDIT;

	if (s->st.stopped || mn_stream_peer_finished(&s->st))
		credit = 2 * WORLD_CREDIT;
	else if (s->stalled || (how & WORLD_SPARSE))
		credit = 0;
	mn_stream_fill_room(&s->st, credit, f);
	s->in_rooms = false;
}

static uint8_t room_flags(const struct world_side *s)
{
	return MN_RECORD_F_ROOM | (mn_stream_peer_finished(&s->st) ? MN_RECORD_F_FINAL : 0);
}

static bool take_span(struct world *w, struct world_side *s, uint32_t max, struct mn_span *sp)
{
	bool is_there;

	if (!mn_stream_take(&s->st, &world_pool, max, sp)) {
		world_need(w, !sp->len && !sp->fin, "nothing is something");
		return false;
	}
	/* What the peer has accepted, or will never read, has been given back. */
	is_there = (!s->st.peer_stopped || s->st.state == MN_STREAM_OPENING) &&
		   s->st.state != MN_STREAM_ABORTED && sp->offset >= s->st.snd_una &&
		   sp->offset + sp->len <= s->st.snd_end;
	world_need(w, is_there || !sp->len, "bytes are sent that are not there");
	return true;
}

static void output_control(struct world *w, struct world_side *s, struct world_packet *p,
			   uint8_t what, uint8_t how)
{
	static const uint8_t types[] = {
		[MN_DUE_OPEN] = MN_FRAME_OPEN, [MN_DUE_ACCEPT] = MN_FRAME_ACCEPT,
		[MN_DUE_STOP] = MN_FRAME_STOP, [MN_DUE_ABORT] = MN_FRAME_ABORT,
	};
	struct mn_frame f = { .type = types[what] };
	struct mn_span sp = { 0 };
	uint8_t flags = 0;

	if (what == MN_DUE_OPEN) {
		take_span(w, s, how & WORLD_LITTLE ? 1 : 2, &sp);
		f.len = sp.len;
		f.flags = sp.fin ? MN_FRAME_F_FIN : 0;
	}
	if (what == MN_DUE_ACCEPT)
		flags = room_flags(s);
	if (what == MN_DUE_OPEN || what == MN_DUE_ACCEPT)
		fill_room(s, &f, how);
	/* It carries the credit alone. */
	if (what == MN_DUE_OPEN)
		f.accepted = f.drops = 0;
	add_record(p, MN_RECORD_CONTROL, flags, 0, what);
	add_frame(p, &f);
	mn_stream_control_sent(&s->st, what);
}

static bool output_data(struct world *w, struct world_side *s, struct world_packet *p, uint8_t how)
{
	bool with_room = s->st.due & MN_DUE_ROOM;
	struct mn_frame f = { .type = MN_FRAME_DATA };
	uint8_t flags = with_room ? room_flags(s) : 0;
	struct mn_span sp;

	if (!take_span(w, s, how & WORLD_LITTLE ? 1 : 2, &sp))
		return false;
	f.offset = sp.offset;
	f.len = sp.len;
	f.flags = (sp.fin ? MN_FRAME_F_FIN : 0) | (with_room ? MN_FRAME_F_CREDIT : 0);
	if (with_room)
		fill_room(s, &f, how);
	add_frame(p, &f);
	if (sp.len)
		add_record(p, MN_RECORD_DATA, flags, sp.offset, sp.len);
	if (sp.fin)
		add_record(p, MN_RECORD_FIN, sp.len ? 0 : flags, sp.offset + sp.len, 0);
	return true;
}

void world_output(struct world *w, struct world_side *s, struct world_packet *p,
			  uint8_t how)
{
	uint8_t due = mn_stream_control(&s->st);
	uint32_t most = how & WORLD_LITTLE ? 1 : WORLD_FRAMES - 1;

	for (uint8_t what = MN_DUE_OPEN; what <= MN_DUE_ABORT && p->n_frames < most; what <<= 1)
		if (due & what)
			output_control(w, s, p, what, how);
	while (s->st.state == MN_STREAM_OPEN && mn_stream_wants_packet(&s->st) &&
	       p->n_frames < most && p->n_records < most)
		if (!output_data(w, s, p, how))
			return;
}

void world_output_refuse(struct world_side *s, struct world_packet *p)
{
	struct mn_frame f = { .type = MN_FRAME_REFUSE };

	s->refuse_due = false;
	add_record(p, MN_RECORD_REFUSE, 0, 0, 0);
	add_frame(p, &f);
}

void world_output_room(struct world_side *s, struct world_packet *p, uint8_t how)
{
	struct mn_frame f = { .type = MN_FRAME_CREDIT };

	add_record(p, MN_RECORD_CONTROL, room_flags(s), 0, 0);
	fill_room(s, &f, how);
	add_frame(p, &f);
}

/* The records of a packet, back from the path. */
void world_settle(struct world_side *s, const struct world_packet *p, bool lost)
{
	for (uint8_t k = 0; k < p->n_records; k++) {
		const struct world_record *r = &p->records[k];
		uint32_t i = mn_record_get(&world_pool, 0);
		struct mn_record *rec = mn_record_at(&world_pool, i);

		*rec = (struct mn_record){ .offset = r->offset, .len = r->len, .kind = r->kind,
					   .flags = r->flags, .next = MN_RECORD_NONE };
		if (rec->kind == MN_RECORD_REFUSE)
			s->refuse_due = lost;
		if (s->mode == WORLD_CONN && lost) {
			mn_stream_lost(&s->st, &world_pool, i);
			if (s->st.due & MN_DUE_ROOM)
				world_room_due(s);
			continue;
		}
		if (s->mode == WORLD_CONN)
			mn_stream_arrived(&s->st, rec);
		mn_record_put(&world_pool, i);
	}
}
