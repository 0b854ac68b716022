// SPDX-License-Identifier: MIT
/* conn_input.c - packets that belong to a connection */
#include "transport1/stack_priv.h"

/* Round trip by the echoed timestamp; 0: none. */
static struct mn_swift_delay measure_rtt(struct mn_conn *c, const struct mn_seg *seg)
{
	uint64_t now_us = c->stack->now_us;
	int32_t rtt = (uint32_t)now_us - seg->ts_echo - seg->ack_delay;
	uint64_t unseen = (uint64_t)seg->wait + c->stack->wait_us;

	if (!seg->ts_echo)
		return (struct mn_swift_delay){ 0 };
	if (rtt < 1)
		rtt = 1;
	mn_rtt_sample(&c->rec.rtt, rtt, now_us);
	mn_rtt_delayed(&c->rec.rtt, seg->ack_delay);
	return (struct mn_swift_delay){ rtt, unseen < (uint32_t)rtt ? rtt - unseen : 0 };
}

static void receive_syn_ack(struct mn_conn *c, const struct mn_seg *seg)
{
	struct mn_stack *s = c->stack;

	if (mn_conn_has_stream(c) && seg->syn.id == c->remote_id) {
		/* Our answer to it was lost. */
		c->ack_now = true;
		mn_conn_ready(c);
		return;
	}
	if (c->state != MN_CONN_SYN_SENT) {
		s->stats.drop_bad_state++;
		return;
	}
	c->heard_us = s->now_us;
	c->remote_engine = seg->syn.engine;
	c->peer_mss = seg->syn.mss;
	c->snd_limit = seg->credit;
	c->credit_max = seg->credit;
	c->limit_ts = seg->ts;
	measure_rtt(c, seg);
	if (mn_stack_conn_set_peer(c, seg->syn.id) || mn_conn_establish(c)) {
		mn_conn_end(c, MN_END_RESET, MN_WIRE_CODE_ABORTED);
		return;
	}
	c->echo_ts = seg->ts;
	c->echo_us = s->now_us;
	c->echo_wait_us = s->wait_us;
	/* At once, also without anything to say: it makes the peer's end come up. */
	c->ack_now = true;
	mn_conn_ready(c);
}

/* The listener remembers nothing of our SYN until it comes with the cookie. */
static void receive_retry(struct mn_conn *c, const struct mn_seg *seg)
{
	struct mn_stack_stats *st = &c->stack->stats;

	if (c->state != MN_CONN_SYN_SENT) {
		st->drop_bad_state++;
		return;
	}
	st->syn_cookies_received++;
	/* The answer to a repetition: it was answered. */
	if (c->cookie == seg->syn.cookie)
		return;
	c->cookie = seg->syn.cookie;
	c->syn_due = true;
	mn_conn_ready(c);
}

static void receive_rst(struct mn_conn *c, const struct mn_seg *seg)
{
	uint32_t code = seg->syn.code;
	bool refuses = code == MN_WIRE_CODE_REFUSED || code == MN_WIRE_CODE_BUSY;

	c->stack->stats.resets_received++;
	switch ((enum mn_conn_state)c->state) {
	case MN_CONN_SYN_SENT:
		mn_conn_end(c, refuses ? MN_END_REFUSED : MN_END_RESET, 0);
		break;
	case MN_CONN_LAST_ACK:
		/* The peer needed our FIN no longer. */
		mn_conn_end(c, MN_END_PEER_CLOSED, 0);
		break;
	case MN_CONN_CLOSING:
	case MN_CONN_LINGER:
		mn_conn_end(c, c->snd_una >= c->snd_end ? MN_END_CLOSED : MN_END_RESET, 0);
		break;
	default:
		mn_conn_end(c, MN_END_RESET, 0);
	}
}

/* The credit was taken back and is given again: what lay behind it was not taken. */
static void resend_unaccepted(struct mn_conn *c)
{
	struct mn_recovery *r = &c->rec;

	mn_recovery_timeout(r, c->stack->now_us);
	r->backoff = 0;
	r->timed_out = false;
}

static void update_limit(struct mn_conn *c, const struct mn_seg *seg)
{
	uint64_t limit = seg->ack + seg->credit, before = c->snd_limit;
	uint64_t sent = c->snd_nxt < c->snd_end ? c->snd_nxt : c->snd_end;
	int32_t newer = seg->ts - c->limit_ts;

	if (newer < 0 || (newer == 0 && limit <= before))
		return;
	c->limit_ts = seg->ts;
	c->snd_limit = limit;
	if (seg->credit > c->credit_max)
		c->credit_max = seg->credit;
	if (limit <= before)
		return;
	c->persist_us = 0;
	c->persist_tries = 0;
	if (before < sent && !mn_recovery_empty(&c->rec))
		resend_unaccepted(c);
}

