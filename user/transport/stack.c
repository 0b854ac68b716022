// SPDX-License-Identifier: MIT
/* stack.c - the transport of one engine */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/stack_priv.h"

/* An engine that was away for longer has packets waiting that may make its timers needless. */
#define ABSENT_US	100u
/* Turns in which it sees them all. */
#define BACKLOG_TURNS	8u
/* How often to look whether a full ring has room again when nothing else wakes the engine. */
#define RETRY_US	1000u
#define ALIGN		64u

static void free_packet(void *ctx, void *handle)
{
	struct mn_stack *s = ctx;

	s->cfg.ops->pkt_free(s->cfg.ops_ctx, handle);
}

static int init_tables(struct mn_stack *s)
{
	const struct mn_stack_config *cfg = &s->cfg;
	uint64_t seed[8];

	for (int i = 0; i < 8; i++)
		seed[i] = mn_stack_random(s);
	s->client_port = seed[0];
	s->port_seed[0] = seed[0];
	s->port_seed[1] = seed[1];
	/* Cleared slot by slot when they are used: most of it may never be. */
	s->conns = aligned_alloc(ALIGN, (cfg->max_conns * sizeof(*s->conns) + ALIGN - 1) &
					~(size_t)(ALIGN - 1));
	s->paths = aligned_alloc(ALIGN, (cfg->max_paths * sizeof(*s->paths) + ALIGN - 1) &
					~(size_t)(ALIGN - 1));
	if (!s->conns || !s->paths || mn_keyset_init(&s->client_ports, cfg->max_conns) ||
	    mn_hash_init(&s->by_id, cfg->max_paths, seed + 2) ||
	    mn_hash_init(&s->by_remote, cfg->max_paths, seed + 4) ||
	    mn_peers_init(&s->peers, cfg->max_paths, seed + 6) ||
	    mn_records_init(&s->records, cfg->max_records, cfg->max_paths) ||
	    mn_held_pool_init(&s->held, cfg->max_held, free_packet, s))
		return -ENOMEM;
	return 0;
}

struct mn_stack *mn_stack_create(const struct mn_stack_config *cfg, uint64_t now_us)
{
	struct mn_stack *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->cfg = *cfg;
	s->now_us = now_us;
	while ((1u << s->slot_bits) < cfg->max_conns)
		s->slot_bits++;
	mn_list_init(&s->free);
	mn_list_init(&s->free_paths);
	mn_list_init(&s->ready);
	mn_list_init(&s->half_open);
	mn_list_init(&s->active);
	mn_list_init(&s->posted);
	mn_wheel_init(&s->wheel, now_us);
	mn_stack_sweep_init(s);
	mn_replies_init(&s->replies, now_us);
	if (init_tables(s)) {
		mn_stack_destroy(s);
		return NULL;
	}
	return s;
}

static void free_paths(struct mn_stack *s)
{
	for (uint32_t i = 0; i < s->fresh_path; i++) {
		struct mn_path *p = &s->paths[i];

		if (p->state == MN_PATH_FREE)
			continue;
		mn_recovery_fini(&p->rec);
		while (!mn_list_empty(&p->lanes)) {
			struct mn_lane *l = mn_container(p->lanes.next, struct mn_lane, in_path);

			mn_list_del(&l->in_path);
			free(l);
		}
	}
}

static void free_held(struct mn_stack *s)
{
	for (uint32_t i = 0; i < s->fresh; i++)
		if (s->conns[i].use != MN_CONN_FREE)
			mn_conn_free_held(&s->conns[i]);
}

static void free_moves(struct mn_stack *s)
{
	while (!mn_list_empty(&s->moves))
		mn_conn_move_drop(mn_container(s->moves.next, struct mn_move, in_stack)->conn);
}

/* Channels that are nowhere else any more. */
static void free_leaving(struct mn_stack *s)
{
	struct mn_list *next;

	for (struct mn_list *l = s->leaving.next; l != &s->leaving; l = next) {
		struct mn_stack_channel *sch =
			mn_container(l, struct mn_stack_channel, in_leaving);

		next = l->next;
		if (sch->moving == MN_CHANNEL_GONE)
			mn_stack_channel_free(sch);
	}
}

void mn_stack_destroy(struct mn_stack *s)
{
	free_moves(s);
	free_leaving(s);
	mn_stack_free_parcels(s);
	free_held(s);
	free_paths(s);
	for (uint32_t i = 0; i < s->n_channels; i++)
		free(s->channels[i]);
	free(s->channels);
	mn_listeners_fini(&s->listeners);
	mn_held_pool_fini(&s->held);
	mn_records_fini(&s->records);
	mn_peers_fini(&s->peers);
	mn_keyset_fini(&s->client_ports);
	mn_hash_fini(&s->by_id);
	mn_hash_fini(&s->by_remote);
	mn_hash_fini(&s->by_name);
	free(s->conns);
	free(s->paths);
	free(s);
}

int mn_stack_abort(struct mn_stack *s, uint64_t id, enum mn_end why)
{
	struct mn_conn *c = mn_stack_conn_by_id(s, id);

	if (!c)
		return -ENOENT;
	mn_conn_end(c, why);
	mn_stack_close_corrupt(s);
	return 0;
}

