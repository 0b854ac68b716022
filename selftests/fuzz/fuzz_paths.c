// SPDX-License-Identifier: MIT
/*
 * fuzz_paths.c - a hostile peer on a path of its own
 *
 * Host 2 has opened a path to host 1 by a handshake. The input is a program: its steps put any
 * frames into packets of this path, in between what the stacks of both hosts say to each other, let
 * their applications connect, send, read and close, and time pass. Host 0 exchanges messages with
 * another application of host 1: it loses nothing. In the end host 2 is silent, and nothing of it
 * is left.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_paths.h"
#include "input.h"
#include "selftests/transport/peek.h"
#include "selftests/transport/sim.h"

#define SINK_PORT	(SIM_PORT + 1)
#define NAMES		8
#define LOSS		10000
#define PATHS		4
#define DEADLINE_US	60000000

struct world {
	struct sim *sim;
	struct sim_app *good[2], *attacked, *peer;	/* of hosts 0, 1, 1 and 2 */
	uint64_t flow[2];		/* of the honest connection */
	uint64_t flows[NAMES];		/* of the attacked application */
	uint32_t names[NAMES];		/* what host 1 calls its connections */
	uint32_t n_flows, n_names, seen;
	struct mn_path_info path;	/* at host 1, to host 2; id is 0: there is none */
	uint64_t ids[PATHS];		/* of its paths, to any host */
	uint32_t n_ids;
	uint64_t number;		/* of the last packet */
	uint64_t nonce;			/* of host 1's last CHALLENGE */
	uint16_t port;
};

/* Looks at what host 1 says: the numbers that it gives, by which it is spoken to. */
static bool note_name(struct sim *sim, int from, const uint8_t *data, uint32_t len)
{
	struct world *w = sim->filter_ctx;
	struct mn_frame f;

	if (from == 1 && peek_frame(data, len, MN_FRAME_ACCEPT, &f))
		w->names[w->n_names++ % NAMES] = f.mine;
	if (from == 1 && peek_frame(data, len, MN_FRAME_OPEN, &f))
		w->names[w->n_names++ % NAMES] = f.conn;
	if (from == 1 && peek_frame(data, len, MN_FRAME_CHALLENGE, &f))
		w->nonce = f.value;
	return false;
}

static void note_path(const struct mn_path_info *info, void *ctx)
{
	struct world *w = ctx;

	w->ids[w->n_ids++ % PATHS] = info->id;
	if (mn_addr_equal(&info->tuple.remote, &w->sim->host[2].addr))
		w->path = *info;
}

static void look(struct world *w)
{
	const struct sim_host *h = &w->sim->host[1];
	uint64_t before = w->path.id;
	uint32_t next = 0;

	w->path.id = 0;
	w->n_ids = 0;
	while (mn_stack_walk_paths(h->stack, &next, 64, note_path, w))
		;
	if (w->path.id != before)
		w->number = 1000;
	for (; w->seen < h->n_events && w->seen < SIM_EVENTS; w->seen++) {
		const struct mn_stack_event *ev = &h->events[w->seen];

		if (ev->type == MN_STACK_EVENT_UP && ev->channel == w->attacked->ch.id)
			w->flows[w->n_flows++ % NAMES] = ev->flow;
	}
}

/* --- hostile packets --- */

static uint32_t take_name(struct world *w, struct input *in)
{
	uint32_t kind = take(in, 1);

	return kind & 15 ? w->names[kind / 16 % NAMES] : take(in, 4);
}

static uint64_t take_offset(struct input *in)
{
	uint32_t kind = take(in, 1);

	if (kind < 4)
		return UINT64_MAX - take(in, 2);
	return kind < 16 ? (uint64_t)take(in, 4) << take(in, 1) % 33 : take(in, kind & 1);
}

static void take_ack(struct world *w, struct input *in, struct mn_frame *f)
{
	uint64_t sent = w->path.tx_packets;

	f->ack = (struct mn_wire_ack){
		.ranges = take(in, 1) & 1 ? take(in, 1) % 8 : 0,
		.window = take(in, 1) & 3 ? 64 : take(in, 2),
		.delay = take_index(in),
		.largest = sent > 16 ? sent - 16 + take(in, 1) % 18 : 1 + take(in, 1) % 18,
		.run = take(in, 1) & 1 ? take(in, 1) : 0,
		.wait = take(in, 2),
	};
}

