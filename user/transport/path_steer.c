// SPDX-License-Identifier: MIT
/*
 * path_steer.c - ports with which a path's packets arrive at the queue of its engine
 *
 * Each direction has a tuple of its own, and the receiver knows what its NIC does with it: when
 * packets arrive at the queue of another engine it asks the peer to try other ports, by an ADVICE.
 * The peer sends a CANDIDATE with them. If that arrives at the right queue the ARRIVAL says so, and
 * the peer uses them. Until then, and if no tuple gets through, packets are handed over to the
 * engine within the host.
 *
 * All is caused by packets that arrive at a wrong queue: what is lost is asked for again when more
 * of them come, and a path without traffic costs nothing. An ADVICE travels in the opposite
 * direction of the tuple that it asks for: firewalls and NAT that admit answers alone admit the
 * CANDIDATE then, and the peer's NIC shows what it does with that tuple, too.
 */
#include "base/min.h"
#include "steer/steer.h"
#include "transport/stack_priv.h"

/* So many ADVICEs in vain: then the tuple is held to be refused under way. */
#define TRIES		4u
/* Between two of a path at least, or two round trips if that is longer; doubled at each of some. */
#define ASK_US		1000u
#define DOUBLINGS	6u
/* Nothing is left to be tried: until it is looked at again; at first, then doubled, at most. */
#define CONFINED_US	10000u
#define CONFINED_MAX_US	1000000u
/* Between two observations of packets that try nothing. */
#define NOTE_US		100u

static bool is_in_block(uint16_t port, uint16_t first, uint16_t count)
{
	return port >= first && port - first < count;
}

static void observe(struct mn_path *p, const struct mn_pkt *pkt, struct mn_ports asked)
{
	const struct mn_tuple *t = pkt->tuple;
	struct mn_steer_tuple seen = {
		.src = t->remote,
		.dst = t->local,
		.src_port = t->remote_port,
		.dst_port = t->local_port,
	};

	mn_steer_observe(p->stack->cfg.steer, &seen, asked.src, asked.dst, pkt->queue);
}

static struct mn_ports ports_of(const struct mn_pkt *pkt)
{
	return (struct mn_ports){ pkt->tuple->remote_port, pkt->tuple->local_port };
}

/* --- what comes in --- */

static struct mn_steer_question question(const struct mn_path *p)
{
	const struct mn_tuple *route = &p->peer->route;

	return (struct mn_steer_question){
		.src = route->remote,
		.dst = route->local,
		.src_first = p->peer_first,
		.src_count = p->peer_count,
		.home_src = p->peer_port,
		.home_dst = p->home_port,
		.queue = p->stack->cfg.engine,
	};
}

static void wait_for_answer(struct mn_path *p)
{
	uint64_t gap_us = 2 * mn_rtt_smoothed_us(&p->rec.rtt);

	if (gap_us < ASK_US)
		gap_us = ASK_US;
	p->in.next_us = p->stack->now_us + (gap_us << mn_min_u32(p->in.tries, DOUBLINGS));
}

/* The next tuple that is worth an ADVICE. */
static void ask(struct mn_path *p)
{
	struct mn_steer_question q = question(p);
	struct mn_path_in *in = &p->in;
	enum mn_steer_how how;

	in->tries = in->unanswered = 0;
	how = mn_steer_advise(p->stack->cfg.steer, &q, &in->asked.src, &in->asked.dst);
	if (how == MN_STEER_WAIT) {
		in->asked = (struct mn_ports){ 0 };
		wait_for_answer(p);
		return;
	}
	if (how == MN_STEER_NONE) {
		in->asked = (struct mn_ports){ 0 };
		in->confined_us = in->confined_us ? mn_min_u32(2 * in->confined_us,
							       CONFINED_MAX_US) : CONFINED_US;
		in->next_us = p->stack->now_us + in->confined_us;
		return;
	}
	in->confined_us = 0;
	in->token++;
	in->due = true;
	wait_for_answer(p);
	mn_path_ready(p);
}

static void ask_again(struct mn_path *p)
{
	struct mn_path_in *in = &p->in;
	struct mn_steer_question q;

	/* A peer that has seen no later packet of ours has not had its turn. */
	if (p->rec.top > in->number)
		in->unanswered++;
	if (in->unanswered < TRIES) {
		in->tries++;
		in->due = true;
		wait_for_answer(p);
		mn_path_ready(p);
		return;
	}
	q = question(p);
	mn_steer_refused(p->stack->cfg.steer, &q, in->asked.src, in->asked.dst);
	ask(p);
}

static void misplaced(struct mn_path *p)
{
	struct mn_stack *s = p->stack;

	p->in.misplaced++;
	s->stats.rx_misplaced++;
	if (p->in.confined_us)
		s->stats.rx_confined++;
	if (s->now_us < p->in.next_us)
		return;
	if (p->in.asked.src)
		ask_again(p);
	else
		ask(p);
}

static bool is_same(struct mn_ports a, struct mn_ports b)
{
	return a.src == b.src && a.dst == b.dst;
}

