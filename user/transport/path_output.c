// SPDX-License-Identifier: MIT
/* path_output.c - the next packet of a path */
#include "base/min.h"
#include "transport/build.h"
#include "transport/stack_priv.h"

/* Of a packet: what a lost one may hold up is bounded, and so is the time that it takes to fill. */
#define RECORDS_PER_PACKET	256u
/* Windows up to this many packets cannot wait for a delayed acknowledgement. */
#define CWND_SMALL	4u

static void write_ack(struct mn_path *p, struct mn_build *b)
{
	const struct mn_arrival_range *top = mn_arrivals_top(&p->arrivals, 0), *r;
	uint64_t held_us = p->stack->now_us - p->top_us;
	uint32_t room = (mn_build_room(b) - sizeof(struct mn_wire_ack)) /
			sizeof(struct mn_wire_range);
	uint32_t n = mn_min_u32(mn_min_u32(p->arrivals.n - 1, MN_WIRE_RANGES - 1), room);
	struct mn_frame f = {
		.type = MN_FRAME_ACK,
		.ack = {
			.ranges = n,
			.window = mn_path_window(p),
			.delay = held_us < UINT32_MAX ? held_us : UINT32_MAX,
			.largest = top->end - 1,
			.run = mn_min_u32(top->end - top->first - 1, UINT32_MAX),
			.wait = p->top_wait_us,
		},
	};

	mn_build_frame(b, &f);
	for (uint32_t i = 1; i <= n; i++, top = r) {
		r = mn_arrivals_top(&p->arrivals, i);
		b->at += mn_frame_write_range(b->at, top->first - r->end, r->end - r->first);
	}
}

static void acknowledged(struct mn_path *p)
{
	p->ack_now = false;
	p->ack_due = false;
	p->ack_packets = 0;
	p->ack_bytes = 0;
	mn_timer_clear(&p->ack);
}

/* REFUSE, or a MOVE that concerns no connection of here. */
static struct mn_frame refusal(const struct mn_record *due)
{
	if (due->kind == MN_RECORD_MOVE)
		return (struct mn_frame){
			.type = MN_FRAME_MOVE,
			.code = due->flags,
			.conn = due->conn,
			.mine = due->len,
			.value = due->offset,
		};
	return (struct mn_frame){
		.type = MN_FRAME_REFUSE,
		.engine = due->offset,
		.code = due->len,
		.conn = due->conn,
	};
}

static void write_refuses(struct mn_path *p, struct mn_build *b)
{
	struct mn_records *rs = &p->stack->records;

	/* Each has its record already. */
	while (p->refuses != MN_RECORD_NONE &&
	       mn_build_room(b) >= sizeof(struct mn_wire_move)) {
		uint32_t i = p->refuses;
		struct mn_record due = *mn_record_at(rs, i), *rec;
		struct mn_frame f = refusal(&due);

		p->refuses = due.next;
		mn_record_put(rs, i);
		rec = mn_build_record(b, due.kind, due.conn);
		rec->offset = due.offset;
		rec->len = due.len;
		rec->flags = due.flags;
		mn_build_frame(b, &f);
		b->asks = true;
	}
}

/* Frames of the connections whose turn it is, until the packet is full. */
static void write_conns(struct mn_path *p, struct mn_build *b)
{
	struct mn_conn *c;

	while ((c = mn_sched_next(p))) {
		const uint8_t *before = b->at;
		bool full;

		if (mn_conn_must_wait(c)) {
			mn_sched_wait(c);
			continue;
		}
		full = !mn_conn_output(c, b);
		mn_sched_sent(c, b->at - before, mn_conn_wants_packet(c));
		if (full)
			return;
	}
}

/* False: there are more than fit. */
static bool write_rooms(struct mn_path *p, struct mn_build *b)
{
	while (!mn_list_empty(&p->rooms)) {
		struct mn_conn *c = mn_container(p->rooms.next, struct mn_conn, in_rooms);

		if (!mn_conn_output_room(c, b))
			return false;
	}
	return true;
}

static void write_ping(struct mn_path *p, struct mn_build *b)
{
	struct mn_frame f = { .type = MN_FRAME_PING };

	if (mn_build_room(b) < mn_frame_size(MN_FRAME_PING, 0))
		return;
	mn_build_frame(b, &f);
	p->ping_due = false;
	b->asks = true;
}

/* A window that is almost used up cannot wait for a delayed acknowledgement. */
static bool is_last_of_window(const struct mn_path *p)
{
	uint32_t cwnd = mn_min_u32(mn_swift_cwnd(&p->swift), p->window);

	return cwnd <= CWND_SMALL && p->rec.inflight + 1 >= cwnd;
}

