// SPDX-License-Identifier: MIT
/* recovery.c - loss detection: RACK, tail-loss probe, retransmission timeout */
#include <errno.h>
#include <stdlib.h>

#include "transport/record.h"
#include "transport/recovery.h"

/* Reordering below this is not worth a retransmission: an interrupt's, a batch's. */
#define REO_MIN_US	20u
#define REO_MULT_MAX	16u
/* It grows to so much at least, however short the round trip is. */
#define REO_CAP_MIN_US	200u
/* A grown window is kept for so many recoveries (RFC 8985, 6.2). */
#define REO_KEEP	16u
/* A probe earlier than this would often be answered by a late acknowledgement. */
#define PROBE_MIN_US	150u
/* A lost packet is remembered for so many round trips, to notice that it was not lost. */
#define LOST_KEEP_RTTS	4u
#define LOST_KEEP_MIN_US	2000u
/* What can wait for the peer's next packet waits so long for it. */
#define LAZY_US		50000u

void mn_recovery_init(struct mn_recovery *r, mn_recovery_fn *fn, void *ctx, uint64_t now_us)
{
	*r = (struct mn_recovery){
		.head = 1,
		.next = 1,
		.look_from = 1,
		.reo_mult = 1,
		.sent_us = now_us,
		.progress_us = now_us,
		.fn = fn,
		.ctx = ctx,
	};
	mn_rtt_init(&r->rtt, now_us);
}

static bool is_under_way(const struct mn_sent *s)
{
	return s->state == MN_SENT_FLYING || s->state == MN_SENT_LAZY;
}

/* It is no longer under way; the caller gets its records. */
static void settle(struct mn_recovery *r, struct mn_sent *s, bool lost)
{
	if (s->state == MN_SENT_FLYING)
		r->inflight--;
	else
		r->lazy--;
	s->state = lost ? MN_SENT_LOST : MN_SENT_DONE;
	r->fn(r->ctx, s, lost);
	s->records = MN_RECORD_NONE;
}

void mn_recovery_fini(struct mn_recovery *r)
{
	for (uint64_t i = r->head; i != r->next; i++)
		if (is_under_way(mn_recovery_at(r, i)))
			settle(r, mn_recovery_at(r, i), true);
	free(r->ring);
	r->ring = NULL;
	r->size = 0;
}