static void note(struct mn_path *p, const struct mn_pkt *pkt)
{
	struct mn_path_in *in = &p->in;
	struct mn_ports old = in->now;

	if (p->stack->now_us - in->noted_us < NOTE_US)
		return;
	in->noted_us = p->stack->now_us;
	in->now = ports_of(pkt);
	in->queue = pkt->queue;
	if (p->stack->cfg.steer)
		observe(p, pkt, in->now);
	if (!is_same(old, in->now))
		mn_path_report(p, MN_STACK_EVENT_PATH_MOVED, MN_END_NONE);
}

void mn_path_arrived(struct mn_path *p, const struct mn_pkt *pkt)
{
	if (!is_same(ports_of(pkt), p->in.now) || pkt->queue != p->in.queue)
		note(p, pkt);
	if (p->stack->cfg.steer && pkt->queue != p->stack->cfg.engine)
		misplaced(p);
}

void mn_path_receive_candidate(struct mn_path *p, uint32_t token, const struct mn_pkt *pkt)
{
	struct mn_path_in *in = &p->in;
	struct mn_path_out *out = &p->out;

	if (!p->stack->cfg.steer || !in->asked.src || token != in->token) {
		p->stack->stats.drop_bad_state++;
		return;
	}
	p->stack->stats.candidates_received++;
	observe(p, pkt, in->asked);
	in->asked = (struct mn_ports){ 0 };
	in->due = false;
	out->arrival_due = true;
	out->arrival_token = token;
	out->arrival_queue = pkt->queue;
	out->arrival = ports_of(pkt);
	if (pkt->queue == p->stack->cfg.engine) {
		in->right = out->arrival;
		wait_for_answer(p);
	} else {
		ask(p);
	}
	mn_path_ready(p);
}

/* --- what goes out --- */

void mn_path_receive_advice(struct mn_path *p, const struct mn_frame *f, const struct mn_pkt *pkt)
{
	const struct mn_stack_config *cfg = &p->stack->cfg;
	struct mn_path_out *out = &p->out;

	if (!is_in_block(f->src_port, cfg->port_first, cfg->port_count) ||
	    !is_in_block(f->dst_port, p->peer_first, p->peer_count) ||
	    p->peer->route.local_host) {
		p->stack->stats.drop_bad_state++;
		return;
	}
	if (cfg->steer)
		observe(p, pkt, ports_of(pkt));
	out->token = f->value;
	out->tried = (struct mn_ports){ f->src_port, f->dst_port };
	/* The way back to what it came from: a NAT may call the peer's port by another number. */
	if (pkt->tuple->local_port == f->src_port)
		out->tried.dst = pkt->tuple->remote_port;
	out->candidate_due = true;
	mn_path_ready(p);
}

void mn_path_receive_arrival(struct mn_path *p, const struct mn_frame *f)
{
	struct mn_path_out *out = &p->out;
	struct mn_ports tried = out->tried;

	if (!tried.src || f->value != out->token) {
		p->stack->stats.drop_bad_state++;
		return;
	}
	out->tried = (struct mn_ports){ 0 };
	if (f->engine != p->remote_engine)
		return;
	out->steered = true;
	out->left = (struct mn_ports){ 0 };
	p->stack->stats.tuples_steered++;
	mn_path_use_tuple(p, tried.src, tried.dst);
}

/* --- packets --- */

bool mn_path_steers(const struct mn_path *p)
{
	return p->out.arrival_due || p->out.candidate_due || p->in.due;
}

static uint32_t write_arrival(struct mn_path *p, uint8_t *buf)
{
	struct mn_path_out *out = &p->out;
	struct mn_frame f = {
		.type = MN_FRAME_ARRIVAL,
		.engine = out->arrival_queue,
		.value = out->arrival_token,
		.src_port = out->arrival.src,
		.dst_port = out->arrival.dst,
	};

	out->arrival_due = false;
	return mn_path_write_check(p, buf, &f);
}

static uint32_t write_candidate(struct mn_path *p, uint8_t *buf, struct mn_tuple *to)
{
	struct mn_path_out *out = &p->out;
	struct mn_frame f = { .type = MN_FRAME_CANDIDATE, .value = out->token };

	out->candidate_due = false;
	to->local_port = out->tried.src;
	to->remote_port = out->tried.dst;
	p->stack->stats.candidates_sent++;
	return mn_path_write_check(p, buf, &f);
}

/* Every second one by the usual tuple: a firewall of the peer's may not admit the other one. */
static uint32_t write_advice(struct mn_path *p, uint8_t *buf, struct mn_tuple *to)
{
	struct mn_path_in *in = &p->in;
	struct mn_frame f = {
		.type = MN_FRAME_ADVICE,
		.value = in->token,
		.src_port = in->asked.src,
		.dst_port = in->asked.dst,
	};

	in->due = false;
	in->number = p->rec.next;
	if (in->tries % 2 == 0) {
		to->local_port = in->asked.dst;
		to->remote_port = in->asked.src;
	}
	p->stack->stats.advices_sent++;
	return mn_path_write_check(p, buf, &f);
}

uint32_t mn_path_output_steer(struct mn_path *p, uint8_t *buf, struct mn_tuple *to)
{
	if (p->out.arrival_due)
		return write_arrival(p, buf);
	return p->out.candidate_due ? write_candidate(p, buf, to) : write_advice(p, buf, to);
}
