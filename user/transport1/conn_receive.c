// SPDX-License-Identifier: MIT
/* conn_receive.c - the receiving half of a connection */
#include "base/min.h"
#include "transport1/stack_priv.h"

/* Small packets that are acknowledged together at most; large ones: two. */
#define ACK_EVERY	4u
/* Of a ring of 256 descriptors; the others are for acknowledgements. */
#define RING_PACKETS	192u

void mn_conn_free_held(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	while (mn_reassembly_first(&c->held)) {
		s->stats.drop_after_close++;
		s->cfg.ops->pkt_free(s->cfg.ops_ctx, mn_reassembly_pop(&c->held, &s->held));
	}
}

/* A part of the RX ring, when packets may pile up in it. */
static uint32_t ring_share(const struct mn_conn *c)
{
	const struct mn_stack *s = c->stack;
	uint32_t n = mn_sharers_count(&s->senders);
	uint32_t packets = n > 1 ? RING_PACKETS / n : RING_PACKETS;

	if (s->now_us >= s->slow_until_us)
		return UINT32_MAX;
	return (packets > 2 ? packets : 2) * c->mss;
}

uint32_t mn_conn_credit(struct mn_conn *c)
{
	struct mn_stack_channel *sch = c->sch;
	uint32_t bytes;

	/* What comes after the close is dropped: it must not hold the peer up. */
	if (c->state > MN_CONN_OPEN)
		return MN_CREDIT_MAX;
	if (c->stalled) {
		c->rcv_edge = c->rcv_nxt;
		return 0;
	}
	bytes = mn_inbox_expects(&c->inbox) +
		mn_credit_share(&sch->credit, sch->ch->rx_free_count,
				mn_channel_rx_ring_room(sch->ch), &c->inbox.cost, 2 * c->mss);
	bytes = mn_min_u32(bytes, ring_share(c));
	if (c->rcv_edge < c->rcv_nxt + bytes)
		c->rcv_edge = c->rcv_nxt + bytes;
	if (c->rcv_edge - c->rcv_nxt >= 2 * c->mss)
		mn_list_del(&c->in_throttled);
	else if (mn_list_empty(&c->in_throttled))
		mn_list_add_tail(&sch->throttled, &c->in_throttled);
	return c->rcv_edge - c->rcv_nxt;
}

static void stall(struct mn_conn *c, int why)
{
	c->stalled = why;
	c->rcv_edge = c->rcv_nxt;
	if (why == -EAGAIN)
		mn_conn_block(c);
}

uint32_t mn_conn_take(struct mn_conn *c, const uint8_t *data, uint32_t len)
{
	struct mn_stack *s = c->stack;
	uint64_t messages = c->inbox.messages;
	uint32_t taken = 0;
	int ret;

	if (c->stalled)
		return 0;
	ret = mn_inbox_take(&c->inbox, c->sch->ch, &c->sch->credit, c->flow, data, len, &taken);
	c->rcv_nxt += taken;
	s->stats.rx_messages += c->inbox.messages - messages;
	if (ret == -EPROTO) {
		mn_stack_mark_corrupt(s, c->sch);
		ret = -ENOBUFS;
	}
	if (ret == -EBADMSG) {
		s->stats.drop_malformed++;
		mn_conn_end(c, MN_END_RESET, MN_WIRE_CODE_ABORTED);
	} else if (ret) {
		stall(c, ret);
	}
	return taken;
}

/* Held packets whose turn has come. True if there were any. */
static bool drain_held(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	struct mn_held *h = mn_reassembly_first(&c->held);
	bool any = false;

	while (h && !c->stalled && h->seq <= c->rcv_nxt) {
		uint64_t skip = c->rcv_nxt - h->seq;

		if (skip < h->len) {
			mn_conn_take(c, h->data + skip, h->len - skip);
			if (c->state != MN_CONN_OPEN)
				return true;
			if (c->rcv_nxt < h->seq + h->len)
				return true;
		}
		s->cfg.ops->pkt_free(s->cfg.ops_ctx, mn_reassembly_pop(&c->held, &s->held));
		any = true;
		h = mn_reassembly_first(&c->held);
	}
	return any;
}

static void receive_in_order(struct mn_conn *c, const struct mn_seg *seg)
{
	uint32_t skip = c->rcv_nxt - seg->seq;
	uint32_t taken = mn_conn_take(c, seg->payload + skip, seg->len - skip);

	if (c->state != MN_CONN_OPEN)
		return;
	if (taken < seg->len - skip) {
		c->stack->stats.drop_beyond_credit++;
		c->ack_now = true;
		return;
	}
	c->ack_packets++;
	c->ack_bytes += seg->len;
	if (c->held.count && drain_held(c))
		c->ack_now = true;
}