static struct mn_path *path_by_number(struct mn_stack *s, uint64_t number)
{
	for (uint32_t i = 0; i < s->fresh_path; i++)
		if (s->paths[i].state != MN_PATH_FREE && mn_path_number(&s->paths[i]) == number)
			return &s->paths[i];
	return NULL;
}

int mn_stack_move(struct mn_stack *s, uint64_t id, uint64_t path)
{
	struct mn_conn *c = mn_stack_conn_by_id(s, id);
	struct mn_path *to = path_by_number(s, path);

	return c && to ? mn_conn_move(c, to) : -ENOENT;
}

int mn_stack_set_route(struct mn_stack *s, const struct mn_addr *local,
		       const struct mn_addr *remote, const uint8_t mac[6], uint16_t mtu)
{
	struct mn_peer *peer = mn_peer_find(&s->peers, local, remote);

	if (!peer)
		return -ENOENT;
	if (!memcmp(peer->route.mac, mac, sizeof(peer->route.mac)) && peer->route.mtu == mtu)
		return 0;
	memcpy(peer->route.mac, mac, sizeof(peer->route.mac));
	peer->route.mtu = mtu;
	for (struct mn_list *l = peer->paths.next; l != &peer->paths; l = l->next)
		mn_path_moved(mn_container(l, struct mn_path, in_peer));
	return 0;
}

int mn_stack_set_unreachable(struct mn_stack *s, const struct mn_addr *local,
			     const struct mn_addr *remote, bool unreachable)
{
	struct mn_peer *peer = mn_peer_find(&s->peers, local, remote);

	if (!peer)
		return -ENOENT;
	peer->unreachable = unreachable;
	return 0;
}

/* The engine did not look for a while; and what has come meanwhile is seen in some turns only. */
static void track_wait(struct mn_stack *s, uint64_t elapsed_us)
{
	uint64_t wait_us = elapsed_us;

	if (elapsed_us > ABSENT_US)
		s->backlog_turns = BACKLOG_TURNS;
	else if (s->backlog_turns)
		s->backlog_turns--;
	if (s->rx_left || (elapsed_us <= ABSENT_US && s->backlog_turns))
		wait_us += s->wait_us;
	s->wait_us = wait_us < UINT16_MAX ? wait_us : UINT16_MAX;
}

void mn_stack_rx_left(struct mn_stack *s, bool left)
{
	s->rx_left = left;
}

void mn_stack_advance(struct mn_stack *s, uint64_t now_us)
{
	uint64_t before_us = s->now_us;

	if (now_us > before_us)
		s->now_us = now_us;
	track_wait(s, s->now_us - before_us);
	mn_wheel_advance(&s->wheel, s->now_us - before_us > ABSENT_US ? before_us : s->now_us, s);
	mn_stack_close_corrupt(s);
}

static uint32_t output_reply(struct mn_stack *s, uint8_t *buf, struct mn_tuple *to, uint16_t *sum)
{
	uint32_t n;

	if (mn_replies_empty(&s->replies))
		return 0;
	n = mn_replies_output(&s->replies, buf, to);
	if (sum)
		*sum = mn_checksum_add(buf, n, 0);
	return n;
}

/* A packet of the path whose turn it is. */
static uint32_t output_path(struct mn_stack *s, uint8_t *buf, uint32_t cap, struct mn_tuple *to,
			    uint16_t *sum)
{
	while (!mn_list_empty(&s->ready)) {
		struct mn_path *p = mn_container(s->ready.next, struct mn_path, in_ready);
		uint32_t n = mn_path_output(p, buf, cap, to, sum);

		mn_list_del(&p->in_ready);
		if (!n)
			continue;
		/* It may have more: the others come first. */
		mn_list_add_tail(&s->ready, &p->in_ready);
		return n;
	}
	return 0;
}

uint32_t mn_stack_output(struct mn_stack *s, uint8_t *buf, uint32_t cap, struct mn_tuple *to,
			 uint16_t *sum)
{
	uint32_t n = 0;

	/* One by one with the packets of paths: a flood of INITs must not hold these up. */
	if (!s->reply_sent || mn_list_empty(&s->ready))
		n = output_reply(s, buf, to, sum);
	s->reply_sent = n;
	if (!n)
		n = output_path(s, buf, cap, to, sum);
	if (!n)
		n = output_reply(s, buf, to, sum);
	if (n) {
		s->stats.tx_packets++;
		s->stats.tx_bytes += n;
	}
	mn_stack_close_corrupt(s);
	return n;
}

uint64_t mn_stack_deadline(const struct mn_stack *s)
{
	uint64_t at = mn_wheel_next_us(&s->wheel);

	for (const struct mn_list *l = s->active.next; l != &s->active; l = l->next)
		if (!mn_list_empty(&mn_container(l, struct mn_stack_channel, in_active)->blocked) &&
		    at > s->now_us + RETRY_US)
			at = s->now_us + RETRY_US;
	return at;
}

const struct mn_stack_stats *mn_stack_stats(const struct mn_stack *s)
{
	return &s->stats;
}
