// SPDX-License-Identifier: MIT
/*
 * stream_world_code.c - a world as a few bytes, and back
 *
 * Numbers of packets only have an order, and numbers of drops are equal or not: they are replaced
 * by the least ones that say the same, so that a search comes to an end.
 */
#include <stdlib.h>
#include <string.h>

#include "stream_world_conn.h"

/* One byte each; offsets are small, or MN_OFFSET_NONE. */
#define FIELDS(X)	\
	X(mode) X(stalled) X(in_rooms) X(refuse_due) X(held) X(taken) X(more)	\
	X(st.state) X(st.due) X(st.accepted) X(st.open_sent) X(st.has_remote)	\
	X(st.fin_queued) X(st.fin_sent) X(st.peer_stopped) X(st.drops_seen)	\
	X(st.snd_una) X(st.snd_nxt) X(st.snd_max) X(st.snd_end) X(st.snd_limit)	\
	X(st.room_number) X(st.stopped) X(st.fin_known) X(st.drops)	\
	X(st.rcv_nxt) X(st.rcv_limit) X(st.rcv_fin)

static uint8_t small(uint64_t v)
{
	if (v > 100 && v < UINT64_MAX - 100 && (v < 156 || v > 255))
		abort();
	return v;
}

/* How many different numbers there are below, for the receiver. */
static uint8_t rank(const struct world *w, int to, uint64_t number)
{
	uint64_t room_number = w->side[to].st.room_number;
	uint8_t n = 1 + (room_number && room_number < number);

	for (uint8_t i = 0; i < w->n; i++)
		n += w->packets[i].to == to && w->packets[i].number &&
		     w->packets[i].number < number && w->packets[i].number != room_number;
	return n;
}

static void rename_numbers(struct world *w)
{
	struct world old = *w;

	for (int to = 0; to < 2; to++)
		if (old.side[to].st.room_number)
			w->side[to].st.room_number = rank(&old, to, old.side[to].st.room_number);
	for (uint8_t i = 0; i < w->n; i++)
		if (w->packets[i].number)
			w->packets[i].number = rank(&old, w->packets[i].to, old.packets[i].number);
}

static bool has_room(const struct world_frame *f)
{
	return f->type == MN_FRAME_CREDIT || f->type == MN_FRAME_ACCEPT ||
	       (f->type == MN_FRAME_DATA && (f->flags & MN_FRAME_F_CREDIT));
}

/* New names of the drops of one receiver: 0 now, then 255, 254, ... for those before. */
struct names {
	uint8_t was[16], n;
};

static uint8_t new_name(struct names *names, uint8_t drops)
{
	uint8_t i = 0;

	while (i < names->n && names->was[i] != drops)
		i++;
	if (i == names->n)
		names->was[names->n++] = drops;
	return -i;
}

static void rename_drops(struct world *w, int of)
{
	struct names names = { .was = { w->side[of].st.drops }, .n = 1 };
	struct mn_stream *sender = &w->side[!of].st;

	w->side[of].st.drops = 0;
	sender->drops_seen = new_name(&names, sender->drops_seen);
	for (uint8_t i = 0; i < w->n; i++) {
		struct world_packet *p = &w->packets[i];

		for (uint8_t k = 0; p->to != of && k < p->n_frames; k++)
			if (has_room(&p->frames[k]))
				p->frames[k].drops = new_name(&names, p->frames[k].drops);
	}
}

/* What has no bearing on anything any more. */
static void forget_credit(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		struct mn_stream *st = &w->side[i].st;

		if (st->stopped)
			st->rcv_limit = 0;
		if (w->side[i].mode != WORLD_GONE && !mn_stream_finished(st) &&
		    (!st->peer_stopped || st->state == MN_STREAM_OPENING))
			continue;
		st->snd_limit = 0;
		for (struct world_packet *p = w->packets; p < w->packets + w->n; p++)
			for (uint8_t k = 0; p->to == i && k < p->n_frames; k++)
				p->frames[k].credit = 0;
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct world_packet));
}

static uint8_t *encode_side(const struct world_side *s, uint8_t *at)
{
	uint8_t *n;

#define X(field)	*at++ = small(s->field);
	FIELDS(X)
#undef X
	n = at++;
	*n = 0;
	for (uint32_t r = s->st.lost; r != MN_RECORD_NONE; r = world_pool.all[r].next, (*n)++) {
		if (*n == WORLD_LOST)
			abort();
		*at++ = small(world_pool.all[r].offset);
		*at++ = small(world_pool.all[r].len);
	}
	return at;
}

static const uint8_t *decode_side(struct world_side *s, const uint8_t *at)
{
	uint32_t *link = &s->st.lost;

#define X(field)	s->field = *at++;
	FIELDS(X)
#undef X
	if (s->st.rcv_fin == UINT8_MAX)
		s->st.rcv_fin = MN_OFFSET_NONE;
	for (uint8_t n = *at++; n; n--, at += 2) {
		*link = mn_record_get(&world_pool, 0);
		*mn_record_at(&world_pool, *link) = (struct mn_record){
			.offset = at[0], .len = at[1], .kind = MN_RECORD_DATA,
		};
		link = &mn_record_at(&world_pool, *link)->next;
	}
	*link = MN_RECORD_NONE;
	return at;
}

static uint8_t *encode_packet(const struct world_packet *p, uint8_t *at)
{
	*at++ = p->to | p->settled << 1 | p->number << 2;
	*at++ = p->n_frames | p->n_records << 4;
	memcpy(at, p->frames, p->n_frames * sizeof(p->frames[0]));
	at += p->n_frames * sizeof(p->frames[0]);
	memcpy(at, p->records, p->n_records * sizeof(p->records[0]));
	return at + p->n_records * sizeof(p->records[0]);
}

static const uint8_t *decode_packet(struct world_packet *p, const uint8_t *at)
{
	*p = (struct world_packet){ .to = at[0] & 1, .settled = at[0] >> 1 & 1,
				    .number = at[0] >> 2, .n_frames = at[1] & 15,
				    .n_records = at[1] >> 4 };
	at += 2;
	memcpy(p->frames, at, p->n_frames * sizeof(p->frames[0]));
	at += p->n_frames * sizeof(p->frames[0]);
	memcpy(p->records, at, p->n_records * sizeof(p->records[0]));
	return at + p->n_records * sizeof(p->records[0]);
}

void world_encode(struct world *w, uint8_t code[WORLD_CODE])
{
	uint8_t big[sizeof(*w)] = { 0 }, *at = big;

	rename_numbers(w);
	rename_drops(w, 0);
	rename_drops(w, 1);
	forget_credit(w);
	qsort(w->packets, w->n, sizeof(w->packets[0]), compare);
	for (int i = 0; i < 2; i++)
		at = encode_side(&w->side[i], at);
	*at++ = w->n;
	for (uint8_t i = 0; i < w->n; i++)
		at = encode_packet(&w->packets[i], at);
	if (at > big + WORLD_CODE)
		abort();
	memcpy(code, big, WORLD_CODE);
}

void world_decode(struct world *w, const uint8_t code[WORLD_CODE])
{
	world_empty_pool();
	memset(w, 0, sizeof(*w));
	for (int i = 0; i < 2; i++)
		code = decode_side(&w->side[i], code);
	w->n = *code++;
	for (uint8_t i = 0; i < w->n; i++)
		code = decode_packet(&w->packets[i], code);
}
