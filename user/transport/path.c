// SPDX-License-Identifier: MIT
/* path.c - life of a path */
#include <errno.h>
#include <string.h>

#include "base/min.h"
#include "steer/owner.h"
#include "transport/stack_priv.h"

/* Ports of the block that are looked at before one is used twice. */
#define PORT_TRIES	16u

void mn_path_tuple(const struct mn_path *p, struct mn_tuple *t)
{
	*t = p->peer->route;
	t->local_port = p->local_port;
	t->remote_port = p->remote_port;
}

/* Those of another datapath of the host, and of an earlier one, most likely differ. */
uint64_t mn_path_number(const struct mn_path *p)
{
	const struct mn_stack_config *cfg = &p->stack->cfg;

	return cfg->instance << 48 | (uint64_t)p->serial << 16 | cfg->engine;
}

void mn_path_report(const struct mn_path *p, enum mn_stack_event_type type, enum mn_end why)
{
	struct mn_stack_event ev = {
		.type = type,
		.why = why,
		.path = mn_path_number(p),
		.remote_engine = p->remote_engine,
		.rx_local_port = p->in.now.dst,
		.rx_remote_port = p->in.now.src,
	};

	mn_path_tuple(p, &ev.tuple);
	mn_stack_event(p->stack, &ev);
}

void mn_path_probed(struct mn_path *p, enum mn_end why)
{
	struct mn_stack_event ev = {
		.type = MN_STACK_EVENT_PROBED,
		.why = why,
		.request = p->probe,
		.path = mn_path_number(p),
		.remote_engine = p->remote_engine,
	};

	if (!p->probe)
		return;
	p->probe = 0;
	mn_path_tuple(p, &ev.tuple);
	mn_stack_event(p->stack, &ev);
}

static struct mn_path *take_slot(struct mn_stack *s)
{
	struct mn_path *p;

	if (s->fresh_path < s->cfg.max_paths) {
		p = &s->paths[s->fresh_path++];
	} else {
		if (mn_list_empty(&s->free_paths))
			return NULL;
		p = mn_container(s->free_paths.next, struct mn_path, in_peer);
		mn_list_del(&p->in_peer);
		s->n_free_paths--;
	}
	memset(p, 0, sizeof(*p));
	p->slot = p - s->paths;
	p->stack = s;
	if (!++s->path_serial)
		s->path_serial++;
	p->serial = s->path_serial;
	return p;
}

/* Random, not in use. */
static uint64_t new_id(struct mn_stack *s)
{
	uint64_t id;

	do {
		id = mn_owner_make_id(s->cfg.engine, mn_stack_random(s));
	} while (!id || mn_hash_get(&s->by_id, id) != MN_HASH_NONE);
	return id;
}

struct mn_path *mn_path_new(struct mn_stack *s, struct mn_peer *peer, enum mn_path_state state)
{
	struct mn_path *p = take_slot(s);

	if (!p) {
		s->stats.drop_path_limit++;
		return NULL;
	}
	p->peer = peer;
	p->state = state;
	p->id = new_id(s);
	p->since_us = p->received_us = p->empty_us = s->now_us;
	p->refuses = MN_RECORD_NONE;
	p->remote_engine = MN_WIRE_ENGINE_ANY;
	p->window = 1;
	p->next_serial = 1;
	mn_list_add_tail(&peer->paths, &p->in_peer);
	mn_list_init(&p->in_ready);
	mn_list_init(&p->in_half_open);
	mn_list_init(&p->lanes);
	mn_list_init(&p->ready);
	mn_list_init(&p->waiting);
	mn_list_init(&p->rooms);
	mn_list_init(&p->coming);
	mn_list_init(&p->settling);
	mn_recovery_init(&p->rec, mn_path_settle, p, s->now_us);
	mn_swift_init(&p->swift, MN_SENT_MAX, s->now_us);
	mn_serials_init(&p->opens);
	mn_serials_init(&p->served);
	mn_arrivals_init(&p->arrivals);
	mn_path_timers_init(p);
	mn_path_update_mss(p);
	/* As many entries as slots: there is room, and the id is new. */
	mn_hash_put(&s->by_id, p->id, p->slot);
	return p;
}

/* No path of the engine to the same peer has it, as far as that is known. */
static bool is_free_port(const struct mn_path *p, uint16_t port)
{
	const struct mn_list *all = &p->peer->paths;

	for (const struct mn_list *l = all->next; l != all; l = l->next)
		if (mn_container(l, struct mn_path, in_peer)->local_port == port)
			return false;
	return true;
}

/*
 * A port of the block, so that the paths to a peer differ in their tuples: each is a flow of its
 * own to what limits or spreads flows. Engines do not see the paths of each other, and look first
 * in their parts of the block.
 */
