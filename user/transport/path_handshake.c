// SPDX-License-Identifier: MIT
/* path_handshake.c - how a path begins, and how the peer's address is proven */
#include <string.h>

#include "base/min.h"
#include "transport/stack_priv.h"

/* Half-open paths, or an eighth of the slots: with more, INITs are answered by cookies. */
#define UNPROVEN_MAX	64u
/* Descriptors of the RX ring that are left for acknowledgements and openings: a quarter. */
#define RING_RESERVE	4u

/* Packets that the peer of a new path may have under way: what is left of the ring, shared. */
static uint16_t first_window(struct mn_stack *s)
{
	uint32_t ring = s->cfg.rx_ring - s->cfg.rx_ring / RING_RESERVE;
	uint32_t left = ring > s->windows ? (ring - s->windows) / 4 : 0;

	return left < 1 ? 1 : mn_min_u32(left, MN_SWIFT_CWND_INITIAL);
}

static void advertise_window(struct mn_path *p, uint16_t window)
{
	p->stack->windows += window - p->advertised_window;
	p->advertised_window = window;
}

uint16_t mn_path_window(struct mn_path *p)
{
	struct mn_stack *s = p->stack;
	uint32_t ring = s->cfg.rx_ring - s->cfg.rx_ring / RING_RESERVE;
	uint32_t n = mn_sharers_count(&s->senders), share = n ? ring / n : ring;
	uint32_t others = s->windows - p->advertised_window;
	uint32_t left = ring > others ? ring - others : 0;

	/* Without what other paths have been given and may still use. */
	share = mn_min_u32(share, left);
	advertise_window(p, share < 1 ? 1 : mn_min_u32(share, UINT16_MAX));
	return p->advertised_window;
}

static void fill_init(struct mn_path *p, struct mn_wire_init *i)
{
	const struct mn_stack_config *cfg = &p->stack->cfg;

	if (!p->advertised_window)
		advertise_window(p, first_window(p->stack));
	*i = (struct mn_wire_init){
		.id = p->id,
		.instance = cfg->instance,
		.mss = p->mss,
		.window = p->advertised_window,
		.port_first = cfg->port_first,
		.port_count = cfg->port_count,
	};
}

uint32_t mn_path_output_init(struct mn_path *p, uint8_t *buf)
{
	struct mn_packet pk = {
		.engine = p->stack->cfg.engine,
		.path = p->remote_id,
	};

	if (!p->init_due)
		return 0;
	p->init_due = false;
	fill_init(p, &pk.init);
	if (p->opened_here) {
		pk.type = MN_WIRE_INIT;
		pk.init.cookie = p->cookie;
		pk.init.port = p->port;
		pk.init.wanted = p->remote_engine;
		pk.init.ts = p->stack->now_us;
	} else {
		pk.type = MN_WIRE_ANSWER;
		pk.init.ts = p->init_ts;
	}
	return mn_packet_write(buf, &pk);
}

void mn_path_send_init(struct mn_path *p)
{
	struct mn_stack *s = p->stack;
	uint64_t end_us = p->since_us + MN_INIT_GIVE_UP_US;
	uint64_t next_us = s->now_us + (MN_INIT_RETRY_US << p->tries);

	/* Where any host can be asked, and in turn at the listener: the block may lie elsewhere. */
	if (!p->cookie && p->tries) {
		bool was_there = p->remote_port == s->cfg.contact_port;

		p->remote_port = was_there && p->port ? p->port : s->cfg.contact_port;
	}
	p->tries++;
	p->init_due = true;
	mn_timer_set(&s->wheel, &p->rtx, next_us < end_us ? next_us : end_us);
	mn_path_ready(p);
}

/* --- the side that answers --- */

static void challenge(struct mn_stack *s, const struct mn_packet *pk, const struct mn_pkt *pkt)
{
	struct mn_reply r = {
		.tuple = *pkt->tuple,
		.packet = {
			.type = MN_WIRE_RETRY,
			.engine = s->cfg.engine,
			.path = pk->init.id,
			.cookie = mn_cookie_make(&s->cookies, &s->cfg, s->now_us, pkt->tuple,
						 pk->init.id),
		},
	};

	mn_stack_reply(s, &r);
}

