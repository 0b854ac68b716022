// SPDX-License-Identifier: MIT
/* stack_input.c - received packets to their connections; new connections; packets of nobody */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "transport1/packet.h"
#include "transport1/stack_priv.h"

/* Half-open connections, or an eighth of the slots: with more, SYNs are answered by cookies. */
#define UNPROVED_MAX	256u

static void count_drop(struct mn_stack_stats *st, int why)
{
	if (why == -EMSGSIZE)
		st->drop_short++;
	else if (why == -EPROTONOSUPPORT)
		st->drop_version++;
	else
		st->drop_malformed++;
}

static void reply(struct mn_stack *s, const struct mn_reply *r)
{
	if (!mn_replies_put(&s->replies, r, s->now_us))
		s->stats.drop_reply_limit++;
	else if (r->cookie)
		s->stats.syn_cookies_sent++;
	else
		s->stats.resets_sent++;
}

static void refuse_syn(struct mn_stack *s, const struct mn_seg *seg, const struct mn_pkt *pkt,
		       uint32_t code)
{
	struct mn_reply r = {
		.path = *pkt->path,
		.id = seg->syn.id,
		.code = code,
		.ts_echo = seg->ts,
	};

	reply(s, &r);
}

/* Nothing of it is remembered: it is to come again, from the same address, with the cookie. */
static void challenge_syn(struct mn_stack *s, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	struct mn_reply r = {
		.path = *pkt->path,
		.id = seg->syn.id,
		.cookie = mn_cookie_make(&s->cookies, &s->cfg, s->now_us, pkt->path, seg->syn.id),
		.ts_echo = seg->ts,
	};

	reply(s, &r);
}

/* So many may have asked and not answered yet that the others must prove their address first. */
static bool is_crowded(const struct mn_stack *s)
{
	uint32_t share = (s->cfg.max_conns + 7) / 8;

	return s->n_unconfirmed >= (share < UNPROVED_MAX ? share : UNPROVED_MAX);
}

static bool is_proved(struct mn_stack *s, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	if (!seg->syn.cookie)
		return false;
	if (!mn_cookie_check(&s->cookies, &s->cfg, s->now_us, pkt->path, seg->syn.id,
			     seg->syn.cookie)) {
		s->stats.syn_cookies_bad++;
		return false;
	}
	s->stats.syn_cookies_accepted++;
	return true;
}

/* The half-open connection that has waited longest makes room. */
static void bound_unconfirmed(struct mn_stack *s)
{
	if (s->n_unconfirmed <= (s->cfg.max_conns + 1) / 2)
		return;
	s->stats.drop_conn_limit++;
	mn_conn_end(mn_container(s->unconfirmed.next, struct mn_conn, in_unconfirmed),
		    MN_END_TIMED_OUT, 0);
}

static void accept_syn(struct mn_stack *s, struct mn_stack_channel *sch, const struct mn_seg *seg,
		       const struct mn_pkt *pkt)
{
	struct mn_conn *c = mn_conn_new(s, sch, pkt->path, MN_CONN_SYN_RCVD);

	if (!c) {
		s->stats.drop_conn_limit++;
		refuse_syn(s, seg, pkt, MN_WIRE_CODE_BUSY);
		return;
	}
	c->accepted = true;
	c->remote_engine = seg->syn.engine;
	c->peer_mss = seg->syn.mss;
	c->snd_limit = seg->credit;
	c->credit_max = seg->credit;
	c->limit_ts = seg->ts;
	c->echo_ts = seg->ts;
	c->echo_us = s->now_us;
	c->echo_wait_us = s->wait_us;
	mn_list_add_tail(&s->unconfirmed, &c->in_unconfirmed);
	s->n_unconfirmed++;
	if (mn_stack_conn_set_peer(c, seg->syn.id)) {
		s->stats.drop_no_memory++;
		mn_conn_end(c, MN_END_RESET, 0);
		return;
	}
	mn_conn_handshake_started(c);
	bound_unconfirmed(s);
}

