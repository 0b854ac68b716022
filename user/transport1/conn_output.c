// SPDX-License-Identifier: MIT
/* conn_output.c - the next packet of a connection */
#include "base/min.h"
#include "transport1/stack_priv.h"

/* Windows up to this many packets cannot wait for a delayed acknowledgement. */
#define CWND_SMALL	4u

/* 0 means "no timestamp". */
static uint32_t timestamp(uint64_t now_us)
{
	return (uint32_t)now_us ? (uint32_t)now_us : 1;
}

static void fill_echo(const struct mn_conn *c, struct mn_seg *seg)
{
	uint64_t now_us = c->stack->now_us;

	seg->ts = timestamp(now_us);
	seg->ts_echo = c->echo_ts;
	seg->wait = c->echo_wait_us;
	if (c->echo_ts && now_us - c->echo_us < UINT32_MAX)
		seg->ack_delay = now_us - c->echo_us;
}

static uint32_t output_syn(struct mn_conn *c, uint8_t *buf)
{
	struct mn_seg seg = {
		.type = c->state == MN_CONN_SYN_SENT ? MN_WIRE_SYN : MN_WIRE_SYN_ACK,
		.id = c->remote_id,
		.credit = mn_conn_credit(c),
		.syn = {
			.id = c->id,
			.mss = c->mss,
			.engine = c->stack->cfg.engine,
			.cookie = c->state == MN_CONN_SYN_SENT ? c->cookie : 0,
		},
	};

	if (!c->syn_due)
		return 0;
	c->syn_due = false;
	fill_echo(c, &seg);
	return mn_packet_write(buf, &seg);
}

static uint32_t output_rst(struct mn_conn *c, uint8_t *buf)
{
	struct mn_seg seg = {
		.type = MN_WIRE_RST,
		.id = c->remote_id,
		.syn = { .code = c->rst_code },
	};

	if (!c->rst_code)
		return 0;
	c->rst_code = 0;
	c->stack->stats.resets_sent++;
	fill_echo(c, &seg);
	return mn_packet_write(buf, &seg);
}

static void acknowledged(struct mn_conn *c)
{
	c->ack_now = false;
	c->ack_packets = 0;
	c->ack_bytes = 0;
	mn_timer_clear(&c->ack);
}

/* One packet with len bytes from seq on, which begin in message msg. n_sack: room for so many. */
static uint32_t output_packet(struct mn_conn *c, uint8_t *buf, uint8_t flags, uint64_t seq,
			      uint32_t len, uint32_t msg, uint32_t n_sack)
{
	struct mn_wire_sack ranges[MN_WIRE_SACK_MAX];
	struct mn_seg seg = {
		.type = len ? MN_WIRE_DATA : MN_WIRE_ACK,
		.flags = flags,
		.credit = mn_conn_credit(c),
		.id = c->remote_id,
		.seq = seq,
		.ack = c->rcv_nxt,
	};
	uint32_t n;

	if (c->held.count) {
		seg.n_sack = mn_min_u32(mn_reassembly_ranges(&c->held, c->rcv_nxt, ranges), n_sack);
		for (int i = 0; i < seg.n_sack; i++)
			seg.sack[i] = ranges[i];
	}
	fill_echo(c, &seg);
	n = mn_packet_write(buf, &seg);
	if (len)
		mn_sendq_copy(c->sch->ch, msg, seq, buf + n, len);
	acknowledged(c);
	return n + len;
}

/* Asks for an answer when nothing else will make the peer answer soon. */
static uint8_t probe_flag(struct mn_conn *c)
{
	uint32_t cwnd = mn_swift_cwnd(&c->swift);
	bool ask = c->insist || (cwnd <= CWND_SMALL && c->rec.inflight >= cwnd);

	c->insist = false;
	return ask ? MN_WIRE_F_PROBE : 0;
}

static uint32_t output_again(struct mn_conn *c, uint8_t *buf, uint32_t limit, struct mn_sent *s,
			     uint8_t flags)
{
	struct mn_stack *st = c->stack;

	/* The path has got narrower since. */
	if (s->len + MN_PACKET_HDR(0) > limit) {
		mn_conn_recut(c);
		return 0;
	}
	mn_recovery_resent(&c->rec, s, st->now_us);
	st->stats.tx_retransmits++;
	c->retransmits++;
	if (s->flags & MN_SENT_FIN)
		flags |= MN_WIRE_F_FIN;
	return output_packet(c, buf, flags | probe_flag(c), s->seq, s->len, s->msg,
			     (limit - s->len - MN_PACKET_HDR(0)) / sizeof(struct mn_wire_sack));
}

static uint32_t output_lost(struct mn_conn *c, uint8_t *buf, uint32_t limit)
{
	struct mn_sent *s = mn_recovery_first_lost(&c->rec);

	if (!s || !mn_conn_may_send(c) || (s->len && s->seq + s->len > c->snd_limit))
		return 0;
	return output_again(c, buf, limit, s, 0);
}

