// SPDX-License-Identifier: MIT
/* stream_world.c - what may happen next, what must not, and where it ends */
#include <string.h>

#include "stream_world_conn.h"

void world_init(struct world *w, uint8_t more0, uint8_t more1)
{
	world_empty_pool();
	*w = (struct world){ .side = { { .more = more0 }, { .more = more1 } } };
	mn_stream_open(&w->side[0].st);
	w->side[0].mode = WORLD_CONN;
	w->side[1].st.lost = MN_RECORD_NONE;
	w->side[1].st.rcv_fin = MN_OFFSET_NONE;
}

/* --- packets --- */

static struct world_packet *new_packet(struct world *w, uint8_t from)
{
	struct world_packet *p;

	if (w->n == WORLD_PACKETS)
		return NULL;
	p = &w->packets[w->n];
	/* Numbers are ranks: see world_encode(). */
	*p = (struct world_packet){ .to = !from, .number = 2 * WORLD_PACKETS };
	return p;
}

static bool act_send(struct world *w, uint8_t i, uint8_t how)
{
	struct world_side *s = &w->side[i];
	struct world_packet *p = new_packet(w, i);

	if (!p)
		return false;
	if (s->refuse_due)
		world_output_refuse(s, p);
	else if (s->mode == WORLD_CONN && mn_stream_wants_packet(&s->st))
		world_output(w, s, p, how);
	w->n += p->n_frames > 0;
	return p->n_frames;
}

static bool act_send_room(struct world *w, uint8_t i, uint8_t how)
{
	struct world_side *s = &w->side[i];
	struct world_packet *p = new_packet(w, i);

	if (!p || s->mode != WORLD_CONN || !s->in_rooms || s->st.state != MN_STREAM_OPEN)
		return false;
	world_output_room(s, p, how);
	w->n++;
	return true;
}

static void remove_packet(struct world *w, uint8_t i)
{
	w->n--;
	memmove(&w->packets[i], &w->packets[i + 1], (w->n - i) * sizeof(w->packets[0]));
}

static bool act_deliver(struct world *w, uint8_t i, uint8_t how)
{
	struct world_packet *p = &w->packets[i];

	if (i >= w->n || !p->number)
		return false;
	for (uint8_t k = 0; k < p->n_frames; k++)
		world_receive(w, &w->side[p->to], &p->frames[k], p->number, how);
	p->number = 0;
	p->n_frames = 0;
	memset(p->frames, 0, sizeof(p->frames));
	if (p->settled)
		remove_packet(w, i);
	return true;
}

static bool act_acknowledge(struct world *w, uint8_t i)
{
	struct world_packet *p = &w->packets[i];

	if (i >= w->n || p->number || p->settled)
		return false;
	world_settle(&w->side[!p->to], p, false);
	remove_packet(w, i);
	return true;
}

static bool act_declare_lost(struct world *w, uint8_t i)
{
	struct world_packet *p = &w->packets[i];

	if (i >= w->n || p->settled)
		return false;
	world_settle(&w->side[!p->to], p, true);
	p->settled = true;
	p->n_records = 0;
	memset(p->records, 0, sizeof(p->records));
	if (!p->number)
		remove_packet(w, i);
	return true;
}

static bool act_vanish(struct world *w, uint8_t i)
{
	if (i >= w->n || !w->packets[i].settled)
		return false;
	remove_packet(w, i);
	return true;
}

/* --- applications --- */

static bool act_queue(struct world_side *s)
{
	if (!s->more || s->st.fin_queued || s->st.peer_stopped || s->st.state > MN_STREAM_OPEN)
		return false;
	s->more--;
	mn_stream_queue(&s->st, s->st.snd_end + 1);
	return true;
}

static bool act_finish(struct world_side *s)
{
	if (s->st.fin_queued || s->st.state > MN_STREAM_OPEN)
		return false;
	mn_stream_finish(&s->st);
	return true;
}

static bool act_close(struct world_side *s)
{
	if (s->st.stopped || s->st.state != MN_STREAM_OPEN)
		return false;
	world_mute(s);
	mn_stream_finish(&s->st);
	mn_stream_stop(&s->st);
	world_room_due(s);
	return true;
}

static bool act_abort(struct world_side *s)
{
	if (s->st.state > MN_STREAM_OPEN)
		return false;
	world_mute(s);
	mn_stream_abort(&s->st, &world_pool);
	return true;
}

static bool act_resume(struct world *w, struct world_side *s)
{
	if (!s->stalled || !world_is_reading(s))
		return false;
	s->stalled = false;
	world_drain_held(w, s);
	world_room_due(s);
	world_check_peer(s);
	return true;
}

/* There is more credit to give than before. */
static bool act_grow(struct world_side *s)
{
	if (!world_is_reading(s) || !s->st.has_remote || s->stalled || s->in_rooms ||
	    mn_stream_peer_finished(&s->st) || s->st.rcv_limit >= s->st.rcv_nxt + WORLD_CREDIT)
		return false;
	world_room_due(s);
	return true;
}

static bool act_on_side(struct world *w, const struct world_step *step)
{
	struct world_side *s = &w->side[step->arg];

	if (step->arg > 1)
		return false;
	if (step->action == WORLD_SEND)
		return act_send(w, step->arg, step->how);
	if (s->mode != WORLD_CONN)
		return false;
	switch (step->action) {
	case WORLD_QUEUE:
		return act_queue(s);
	case WORLD_FINISH:
		return act_finish(s);
	case WORLD_CLOSE:
		return act_close(s);
	case WORLD_ABORT:
		return act_abort(s);
	case WORLD_RESUME:
		return act_resume(w, s);
	case WORLD_GROW:
		return act_grow(s);
	default:
		return act_send_room(w, step->arg, step->how);
	}
}

