// SPDX-License-Identifier: MIT
/*
 * fuzz_stack.c - a hostile application beside one that keeps to the rules, on one stack
 *
 * The input is a program. Its steps write anything anywhere into the hostile application's
 * channel, use it nearly as one should, connect and close, let a sink at the other host
 * read what it sends or send it something, and let the neighbour exchange messages with its
 * peer. Whoever is thrown out comes again. The neighbour must lose nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_stack.h"
#include "input.h"
#include "selftests/transport/sim.h"

#define SINK_PORT	(SIM_PORT + 1)
#define FLOWS		8
#define LOSS		10000
#define DEADLINE_US	60000000

/* Handles of connections in one channel, the last ones; 0: none. */
struct handles {
	uint64_t flow[FLOWS];
	uint32_t n, seen;	/* events of the host that were looked at */
};

struct world {
	struct sim *sim;
	struct sim_app *hostile, *sink, *good[2];	/* good: the neighbour, its peer */
	uint64_t flow[2];		/* of the neighbour and of its peer */
	uint16_t port;
	struct handles hostile_flows, sink_flows;
};

static void note_flows(const struct sim_host *h, uint32_t channel, struct handles *list)
{
	for (; list->seen < h->n_events && list->seen < SIM_EVENTS; list->seen++) {
		const struct mn_stack_event *ev = &h->events[list->seen];

		if (ev->type == MN_STACK_EVENT_UP && ev->channel == channel)
			list->flow[list->n++ % FLOWS] = ev->flow;
	}
}

/* One of its own, now and then the neighbour's or none at all. */
static uint64_t take_flow(struct world *w, struct input *in)
{
	uint32_t kind = take(in, 1);

	if (kind < 8)
		return kind & 1 ? w->flow[0] : take(in, 4);
	return w->hostile_flows.flow[kind % FLOWS];
}

static struct mn_ring *take_ring(struct world *w, struct input *in)
{
	struct mn_channel *ch = &w->hostile->ch;
	struct mn_ring *rings[] = { &ch->tx, &ch->txc, &ch->rx, &ch->rxc };

	return rings[take(in, 1) % 4];
}

static void scribble(struct world *w, struct input *in)
{
	struct mn_channel *ch = &w->hostile->ch;
	uint64_t words = (ch->tx_data - (uint8_t *)ch->hdr) / 4;

	((uint32_t *)ch->hdr)[take(in, 4) % words] = take_index(in);
}

static void scribble_ring(struct world *w, struct input *in)
{
	struct mn_ring *r = take_ring(w, in);
	struct mn_desc *d = &r->slots[(r->ctl->prod - take_index(in)) & (r->size - 1)];

	switch (take(in, 1) % 3) {
	case 0:
		r->ctl->prod = r->self + (int8_t)take(in, 1);
		break;
	case 1:
		r->ctl->cons = r->self - (int8_t)take(in, 1);
		break;
	default:
		*d = (struct mn_desc){
			take_flow(w, in), take(in, 1) % 8, take_index(in), take_index(in),
		};
	}
}

/* As it must be, or over the ring's end and whatever is there. */
static void put_bytes(struct mn_ring *r, const struct mn_desc *d, const uint8_t *data, bool right)
{
	const uint8_t *end = (uint8_t *)(r->slots + r->size);
	uint8_t *to;

	if (right) {
		to = mn_ring_put_inline(r, d);
	} else {
		mn_ring_put(r, d);
		to = mn_ring_here(r);
		r->self += mn_ring_slots(d->len);
	}
	memcpy(to, data, to + d->len <= end ? d->len : end - to);
}

/* Small messages, as many as the input says and the ring has room for. */
static void put_small(struct world *w, struct input *in)
{
	struct mn_ring *r = &w->hostile->tx;
	static const uint8_t data[4 * MN_SHM_INLINE_MAX];
	uint32_t len = 1 + take(in, 2) % (take(in, 1) & 31 ? MN_SHM_INLINE_MAX : sizeof(data));
	struct mn_desc d = {
		take_flow(w, in), take(in, 1) & 15 ? MN_DESC_INLINE : MN_DESC_CONNECT, len, 0
	};
	uint32_t n = 1 + take(in, 1);
	bool right = take(in, 1) & 31;

	while (n-- && mn_ring_free(r, mn_ring_need(r, len)) >= mn_ring_need(r, len))
		put_bytes(r, &d, data, right);
	mn_ring_publish(r);
}