/* The stream's first part has arrived at the peer. */
static void advance_una(struct mn_conn *c, uint64_t ack)
{
	c->snd_una = ack;
	if (c->snd_nxt < ack)
		c->snd_nxt = ack;
	if (c->sendq.head != MN_SHM_BUF_NONE) {
		mn_sendq_advance(&c->sendq, c->sch->ch, c->snd_nxt);
		if (mn_sendq_ack(&c->sendq, c->sch->ch, ack))
			mn_stack_mark_corrupt(c->stack, c->sch);
		if (!mn_recovery_empty(&c->rec))
			mn_recovery_at(&c->rec, c->rec.head)->msg = c->sendq.head;
	}
	if (c->fin_queued && ack > c->snd_end && !c->fin_acked) {
		c->fin_acked = true;
		c->since_us = c->stack->now_us;
	}
}

static void receive_ack(struct mn_conn *c, const struct mn_seg *seg)
{
	struct mn_recovery *r = &c->rec;
	uint64_t now_us = c->stack->now_us;
	bool limited = r->lost || r->inflight >= mn_swift_cwnd(&c->swift);
	bool timed_out = r->timed_out;
	struct mn_swift_delay delay = { 0 };
	struct mn_acked got;
	uint32_t lost;

	update_limit(c, seg);
	if (seg->ack < c->snd_una)
		return;
	mn_recovery_ack(r, seg->ack, seg->sack, seg->n_sack, seg->ts_echo, now_us, &got);
	if (got.delivered)
		delay = measure_rtt(c, seg);
	if (seg->ack > c->snd_una)
		advance_una(c, seg->ack);
	if (timed_out && got.spurious)
		mn_swift_undo(&c->swift);
	lost = mn_recovery_detect(r, now_us);
	if (lost + got.repaired)
		mn_swift_lost(&c->swift, lost + got.repaired);
	if (got.delivered)
		mn_swift_acked(&c->swift, &r->rtt, delay, got.delivered, limited, now_us);
}

/* What the packet says about our stream can be true. */
static bool acks_are_possible(const struct mn_conn *c, const struct mn_seg *seg)
{
	if (seg->ack > c->snd_max)
		return false;
	for (int i = 0; i < seg->n_sack; i++)
		if (seg->sack[i].end > c->snd_max)
			return false;
	return true;
}

/*
 * What proves that packets reach the peer: it acknowledges something new, it goes on because it
 * was acknowledged, it answers a question. No proof is a repetition, or a mere word of it.
 */
struct progress {
	uint64_t snd_una, rcv_nxt;
	uint32_t unanswered;
};

static void check_progress(struct mn_conn *c, const struct progress *before)
{
	if (c->stack->now_us - c->told_us < MN_HEARD_US || c->path.local_host)
		return;
	if (c->snd_una != before->snd_una || c->rcv_nxt != before->rcv_nxt || before->unanswered)
		mn_conn_heard(c);
}

static bool receive_data_or_ack(struct mn_conn *c, const struct mn_seg *seg,
				const struct mn_pkt *pkt)
{
	struct progress before = { c->snd_una, c->rcv_nxt, c->unanswered };
	struct mn_stack *s = c->stack;
	bool kept;

	if (!acks_are_possible(c, seg)) {
		s->stats.drop_malformed++;
		return false;
	}
	if (c->state == MN_CONN_SYN_RCVD) {
		if (c->path.remote_port != pkt->path->remote_port) {
			s->stats.drop_wrong_peer++;
			return false;
		}
		measure_rtt(c, seg);
		if (mn_conn_establish(c)) {
			s->stats.drop_no_memory++;
			mn_conn_end(c, MN_END_RESET, MN_WIRE_CODE_BUSY);
			return false;
		}
	}
	if (!mn_conn_has_stream(c)) {
		s->stats.drop_bad_state++;
		return false;
	}
	c->heard_us = s->now_us;
	c->unanswered = 0;
	c->answered = true;
	receive_ack(c, seg);
	mn_conn_check_closed(c);
	if (!mn_conn_has_stream(c)) {
		s->stats.drop_after_close += seg->len != 0;
		return false;
	}
	kept = mn_conn_receive(c, seg, pkt);
	if (mn_conn_has_stream(c)) {
		check_progress(c, &before);
		mn_conn_rearm(c);
		if (c->snd_nxt < c->snd_end || c->rec.lost || c->fin_queued)
			mn_conn_ready(c);
	}
	return kept;
}

bool mn_conn_input(struct mn_conn *c, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	/* Its id is a secret between us and the peer, who may use other ports, but one address. */
	if (!mn_addr_equal(&c->path.remote, &pkt->path->remote)) {
		c->stack->stats.drop_wrong_peer++;
		return false;
	}
	switch (seg->type) {
	case MN_WIRE_SYN_ACK:
		receive_syn_ack(c, seg);
		return false;
	case MN_WIRE_RETRY:
		receive_retry(c, seg);
		return false;
	case MN_WIRE_RST:
		receive_rst(c, seg);
		return false;
	default:
		return receive_data_or_ack(c, seg, pkt);
	}
}
