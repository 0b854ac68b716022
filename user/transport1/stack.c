// SPDX-License-Identifier: MIT
/* stack.c - the transport of one engine */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "transport1/stack_priv.h"

/* Bytes that a connection may send before others have their turn; what it sends more it owes. */
#define QUANTUM		2800u
/* What a packet costs besides its bytes. */
#define PACKET_COST	64u
/* An engine that was away for longer has packets waiting that may make its timers needless. */
#define ABSENT_US	100u
/* 50 Gbit/s fill a ring of 256 in such a time; for how long one such turn is remembered. */
#define SLOW_US		60u
#define SLOW_KEEP_US	10000u
/* Turns in which it sees them all. */
#define BACKLOG_TURNS	8u
/* How often to look whether a full ring has room again when nothing else wakes the engine. */
#define RETRY_US	1000u

static int init_tables(struct mn_stack *s)
{
	const struct mn_stack_config *cfg = &s->cfg;
	uint64_t seed[6];

	for (int i = 0; i < 6; i++)
		seed[i] = cfg->ops->random(cfg->ops_ctx);
	/* Cleared slot by slot when they are used: most of it may never be. */
	s->conns = aligned_alloc(MN_CONN_LINE, cfg->max_conns * sizeof(*s->conns));
	if (!s->conns || mn_hash_init(&s->by_id, cfg->max_conns, seed) ||
	    mn_hash_init(&s->by_peer, cfg->max_conns, seed + 2) ||
	    mn_hash_init(&s->by_path, cfg->max_conns, seed + 4) ||
	    mn_held_pool_init(&s->held, cfg->max_held))
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
	mn_list_init(&s->free);
	mn_list_init(&s->ready);
	mn_list_init(&s->unconfirmed);
	mn_list_init(&s->active);
	mn_list_init(&s->posted);
	mn_wheel_init(&s->wheel, now_us);
	mn_replies_init(&s->replies, now_us);
	if (init_tables(s)) {
		mn_stack_destroy(s);
		return NULL;
	}
	return s;
}

void mn_stack_destroy(struct mn_stack *s)
{
	for (uint32_t i = 0; i < s->fresh; i++) {
		if (s->conns[i].state == MN_CONN_FREE)
			continue;
		mn_conn_free_held(&s->conns[i]);
		mn_recovery_fini(&s->conns[i].rec);
	}
	for (uint32_t i = 0; i < s->n_channels; i++)
		free(s->channels[i]);
	free(s->channels);
	mn_listeners_fini(&s->listeners);
	mn_held_pool_fini(&s->held);
	mn_hash_fini(&s->by_id);
	mn_hash_fini(&s->by_peer);
	mn_hash_fini(&s->by_path);
	free(s->conns);
	free(s);
}

int mn_stack_abort(struct mn_stack *s, uint64_t id, enum mn_end why)
{
	struct mn_conn *c = mn_stack_conn_by_id(s, id);

	if (!c)
		return -ENOENT;
	mn_conn_end(c, why, MN_WIRE_CODE_ABORTED);
	mn_stack_close_corrupt(s);
	return 0;
}

int mn_stack_set_path(struct mn_stack *s, uint64_t id, const uint8_t mac[6], uint16_t mtu)
{
	struct mn_conn *c = mn_stack_conn_by_id(s, id);

	if (!c)
		return -ENOENT;
	mn_conn_set_path(c, mac, mtu);
	return 0;
}

int mn_stack_set_unreachable(struct mn_stack *s, uint64_t id, bool unreachable)
{
	struct mn_conn *c = mn_stack_conn_by_id(s, id);

	if (!c)
		return -ENOENT;
	c->unreachable = unreachable;
	return 0;
}