/* A message in buffers that are likely not in use; its chain is likely as long as it says. */
static void put_large(struct world *w, struct input *in)
{
	struct mn_channel *ch = &w->hostile->ch;
	uint32_t len = 1 + take(in, 2) % (8 * MN_SHM_BUF_SIZE), first = take(in, 2);
	uint32_t last = first + (len - 1) / MN_SHM_BUF_SIZE;
	struct mn_desc d = { take_flow(w, in), MN_DESC_MSG, len, first % ch->tx_bufs };

	for (uint32_t b = first; b != last; b++)
		ch->tx_links[b % ch->tx_bufs] = (b + 1) % ch->tx_bufs;
	ch->tx_links[last % ch->tx_bufs] = MN_SHM_BUF_NONE;
	if (!(take(in, 1) & 15))
		ch->tx_links[(first + take(in, 1) % 8) % ch->tx_bufs] = take(in, 4);
	if (!(take(in, 1) & 31))
		d.buf = take(in, 4);
	mn_ring_put(&w->hostile->tx, &d);
	mn_ring_publish(&w->hostile->tx);
}

/* Takes what has come; gives back what lies in buffers. */
static void drain(struct sim_app *app, uint32_t most)
{
	struct mn_desc d;

	while (most-- && mn_ring_avail(&app->rx) > 0) {
		mn_ring_get(&app->rx, &d);
		if (mn_ring_has_bytes(&d)) {
			app->rx.self += mn_ring_slots(d.len % (MN_SHM_INLINE_MAX + 1));
		} else if (d.type == MN_DESC_FILL) {
			app->rx.self += d.len ? (d.len - 1) % MN_SHM_INLINE_SLOTS : 0;
		} else if (d.buf != MN_SHM_BUF_NONE) {
			d.type = MN_DESC_MSG;
			mn_ring_put(&app->rxc, &d);
		}
	}
	mn_ring_publish(&app->rxc);
	mn_ring_release(&app->rx);
}

static void give_back_anything(struct world *w, struct input *in)
{
	struct mn_desc d = { 0, MN_DESC_MSG, 0, take_index(in) };

	mn_ring_put(&w->hostile->rxc, &d);
	mn_ring_publish(&w->hostile->rxc);
}

static void connect_to_sink(struct world *w)
{
	struct mn_tuple path = sim_path(w->sim, 0, w->port++);

	path.remote_port = SINK_PORT;
	sim_open(w->hostile, &path, w->port);
}

static void close_flow(struct world *w, struct input *in)
{
	if (take(in, 1) & 3)
		sim_close(w->hostile, take_flow(w, in));
	else
		sim_close(w->sink, w->sink_flows.flow[take(in, 1) % FLOWS]);
}

static void hostile_appears(struct world *w)
{
	sim_app_init(w->hostile, 0);
	w->hostile->reads = false;
	w->hostile->alien = true;
	memset(w->hostile_flows.flow, 0, sizeof(w->hostile_flows.flow));
}

static void hostile_comes_again(struct world *w)
{
	struct mn_stack *s = w->sim->host[0].stack;

	mn_stack_del_channel(s, &w->hostile->ch, MN_END_OWNER_DIED);
	mn_channel_destroy(&w->hostile->ch);
	free(w->hostile->free);
	free(w->hostile->kept);
	*w->hostile = (struct sim_app){ 0 };
	hostile_appears(w);
	if (mn_stack_add_channel(s, &w->hostile->ch))
		abort();
	connect_to_sink(w);
}

static void neighbour_sends(struct world *w, struct input *in)
{
	uint32_t who = take(in, 1) & 1, n = 1 + take(in, 1) % 16, len = 1 + take(in, 2);

	len = take(in, 1) & 3 ? 1 + len % MN_SHM_INLINE_MAX : len;
	while (n-- && sim_send(w->good[who], w->flow[who], len))
		;
}

/* As sim_send(), but nobody looks at what the message says. */
static bool sink_puts(struct sim_app *app, uint64_t flow, uint32_t len)
{
	uint32_t bufs = (len + MN_SHM_BUF_SIZE - 1) / MN_SHM_BUF_SIZE;
	struct mn_desc d = { flow, MN_DESC_MSG, len, MN_SHM_BUF_NONE };

	if (app->n_free < bufs || mn_ring_free(&app->tx, 1) < 1)
		return false;
	while (bufs--) {
		uint32_t b = app->free[--app->n_free];

		app->ch.tx_links[b] = d.buf;
		d.buf = b;
	}
	mn_ring_put(&app->tx, &d);
	mn_ring_publish(&app->tx);
	return true;
}

