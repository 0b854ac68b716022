// SPDX-License-Identifier: MIT
/* recovery.c - loss detection: RACK, tail-loss probe, retransmission timeout */
#include <errno.h>
#include <stdlib.h>

#include "transport1/recovery.h"

/* Reordering below this is not worth a retransmission: an interrupt's, a batch's. */
#define REO_MIN_US	20u
#define REO_MULT_MAX	16u
/* A grown window is kept for so many recoveries (RFC 8985, 6.2). */
#define REO_KEEP	16u
/* A probe earlier than this would often be answered by a late acknowledgement. */
#define PROBE_MIN_US	150u

void mn_recovery_clear(struct mn_recovery *r)
{
	r->head = r->tail = r->lost_from = 0;
	r->inflight = r->lost = r->sacked = r->resent = 0;
	r->rack_sent_us = r->rack_end = 0;
	r->fack = 0;
	r->reo_deadline_us = 0;
	r->backoff = 0;
	r->probing = false;
	r->timed_out = false;
}

void mn_recovery_init(struct mn_recovery *r, uint64_t now_us)
{
	*r = (struct mn_recovery){
		.reo_mult = 1,
		.sent_us = now_us,
		.progress_us = now_us,
	};
	mn_rtt_init(&r->rtt, now_us);
}