static void refuse_busy(struct mn_stack *s, const struct mn_packet *pk, const struct mn_pkt *pkt)
{
	struct mn_reply r = {
		.tuple = *pkt->tuple,
		.packet = {
			.type = MN_WIRE_RESET,
			.engine = s->cfg.engine,
			.path = pk->init.id,
			.reset = { .code = MN_WIRE_CODE_BUSY },
		},
	};

	mn_stack_reply(s, &r);
}

static bool is_crowded(const struct mn_stack *s)
{
	return s->n_half_open >= mn_min_u32((s->cfg.max_paths + 7) / 8, UNPROVEN_MAX);
}

static bool is_proven(struct mn_stack *s, const struct mn_packet *pk, const struct mn_pkt *pkt)
{
	if (!pk->init.cookie)
		return false;
	if (!mn_cookie_check(&s->cookies, &s->cfg, s->now_us, pkt->tuple, pk->init.id,
			     pk->init.cookie)) {
		s->stats.cookies_bad++;
		return false;
	}
	s->stats.cookies_accepted++;
	return true;
}

/* The half-open path that has waited longest makes room. */
static void bound_half_open(struct mn_stack *s)
{
	if (s->n_half_open <= (s->cfg.max_paths + 1) / 2)
		return;
	s->stats.drop_path_limit++;
	mn_path_end(mn_container(s->half_open.next, struct mn_path, in_half_open),
		    MN_END_TIMED_OUT, MN_WIRE_CODE_NONE);
}

static void learn_peer(struct mn_path *p, const struct mn_packet *pk)
{
	const struct mn_wire_init *i = &pk->init;

	p->remote_engine = pk->engine;
	p->remote_id = i->id;
	p->instance = i->instance;
	p->peer_mss = i->mss;
	p->window = i->window;
	p->peer_first = i->port_first;
	p->peer_count = i->port_count;
	mn_path_update_mss(p);
}

static struct mn_path *accept_init(struct mn_stack *s, const struct mn_packet *pk,
			      const struct mn_pkt *pkt)
{
	struct mn_peer *peer = mn_peer_get(&s->peers, pkt->tuple);
	struct mn_path *p = peer ? mn_path_new(s, peer, MN_PATH_HALF_OPEN) : NULL;

	if (!p) {
		if (peer)
			mn_peer_put(&s->peers, peer);
		else
			s->stats.drop_path_limit++;
		return NULL;
	}
	p->local_port = pkt->tuple->local_port;
	p->remote_port = pkt->tuple->remote_port;
	learn_peer(p, pk);
	if (mn_hash_put(&s->by_remote, p->remote_id, p->slot)) {
		mn_path_end(p, MN_END_NONE, MN_WIRE_CODE_NONE);
		return NULL;
	}
	p->in_remote = true;
	p->init_ts = pk->init.ts;
	p->init_due = true;
	mn_list_add_tail(&s->half_open, &p->in_half_open);
	s->n_half_open++;
	mn_timer_set(&s->wheel, &p->rtx, s->now_us + MN_INIT_GIVE_UP_US);
	mn_path_ready(p);
	return p;
}

static struct mn_path *by_remote(struct mn_stack *s, const struct mn_packet *pk,
				 const struct mn_pkt *pkt)
{
	uint32_t slot = mn_hash_get(&s->by_remote, pk->init.id);
	struct mn_path *p = slot == MN_HASH_NONE ? NULL : &s->paths[slot];

	return p && mn_addr_equal(&p->peer->route.remote, &pkt->tuple->remote) ? p : NULL;
}

/* Until a path is open, or the control plane knows better, answers go where questions come from. */
static void learn_route(struct mn_peer *peer, const struct mn_tuple *t)
{
	for (struct mn_list *l = peer->paths.next; l != &peer->paths; l = l->next)
		if (mn_container(l, struct mn_path, in_peer)->state != MN_PATH_HALF_OPEN)
			return;
	memcpy(peer->route.mac, t->mac, sizeof(peer->route.mac));
}

