// SPDX-License-Identifier: MIT
/* path_input.c - packets with frames: duplicates, acknowledgements, frames to their connections */
#include "transport/stack_priv.h"

/* Small packets that are acknowledged together at most; large ones: two. */
#define ACK_EVERY	4u
/* Of packets that carry nothing but what can wait for the peer's next packet. */
#define LAZY_ACK_US	10000u

/* What a packet asks for. */
struct wants {
	bool ack;		/* within MN_ACK_DELAY_US */
	bool lazy_ack;
	bool reached;		/* it says that something of ours has arrived */
	bool checks;		/* its tuple is tried, and may not be used for other things */
};

static struct mn_swift_delay measure(struct mn_path *p, const struct mn_wire_ack *a,
				     uint32_t rtt_us)
{
	uint64_t unseen = (uint64_t)a->wait + p->stack->wait_us;
	uint32_t rtt;

	if (!rtt_us)
		return (struct mn_swift_delay){ 0 };
	rtt = rtt_us > a->delay ? rtt_us - a->delay : 1;
	mn_rtt_sample(&p->rec.rtt, rtt, p->stack->now_us);
	mn_rtt_delayed(&p->rec.rtt, a->delay);
	return (struct mn_swift_delay){ rtt, unseen < rtt ? rtt - unseen : 0 };
}

static void ack_ranges(struct mn_path *p, const struct mn_frame *f, struct mn_acked *got)
{
	uint64_t now_us = p->stack->now_us, first = f->ack.largest - f->ack.run;

	mn_recovery_ack(&p->rec, first, f->ack.largest + 1, now_us, got);
	for (uint32_t i = 0; i < f->ack.ranges && first > p->rec.head; i++) {
		struct mn_wire_range r = mn_frame_range(f, i);
		uint64_t end = first - r.missing;

		first = end - r.there;
		mn_recovery_ack(&p->rec, first, end, now_us, got);
	}
}

/* False: it acknowledges what was never sent. */
static bool receive_ack(struct mn_path *p, const struct mn_frame *f, uint64_t number,
			struct wants *w)
{
	struct mn_recovery *r = &p->rec;
	uint64_t now_us = p->stack->now_us;
	bool limited = r->inflight >= mn_swift_cwnd(&p->swift);
	struct mn_acked got = { 0 };
	struct mn_swift_delay delay;
	uint32_t lost;

	if (f->ack.largest >= r->next)
		return false;
	ack_ranges(p, f, &got);
	if (number >= p->top)
		p->window = f->ack.window;
	delay = measure(p, &f->ack, got.rtt_us);
	lost = mn_recovery_acked(r, now_us, &got);
	w->reached |= got.any;
	if (got.undo) {
		mn_swift_undo(&p->swift);
		mn_path_timed_in(p);
	}
	if (lost + got.repaired) {
		p->tx_lost += lost;
		p->stack->stats.tx_lost += lost;
		mn_swift_lost(&p->swift, lost + got.repaired);
	}
	if (got.delivered)
		mn_swift_acked(&p->swift, &r->rtt, delay, got.delivered, limited, now_us);
	return true;
}

static void receive_refuse(struct mn_path *p, const struct mn_frame *f)
{
	struct mn_conn *c = mn_stack_conn_by_number(p->stack, p, f->conn);

	if (c)
		mn_conn_receive_refuse(c, f);
	else
		p->stack->stats.drop_unknown_conn++;
}

static void conn_frame(struct mn_path *p, const struct mn_frame *f, uint64_t number,
		       const struct mn_pkt *pkt, uint32_t *kept)
{
	struct mn_conn *c = mn_stack_conn_by_number(p->stack, p, f->conn);

	if (!c) {
		/* It has ended, and the peer learns it, or knew it before. */
		p->stack->stats.drop_unknown_conn++;
		return;
	}
	mn_conn_move_seen(c);
	switch (f->type) {
	case MN_FRAME_DATA:
		p->stack->stats.rx_frames_data++;
		if (f->flags & MN_FRAME_F_CREDIT)
			mn_conn_receive_room(c, f, number);
		/* The room may have ended it. */
		if (c->use != MN_CONN_FREE && c->st.state != MN_STREAM_OVER &&
		    (f->len || (f->flags & MN_FRAME_F_FIN)))
			mn_conn_receive_data(c, f, pkt->handle, kept);
		break;
	case MN_FRAME_CREDIT:
		mn_conn_receive_room(c, f, number);
		break;
	case MN_FRAME_ACCEPT:
		mn_conn_receive_accept(c, f, number);
		break;
	case MN_FRAME_ABORT:
		mn_conn_receive_abort(c);
		break;
	default:
		mn_conn_receive_stop(c);
	}
}

