// SPDX-License-Identifier: MIT
/*
 * path_tuple.c - the ports of a path, which either side may change while it carries packets
 *
 * Each side chooses the port that it sends from, and sends to the one that its peer sends from, or
 * with the ports that its peer has asked for (path_steer.c). The path id names the path whatever
 * the ports are, so that nothing else changes. A packet from another port is believed after a
 * CHALLENGE to that port was answered (RFC 9000, 8.2 and 9.3): until then the old one is used, for
 * the packet may be a copy with a forged source.
 *
 * A path that times out again and again changes its port by itself: the switch or link that
 * its tuple is hashed to may be broken while others work (Wetherall et al., "Improving Network
 * Availability with Protective ReRoute", SIGCOMM 2023).
 */
#include "transport/stack_priv.h"

/*
 * Timeouts in a row that make a path change its port: at least 14 ms, by which a host that is
 * busy has mostly looked again. And every so many changes it goes back home.
 */
#define MOVE_TIMEOUTS	3u
#define HOME_EVERY	3u
/* A path is challenged at most once in this time, or in a round trip if that is longer. */
#define CHALLENGE_US	1000u

static uint32_t check_size(void)
{
	return MN_PACKET_HDR + mn_frame_size(MN_FRAME_CHALLENGE, 0);
}

/*
 * Packets take another way from here on. It leads to the same host: the least round trip, which
 * would be measured anew with our own queue in it, is kept (RFC 9000, 9.4).
 */
static void changed(struct mn_path *p)
{
	mn_recovery_moved(&p->rec);
	mn_path_rearm(p);
	mn_path_ready(p);
	mn_path_report(p, MN_STACK_EVENT_PATH_MOVED, MN_END_NONE);
}

/* --- our tuple --- */

void mn_path_use_tuple(struct mn_path *p, uint16_t local_port, uint16_t remote_port)
{
	if (p->local_port == local_port && p->remote_port == remote_port)
		return;
	p->local_port = local_port;
	p->remote_port = remote_port;
	p->stack->stats.tuples_changed++;
	changed(p);
}

void mn_path_timed_out(struct mn_path *p)
{
	uint32_t n = p->rec.backoff;
	bool home;

	if (n < MOVE_TIMEOUTS || p->peer->route.local_host)
		return;
	if (p->out.steered)
		p->out.left = (struct mn_ports){ p->local_port, p->remote_port };
	/* Stateful firewalls and NAT may admit nothing but the tuple of the handshake. */
	home = p->out.steered || (n - MOVE_TIMEOUTS) % HOME_EVERY == HOME_EVERY - 1;
	p->out.steered = false;
	mn_path_use_tuple(p, home ? p->home_port : mn_path_own_port(p), p->peer_port);
}

void mn_path_timed_in(struct mn_path *p)
{
	struct mn_ports left = p->out.left;

	if (!left.src)
		return;
	p->out.left = (struct mn_ports){ 0 };
	p->out.steered = true;
	mn_path_use_tuple(p, left.src, left.dst);
}

/* --- the peer's port --- */

static bool may_challenge(const struct mn_path *p)
{
	const struct mn_port_check *c = &p->check;
	uint32_t rtt_us = mn_rtt_smoothed_us(&p->rec.rtt);
	uint64_t gap_us = rtt_us > CHALLENGE_US ? rtt_us : CHALLENGE_US;

	return !c->sent_us || p->stack->now_us - c->sent_us >= gap_us;
}

static void challenge(struct mn_path *p, uint16_t port, uint32_t len)
{
	struct mn_port_check *c = &p->check;

	if (c->port != port) {
		/* The one that is asked has its time to answer. */
		if (c->port && !may_challenge(p))
			return;
		*c = (struct mn_port_check){
			.port = port,
			.nonce = mn_stack_random(p->stack),
			.sent_us = c->sent_us,
		};
	}
	c->bytes += len;
	/* No more is sent to a port than has come from it. */
	if (c->bytes < check_size() || !may_challenge(p))
		return;
	c->bytes = 0;
	c->sent_us = p->stack->now_us;
	c->due = true;
	mn_path_ready(p);
}