static int resize(struct mn_recovery *r, uint32_t size)
{
	struct mn_sent *ring = malloc(size * sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (uint32_t i = r->head; i != r->tail; i++)
		ring[i & (size - 1)] = *mn_recovery_at(r, i);
	free(r->ring);
	r->ring = ring;
	r->size = size;
	return 0;
}

int mn_recovery_reserve(struct mn_recovery *r)
{
	if (r->tail - r->head < r->size)
		return 0;
	if (r->size == MN_SENT_MAX)
		return -ENOSPC;
	return resize(r, r->size ? 2 * r->size : MN_SENT_INITIAL);
}

void mn_recovery_trim(struct mn_recovery *r)
{
	if (mn_recovery_empty(r) && r->size > MN_SENT_INITIAL)
		resize(r, MN_SENT_INITIAL);
}

void mn_recovery_fini(struct mn_recovery *r)
{
	free(r->ring);
	r->ring = NULL;
	r->size = 0;
}

struct mn_sent *mn_recovery_sent(struct mn_recovery *r, uint64_t seq, uint32_t len, uint64_t now_us)
{
	struct mn_sent *s = mn_recovery_at(r, r->tail);

	if (mn_recovery_empty(r))
		r->progress_us = now_us;
	r->tail++;
	r->inflight++;
	r->sent_us = now_us;
	*s = (struct mn_sent){ .seq = seq, .len = len, .sent_us = now_us };
	return s;
}

void mn_recovery_resent(struct mn_recovery *r, struct mn_sent *s, uint64_t now_us)
{
	if (s->flags & MN_SENT_LOST) {
		s->flags &= ~MN_SENT_LOST;
		r->lost--;
		r->inflight++;
	}
	if (!s->resent) {
		s->resent = 1;
		r->resent++;
	}
	s->flags &= ~MN_SENT_PROBE;
	s->sent_us = now_us;
	r->sent_us = now_us;
}

/* Of two packets, the one sent later; in one turn of the engine the later in the stream. */
static bool sent_after(uint64_t us_a, uint64_t end_a, uint64_t us_b, uint64_t end_b)
{
	return us_a != us_b ? us_a > us_b : end_a > end_b;
}

/* The echo is of a transmission before the last one. */
static bool echoes_earlier(const struct mn_sent *s, uint32_t ts_echo)
{
	return ts_echo && (int32_t)(ts_echo - (uint32_t)s->sent_us) < 0;
}

/* A record is heard of for the first time. */
static void deliver(struct mn_recovery *r, struct mn_sent *s, uint32_t ts_echo, uint64_t now_us,
		    struct mn_acked *out)
{
	uint64_t end = mn_sent_end(s);
	bool needless = s->resent ? echoes_earlier(s, ts_echo) : (s->flags & MN_SENT_LOST) != 0;

	out->delivered++;
	out->spurious |= needless;
	if (s->flags & MN_SENT_LOST)
		r->lost--;
	else
		r->inflight--;
	if (s->resent)
		r->resent--;
	if ((s->flags & MN_SENT_PROBE) && !needless)
		out->repaired++;
	if (end > r->fack)
		r->fack = end;
	if (s->resent && needless)
		return;
	if (sent_after(s->sent_us, end, r->rack_sent_us, r->rack_end)) {
		r->rack_sent_us = s->sent_us;
		r->rack_end = end;
		r->rack_rtt_us = now_us - s->sent_us;
	}
}

static void ack_cumulative(struct mn_recovery *r, uint64_t ack, uint32_t ts_echo, uint64_t now_us,
			   struct mn_acked *out)
{
	struct mn_sent *s;

	while (!mn_recovery_empty(r)) {
		s = mn_recovery_at(r, r->head);
		if (mn_sent_end(s) > ack)
			break;
		if (s->flags & MN_SENT_SACKED)
			r->sacked--;
		else
			deliver(r, s, ts_echo, now_us, out);
		r->head++;
		out->progress = true;
	}
	if (!mn_recovery_empty(r) && s->seq < ack) {
		s->len -= ack - s->seq;
		s->seq = ack;
		out->progress = true;
	}
	if ((int32_t)(r->lost_from - r->head) < 0)
		r->lost_from = r->head;
}

/* Index of the first record that begins at or behind seq. */
static uint32_t find_from(const struct mn_recovery *r, uint64_t seq)
{
	uint32_t lo = r->head, n = r->tail - r->head;

	while (n) {
		uint32_t half = n / 2;

		if (mn_recovery_at(r, lo + half)->seq < seq) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return lo;
}

static void ack_range(struct mn_recovery *r, const struct mn_wire_sack *range, uint32_t ts_echo,
		      uint64_t now_us, struct mn_acked *out)
{
	for (uint32_t i = find_from(r, range->start); i != r->tail; i++) {
		struct mn_sent *s = mn_recovery_at(r, i);

		if (mn_sent_end(s) > range->end)
			break;
		if (s->flags & MN_SENT_SACKED)
			continue;
		deliver(r, s, ts_echo, now_us, out);
		s->flags = (s->flags & MN_SENT_FIN) | MN_SENT_SACKED;
		r->sacked++;
	}
}

/* Losses that a needless timeout invented are in the network after all. */
static void undo_timeout(struct mn_recovery *r)
{
	for (uint32_t i = r->head; i != r->tail; i++)
		mn_recovery_at(r, i)->flags &= ~MN_SENT_LOST;
	r->inflight += r->lost;
	r->lost = 0;
	r->timed_out = false;
}

static void adapt_reordering(struct mn_recovery *r, uint64_t ack, bool spurious)
{
	if (!spurious || ack < r->reo_end)
		return;
	if (r->reo_mult < REO_MULT_MAX)
		r->reo_mult++;
	r->reo_keep = REO_KEEP;
	r->reo_end = r->fack;
}

void mn_recovery_ack(struct mn_recovery *r, uint64_t ack, const struct mn_wire_sack *sack,
		     int n_sack, uint32_t ts_echo, uint64_t now_us, struct mn_acked *out)
{
	*out = (struct mn_acked){ 0 };
	ack_cumulative(r, ack, ts_echo, now_us, out);
	for (int i = 0; i < n_sack; i++)
		ack_range(r, &sack[i], ts_echo, now_us, out);
	if (out->spurious && r->timed_out)
		undo_timeout(r);
	adapt_reordering(r, ack, out->spurious);
	if (out->progress) {
		r->progress_us = now_us;
		r->backoff = 0;
		r->probing = false;
	}
	if (mn_recovery_empty(r))
		r->timed_out = false;
}

static uint32_t reordering_us(const struct mn_recovery *r)
{
	uint32_t part = mn_rtt_min_us(&r->rtt) / 4, srtt = mn_rtt_smoothed_us(&r->rtt);
	uint64_t wnd = (uint64_t)r->reo_mult * (part > REO_MIN_US ? part : REO_MIN_US);

	/*
	 * One round trip (RFC 8985) is too little where it is short: a packet that is overtaken
	 * waits for the next ones, and they for the engine's next turns.
	 */
	if (wnd > 2 * srtt)
		wnd = 2 * srtt;
	return wnd > REO_MIN_US ? wnd : REO_MIN_US;
}

static void mark_lost(struct mn_recovery *r, uint32_t index)
{
	mn_recovery_at(r, index)->flags |= MN_SENT_LOST;
	r->inflight--;
	if (!r->lost++ || (int32_t)(index - r->lost_from) < 0)
		r->lost_from = index;
}

/* A recovery begins: a grown window wears off with their number. */
static void count_recovery(struct mn_recovery *r)
{
	if (r->reo_keep && !--r->reo_keep)
		r->reo_mult = 1;
}

uint32_t mn_recovery_detect(struct mn_recovery *r, uint64_t now_us)
{
	uint32_t wait = r->rack_rtt_us + reordering_us(r), before = r->lost;

	r->reo_deadline_us = 0;
	/* Nothing out of order was heard of, so nothing older is missing. */
	if (!r->sacked && !r->resent)
		return 0;
	for (uint32_t i = r->head; i != r->tail; i++) {
		struct mn_sent *s = mn_recovery_at(r, i);
		uint64_t deadline = s->sent_us + wait;

		if (s->flags & (MN_SENT_SACKED | MN_SENT_LOST))
			continue;
		if (!sent_after(r->rack_sent_us, r->rack_end, s->sent_us, mn_sent_end(s)))
			continue;
		if (deadline <= now_us)
			mark_lost(r, i);
		else if (!r->reo_deadline_us || deadline < r->reo_deadline_us)
			r->reo_deadline_us = deadline;
	}
	if (r->lost && !before)
		count_recovery(r);
	return r->lost - before;
}

/* The peer says that it has what it then asks for again: believe the latter (RFC 2018, 8). */
static void forget_sacks(struct mn_recovery *r)
{
	for (uint32_t i = r->head; i != r->tail; i++) {
		struct mn_sent *s = mn_recovery_at(r, i);

		if (!(s->flags & MN_SENT_SACKED))
			continue;
		s->flags &= ~MN_SENT_SACKED;
		r->inflight++;
		if (s->resent)
			r->resent++;
	}
	r->sacked = 0;
}

void mn_recovery_timeout(struct mn_recovery *r, uint64_t now_us)
{
	if (mn_recovery_at(r, r->head)->flags & MN_SENT_SACKED)
		forget_sacks(r);
	for (uint32_t i = r->head; i != r->tail; i++)
		if (!(mn_recovery_at(r, i)->flags & (MN_SENT_SACKED | MN_SENT_LOST)))
			mark_lost(r, i);
	r->backoff++;
	r->probing = false;
	r->timed_out = true;
	r->reo_deadline_us = 0;
	r->progress_us = now_us;
}

struct mn_sent *mn_recovery_first_lost(struct mn_recovery *r)
{
	if (!r->lost)
		return NULL;
	while (!(mn_recovery_at(r, r->lost_from)->flags & MN_SENT_LOST))
		r->lost_from++;
	return mn_recovery_at(r, r->lost_from);
}

uint64_t mn_recovery_timeout_us(const struct mn_recovery *r)
{
	uint64_t from = mn_recovery_at(r, r->head)->sent_us;

	if (from < r->progress_us)
		from = r->progress_us;
	return from + mn_rtt_rto_us(&r->rtt, r->backoff);
}

uint64_t mn_recovery_probe_us(const struct mn_recovery *r)
{
	uint32_t srtt = mn_rtt_smoothed_us(&r->rtt), wait;

	if (r->probing || r->lost || r->sacked || !r->inflight || !srtt || r->backoff)
		return 0;
	wait = srtt > r->rtt.var4 ? 2 * srtt : srtt + r->rtt.var4;
	/* The only packet may be held back by the receiver's delayed acknowledgement. */
	if (r->inflight == 1)
		wait += r->rtt.ack_delay_us;
	return r->sent_us + (wait > PROBE_MIN_US ? wait : PROBE_MIN_US);
}