static void receive_syn(struct mn_stack *s, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	struct mn_conn *c = mn_stack_conn_by_peer(s, pkt->path, seg->syn.id);
	struct mn_stack_channel *sch;

	if (c) {
		/* Again: our answer was lost, or is under way. */
		s->stats.rx_duplicates++;
		if (c->state == MN_CONN_SYN_RCVD) {
			/* The first one's may have been damaged: no checksum covers it. */
			memcpy(c->path.mac, pkt->path->mac, sizeof(c->path.mac));
			c->syn_due = true;
			mn_conn_ready(c);
		}
		return;
	}
	sch = mn_listeners_find(&s->listeners, &pkt->path->local, pkt->path->local_port);
	if (!sch || sch->closed) {
		s->stats.drop_no_listener++;
		refuse_syn(s, seg, pkt, MN_WIRE_CODE_REFUSED);
		return;
	}
	if (is_crowded(s) && !is_proved(s, seg, pkt))
		challenge_syn(s, seg, pkt);
	else
		accept_syn(s, sch, seg, pkt);
}

static void receive_unknown(struct mn_stack *s, const struct mn_seg *seg, const struct mn_pkt *pkt)
{
	struct mn_reply r = {
		.path = *pkt->path,
		.lost_id = seg->id,
		.code = MN_WIRE_CODE_UNKNOWN,
		.ts_echo = seg->ts,
	};

	s->stats.drop_unknown_conn++;
	if (seg->type != MN_WIRE_RST && seg->type != MN_WIRE_RETRY)
		reply(s, &r);
}

static struct mn_conn *find_conn(struct mn_stack *s, const struct mn_seg *seg,
				 const struct mn_pkt *pkt)
{
	bool lost = seg->syn.code == MN_WIRE_CODE_UNKNOWN;

	/* "The connection that you call by this id of mine is unknown to me." */
	if (seg->type == MN_WIRE_RST && !seg->id)
		return lost ? mn_stack_conn_by_peer(s, pkt->path, seg->syn.id) : NULL;
	return mn_stack_conn_by_id(s, seg->id);
}

bool mn_stack_input(struct mn_stack *s, const struct mn_pkt *pkt)
{
	struct mn_seg seg;
	struct mn_conn *c;
	bool kept = false;
	int ret;

	s->stats.rx_packets++;
	s->stats.rx_bytes += pkt->len;
	ret = mn_packet_parse(pkt->data, pkt->len, &seg);
	if (ret) {
		count_drop(&s->stats, ret);
		return false;
	}
	if (seg.type == MN_WIRE_SYN) {
		receive_syn(s, &seg, pkt);
	} else {
		c = find_conn(s, &seg, pkt);
		if (c)
			kept = mn_conn_input(c, &seg, pkt);
		else
			receive_unknown(s, &seg, pkt);
	}
	mn_stack_close_corrupt(s);
	return kept;
}

static uint64_t id_of(const uint8_t *udp_payload)
{
	uint64_t id;

	memcpy(&id, udp_payload + offsetof(struct mn_wire_hdr, id), sizeof(id));
	return be64toh(id);
}

void mn_stack_prefetch(const struct mn_stack *s, const uint8_t *const *payloads, uint32_t n)
{
	uint64_t before = 0;

	if (!mn_stack_has_many(s))
		return;
	for (uint32_t i = 0; i < n; i++)
		mn_hash_prefetch(&s->by_id, id_of(payloads[i]));
	for (uint32_t i = 0; i < n; i++) {
		uint64_t id = id_of(payloads[i]);
		uint32_t slot = id == before ? MN_HASH_NONE : mn_hash_get(&s->by_id, id);

		if (slot != MN_HASH_NONE)
			mn_conn_prefetch(&s->conns[slot]);
		before = id;
	}
}

bool mn_stack_is_syn(const uint8_t *udp_payload, uint32_t len)
{
	struct mn_seg seg;

	return len == MN_PACKET_SYN && !mn_packet_parse(udp_payload, len, &seg) &&
	       seg.type == MN_WIRE_SYN;
}