/* False: what it says cannot be, and concerns the path. */
static bool receive_frame(struct mn_path *p, const struct mn_frame *f, uint64_t number,
			  const struct mn_pkt *pkt, uint32_t *kept, struct wants *w)
{
	p->rx_frames++;
	switch (f->type) {
	case MN_FRAME_PAD:
		return true;
	case MN_FRAME_PING:
		w->ack = true;
		p->ack_now = true;
		return true;
	case MN_FRAME_ACK:
		return receive_ack(p, f, number, w);
	case MN_FRAME_CREDIT:
		w->lazy_ack = true;
		break;
	case MN_FRAME_OPEN:
		w->ack = true;
		mn_conn_receive_open(p, f, number);
		return true;
	case MN_FRAME_REFUSE:
		w->ack = true;
		receive_refuse(p, f);
		return true;
	case MN_FRAME_CHALLENGE:
		w->checks = true;
		mn_path_receive_challenge(p, f->value, pkt->tuple);
		return true;
	case MN_FRAME_RESPONSE:
		w->checks = true;
		mn_path_receive_response(p, f->value);
		return true;
	case MN_FRAME_MOVE:
		w->ack = true;
		mn_conn_receive_move(p, f);
		return true;
	case MN_FRAME_CANDIDATE:
		w->checks = true;
		mn_path_receive_candidate(p, f->value, pkt);
		return true;
	case MN_FRAME_ARRIVAL:
		w->checks = true;
		mn_path_receive_arrival(p, f);
		return true;
	case MN_FRAME_ADVICE:
		w->checks = true;
		mn_path_receive_advice(p, f, pkt);
		return true;
	default:
		w->ack = true;
	}
	conn_frame(p, f, number, pkt, kept);
	return true;
}

/* All frames as far as they can be; -errno of the first that cannot. */
static int receive_all(struct mn_path *p, const struct mn_packet *pk, const struct mn_pkt *pkt,
		       uint32_t *kept, struct wants *w)
{
	const uint8_t *at = pk->frames, *end = at + pk->len;
	struct mn_frame f;
	int ret;

	while ((ret = mn_frame_next(&at, end, &f)) > 0) {
		if (!receive_frame(p, &f, pk->number, pkt, kept, w))
			return -EBADMSG;
		/* A frame may have ended the path. */
		if (p->state != MN_PATH_OPEN)
			return 0;
	}
	return ret;
}

static void schedule_ack(struct mn_path *p, const struct wants *w, uint32_t len, bool in_order)
{
	struct mn_stack *s = p->stack;

	if (!w->ack && !w->lazy_ack)
		return;
	p->ack_due = true;
	if (!in_order)
		p->ack_now = true;
	if (w->ack) {
		p->ack_packets++;
		p->ack_bytes += len;
	}
	if (p->ack_bytes >= 2 * (p->mss - MN_PACKET_HDR) || p->ack_packets >= ACK_EVERY)
		p->ack_now = true;
	if (p->ack_now) {
		mn_path_ready(p);
	} else {
		uint64_t at = s->now_us + (w->ack ? MN_ACK_DELAY_US : LAZY_ACK_US);

		if (!mn_timer_is_set(&p->ack) || p->ack.deadline_us > at)
			mn_timer_set(&s->wheel, &p->ack, at);
	}
}

/* Packets get through both ways. */
static void report_reached(struct mn_path *p)
{
	struct mn_stack *s = p->stack;
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_REACHABLE };

	if (s->now_us - p->confirmed_us < MN_CONFIRM_US || p->peer->route.local_host)
		return;
	p->confirmed_us = s->now_us;
	mn_path_tuple(p, &ev.tuple);
	mn_stack_event(s, &ev);
}

/* A packet that is new. False: it has been there, or does not matter any more. */
static bool note_arrival(struct mn_path *p, const struct mn_packet *pk, bool *in_order)
{
	struct mn_stack *s = p->stack;

	if (!mn_arrivals_add(&p->arrivals, pk->number)) {
		s->stats.rx_duplicates++;
		/* Its acknowledgement may have been lost. */
		p->ack_due = p->ack_now = true;
		mn_path_ready(p);
		return false;
	}
	*in_order = pk->number == p->top + 1;
	mn_arrivals_forget(&p->arrivals, pk->least);
	if (pk->number > p->top) {
		p->top = pk->number;
		p->top_us = s->now_us;
		p->top_wait_us = s->wait_us;
	} else {
		s->stats.rx_out_of_order++;
	}
	p->rx_packets++;
	mn_sharers_touch(&s->senders, &p->ring_epoch, s->now_us);
	return true;
}

void mn_path_receive_frames(struct mn_path *p, const struct mn_packet *pk,
			    const struct mn_pkt *pkt, uint32_t *kept)
{
	struct wants w = { 0 };
	bool in_order;
	int ret;

	if (p->state == MN_PATH_OPENING) {
		p->stack->stats.drop_bad_state++;
		return;
	}
	if (p->state == MN_PATH_HALF_OPEN) {
		/* INITs may have come to several ports: the opener has settled for one. */
		p->local_port = pkt->tuple->local_port;
		if (!mn_path_opened(p))
			return;
	}
	if (!note_arrival(p, pk, &in_order))
		return;
	p->received_us = p->stack->now_us;
	p->unanswered = 0;
	ret = receive_all(p, pk, pkt, kept, &w);
	if (p->state != MN_PATH_OPEN)
		return;
	if (w.reached)
		report_reached(p);
	if (ret < 0) {
		/* The same bytes will not be better when they come again: nothing is asked for. */
		p->stack->stats.drop_malformed++;
		return;
	}
	/* Packets that were overtaken come from where the peer was before (RFC 9000, 9.3). */
	if (pk->number == p->top && !w.checks)
		mn_path_received_from(p, pkt);
	schedule_ack(p, &w, pkt->len, in_order);
	mn_path_check_moves(p);
	mn_path_rearm(p);
	if (!mn_list_empty(&p->ready) || p->rooms_left || p->refuses != MN_RECORD_NONE)
		mn_path_ready(p);
}