static struct mn_frame take_frame(struct world *w, struct input *in)
{
	struct mn_frame f = { .type = take(in, 1) % MN_FRAME_TYPES };
	bool data = f.type == MN_FRAME_DATA || f.type == MN_FRAME_OPEN;

	f.conn = take_name(w, in);
	f.flags = data ? take(in, 1) & (f.type == MN_FRAME_DATA ? 3 : 1) : 0;
	f.len = data ? take(in, 1) : 0;
	f.offset = take_offset(in);
	f.accepted = take_offset(in);
	f.drops = take(in, 1);
	f.credit = take_index(in) & ((1u << MN_CREDIT_BITS) - 1);
	f.mine = take_index(in);
	f.client_port = take(in, 1);
	f.port = take(in, 1) & 7 ? SINK_PORT : take(in, 2);
	f.code = take(in, 1) % 8;
	f.engine = f.code == MN_WIRE_CODE_ELSEWHERE ? take(in, 1) : 0;
	f.src_port = f.dst_port = 1;
	f.value = f.type == MN_FRAME_OPEN ? 1 + take_index(in) : 1 + take(in, 2);
	if (f.type == MN_FRAME_MOVE) {
		f.code %= MN_WIRE_MOVE_STEPS;
		f.value = w->ids[take(in, 1) % PATHS];
	}
	if (f.type == MN_FRAME_RESPONSE && take(in, 1) & 1)
		f.value = w->nonce;
	if (f.type == MN_FRAME_ACK)
		take_ack(w, in, &f);
	return f;
}

static uint32_t put_frame(struct world *w, struct input *in, uint8_t *at)
{
	struct mn_frame f = take_frame(w, in);
	uint32_t n = mn_frame_write(at, &f);

	for (uint32_t i = 0; f.type == MN_FRAME_ACK && i < f.ack.ranges; i++)
		n += mn_frame_write_range(at + n, 1 + take(in, 1) % 4, 1 + take(in, 1) % 4);
	/* The length of a message, now and then. */
	for (uint32_t i = 0; i < f.len; i++)
		at[n++] = i < 3 ? 0 : take(in, 1);
	return n;
}

static void send_frames(struct world *w, const uint8_t *frames, uint32_t len, struct input *in)
{
	struct mn_tuple to = { .local = w->path.tuple.remote, .remote = w->path.tuple.local,
			       .local_port = w->path.tuple.remote_port,
			       .remote_port = w->path.tuple.local_port };
	struct mn_packet p = { .type = MN_WIRE_FRAMES, .engine = 5, .path = w->path.id };
	uint8_t buf[2048];
	uint32_t n;

	if (!w->path.id || !len)
		return;
	/* Now and then from another port, and to one. */
	if (!(take(in, 1) & 7))
		to.local_port = take(in, 2);
	if (!(take(in, 1) & 31))
		to.remote_port = take(in, 2);
	w->number += take(in, 1) & 7 ? 1 : 1 + take(in, 1);
	p.number = w->number;
	p.least = p.number - take(in, 1);
	n = mn_packet_write(buf, &p);
	memcpy(buf + n, frames, len);
	sim_inject(w->sim, 1, &to, buf, n + len);
}

static void likely_packet(struct world *w, struct input *in)
{
	uint32_t frames = 1 + take(in, 1) % 4, n = 0;
	uint8_t buf[1600];

	while (frames--)
		n += put_frame(w, in, buf + n);
	send_frames(w, buf, n, in);
}

static void raw_packet(struct world *w, struct input *in)
{
	uint32_t n = take(in, 1);
	uint8_t buf[256];

	for (uint32_t i = 0; i < n; i++)
		buf[i] = take(in, 1);
	send_frames(w, buf, n, in);
}

/* --- applications --- */

static void connect_to(struct world *w, int from, int to, struct sim_app *app)
{
	struct mn_tuple path = sim_path(w->sim, from, 0);

	path.remote = w->sim->host[to].addr;
	path.remote_port = SINK_PORT;
	sim_open(app, &path, ++w->port);
}

static void connect_again(struct world *w, struct input *in)
{
	if (take(in, 1) & 1)
		connect_to(w, 2, 1, w->peer);
	else
		connect_to(w, 1, 2, w->attacked);
}

