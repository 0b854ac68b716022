// SPDX-License-Identifier: MIT
/* conn_timer.c - what happens to a connection when nothing happens */
#include "transport1/stack_priv.h"

/*
 * Our first packet makes the peer's end come up. When it is lost, and nothing else is said, the
 * peer never knows; so as long as it is silent it is asked, first soon, then less and less.
 */
#define CONFIRM_TRIES	6u

static void handshake_fire(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	if (c->accepted || s->now_us - c->since_us >= MN_SYN_GIVE_UP_US) {
		mn_conn_end(c, MN_END_TIMED_OUT, 0);
		return;
	}
	mn_conn_handshake_started(c);
}

void mn_conn_handshake_started(struct mn_conn *c)
{
	uint64_t now_us = c->stack->now_us, end_us = c->since_us + MN_SYN_GIVE_UP_US;
	uint64_t next_us = c->accepted ? end_us : now_us + (MN_SYN_RETRY_US << c->syn_tries);

	c->syn_tries++;
	c->syn_due = true;
	mn_timer_set(&c->stack->wheel, &c->rtx, next_us < end_us ? next_us : end_us);
	mn_conn_ready(c);
}

/* When the next packet may be sent: windows below one packet are times. */
static uint64_t pace_end_us(const struct mn_conn *c)
{
	return c->rec.sent_us + mn_swift_pace_us(&c->swift, mn_rtt_smoothed_us(&c->rec.rtt));
}

bool mn_conn_may_send(const struct mn_conn *c)
{
	uint32_t cwnd = mn_swift_cwnd(&c->swift), inflight = c->rec.inflight;

	/* Credit is packets as well: small ones take as many descriptors as large ones. */
	if (inflight > 1 && c->snd_una + (uint64_t)inflight * c->mss >= c->snd_limit)
		return false;
	if (cwnd)
		return inflight < cwnd;
	return !c->rec.inflight && pace_end_us(c) <= c->stack->now_us;
}

/* Something waits only for its time to be sent. */
static bool is_paced(const struct mn_conn *c)
{
	bool due = c->rec.lost || (c->fin_queued && !c->fin_sent) ||
		   (c->snd_nxt < c->snd_end && c->snd_nxt < c->snd_limit);

	return due && !c->rec.inflight && !mn_swift_cwnd(&c->swift) && !mn_conn_may_send(c);
}

/* Data waits for credit, and nothing is under way that would bring some. */
static bool waits_for_credit(const struct mn_conn *c)
{
	return mn_recovery_empty(&c->rec) && c->snd_nxt < c->snd_end && c->snd_limit <= c->snd_nxt;
}

/* The peer took its credit back: it cannot take even the oldest packet. */
static bool credit_is_closed(const struct mn_conn *c)
{
	const struct mn_sent *head = mn_recovery_at(&c->rec, c->rec.head);

	return head->len && head->seq + head->len > c->snd_limit;
}

static void timeout_fire(struct mn_conn *c)
{
	uint64_t now_us = c->stack->now_us;

	if (credit_is_closed(c)) {
		/* No loss, and nothing to send again. */
		c->rec.backoff++;
		c->rec.progress_us = now_us;
		c->probe_due = true;
		return;
	}
	c->stack->stats.rto_fired++;
	mn_recovery_timeout(&c->rec, now_us);
	mn_swift_timeout(&c->swift, c->rec.backoff);
	c->insist = true;
}

static void stream_fire(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	struct mn_recovery *r = &c->rec;
	uint64_t probe_us = mn_recovery_probe_us(r);

	if (r->reo_deadline_us && r->reo_deadline_us <= s->now_us) {
		mn_swift_lost(&c->swift, mn_recovery_detect(r, s->now_us));
	} else if (probe_us && probe_us <= s->now_us) {
		r->probing = true;
		c->tlp_due = true;
		s->stats.tlp_fired++;
	} else if (!mn_recovery_empty(r) && mn_recovery_timeout_us(r) <= s->now_us) {
		/* What is lost and was not sent again yet is no new loss: the time starts anew. */
		if (r->inflight || !r->lost || credit_is_closed(c))
			timeout_fire(c);
		else
			r->progress_us = s->now_us;
	} else if (c->persist_us && c->persist_us <= s->now_us) {
		c->persist_us = 0;
		c->persist_tries++;
		c->probe_due = true;
	}
	mn_conn_rearm(c);
	mn_conn_ready(c);
}

