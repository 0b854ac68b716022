// SPDX-License-Identifier: MIT
/*
 * Anything may arrive: raw bytes, and packets that are nearly right, in between
 * what two real stacks say to each other. Whatever happens, afterwards nothing is held and
 * nothing is left.
 */
#include <stdlib.h>
#include <string.h>

#include "transport1/packet.h"
#include "fuzz_wire.h"
#include "selftests/transport1/sim.h"

struct input {
	const uint8_t *data;
	size_t len;
};

struct world {
	struct sim *sim;
	uint64_t flow[2];
	uint64_t id[2];
	struct mn_path path;	/* from host 0 to host 1 */
};

static uint8_t take(struct input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return *in->data++;
}

static uint64_t take_number(struct input *in, uint32_t bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | take(in);
	return n;
}

/* Sequence numbers that matter: near what the connection is at, near the ends of the numbers. */
static uint64_t take_seq(struct input *in, uint64_t near)
{
	uint8_t how = take(in);

	switch (how & 3) {
	case 0:
		return near + (int8_t)take(in);
	case 1:
		return near + take_number(in, 2);
	case 2:
		return (how & 4 ? UINT64_MAX : 0) + (int8_t)take(in);
	default:
		return take_number(in, 8);
	}
}

static uint64_t take_id(struct input *in, const struct world *w)
{
	switch (take(in) & 7) {
	case 0:
		return 0;
	case 1:
		return w->id[0];
	case 2:
		return take_number(in, 8);
	default:
		return w->id[1];
	}
}

static void raw_packet(struct world *w, struct input *in)
{
	uint8_t buf[256];
	uint32_t len = take(in);

	for (uint32_t i = 0; i < len; i++)
		buf[i] = take(in);
	sim_inject(w->sim, 1, &w->path, buf, len);
}

static void likely_packet(struct world *w, struct input *in)
{
	uint8_t buf[512];
	struct mn_conn_info info = { 0 };
	struct mn_seg seg = { .type = 1 + take(in) % 6, .flags = take(in) & MN_WIRE_F_MASK };
	uint32_t n, len = seg.type == MN_WIRE_DATA ? take(in) : 0;

	sim_info(w->sim, 1, w->flow[1], &info);
	seg.id = seg.type == MN_WIRE_SYN ? 0 : take_id(in, w);
	if (seg.type == MN_WIRE_DATA || seg.type == MN_WIRE_ACK)
		seg.n_sack = take(in) % (MN_WIRE_SACK_MAX + 1);
	seg.credit = take_number(in, 1 + take(in) % 4);
	seg.seq = take_seq(in, info.rx_bytes);
	seg.ack = take_seq(in, info.tx_bytes);
	seg.ts = w->sim->now_us + (int8_t)take(in);
	seg.ts_echo = take(in) & 1 ? take_number(in, 4) : (uint32_t)w->sim->now_us - take(in);
	seg.ack_delay = take_number(in, 1 + take(in) % 4);
	for (int i = 0; i < seg.n_sack; i++) {
		seg.sack[i].start = take_seq(in, seg.ack);
		seg.sack[i].end = seg.sack[i].start + take(in);
	}
	seg.syn = (struct mn_wire_syn){
		.id = take_id(in, w), .mss = take_number(in, 2), .engine = take(in),
		.code = seg.type == MN_WIRE_RST ? take(in) % 5 : 0,
		.cookie = seg.type == MN_WIRE_RETRY ? take(in) : 0,
	};
	if (seg.type == MN_WIRE_RETRY)
		seg.syn.id = seg.syn.mss = seg.syn.engine = 0;
	n = mn_packet_write(buf, &seg);
	for (uint32_t i = 0; i < len; i++)
		buf[n + i] = i < 4 ? take(in) & 1 : take(in);
	sim_inject(w->sim, 1, &w->path, buf, n + len);
}

static void step(struct world *w, struct input *in)
{
	static const uint8_t mac[6];
	struct sim_host *h = w->sim->host;
	uint32_t n;

	switch (take(in) % 10) {
	case 0:
		raw_packet(w, in);
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		likely_packet(w, in);
		break;
	case 5:
		n = 1 + take_number(in, 2);
		sim_send(&h[n & 1].apps[0], w->flow[n & 1], n);
		break;
	case 6:
		sim_run(w->sim, take_number(in, 2), NULL);
		break;
	case 7:
		n = take(in);
		h[n & 1].apps[0].reads = n & 2;
		w->sim->net.loss = (n >> 2) * 10000;
		break;
	case 8:
		mn_stack_set_path(h[1].stack, w->id[1], mac, take_number(in, 2));
		break;
	case 9:
		n = take(in);
		if (n < 32)
			mn_stack_close(h[n & 1].stack, &h[n & 1].apps[0].ch, w->flow[n & 1]);
		break;
	}
	sim_turn(w->sim);
}

uint64_t fuzz_wire_run(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct world w = { .sim = sim_new_sized(1, 16, 32) };
	const struct mn_stack_stats *st = mn_stack_stats(w.sim->host[1].stack);
	uint64_t accepted;

	if (!sim_pair(w.sim, &w.flow[0], &w.flow[1]))
		abort();
	for (int i = 0; i < 2; i++)
		w.id[i] = sim_last_event(w.sim, i, MN_STACK_EVENT_UP)->id;
	w.path = sim_last_event(w.sim, 0, MN_STACK_EVENT_UP)->path;
	while (in.len)
		step(&w, &in);
	w.sim->net.loss = 0;
	accepted = st->rx_packets - st->drop_short - st->drop_version - st->drop_malformed -
		   st->drop_unknown_conn;
	for (int i = 0; i < 2; i++)
		mn_stack_del_channel(w.sim->host[i].stack, &w.sim->host[i].apps[0].ch,
				     MN_END_ADMIN);
	sim_run(w.sim, 20000000, NULL);
	if (w.sim->host[0].held || w.sim->host[1].held || sim_conns(w.sim, 0) ||
	    sim_conns(w.sim, 1))
		abort();
	sim_free(w.sim);
	return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_wire_run(data, len);
	return 0;
}