/* It was asked to send with these ports: that does not say where it wants to be reached. */
static bool was_asked_for(const struct mn_path *p, const struct mn_tuple *t)
{
	return t->remote_port == p->in.right.src && t->local_port == p->in.right.dst;
}

void mn_path_received_from(struct mn_path *p, const struct mn_pkt *pkt)
{
	const struct mn_tuple *t = pkt->tuple;

	if (p->peer->route.local_host)
		return;
	mn_path_arrived(p, pkt);
	if (t->remote_port == p->peer_port || was_asked_for(p, t))
		p->check.port = 0;
	else
		challenge(p, t->remote_port, pkt->len);
}

void mn_path_receive_response(struct mn_path *p, uint64_t nonce)
{
	struct mn_port_check *c = &p->check;

	if (!c->port || c->nonce != nonce) {
		p->stack->stats.drop_bad_state++;
		return;
	}
	if (p->out.steered)
		p->local_port = p->home_port;
	p->out.steered = false;
	p->out.left = (struct mn_ports){ 0 };
	p->remote_port = p->peer_port = c->port;
	c->port = 0;
	c->due = false;
	p->stack->stats.tuples_followed++;
	p->rec.backoff = 0;
	/* What was said to the old port may not have arrived. */
	p->ack_due = p->ack_now = true;
	changed(p);
}

void mn_path_receive_challenge(struct mn_path *p, uint64_t nonce, const struct mn_tuple *t)
{
	p->answer = (struct mn_challenged){
		.due = true,
		.nonce = nonce,
		.local_port = t->local_port,
		.remote_port = t->remote_port,
	};
	p->stack->stats.challenges_received++;
	mn_path_ready(p);
}

/* --- packets --- */

/* What is lost of these is not missed: the next packet of the peer asks for another one. */
uint32_t mn_path_write_check(struct mn_path *p, uint8_t *buf, const struct mn_frame *f)
{
	struct mn_packet pk = {
		.type = MN_WIRE_FRAMES,
		.engine = p->stack->cfg.engine,
		.path = p->remote_id,
		.number = p->rec.next,
	};
	uint32_t len = check_size();

	mn_recovery_sent(&p->rec, MN_SENT_DONE, MN_RECORD_NONE, len, p->stack->now_us);
	pk.least = p->rec.head;
	mn_frame_write(buf + mn_packet_write(buf, &pk), f);
	p->tx_packets++;
	return len;
}

static uint32_t write_response(struct mn_path *p, uint8_t *buf, struct mn_tuple *to)
{
	struct mn_challenged *a = &p->answer;
	struct mn_frame f = { .type = MN_FRAME_RESPONSE, .value = a->nonce };

	a->due = false;
	to->local_port = a->local_port;
	to->remote_port = a->remote_port;
	return mn_path_write_check(p, buf, &f);
}

static uint32_t write_challenge(struct mn_path *p, uint8_t *buf, struct mn_tuple *to)
{
	struct mn_frame f = { .type = MN_FRAME_CHALLENGE, .value = p->check.nonce };

	p->check.due = false;
	to->remote_port = p->check.port;
	p->stack->stats.challenges_sent++;
	return mn_path_write_check(p, buf, &f);
}

uint32_t mn_path_output_check(struct mn_path *p, uint8_t *buf, struct mn_tuple *to)
{
	bool challenge = p->check.due && p->check.port;

	if (!p->answer.due && !challenge && !mn_path_steers(p))
		return 0;
	if (mn_recovery_reserve(&p->rec, p->stack->now_us))
		return 0;
	mn_path_tuple(p, to);
	if (p->answer.due)
		return write_response(p, buf, to);
	return challenge ? write_challenge(p, buf, to) : mn_path_output_steer(p, buf, to);
}