static int resize(struct mn_recovery *r, uint32_t size)
{
	struct mn_sent *ring = malloc(size * sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (uint64_t i = r->head; i != r->next; i++)
		ring[i & (size - 1)] = *mn_recovery_at(r, i);
	free(r->ring);
	r->ring = ring;
	r->size = size;
	return 0;
}

static uint64_t lost_keep_us(const struct mn_recovery *r)
{
	uint64_t us = (uint64_t)LOST_KEEP_RTTS * mn_rtt_smoothed_us(&r->rtt);

	return us > LOST_KEEP_MIN_US ? us : LOST_KEEP_MIN_US;
}

/* Forgets what is over at the ring's beginning; lost packets sent before until_us, too. */
static void advance_head(struct mn_recovery *r, uint64_t until_us)
{
	while (r->head != r->next) {
		const struct mn_sent *s = mn_recovery_at(r, r->head);

		if (is_under_way(s) || (s->state == MN_SENT_LOST && s->sent_us >= until_us))
			break;
		r->head++;
	}
	if (r->look_from < r->head)
		r->look_from = r->head;
	if (r->moved_from < r->head)
		r->moved_from = r->head;
}

int mn_recovery_reserve(struct mn_recovery *r, uint64_t now_us)
{
	if (r->next - r->head < r->size)
		return 0;
	if (r->size)
		advance_head(r, now_us > lost_keep_us(r) ? now_us - lost_keep_us(r) : 0);
	if (r->next - r->head < r->size)
		return 0;
	if (r->size == MN_SENT_MAX) {
		advance_head(r, UINT64_MAX);
		return r->next - r->head < r->size ? 0 : -ENOSPC;
	}
	return resize(r, r->size ? 2 * r->size : MN_SENT_INITIAL);
}

void mn_recovery_trim(struct mn_recovery *r)
{
	if (r->size <= MN_SENT_INITIAL)
		return;
	advance_head(r, UINT64_MAX);
	if (r->head == r->next)
		resize(r, MN_SENT_INITIAL);
}

void mn_recovery_sent(struct mn_recovery *r, enum mn_sent_state state, uint32_t records,
		      uint32_t len, uint64_t now_us)
{
	struct mn_sent *s = mn_recovery_at(r, r->next);

	if (state == MN_SENT_FLYING) {
		if (!r->inflight)
			r->progress_us = now_us;
		r->inflight++;
		r->sent_us = now_us;
	} else if (state == MN_SENT_LAZY) {
		if (mn_recovery_idle(r))
			r->progress_us = now_us;
		r->lazy++;
	}
	*s = (struct mn_sent){
		.sent_us = now_us,
		.records = records,
		.len = len,
		.state = state,
	};
	r->next++;
}

static void arrived(struct mn_recovery *r, uint64_t number, uint64_t now_us, struct mn_acked *out)
{
	struct mn_sent *s = mn_recovery_at(r, number);

	out->any = true;
	if (s->state == MN_SENT_LOST) {
		s->state = MN_SENT_DONE;
		/* A packet that a probe replaced was late, not lost. */
		out->spurious |= !s->probed;
		out->undo |= r->timed_out && number < r->timed_out_end;
	} else {
		out->delivered += s->state == MN_SENT_FLYING;
		out->repaired += s->probed;
		settle(r, s, false);
	}
	if (number > r->top) {
		r->top = number;
		out->rtt_us = now_us > s->sent_us ? now_us - s->sent_us : 1;
	}
}

void mn_recovery_ack(struct mn_recovery *r, uint64_t first, uint64_t end, uint64_t now_us,
		     struct mn_acked *out)
{
	if (first < r->head)
		first = r->head;
	for (uint64_t i = first; i < end; i++)
		if (mn_recovery_at(r, i)->state != MN_SENT_DONE)
			arrived(r, i, now_us, out);
}

static void adapt_reordering(struct mn_recovery *r)
{
	if (r->top < r->reo_end)
		return;
	if (r->reo_mult < REO_MULT_MAX)
		r->reo_mult++;
	r->reo_keep = REO_KEEP;
	r->reo_end = r->next;
}

uint32_t mn_recovery_acked(struct mn_recovery *r, uint64_t now_us, struct mn_acked *out)
{
	if (!out->any)
		return 0;
	if (out->rtt_us)
		r->top_rtt_us = out->rtt_us;
	if (out->spurious)
		adapt_reordering(r);
	if (out->undo)
		r->timed_out = false;
	r->progress_us = now_us;
	r->backoff = 0;
	r->probing = false;
	advance_head(r, now_us > lost_keep_us(r) ? now_us - lost_keep_us(r) : 0);
	return mn_recovery_detect(r, now_us);
}

static uint32_t reordering_us(const struct mn_recovery *r)
{
	uint32_t part = mn_rtt_min_us(&r->rtt) / 4, srtt = mn_rtt_smoothed_us(&r->rtt);
	uint64_t wnd = (uint64_t)r->reo_mult * (part > REO_MIN_US ? part : REO_MIN_US);
	uint32_t cap = 2 * srtt > REO_CAP_MIN_US ? 2 * srtt : REO_CAP_MIN_US;

	/*
	 * One round trip (RFC 8985) is too little where it is short: a packet that is overtaken
	 * waits for the next ones, and they for the engines' next turns and for the application,
	 * of which the round trip without the acknowledgement's delay knows nothing.
	 */
	if (wnd > cap)
		wnd = cap;
	return wnd > REO_MIN_US ? wnd : REO_MIN_US;
}

/* A recovery begins: a grown window wears off with their number. */
static void count_recovery(struct mn_recovery *r)
{
	if (r->reo_keep && !--r->reo_keep)
		r->reo_mult = 1;
}

/* Gives up those of [*from, end) that were sent so long ago; returns when the next one will be. */
static uint64_t give_up(struct mn_recovery *r, uint64_t *from, uint64_t end, uint32_t wait_us,
			uint64_t now_us, uint32_t *lost)
{
	for (; *from < end; ++*from) {
		struct mn_sent *s = mn_recovery_at(r, *from);

		if (!is_under_way(s))
			continue;
		/* Later packets were sent later. */
		if (s->sent_us + wait_us > now_us)
			return s->sent_us + wait_us;
		*lost += s->state == MN_SENT_FLYING;
		settle(r, s, true);
	}
	return 0;
}

uint32_t mn_recovery_detect(struct mn_recovery *r, uint64_t now_us)
{
	uint32_t wait_us = r->top_rtt_us + reordering_us(r), lost = 0;

	r->moved_deadline_us = 0;
	if (r->top >= r->moved_end)
		r->moved_deadline_us = give_up(r, &r->moved_from, r->moved_end, r->moved_wait_us,
					       now_us, &lost);
	r->reo_deadline_us = give_up(r, &r->look_from, r->top, wait_us, now_us, &lost);
	if (lost)
		count_recovery(r);
	return lost;
}

uint64_t mn_recovery_detect_us(const struct mn_recovery *r)
{
	uint64_t reo_us = r->reo_deadline_us, moved_us = r->moved_deadline_us;

	return !reo_us || (moved_us && moved_us < reo_us) ? moved_us : reo_us;
}

void mn_recovery_probe(struct mn_recovery *r)
{
	uint64_t i = r->next - 1;

	r->probing = true;
	while (i >= r->head && mn_recovery_at(r, i)->state != MN_SENT_FLYING)
		i--;
	if (i < r->head)
		return;
	mn_recovery_at(r, i)->probed = true;
	settle(r, mn_recovery_at(r, i), true);
}

bool mn_recovery_timeout(struct mn_recovery *r, uint64_t now_us)
{
	bool flying = r->inflight;

	for (uint64_t i = r->head; i != r->next; i++)
		if (is_under_way(mn_recovery_at(r, i)))
			settle(r, mn_recovery_at(r, i), true);
	r->look_from = r->moved_from = r->next;
	r->probing = false;
	r->reo_deadline_us = r->moved_deadline_us = 0;
	r->progress_us = now_us;
	r->timed_out = flying;
	if (flying) {
		r->backoff++;
		r->timed_out_end = r->next;
	}
	return flying;
}

uint64_t mn_recovery_timeout_us(const struct mn_recovery *r)
{
	uint64_t rto = mn_rtt_rto_us(&r->rtt, r->backoff);

	if (!r->inflight && rto < LAZY_US)
		rto = LAZY_US;
	return r->progress_us + rto;
}

uint64_t mn_recovery_probe_us(const struct mn_recovery *r)
{
	uint32_t srtt = mn_rtt_smoothed_us(&r->rtt), wait;

	if (r->probing || !r->inflight || !srtt || r->backoff || r->reo_deadline_us)
		return 0;
	wait = srtt > r->rtt.var4 ? 2 * srtt : srtt + r->rtt.var4;
	/* Where packets are overtaken, the last one may be late, too. */
	if (r->reo_mult > 1)
		wait += reordering_us(r);
	/* The only packet may be held back by the receiver's delayed acknowledgement. */
	if (r->inflight == 1)
		wait += r->rtt.ack_delay_us;
	return r->sent_us + (wait > PROBE_MIN_US ? wait : PROBE_MIN_US);
}

bool mn_recovery_is_settled(const struct mn_recovery *r, uint64_t *from, uint64_t end)
{
	if (*from < r->head)
		*from = r->head;
	while (*from < end && *from < r->next && !is_under_way(mn_recovery_at(r, *from)))
		++*from;
	return *from >= end;
}

/*
 * What is under way is not compared with what is sent from now on by the reordering window. Nor can
 * it wait for the timeout, which later packets put off as long as they are acknowledged: it is lost
 * when one of those has arrived and as much time has passed as the timeout would take.
 */
void mn_recovery_moved(struct mn_recovery *r)
{
	uint32_t rto_us = mn_rtt_rto_us(&r->rtt, 0);

	if (r->moved_from >= r->moved_end) {
		r->moved_from = r->look_from;
		r->moved_wait_us = 0;
	}
	if (r->moved_wait_us < rto_us)
		r->moved_wait_us = rto_us;
	r->moved_end = r->look_from = r->next;
	r->top = r->next - 1;
	r->reo_deadline_us = r->moved_deadline_us = 0;
}
