// SPDX-License-Identifier: MIT
/* path_timer.c - what happens to a path when nothing happens */
#include "transport/stack_priv.h"

/* A path that waits for records of others looks again after so long. */
#define RECORDS_US	1000u

/* When the next packet may be sent: windows below one packet are times. */
static uint64_t pace_end_us(const struct mn_path *p)
{
	return p->rec.sent_us + mn_swift_pace_us(&p->swift, mn_rtt_smoothed_us(&p->rec.rtt));
}

bool mn_path_may_send(const struct mn_path *p)
{
	uint32_t cwnd = mn_swift_cwnd(&p->swift), inflight = p->rec.inflight;

	if (p->probe_due || p->insist)
		return true;
	if (inflight >= p->window)
		return false;
	if (cwnd)
		return inflight < cwnd;
	return !inflight && pace_end_us(p) <= p->stack->now_us;
}

static bool wants_packet(const struct mn_path *p)
{
	return p->ping_due || p->rooms_left || p->refuses != MN_RECORD_NONE ||
	       !mn_list_empty(&p->ready);
}

/* Something waits only for its time to be sent. */
static bool is_paced(const struct mn_path *p)
{
	return !p->rec.inflight && !mn_swift_cwnd(&p->swift) && wants_packet(p) &&
	       !mn_path_may_send(p);
}

/* It has something to send and no record, and no acknowledgement of its own will bring one. */
static bool is_starved(const struct mn_path *p)
{
	return mn_recovery_idle(&p->rec) && !mn_list_empty(&p->ready) &&
	       mn_records_spare(&p->stack->records, p->slot) < 2;
}

void mn_path_rearm(struct mn_path *p)
{
	const struct mn_recovery *r = &p->rec;
	uint64_t at = MN_TIMER_NONE, probe_us, detect_us = mn_recovery_detect_us(r);

	if (!mn_recovery_idle(r)) {
		at = mn_recovery_timeout_us(r);
		probe_us = mn_recovery_probe_us(r);
		if (probe_us && probe_us < at)
			at = probe_us;
		if (detect_us && detect_us < at)
			at = detect_us;
	}
	if (is_paced(p) && pace_end_us(p) < at)
		at = pace_end_us(p);
	if (at == MN_TIMER_NONE && is_starved(p))
		at = p->stack->now_us + RECORDS_US;
	if (at == MN_TIMER_NONE)
		mn_timer_clear(&p->rtx);
	else
		mn_timer_set(&p->stack->wheel, &p->rtx, at);
}

static void lost(struct mn_path *p, uint32_t n)
{
	p->tx_lost += n;
	p->stack->stats.tx_lost += n;
	mn_swift_lost(&p->swift, n);
}

static void timeout_fire(struct mn_path *p)
{
	struct mn_recovery *r = &p->rec;

	if (!mn_recovery_timeout(r, p->stack->now_us))
		return;
	p->stack->stats.rto_fired++;
	mn_swift_timeout(&p->swift, r->backoff);
	p->insist = true;
	p->ask_alone = mn_path_suspects_size(p);
	mn_path_timed_out(p);
}

static void handshake_fire(struct mn_path *p)
{
	uint64_t now_us = p->stack->now_us;

	if (p->state == MN_PATH_HALF_OPEN || now_us - p->since_us >= MN_INIT_GIVE_UP_US)
		mn_path_end(p, p->peer->unreachable ? MN_END_UNREACHABLE : MN_END_TIMED_OUT,
			    MN_WIRE_CODE_NONE);
	else
		mn_path_send_init(p);
}

static void stream_fire(struct mn_path *p)
{
	struct mn_recovery *r = &p->rec;
	uint64_t now_us = p->stack->now_us, probe_us = mn_recovery_probe_us(r);
	uint64_t detect_us = mn_recovery_detect_us(r);

	if (detect_us && detect_us <= now_us) {
		lost(p, mn_recovery_detect(r, now_us));
	} else if (probe_us && probe_us <= now_us) {
		mn_recovery_probe(r);
		p->probe_due = true;
		p->stack->stats.tlp_fired++;
	} else if (!mn_recovery_idle(r) && mn_recovery_timeout_us(r) <= now_us) {
		timeout_fire(p);
	}
	mn_path_check_moves(p);
	mn_path_rearm(p);
	mn_path_ready(p);
}

static void rtx_fire(struct mn_timer *t, void *ctx)
{
	struct mn_path *p = mn_container(t, struct mn_path, rtx);

	(void)ctx;
	if (p->state == MN_PATH_OPEN)
		stream_fire(p);
	else
		handshake_fire(p);
}

static void ack_fire(struct mn_timer *t, void *ctx)
{
	struct mn_path *p = mn_container(t, struct mn_path, ack);

	(void)ctx;
	p->ack_now = true;
	mn_path_ready(p);
}

/* NONE: all is well. */
static enum mn_end check_peer(const struct mn_path *p)
{
	uint64_t silent_us = p->stack->now_us - p->received_us;

	if (p->unanswered >= MN_KEEPALIVE_TRIES && silent_us >= MN_DEAD_US)
		return MN_END_TIMED_OUT;
	return mn_path_is_hole(p) ? MN_END_TIMED_OUT : MN_END_NONE;
}

/* The side that opened it closes it first: both do not open and close against each other. */
static bool is_of_no_use(const struct mn_path *p)
{
	uint64_t idle_us = p->opened_here ? MN_PATH_IDLE_US : 3 * MN_PATH_IDLE_US;

	return p->empty_us && mn_list_empty(&p->coming) && mn_recovery_idle(&p->rec) &&
	       p->refuses == MN_RECORD_NONE &&
	       p->stack->now_us - p->empty_us >= idle_us;
}

static void idle_fire(struct mn_timer *t, void *ctx)
{
	struct mn_path *p = mn_container(t, struct mn_path, idle);
	struct mn_stack *s = p->stack;
	uint64_t next_us = p->received_us + MN_KEEPALIVE_US;
	enum mn_end why = check_peer(p);

	(void)ctx;
	if (why == MN_END_TIMED_OUT && p->peer->unreachable)
		why = MN_END_UNREACHABLE;
	if (why != MN_END_NONE || is_of_no_use(p)) {
		mn_path_end(p, why,
			    why == MN_END_NONE ? MN_WIRE_CODE_CLOSED : MN_WIRE_CODE_ABORTED);
		return;
	}
	mn_path_retry_size(p);
	if (next_us <= s->now_us) {
		mn_recovery_trim(&p->rec);
		p->unanswered++;
		p->ping_due = true;
		s->stats.tx_probes++;
		mn_path_ready(p);
		next_us = s->now_us + MN_KEEPALIVE_US;
	}
	mn_timer_set(&s->wheel, &p->idle, next_us);
}

void mn_path_timers_init(struct mn_path *p)
{
	mn_timer_init(&p->rtx, rtx_fire);
	mn_timer_init(&p->ack, ack_fire);
	mn_timer_init(&p->idle, idle_fire);
}