static bool hold(struct mn_conn *c, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	struct mn_stack_stats *st = &c->stack->stats;
	int ret;

	st->rx_out_of_order++;
	c->ack_now = true;
	ret = mn_reassembly_add(&c->held, &c->stack->held, seg->seq, seg->payload, seg->len,
				pkt->handle);
	if (!ret)
		st->rx_held++;
	else if (ret == -EEXIST)
		st->rx_duplicates++;
	else
		st->drop_no_memory++;
	return !ret;
}

static bool receive_data(struct mn_conn *c, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	struct mn_stack_stats *st = &c->stack->stats;
	uint64_t end = seg->seq + seg->len;

	mn_sharers_touch(&c->sch->credit.sharers, &c->credit_epoch, c->stack->now_us);
	mn_sharers_touch(&c->stack->senders, &c->ring_epoch, c->stack->now_us);
	if (end <= c->rcv_nxt) {
		st->rx_duplicates++;
		c->ack_now = true;
	} else if (seg->seq >= c->rcv_edge) {
		st->drop_beyond_credit++;
		c->ack_now = true;
	} else if (end > c->rcv_fin) {
		st->drop_malformed++;
	} else if (seg->seq <= c->rcv_nxt) {
		receive_in_order(c, seg);
	} else {
		return hold(c, seg, pkt);
	}
	return false;
}

static void check_peer_fin(struct mn_conn *c)
{
	if (c->state == MN_CONN_OPEN && !c->stalled && c->rcv_nxt == c->rcv_fin)
		mn_conn_peer_closed(c);
}

static void receive_fin(struct mn_conn *c, const struct mn_seg *seg)
{
	uint64_t fin = seg->seq + seg->len;

	c->ack_now = true;
	if (c->rcv_fin == MN_SEQ_NONE && fin >= c->rcv_nxt)
		c->rcv_fin = fin;
	else if (c->rcv_fin != fin)
		c->stack->stats.drop_malformed++;
}

/* The application is not there any more: takes note of the numbers only. */
static void receive_closed(struct mn_conn *c, const struct mn_seg *seg)
{
	uint64_t end = seg->seq + seg->len;

	if (seg->len || (seg->flags & MN_WIRE_F_FIN))
		c->ack_now = true;
	if (seg->len)
		c->stack->stats.drop_after_close++;
	if (c->state != MN_CONN_CLOSING)
		return;
	if (end > c->rcv_nxt)
		c->rcv_nxt = end;
	if (seg->flags & MN_WIRE_F_FIN) {
		c->rcv_fin = end;
		c->rcv_nxt = end + 1;
	}
	mn_conn_check_closed(c);
}

static void schedule_ack(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	if (c->ack_bytes >= 2 * (c->mss - MN_PACKET_HDR(0)) || c->ack_packets >= ACK_EVERY)
		c->ack_now = true;
	if (c->ack_now)
		mn_conn_ready(c);
	else if (c->ack_packets && !mn_timer_is_set(&c->ack))
		mn_timer_set(&s->wheel, &c->ack, s->now_us + MN_ACK_DELAY_US);
}

bool mn_conn_receive(struct mn_conn *c, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	bool kept = false;

	if (seg->type == MN_WIRE_DATA || seg->flags) {
		c->echo_ts = seg->ts;
		c->echo_us = c->stack->now_us;
		c->echo_wait_us = c->stack->wait_us;
	}
	if (seg->flags & MN_WIRE_F_PROBE)
		c->ack_now = true;
	if (c->state != MN_CONN_OPEN) {
		receive_closed(c, seg);
	} else {
		if (seg->len)
			kept = receive_data(c, seg, pkt);
		if (c->state == MN_CONN_OPEN && (seg->flags & MN_WIRE_F_FIN))
			receive_fin(c, seg);
		check_peer_fin(c);
	}
	if (mn_conn_has_stream(c))
		schedule_ack(c);
	return kept;
}

void mn_conn_resume(struct mn_conn *c)
{
	if (!mn_conn_post(c))
		return;
	mn_conn_reap(c);
	if (c->state != MN_CONN_OPEN)
		return;
	if (c->stalled == -ENOBUFS) {
		c->stalled = 0;
		mn_conn_take(c, NULL, 0);
	}
	if (c->state == MN_CONN_OPEN && !c->stalled)
		drain_held(c);
	check_peer_fin(c);
	/* The peer waits for credit. */
	if (mn_conn_has_stream(c) && !c->stalled) {
		c->ack_now = true;
		mn_conn_ready(c);
	}
}