/* --- steps --- */

/* Neither goes back, and neither accepts what the other has not sent. */
static void check_progress(struct world *w, const struct world_side *before)
{
	for (int i = 0; i < 2; i++) {
		const struct mn_stream *a = &before[i].st, *b = &w->side[i].st;
		const struct mn_stream *peer = &w->side[!i].st;

		if (before[i].mode != WORLD_CONN)
			continue;
		world_need(w, a->state <= b->state, "a state goes back");
		world_need(w, a->snd_una <= b->snd_una && a->snd_max <= b->snd_max &&
			      a->rcv_nxt <= b->rcv_nxt, "an offset goes back");
		world_need(w, b->snd_nxt <= b->snd_end && b->snd_una <= b->snd_max,
			   "more is sent than there is");
		if (w->side[i].mode == WORLD_CONN && w->side[!i].mode == WORLD_CONN)
			world_need(w, b->snd_una <= peer->rcv_nxt && peer->rcv_nxt <= b->snd_max,
				   "more is accepted than was sent");
	}
}

/* The last word of a stream that ended in order. */
static void check_end(struct world *w, const struct world_side *s, const struct world_side *peer)
{
	const struct mn_stream *st = &s->st;

	if (!st->fin_known || !mn_stream_finished(st))
		return;
	world_need(w, st->stopped || s->taken == st->rcv_fin, "it ends before all is taken");
	if (peer->mode != WORLD_CONN)
		return;
	world_need(w, mn_stream_peer_finished(&peer->st), "it ends before the peer has its end");
	world_need(w, peer->st.fin_queued, "it ends before the peer does");
}

static void forget_ended(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		struct world_side *s = &w->side[i];

		if (s->mode != WORLD_CONN || s->st.state != MN_STREAM_OVER)
			continue;
		check_end(w, s, &w->side[!i]);
		mn_stream_end(&s->st, &world_pool);
		*s = (struct world_side){ .mode = WORLD_GONE };
		s->st.state = MN_STREAM_OVER;
		s->st.lost = MN_RECORD_NONE;
		s->st.rcv_fin = MN_OFFSET_NONE;
	}
}

static void check_records(struct world *w)
{
	uint32_t n = world_pool.n_free;

	for (int i = 0; i < 2; i++)
		for (uint32_t r = w->side[i].st.lost; r != MN_RECORD_NONE;
		     r = world_pool.all[r].next)
			n++;
	world_need(w, n == WORLD_RECORDS, "a record is lost");
}

static bool act(struct world *w, const struct world_step *step)
{
	switch (step->action) {
	case WORLD_DELIVER:
		return act_deliver(w, step->arg, step->how);
	case WORLD_ACKNOWLEDGE:
		return act_acknowledge(w, step->arg);
	case WORLD_DECLARE_LOST:
		return act_declare_lost(w, step->arg);
	case WORLD_VANISH:
		return act_vanish(w, step->arg);
	default:
		return act_on_side(w, step);
	}
}

bool world_step(struct world *w, const struct world_step *step)
{
	struct world_side before[2] = { w->side[0], w->side[1] };

	if (!act(w, step))
		return false;
	check_records(w);
	check_progress(w, before);
	forget_ended(w);
	return true;
}

bool world_calm_step(struct world *w, struct world_step *step)
{
	static const uint8_t actions[] = {
		WORLD_DELIVER, WORLD_ACKNOWLEDGE, WORLD_RESUME, WORLD_SEND, WORLD_SEND_ROOM,
		WORLD_GROW,
	};

	for (size_t i = 0; i < sizeof(actions); i++)
		for (uint8_t arg = 0; arg < WORLD_PACKETS; arg++) {
			*step = (struct world_step){ actions[i], arg, 0 };
			if (world_step(w, step))
				return true;
		}
	return false;
}

static const char *side_at_rest(const struct world_side *s, const struct world_side *peer)
{
	const struct mn_stream *st = &s->st;

	if (st->state != MN_STREAM_OPEN)
		return "a connection neither opens nor ends";
	if (st->fin_queued && st->stopped)
		return "a closed connection does not end";
	if (st->fin_queued && peer->st.fin_queued)
		return "two ends are no end";
	if (st->fin_queued && !mn_stream_peer_finished(&peer->st))
		return "an end does not arrive";
	if (!peer->st.stopped && peer->taken != st->snd_end)
		return "bytes do not arrive";
	if (st->snd_una < st->snd_end)
		return "bytes are not given back";
	if (peer->st.stopped && !st->peer_stopped && !st->fin_queued)
		return "a stop does not arrive";
	return NULL;
}

const char *world_is_at_rest(const struct world *w)
{
	const struct world_side *s = w->side;
	const char *missing;

	if (s[0].mode == WORLD_GONE)
		return s[1].mode == WORLD_CONN ? "one side is left alone" : NULL;
	if (s[1].mode != WORLD_CONN)
		return "one side is left alone";
	missing = side_at_rest(&s[0], &s[1]);
	return missing ? missing : side_at_rest(&s[1], &s[0]);
}