/* Enough to fill what the hostile application has to receive, if it does not look. */
static void sink_sends(struct world *w, struct input *in)
{
	uint64_t flow = w->sink_flows.flow[take(in, 1) % FLOWS], n = 1 + 16 * take(in, 1);
	uint32_t len = 1 + take(in, 2);

	len = take(in, 1) & 3 ? 1 + len % MN_SHM_INLINE_MAX : len;
	while (n-- && sink_puts(w->sink, flow, len))
		;
}

static void hostile_sleeps(struct world *w, struct input *in)
{
	__atomic_store_n(&w->hostile->ch.hdr->app_sleeps, take(in, 1), __ATOMIC_RELAXED);
}

static void scribble_somewhere(struct world *w, struct input *in)
{
	switch (take(in, 1) % 3) {
	case 0:
		scribble(w, in);
		break;
	case 1:
		scribble_ring(w, in);
		break;
	default:
		give_back_anything(w, in);
	}
}

static void run_for_a_while(struct world *w, struct input *in)
{
	sim_run(w->sim, take(in, 2) % 4096, NULL);
}

static void hostile_drains(struct world *w, struct input *in)
{
	drain(w->hostile, take(in, 2));
}

static void sink_drains(struct world *w, struct input *in)
{
	drain(w->sink, take(in, 2));
}

static void connect_again(struct world *w, struct input *in)
{
	(void)in;
	connect_to_sink(w);
}

static void (*const steps[])(struct world *w, struct input *in) = {
	scribble_somewhere, close_flow, connect_again, hostile_sleeps, hostile_drains,
	sink_drains, sink_drains, put_large, put_large, put_small, put_small, sink_sends,
	sink_sends, neighbour_sends, neighbour_sends, run_for_a_while, run_for_a_while,
	run_for_a_while,
};

static void step(struct world *w, struct input *in)
{
	steps[take(in, 1) % (sizeof(steps) / sizeof(steps[0]))](w, in);
	sim_turn(w->sim);
	if (w->hostile->ch.dead)
		hostile_comes_again(w);
	note_flows(&w->sim->host[0], w->hostile->ch.id, &w->hostile_flows);
	note_flows(&w->sim->host[1], w->sink->ch.id, &w->sink_flows);
}

static bool all_there(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		struct sim_flow *from = sim_flow(w->good[i], w->flow[i]);
		struct sim_flow *to = sim_flow(w->good[!i], w->flow[!i]);

		if (from->ended || to->received != from->sent)
			return false;
	}
	return !w->sim->errors;
}

static void start(struct world *w)
{
	struct mn_addr any = mn_addr_from_v4(0);
	struct sim_host *h;

	*w = (struct world){ .sim = sim_new_sized(1, 64, 256), .port = 50000 };
	h = w->sim->host;
	w->hostile = &h[0].apps[0];
	w->good[0] = &h[0].apps[1];
	w->good[1] = &h[1].apps[0];
	w->sink = &h[1].apps[1];
	w->sink->reads = false;
	if (mn_stack_listen(h[1].stack, &w->good[1]->ch, &any, SIM_PORT) ||
	    mn_stack_listen(h[1].stack, &w->sink->ch, &any, SINK_PORT) ||
	    !sim_connect(w->sim, 1, &w->flow[0], &w->flow[1]))
		abort();
	hostile_comes_again(w);
	sim_run(w->sim, 1000, NULL);
	w->sim->net.loss = LOSS;
}

uint64_t fuzz_stack_run(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct world w;
	uint64_t thrown_out;

	start(&w);
	while (in.len)
		step(&w, &in);
	for (uint32_t us = 0; us < DEADLINE_US && !all_there(&w); us += 10000)
		sim_run(w.sim, 10000, NULL);
	if (!all_there(&w))
		abort();
	thrown_out = mn_stack_stats(w.sim->host[0].stack)->channels_corrupt;
	w.sim->net.loss = 0;
	mn_stack_del_channel(w.sim->host[0].stack, &w.hostile->ch, MN_END_OWNER_DIED);
	mn_stack_del_channel(w.sim->host[1].stack, &w.sink->ch, MN_END_OWNER_DIED);
	sim_run(w.sim, 3000000, NULL);
	/* The neighbour's connection is the only one left, and it holds nothing back. */
	if (w.sim->host[0].held || w.sim->host[1].held || sim_conns(w.sim, 0) != 1 ||
	    sim_conns(w.sim, 1) != 1 || w.good[0]->n_free != w.good[0]->ch.tx_bufs ||
	    w.good[0]->ch.tx_arena.n_small != MN_TX_ARENA_SMALL ||
	    w.good[0]->ch.tx_arena.n_large != MN_TX_ARENA_LARGE)
		abort();
	sim_free(w.sim);
	return thrown_out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_stack_run(data, len);
	return 0;
}