uint16_t mn_path_own_port(const struct mn_path *p)
{
	const struct mn_stack_config *cfg = &p->stack->cfg;
	uint32_t share = cfg->port_count / cfg->engines, port = 0;

	for (uint32_t i = 0; i < PORT_TRIES; i++) {
		uint32_t r = mn_stack_random(p->stack);

		if (share && i < PORT_TRIES / 2)
			port = cfg->port_first + cfg->engine * share + r % share;
		else
			port = cfg->port_first + r % cfg->port_count;
		if (is_free_port(p, port))
			break;
	}
	return port;
}

/* Where the first INIT goes: to any port of the peer's block, if that is known and proven. */
static uint16_t first_port(const struct mn_path *p)
{
	const struct mn_list *all = &p->peer->paths;

	for (const struct mn_list *l = all->next; l != all; l = l->next) {
		const struct mn_path *other = mn_container(l, struct mn_path, in_peer);

		if (other->state == MN_PATH_OPEN)
			return other->peer_first + mn_stack_random(p->stack) % other->peer_count;
	}
	return p->stack->cfg.contact_port;
}

static bool suits(const struct mn_path *p, uint8_t engine, uint16_t port)
{
	if (p->state == MN_PATH_HALF_OPEN)
		return false;
	if (engine != MN_WIRE_ENGINE_ANY)
		return p->remote_engine == engine;
	/* Any that is open will do: its REFUSE names the engine of the listener. */
	return p->state == MN_PATH_OPEN || p->port == port;
}

/* No other path is opened beside the n that there are, of which the best has the fewest conns. */
static bool is_enough(const struct mn_path *best, uint32_t n, uint8_t engine)
{
	uint32_t max = best->peer->route.local_host ? 1 : best->stack->cfg.paths;

	if (n >= max || !best->n_conns)
		return true;
	/* The INITs for one port all lead to the engine of its listener. */
	return engine == MN_WIRE_ENGINE_ANY && best->state == MN_PATH_OPEN;
}

struct mn_path *mn_path_to(struct mn_stack *s, struct mn_peer *peer, uint8_t engine,
			   uint16_t port)
{
	struct mn_path *best = NULL;
	uint32_t n = 0;

	for (struct mn_list *l = peer->paths.next; l != &peer->paths; l = l->next) {
		struct mn_path *p = mn_container(l, struct mn_path, in_peer);

		if (!suits(p, engine, port))
			continue;
		n++;
		if (!best || p->n_conns < best->n_conns)
			best = p;
	}
	if (best && is_enough(best, n, engine))
		return best;
	best = mn_path_new(s, peer, MN_PATH_OPENING);
	if (!best)
		return NULL;
	best->opened_here = true;
	best->remote_engine = engine;
	best->port = port;
	best->local_port = mn_path_own_port(best);
	best->remote_port = first_port(best);
	mn_path_send_init(best);
	return best;
}

int mn_stack_probe(struct mn_stack *s, const struct mn_tuple *to, uint64_t request)
{
	struct mn_peer *peer = mn_peer_get(&s->peers, to);
	struct mn_path *p = peer ? mn_path_new(s, peer, MN_PATH_OPENING) : NULL;

	if (!p) {
		if (peer)
			mn_peer_put(&s->peers, peer);
		return -ENOSPC;
	}
	p->opened_here = true;
	p->local_port = mn_path_own_port(p);
	p->remote_port = s->cfg.contact_port;
	p->probe = request;
	mn_path_send_init(p);
	return 0;
}

struct mn_path *mn_path_by_id(struct mn_stack *s, uint64_t id)
{
	uint32_t slot = mn_hash_get(&s->by_id, id);

	return slot == MN_HASH_NONE ? NULL : &s->paths[slot];
}

void mn_path_ready(struct mn_path *p)
{
	if (mn_list_empty(&p->in_ready))
		mn_list_add_tail(&p->stack->ready, &p->in_ready);
}

void mn_path_conn_left(struct mn_path *p)
{
	if (!--p->n_conns)
		p->empty_us = p->stack->now_us;
	/* It may have been about to use a serial that another one waits for. */
	mn_sched_resume(p, 1);
}

void mn_path_moved(struct mn_path *p)
{
	p->mss_cap = 0;
	p->hole = (struct mn_black_hole){ 0 };
	mn_path_update_mss(p);
	if (p->state != MN_PATH_OPEN)
		return;
	/* What was lost on the old route: our packets, and what was said of the peer's. */
	mn_recovery_moved(&p->rec);
	mn_rtt_moved(&p->rec.rtt, p->stack->now_us);
	p->rec.backoff = 0;
	p->ack_due = p->ack_now = true;
	mn_path_rearm(p);
	mn_path_ready(p);
	mn_path_report(p, MN_STACK_EVENT_PATH_MOVED, MN_END_NONE);
}