void mn_path_receive_init(struct mn_stack *s, const struct mn_packet *pk,
			  const struct mn_pkt *pkt)
{
	struct mn_path *p = by_remote(s, pk, pkt);

	if (p) {
		/* Again: our answer was lost, or is under way. */
		s->stats.rx_duplicates++;
		if (p->state == MN_PATH_HALF_OPEN) {
			/* The first one's may have been damaged: no checksum covers the MAC. */
			learn_route(p->peer, pkt->tuple);
			p->local_port = pkt->tuple->local_port;
			p->remote_port = pkt->tuple->remote_port;
			p->init_ts = pk->init.ts;
			p->init_due = true;
			mn_path_ready(p);
		}
		return;
	}
	if (is_crowded(s) && !is_proven(s, pk, pkt)) {
		challenge(s, pk, pkt);
		return;
	}
	if (accept_init(s, pk, pkt))
		bound_half_open(s);
	else
		refuse_busy(s, pk, pkt);
}

/* --- both --- */

/* A peer that has started anew has nothing left of the paths of its former instance. */
static void end_former(struct mn_path *p)
{
	struct mn_list *next;

	for (struct mn_list *l = p->peer->paths.next; l != &p->peer->paths; l = next) {
		struct mn_path *old = mn_container(l, struct mn_path, in_peer);

		next = l->next;
		if (old != p && old->instance && old->instance != p->instance &&
		    old->remote_engine == p->remote_engine && old->since_us <= p->since_us)
			mn_path_end(old, MN_END_RESET, MN_WIRE_CODE_NONE);
	}
}

bool mn_path_opened(struct mn_path *p)
{
	struct mn_stack *s = p->stack;

	if (mn_recovery_reserve(&p->rec, s->now_us)) {
		s->stats.drop_no_memory++;
		mn_path_end(p, MN_END_RESET, MN_WIRE_CODE_BUSY);
		return false;
	}
	if (!mn_list_empty(&p->in_half_open)) {
		mn_list_del(&p->in_half_open);
		s->n_half_open--;
	}
	if (p->opened_here)
		s->stats.paths_opened++;
	else
		s->stats.paths_accepted++;
	p->state = MN_PATH_OPEN;
	p->home_port = p->local_port;
	p->peer_port = p->remote_port;
	p->in.now = (struct mn_ports){ p->remote_port, p->local_port };
	p->in.queue = MN_QUEUE_NONE;
	p->received_us = p->confirmed_us = s->now_us;
	if (!p->n_conns)
		p->empty_us = s->now_us;
	mn_timer_clear(&p->rtx);
	mn_timer_set(&s->wheel, &p->idle, s->now_us + MN_KEEPALIVE_US);
	end_former(p);
	mn_path_report(p, MN_STACK_EVENT_PATH_UP, MN_END_NONE);
	mn_path_probed(p, MN_END_NONE);
	return true;
}

void mn_path_receive_answer(struct mn_path *p, const struct mn_packet *pk,
			    const struct mn_pkt *pkt)
{
	struct mn_stack *s = p->stack;
	uint32_t rtt_us = (uint32_t)s->now_us - pk->init.ts;

	if (p->state != MN_PATH_OPENING) {
		/* Again: what we sent on it is under way, or was lost and is sent again. */
		s->stats.rx_duplicates++;
		return;
	}
	learn_peer(p, pk);
	p->remote_port = pkt->tuple->remote_port;
	if (mn_hash_put(&s->by_remote, p->remote_id, p->slot)) {
		mn_path_end(p, MN_END_RESET, MN_WIRE_CODE_NONE);
		return;
	}
	p->in_remote = true;
	if (rtt_us < MN_INIT_GIVE_UP_US)
		mn_rtt_sample(&p->rec.rtt, rtt_us, s->now_us);
	if (p->port)
		mn_peer_set_engine(p->peer, p->port, p->remote_engine);
	if (mn_path_is_surplus(p)) {
		mn_path_probed(p, MN_END_NONE);
		mn_path_merge(p);
		return;
	}
	if (!mn_path_opened(p))
		return;
	/* At once, also without anything to say: it makes the peer's end come up. */
	p->ping_due = true;
	mn_path_ready(p);
}

void mn_path_receive_retry(struct mn_path *p, const struct mn_packet *pk,
			   const struct mn_pkt *pkt)
{
	struct mn_stack_stats *st = &p->stack->stats;

	if (p->state != MN_PATH_OPENING) {
		st->drop_bad_state++;
		return;
	}
	st->cookies_received++;
	/* The answer to a repetition: it was answered. */
	if (p->cookie == pk->cookie)
		return;
	/* It is good for the port that it came from. */
	p->cookie = pk->cookie;
	p->remote_port = pkt->tuple->remote_port;
	p->init_due = true;
	mn_path_ready(p);
}
