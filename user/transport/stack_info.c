// SPDX-License-Identifier: MIT
/* stack_info.c - what operators see of a stack */
#include "transport/stack_priv.h"

void mn_stack_gauges(const struct mn_stack *s, struct mn_stack_gauges *g)
{
	g->channels = __atomic_load_n(&s->n_channels, __ATOMIC_RELAXED);
	g->connections = __atomic_load_n(&s->fresh, __ATOMIC_RELAXED) -
			 __atomic_load_n(&s->n_free, __ATOMIC_RELAXED);
	g->paths = __atomic_load_n(&s->fresh_path, __ATOMIC_RELAXED) -
		   __atomic_load_n(&s->n_free_paths, __ATOMIC_RELAXED);
	g->held = s->cfg.max_held - __atomic_load_n(&s->held.n_free, __ATOMIC_RELAXED);
	g->records = s->cfg.max_records - __atomic_load_n(&s->records.n_free, __ATOMIC_RELAXED);
}

static enum mn_phase phase_of(const struct mn_conn *c)
{
	switch (c->use) {
	case MN_CONN_OPENING:
		return MN_PHASE_CONNECTING;
	case MN_CONN_UP:
		return MN_PHASE_ESTABLISHED;
	default:
		return MN_PHASE_CLOSING;
	}
}

static void fill_path_of(const struct mn_path *p, struct mn_conn_info *info)
{
	const struct mn_rtt *rtt = &p->rec.rtt;

	info->path = mn_path_number(p);
	info->srtt_us = mn_rtt_smoothed_us(rtt);
	info->rttvar_us = rtt->var4 / 4;
	info->rto_us = mn_rtt_rto_us(rtt, p->rec.backoff);
	info->cwnd_bytes = (uint64_t)p->swift.cwnd * p->mss / MN_SWIFT_ONE;
	info->retransmits = p->tx_lost;
}

static void fill_conn(const struct mn_conn *c, struct mn_conn_info *info)
{
	const struct mn_stream *st = &c->st;

	*info = (struct mn_conn_info){
		.id = mn_stack_conn_id(c),
		.age_us = c->stack->now_us - c->born_us,
		.channel = c->channel_id,
		.flow = c->flow,
		.phase = phase_of(c),
		.local = c->peer->route.local,
		.remote = c->peer->route.remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.credit_bytes = st->snd_limit > st->snd_nxt ? st->snd_limit - st->snd_nxt : 0,
		.unsent_bytes = st->snd_end > st->snd_nxt ? st->snd_end - st->snd_nxt : 0,
		.unaccepted_bytes = st->snd_nxt > st->snd_una ? st->snd_nxt - st->snd_una : 0,
		.unread_bytes = c->sch && c->flow != MN_SHM_FLOW_NONE ?
				mn_channel_unread(c->sch->ch, c->flow) : 0,
		.tx_messages = c->sendq.messages,
		.rx_messages = c->inbox.messages,
		.tx_bytes = st->snd_una,
		.rx_bytes = st->rcv_nxt,
	};
	if (c->lane)
		fill_path_of(c->lane->path, info);
}

bool mn_stack_walk(struct mn_stack *s, uint32_t *next, uint32_t max,
		   void (*fn)(const struct mn_conn_info *info, void *ctx), void *ctx)
{
	struct mn_conn_info info;

	for (; max && *next < s->fresh; max--, ++*next) {
		const struct mn_conn *c = &s->conns[*next];

		if (c->use == MN_CONN_FREE || c->use == MN_CONN_DEAD ||
		    c->use == MN_CONN_COMING || !c->peer)
			continue;
		fill_conn(c, &info);
		fn(&info, ctx);
	}
	return *next < s->fresh;
}

static void fill_path(const struct mn_path *p, struct mn_path_info *info)
{
	const struct mn_rtt *rtt = &p->rec.rtt;

	*info = (struct mn_path_info){
		.id = p->id,
		.number = mn_path_number(p),
		.age_us = p->stack->now_us - p->since_us,
		.remote_engine = p->remote_engine,
		.open = p->state == MN_PATH_OPEN,
		.connections = p->n_conns,
		.mss = p->mss,
		.srtt_us = mn_rtt_smoothed_us(rtt),
		.rttvar_us = rtt->var4 / 4,
		.rto_us = mn_rtt_rto_us(rtt, p->rec.backoff),
		.cwnd_packets = mn_swift_cwnd(&p->swift),
		.window_packets = p->window,
		.inflight_packets = p->rec.inflight,
		.tx_packets = p->tx_packets,
		.rx_packets = p->rx_packets,
		.tx_lost = p->tx_lost,
		.tx_frames = p->tx_frames,
		.rx_frames = p->rx_frames,
		.rx_local_port = p->in.now.dst,
		.rx_remote_port = p->in.now.src,
		.rx_misplaced = p->in.misplaced,
		.steered = p->out.steered,
		.confined = p->in.confined_us,
	};
	mn_path_tuple(p, &info->tuple);
}

bool mn_stack_walk_paths(struct mn_stack *s, uint32_t *next, uint32_t max,
			 void (*fn)(const struct mn_path_info *info, void *ctx), void *ctx)
{
	struct mn_path_info info;

	for (; max && *next < s->fresh_path; max--, ++*next) {
		const struct mn_path *p = &s->paths[*next];

		if (p->state == MN_PATH_FREE)
			continue;
		fill_path(p, &info);
		fn(&info, ctx);
	}
	return *next < s->fresh_path;
}