/* --- the end --- */

static void drop_refuses(struct mn_path *p)
{
	while (p->refuses != MN_RECORD_NONE) {
		uint32_t i = p->refuses;

		p->refuses = mn_record_at(&p->stack->records, i)->next;
		mn_record_put(&p->stack->records, i);
	}
}

static void send_reset(struct mn_path *p, uint32_t code)
{
	struct mn_reply r = {
		.packet = {
			.type = MN_WIRE_RESET,
			.engine = p->stack->cfg.engine,
			.path = p->remote_id,
			.reset = { .code = code },
		},
	};

	if (!p->remote_id || code == MN_WIRE_CODE_NONE)
		return;
	mn_path_tuple(p, &r.tuple);
	mn_stack_reply(p->stack, &r);
}

static void forget(struct mn_path *p, enum mn_end why)
{
	struct mn_stack *s = p->stack;

	mn_timer_remove(&p->rtx);
	mn_timer_remove(&p->ack);
	mn_timer_remove(&p->idle);
	mn_hash_del(&s->by_id, p->id);
	if (p->in_remote)
		mn_hash_del(&s->by_remote, p->remote_id);
	if (!mn_list_empty(&p->in_half_open))
		s->n_half_open--;
	mn_list_del(&p->in_half_open);
	mn_list_del(&p->in_ready);
	mn_list_del(&p->in_peer);
	s->windows -= p->advertised_window;
	if (p->state == MN_PATH_OPEN) {
		s->stats.paths_ended++;
		/* What the application here has no part in: it was of no use any more. */
		mn_path_report(p, MN_STACK_EVENT_PATH_END,
			       why == MN_END_NONE ? MN_END_CLOSED : why);
	}
	mn_path_probed(p, why);
	p->state = MN_PATH_FREE;
	mn_peer_put(&s->peers, p->peer);
	mn_list_add_tail(&s->free_paths, &p->in_peer);
	s->n_free_paths++;
}

static struct mn_conn *first_conn(struct mn_path *p)
{
	struct mn_lane *l;

	if (mn_list_empty(&p->lanes))
		return NULL;
	l = mn_container(p->lanes.next, struct mn_lane, in_path);
	return mn_container(l->conns.next, struct mn_conn, in_lane);
}

void mn_path_end(struct mn_path *p, enum mn_end why, uint32_t code)
{
	struct mn_conn *c;

	send_reset(p, code);
	/* Records go back before the connections that they name; those of REFUSE as due again. */
	mn_recovery_fini(&p->rec);
	drop_refuses(p);
	mn_path_drop_moves(p);
	while ((c = first_conn(p)))
		mn_conn_lose_path(c, why);
	forget(p, why);
}

bool mn_path_is_surplus(const struct mn_path *p)
{
	const struct mn_list *all = &p->peer->paths;
	uint32_t n = 0;

	for (const struct mn_list *l = all->next; l != all; l = l->next) {
		const struct mn_path *o = mn_container(l, struct mn_path, in_peer);

		n += o != p && o->opened_here && o->state == MN_PATH_OPEN &&
		     o->remote_engine == p->remote_engine &&
		     o->instance == p->instance;
	}
	return n >= p->stack->cfg.paths;
}

static bool can_reopen(struct mn_conn *c, bool fresh)
{
	return c->use == MN_CONN_OPENING && c->st.state == MN_STREAM_OPENING &&
	       (!fresh || !c->st.snd_max) && c->redirects++ < MN_OPEN_REDIRECTS;
}

void mn_path_merge(struct mn_path *p)
{
	send_reset(p, MN_WIRE_CODE_CLOSED);
	mn_path_reopen(p, false);
}

void mn_path_reopen(struct mn_path *p, bool fresh)
{
	struct mn_stack *s = p->stack;
	struct mn_peer *peer = p->peer;
	struct mn_path *next;
	struct mn_conn *c;

	mn_recovery_fini(&p->rec);
	drop_refuses(p);
	mn_path_drop_moves(p);
	/* Out of sight for those that look for a path; and the peer stays. */
	mn_list_del(&p->in_peer);
	peer->n_conns++;
	while ((c = first_conn(p))) {
		next = can_reopen(c, fresh) ?
			mn_path_to(s, peer, p->remote_engine, c->remote_port) : NULL;
		if (!next || !mn_conn_move_opening(c, next))
			mn_conn_lose_path(c, MN_END_RESET);
	}
	peer->n_conns--;
	forget(p, fresh ? MN_END_RESET : MN_END_PEER_CLOSED);
}