/* Payload of the next new packet; 0: none may be sent. */
static uint32_t new_payload(const struct mn_conn *c, uint32_t room)
{
	uint64_t left = c->snd_end - c->snd_nxt, credit;

	if (c->snd_nxt >= c->snd_end || c->snd_limit <= c->snd_nxt)
		return 0;
	if (left < room)
		room = left;
	credit = c->snd_limit - c->snd_nxt;
	if (credit >= room)
		return room;
	/* A crumb of credit: more will come with the acknowledgements under way. */
	if (!mn_recovery_empty(&c->rec) && credit < c->credit_max / 2)
		return 0;
	return credit;
}

static uint32_t output_new(struct mn_conn *c, uint8_t *buf, uint32_t limit, uint8_t flags)
{
	struct mn_stack *st = c->stack;
	uint32_t n_sack = c->held.count ? MN_WIRE_SACK_MAX : 0, msg = c->sendq.next, len;
	uint64_t seq = c->snd_nxt;
	struct mn_sent *s;
	bool fin;

	if (c->fin_sent)
		return 0;
	len = new_payload(c, limit - MN_PACKET_HDR(n_sack));
	fin = c->fin_queued && seq + len == c->snd_end;
	if ((!len && !fin) || mn_recovery_reserve(&c->rec))
		return 0;
	s = mn_recovery_sent(&c->rec, seq, len, st->now_us);
	s->msg = msg;
	if (fin) {
		s->flags |= MN_SENT_FIN;
		flags |= MN_WIRE_F_FIN;
		c->fin_sent = true;
	}
	c->snd_nxt = mn_sent_end(s);
	if (seq < c->snd_max) {
		c->retransmits++;
		st->stats.tx_retransmits++;
	}
	if (c->snd_max < c->snd_nxt)
		c->snd_max = c->snd_nxt;
	if (len)
		mn_sendq_advance(&c->sendq, c->sch->ch, c->snd_nxt);
	return output_packet(c, buf, flags | probe_flag(c), seq, len, msg, n_sack);
}

/* New data where there is some, for it costs nothing; else the last packet again. */
static uint32_t output_tail_probe(struct mn_conn *c, uint8_t *buf, uint32_t limit)
{
	struct mn_sent *s;
	uint32_t n;

	c->tlp_due = false;
	if (mn_recovery_empty(&c->rec))
		return 0;
	n = output_new(c, buf, limit, MN_WIRE_F_PROBE);
	if (n)
		return n;
	s = mn_recovery_at(&c->rec, c->rec.tail - 1);
	if (s->flags & MN_SENT_SACKED)
		return 0;
	/* The peer took the credit for it back: it is asked without what it cannot take. */
	if (s->len && s->seq + s->len > c->snd_limit) {
		c->probe_due = true;
		return 0;
	}
	n = output_again(c, buf, limit, s, MN_WIRE_F_PROBE);
	if (n)
		s->flags |= MN_SENT_PROBE;
	return n;
}

static uint32_t output_stream(struct mn_conn *c, uint8_t *buf, uint32_t limit)
{
	uint32_t n = 0;

	if (c->tlp_due)
		n = output_tail_probe(c, buf, limit);
	if (!n && c->rec.lost)
		n = output_lost(c, buf, limit);
	if (!n && !c->rec.lost && mn_conn_may_send(c))
		n = output_new(c, buf, limit, 0);
	/* Data asks as well, but may be too large for the path: the question goes out by itself. */
	if (!n && c->probe_due) {
		c->probe_due = false;
		c->stack->stats.tx_probes++;
		n = output_packet(c, buf, MN_WIRE_F_PROBE, c->snd_nxt, 0, MN_SHM_BUF_NONE,
				  MN_WIRE_SACK_MAX);
	}
	if (!n && c->ack_now)
		n = output_packet(c, buf, 0, c->snd_nxt, 0, MN_SHM_BUF_NONE, MN_WIRE_SACK_MAX);
	mn_conn_rearm(c);
	return n;
}

uint32_t mn_conn_output(struct mn_conn *c, uint8_t *buf, uint32_t cap, struct mn_path *path)
{
	uint32_t n = 0;

	switch ((enum mn_conn_state)c->state) {
	case MN_CONN_SYN_SENT:
	case MN_CONN_SYN_RCVD:
		n = output_syn(c, buf);
		break;
	case MN_CONN_DEAD:
		n = output_rst(c, buf);
		break;
	case MN_CONN_FREE:
		break;
	default:
		n = output_stream(c, buf, mn_min_u32(cap, c->mss));
	}
	if (n)
		*path = c->path;
	mn_conn_reap(c);
	return n;
}