static void write_body(struct mn_path *p, struct mn_build *b, bool may)
{
	bool ask = p->ping_due || p->probe_due || p->insist, last = is_last_of_window(p);
	bool more = p->rooms_left && may && !p->ask_alone;
	uint32_t ping = ask || more || last ? mn_frame_size(MN_FRAME_PING, 0) : 0;

	/* A full packet has room for it, too. */
	ping = mn_build_room(b) > ping ? ping : 0;
	b->end -= ping;
	if (may && !p->ask_alone) {
		write_refuses(p, b);
		write_conns(p, b);
	}
	/*
	 * Credit goes along with what is sent anyway, and with what is acknowledged; what does not
	 * fit has packets of its own, for there may be nothing else to send: those ask, so that
	 * the window counts them.
	 */
	if (b->asks || p->ack_now || p->ping_due || more)
		p->rooms_left = !write_rooms(p, b);
	b->end += ping;
	if (ask || (more && !b->asks) || (b->asks && last))
		write_ping(p, b);
}

/* The header is written last, and added up with all that lies in front of the first large piece. */
static uint16_t packet_sum(struct mn_build *b, const uint8_t *buf)
{
	struct mn_sum sum = { 0 };

	if (!b->summed)
		return mn_checksum_add(buf, b->at - buf, 0);
	if (b->at > b->summed)
		mn_sum_add(&b->sum, b->summed, b->at - b->summed);
	mn_sum_add(&sum, buf, b->head_end - buf);
	mn_sum_join(&sum, &b->sum);
	return sum.sum;
}

static uint32_t finish(struct mn_path *p, struct mn_build *b, uint8_t *buf, uint16_t *sum)
{
	struct mn_stack *s = p->stack;
	struct mn_packet pk = {
		.type = MN_WIRE_FRAMES,
		.engine = s->cfg.engine,
		.path = p->remote_id,
		.number = p->rec.next,
	};
	enum mn_sent_state state = b->asks ? MN_SENT_FLYING : b->lazy ? MN_SENT_LAZY : MN_SENT_DONE;
	uint32_t len = b->at - buf;

	mn_recovery_sent(&p->rec, state, b->first, len, s->now_us);
	pk.least = p->rec.head;
	mn_packet_write(buf, &pk);
	if (b->sums)
		*sum = packet_sum(b, buf);
	if (b->asks && !p->ask_alone)
		p->probe_due = p->insist = false;
	p->ask_alone = false;
	p->tx_packets++;
	return len;
}

static uint32_t output_frames(struct mn_path *p, uint8_t *buf, uint32_t cap, uint16_t *sum)
{
	struct mn_stack *s = p->stack;
	bool may = mn_path_may_send(p), asks_ack = p->ack_now;
	struct mn_build b = {
		.at = buf + MN_PACKET_HDR,
		.end = buf + mn_min_u32(cap, p->mss),
		.sums = sum,
		.pool = &s->records,
		.first = MN_RECORD_NONE,
		.last = MN_RECORD_NONE,
		.path = p->slot,
		.spare = mn_min_u32(RECORDS_PER_PACKET, mn_records_spare(&s->records, p->slot)),
	};
	const uint8_t *empty;
	bool acks;

	if (mn_recovery_reserve(&p->rec, s->now_us))
		return 0;
	acks = p->ack_due && p->arrivals.n;
	if (acks)
		write_ack(p, &b);
	empty = b.at;
	write_body(p, &b, may);
	/* An acknowledgement alone waits for its time. */
	if (b.at == empty && !(acks && asks_ack))
		return 0;
	if (acks)
		acknowledged(p);
	return finish(p, &b, buf, sum);
}

uint32_t mn_path_output(struct mn_path *p, uint8_t *buf, uint32_t cap, struct mn_tuple *to,
			uint16_t *sum)
{
	uint32_t n = 0;

	/* Nobody looks at the sum of a packet that stays in this host's memory. */
	if (p->peer->route.local_host)
		sum = NULL;
	if (p->state == MN_PATH_OPEN) {
		n = mn_path_output_check(p, buf, to);
		if (n) {
			if (sum)
				*sum = mn_checksum_add(buf, n, 0);
			return n;
		}
		n = output_frames(p, buf, cap, sum);
		mn_path_rearm(p);
	} else {
		n = mn_path_output_init(p, buf);
		if (sum)
			*sum = mn_checksum_add(buf, n, 0);
	}
	if (n)
		mn_path_tuple(p, to);
	return n;
}

void mn_path_settle(void *ctx, struct mn_sent *sent, bool lost)
{
	struct mn_path *p = ctx;
	struct mn_stack *s = p->stack;
	uint32_t i = sent->records, next;

	mn_path_learn_size(p, sent, lost);
	for (; i != MN_RECORD_NONE; i = next) {
		struct mn_record *rec = mn_record_at(&s->records, i);
		struct mn_conn *c;

		next = rec->next;
		if (rec->kind == MN_RECORD_REFUSE || rec->kind == MN_RECORD_MOVE) {
			if (lost) {
				rec->next = p->refuses;
				p->refuses = i;
				mn_path_ready(p);
			} else {
				mn_record_put(&s->records, i);
			}
			continue;
		}
		c = mn_stack_conn_by_record(s, rec->conn);
		if (c)
			mn_conn_record(c, i, lost);
		else
			mn_record_put(&s->records, i);
	}
}