/* Nobody looked for a while; and what has come meanwhile is seen in some turns only. */
static void track_wait(struct mn_stack *s, uint64_t elapsed_us)
{
	uint64_t wait_us = elapsed_us;

	if (elapsed_us > SLOW_US)
		s->slow_until_us = s->now_us + SLOW_KEEP_US;
	if (elapsed_us > ABSENT_US)
		s->backlog_turns = BACKLOG_TURNS;
	else if (s->backlog_turns && s->backlog_turns--)
		wait_us += s->wait_us;
	s->wait_us = wait_us < UINT16_MAX ? wait_us : UINT16_MAX;
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

static uint32_t output_reply(struct mn_stack *s, uint8_t *buf, struct mn_path *path)
{
	if (mn_replies_empty(&s->replies))
		return 0;
	return mn_replies_output(&s->replies, buf, path, s->now_us);
}

uint32_t mn_stack_output(struct mn_stack *s, uint8_t *buf, uint32_t cap, struct mn_path *path)
{
	uint32_t n = 0;

	/* One by one with the packets of connections: a flood of SYNs must not hold these up. */
	if (!s->reply_sent || mn_list_empty(&s->ready))
		n = output_reply(s, buf, path);
	s->reply_sent = n;
	while (!n && !mn_list_empty(&s->ready)) {
		struct mn_conn *c = mn_container(s->ready.next, struct mn_conn, in_ready);

		if (c->debt < QUANTUM) {
			n = mn_conn_output(c, buf, cap, path);
			c->debt = n ? c->debt + n + PACKET_COST : 0;
		}
		if (n && c->debt < QUANTUM)
			break;
		mn_list_del(&c->in_ready);
		if (c->debt && c->state != MN_CONN_FREE) {
			c->debt -= QUANTUM;
			mn_conn_ready(c);
		}
	}
	if (!n)
		n = output_reply(s, buf, path);
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

void mn_stack_gauges(const struct mn_stack *s, struct mn_stack_gauges *g)
{
	g->channels = __atomic_load_n(&s->n_channels, __ATOMIC_RELAXED);
	g->connections = __atomic_load_n(&s->fresh, __ATOMIC_RELAXED) -
			 __atomic_load_n(&s->n_free, __ATOMIC_RELAXED);
	g->held = s->cfg.max_held - __atomic_load_n(&s->held.n_free, __ATOMIC_RELAXED);
}

static enum mn_phase phase_of(const struct mn_conn *c)
{
	switch (c->state) {
	case MN_CONN_SYN_SENT:
	case MN_CONN_SYN_RCVD:
		return MN_PHASE_CONNECTING;
	case MN_CONN_OPEN:
		return MN_PHASE_ESTABLISHED;
	default:
		return MN_PHASE_CLOSING;
	}
}

static void fill_info(const struct mn_conn *c, struct mn_conn_info *info)
{
	const struct mn_recovery *r = &c->rec;
	uint64_t inflight = c->snd_nxt - c->snd_una, rto = mn_rtt_rto_us(&r->rtt, r->backoff);

	*info = (struct mn_conn_info){
		.id = c->id,
		.age_us = c->stack->now_us - c->born_us,
		.channel = c->channel_id,
		.flow = c->flow,
		.phase = phase_of(c),
		.path = c->path,
		.srtt_us = mn_rtt_smoothed_us(&r->rtt),
		.rttvar_us = r->rtt.var4 / 4,
		.rto_us = rto,
		.cwnd_bytes = (uint64_t)c->swift.cwnd * (c->mss - MN_PACKET_HDR(0)) / MN_SWIFT_ONE,
		.inflight_bytes = inflight,
		.credit_bytes = c->snd_limit > c->snd_nxt ? c->snd_limit - c->snd_nxt : 0,
		.unsent_bytes = c->snd_end > c->snd_nxt ? c->snd_end - c->snd_nxt : 0,
		.unread_bytes = c->sch ? mn_channel_unread(c->sch->ch, c->flow) : 0,
		.tx_messages = c->sendq.messages,
		.rx_messages = c->inbox.messages,
		.tx_bytes = c->snd_una,
		.rx_bytes = c->rcv_nxt,
		.retransmits = c->retransmits,
	};
}

bool mn_stack_walk(struct mn_stack *s, uint32_t *next, uint32_t max,
		   void (*fn)(const struct mn_conn_info *info, void *ctx), void *ctx)
{
	struct mn_conn_info info;

	for (; max && *next < s->fresh; max--, ++*next) {
		const struct mn_conn *c = &s->conns[*next];

		if (c->state == MN_CONN_FREE || c->state == MN_CONN_DEAD)
			continue;
		fill_info(c, &info);
		fn(&info, ctx);
	}
	return *next < s->fresh;
}