static void rtx_fire(struct mn_timer *t, void *ctx)
{
	struct mn_conn *c = mn_container(t, struct mn_conn, rtx);

	(void)ctx;
	if (mn_conn_has_stream(c))
		stream_fire(c);
	else
		handshake_fire(c);
}

void mn_conn_rearm(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	const struct mn_recovery *r = &c->rec;
	uint64_t at = MN_TIMER_NONE;

	if (!mn_recovery_empty(r)) {
		at = r->reo_deadline_us ? r->reo_deadline_us : mn_recovery_probe_us(r);
		if (!at || at > mn_recovery_timeout_us(r))
			at = mn_recovery_timeout_us(r);
	}
	if (!waits_for_credit(c))
		c->persist_us = 0;
	else if (!c->persist_us)
		c->persist_us = s->now_us + mn_rtt_rto_us(&r->rtt, c->persist_tries);
	if (c->persist_us)
		at = c->persist_us;
	if (is_paced(c))
		at = pace_end_us(c);
	if (at == MN_TIMER_NONE)
		mn_timer_clear(&c->rtx);
	else
		mn_timer_set(&s->wheel, &c->rtx, at);
}

static void ack_fire(struct mn_timer *t, void *ctx)
{
	struct mn_conn *c = mn_container(t, struct mn_conn, ack);

	(void)ctx;
	c->ack_now = true;
	mn_conn_ready(c);
}

/* Closed, and the peer accepts nothing, or too slowly, of what was sent before. */
static bool cannot_finish(struct mn_conn *c)
{
	uint64_t now_us = c->stack->now_us;

	if (c->state != MN_CONN_CLOSING || c->fin_acked)
		return false;
	if (c->finish_una != c->snd_una) {
		c->finish_una = c->snd_una;
		c->finish_us = now_us;
	}
	if (now_us - c->finish_us < MN_FINISH_IDLE_US && now_us - c->closed_us < MN_FINISH_US)
		return false;
	c->stack->stats.finish_timeouts++;
	return true;
}

/* NONE: all is well. */
static enum mn_end check_peer(struct mn_conn *c)
{
	uint64_t now_us = c->stack->now_us;

	if (c->unanswered >= MN_KEEPALIVE_TRIES && now_us - c->heard_us >= MN_DEAD_US)
		return MN_END_TIMED_OUT;
	/* It got everything, but does not close its end. */
	if (c->state == MN_CONN_CLOSING && c->fin_acked && now_us - c->since_us >= MN_DEAD_US)
		return MN_END_CLOSED;
	if (!mn_recovery_empty(&c->rec) && c->rec.backoff >= MN_NO_PROGRESS_TRIES &&
	    !credit_is_closed(c))
		return MN_END_TIMED_OUT;
	return cannot_finish(c) ? MN_END_TIMED_OUT : MN_END_NONE;
}

static void keepalive(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	enum mn_end why = check_peer(c);
	uint64_t next_us = c->heard_us + MN_KEEPALIVE_US;

	if (!c->answered && c->syn_tries < CONFIRM_TRIES) {
		c->probe_due = true;
		mn_conn_ready(c);
		mn_timer_set(&s->wheel, &c->idle, s->now_us + (MN_SYN_RETRY_US << ++c->syn_tries));
		return;
	}
	if (why == MN_END_TIMED_OUT && c->unreachable)
		why = MN_END_UNREACHABLE;
	if (why != MN_END_NONE) {
		mn_conn_end(c, why, MN_WIRE_CODE_ABORTED);
		return;
	}
	if (next_us <= s->now_us) {
		mn_recovery_trim(&c->rec);
		c->unanswered++;
		c->probe_due = true;
		mn_conn_ready(c);
		next_us = s->now_us + MN_KEEPALIVE_US;
	}
	mn_timer_set(&s->wheel, &c->idle, next_us);
}

static void idle_fire(struct mn_timer *t, void *ctx)
{
	struct mn_conn *c = mn_container(t, struct mn_conn, idle);

	(void)ctx;
	if (c->state == MN_CONN_LAST_ACK)
		mn_conn_end(c, MN_END_PEER_CLOSED, 0);
	else if (c->state == MN_CONN_LINGER)
		mn_conn_end(c, MN_END_CLOSED, 0);
	else
		keepalive(c);
}

void mn_conn_timers_init(struct mn_conn *c)
{
	mn_timer_init(&c->rtx, rtx_fire);
	mn_timer_init(&c->ack, ack_fire);
	mn_timer_init(&c->idle, idle_fire);
}