/* Nobody looks at what the messages say. */
static void attacked_sends(struct world *w, struct input *in)
{
	uint64_t flow = w->flows[take(in, 1) % NAMES];
	uint32_t n = 1 + take(in, 1) % 8, len = 1 + take(in, 2) % 20000;

	while (n-- && sim_send(w->attacked, flow, len))
		;
}

static void attacked_drains(struct world *w, struct input *in)
{
	struct sim_app *app = w->attacked;
	uint32_t most = take(in, 1);
	struct mn_desc d;

	while (most-- && mn_ring_avail(&app->rx) > 0) {
		mn_ring_get(&app->rx, &d);
		if (mn_ring_has_bytes(&d)) {
			app->rx.self += mn_ring_slots(d.len);
		} else if (d.type == MN_DESC_MSG) {
			mn_ring_put(&app->rxc, &d);
		}
	}
	mn_ring_publish(&app->rxc);
	mn_ring_release(&app->rx);
}

static void attacked_closes(struct world *w, struct input *in)
{
	sim_close(w->attacked, w->flows[take(in, 1) % NAMES]);
}

static void good_sends(struct world *w, struct input *in)
{
	uint32_t who = take(in, 1) & 1, n = 1 + take(in, 1) % 16, len = 1 + take(in, 2) % 20000;

	while (n-- && sim_send(w->good[who], w->flow[who], len))
		;
}

static void run_for_a_while(struct world *w, struct input *in)
{
	sim_run(w->sim, take(in, 2) % 8192, NULL);
}

static void (*const steps[])(struct world *w, struct input *in) = {
	raw_packet, likely_packet, likely_packet, likely_packet, likely_packet, likely_packet,
	likely_packet, connect_again, attacked_sends, attacked_drains, attacked_closes, good_sends,
	run_for_a_while, run_for_a_while,
};

static void step(struct world *w, struct input *in)
{
	steps[take(in, 1) % (sizeof(steps) / sizeof(steps[0]))](w, in);
	sim_turn(w->sim);
	look(w);
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

	*w = (struct world){ .sim = sim_new_sized(1, 64, 256) };
	sim_add_third(w->sim);
	h = w->sim->host;
	w->good[0] = &h[0].apps[0];
	w->good[1] = &h[1].apps[0];
	w->attacked = &h[1].apps[1];
	w->peer = &h[2].apps[0];
	w->attacked->reads = false;
	w->peer->reads = false;
	w->sim->filter = note_name;
	w->sim->filter_ctx = w;
	if (!sim_pair(w->sim, &w->flow[0], &w->flow[1]) ||
	    mn_stack_listen(h[1].stack, &w->attacked->ch, &any, SINK_PORT) ||
	    mn_stack_listen(h[2].stack, &w->peer->ch, &any, SINK_PORT))
		abort();
	connect_to(w, 2, 1, w->peer);
	sim_run(w->sim, 5000, NULL);
	look(w);
	if (!w->path.id || !w->n_names || !w->n_flows)
		abort();
	w->sim->net.loss = LOSS;
}

/* The honest connection is the only one left, and nothing is held back. */
static void check_clean(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		struct mn_stack_gauges g;

		mn_stack_gauges(w->sim->host[i].stack, &g);
		if (w->sim->host[i].held || g.held || g.records || sim_conns(w->sim, i) != 1 ||
		    g.paths != 1 || w->good[i]->n_free != w->good[i]->ch.tx_bufs ||
		    mn_stack_stats(w->sim->host[i].stack)->channels_corrupt)
			abort();
	}
}

uint64_t fuzz_paths_run(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct world w;
	uint64_t frames = 0;

	start(&w);
	while (in.len) {
		step(&w, &in);
		frames = w.path.id ? w.path.rx_frames : frames;
	}
	for (uint32_t us = 0; us < DEADLINE_US && !all_there(&w); us += 10000)
		sim_run(w.sim, 10000, NULL);
	if (!all_there(&w))
		abort();
	w.sim->net.loss = 0;
	w.sim->host[2].dead = true;
	mn_stack_del_channel(w.sim->host[1].stack, &w.attacked->ch, MN_END_OWNER_DIED);
	sim_run(w.sim, 20000000, NULL);
	check_clean(&w);
	sim_free(w.sim);
	return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_paths_run(data, len);
	return 0;
}
