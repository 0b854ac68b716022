// SPDX-License-Identifier: MIT
/*
 * bench-stack - what messages and connections cost the transport, without a device
 *
 * Two stacks in one thread hand each other their packets; the clock is virtual. In each turn the
 * client sends 32 messages of 64 bytes, and the server reads them. They belong to 32 connections,
 * always the same ones ("few"), or to all in turn ("all"), so that each meets memory that was not
 * touched for long. Prints one line of JSON: nanoseconds per message, of both stacks together, by
 * number of connections; packets per message; connects per second of processor time, 64 at a time;
 * bytes of memory per idle connection, of one side; and how many times as much a message costs for
 * few of 100,000 connections as for 32 alone. Fails when that ratio is more than FEW_RATIO_MAX.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transport/stack.h"

#define PORT		31580
/* A pair of hosts has 64,512 client ports for each port of a listener. */
#define PORTS		4u
#define BATCH		32u
#define CONNECTS	64u
#define MSG		64u
#define MAX_CONNS	131072u
/* Of virtual time. */
#define TURN_US		10u
#define TURNS		10000u
#define REPEATS		5
#define FEW_RATIO_MAX	2.0

struct host {
	struct mn_stack *stack;
	struct mn_channel ch;
	struct mn_ring tx, rx;		/* the application's end */
	struct mn_addr addr;
	uint64_t *flows;		/* handles, in the order in which they came up */
	uint32_t n_flows;
	uint64_t received;
	uint64_t asked[CONNECTS];	/* connections whose route is wanted */
	uint32_t n_asked;
};

struct bench {
	struct host host[2];		/* client, server */
	uint64_t now_us;
	uint32_t asked, next;
	uint8_t packet[65536];
};

static void no_free(void *ctx, void *handle)
{
	(void)ctx, (void)handle;
}

/* The first connects to the server. */
static void on_event(void *ctx, const struct mn_stack_event *ev)
{
	struct host *h = ctx;

	if (ev->type == MN_STACK_EVENT_CONNECT)
		h->asked[h->n_asked++] = ev->id;
}

/* SplitMix64 (Steele, Lea, Flood, 2014): ids need not be secret here. */
static uint64_t next_random(void *ctx)
{
	static uint64_t state;
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	(void)ctx;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static const struct mn_stack_ops ops = {
	.pkt_free = no_free,
	.event = on_event,
	.random = next_random,
};

/* The application reads all. */
static void read_all(struct host *h)
{
	uint32_t *done = (uint32_t *)h->ch.rx_done;
	struct mn_desc d;

	while (mn_ring_avail(&h->rx) > 0) {
		mn_ring_get(&h->rx, &d);
		h->rx.self += mn_ring_extra(&h->rx, &d);
		if (d.type == MN_DESC_INLINE) {
			done[d.flow & (h->ch.flows - 1)] += d.len;
			h->received++;
		} else if (d.type == MN_DESC_OPEN) {
			h->flows[h->n_flows++] = d.flow;
		}
	}
	mn_ring_release(&h->rx);
}

/* What one stack sends goes straight to the other one. */
static void carry(struct bench *b, int from)
{
	struct mn_stack *s = b->host[from].stack, *peer = b->host[!from].stack;
	struct mn_tuple to;
	uint32_t len;

	while ((len = mn_stack_output(s, b->packet, sizeof(b->packet), &to, NULL))) {
		struct mn_tuple seen = {
			.local = to.remote, .remote = to.local,
			.local_port = to.remote_port, .remote_port = to.local_port, .mtu = to.mtu,
		};
		struct mn_pkt pkt = { &seen, b->packet, len, NULL };

		mn_stack_input(peer, &pkt);
	}
}

static void answer(struct bench *b, struct host *h)
{
	struct mn_tuple to = {
		.local = h->addr, .remote = b->host[h == b->host].addr, .mtu = 1500,
	};

	while (h->n_asked)
		mn_stack_connect(h->stack, h->asked[--h->n_asked], &to, false);
}

static void turn(struct bench *b, uint32_t us)
{
	for (int i = 0; i < 2; i++) {
		mn_stack_poll_channels(b->host[i].stack);
		answer(b, &b->host[i]);
		carry(b, i);
		mn_stack_flush(b->host[i].stack);
		read_all(&b->host[i]);
	}
	b->now_us += us;
	for (int i = 0; i < 2; i++)
		mn_stack_advance(b->host[i].stack, b->now_us);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static bool ask_connect(struct bench *b)
{
	const struct mn_desc d = { ++b->asked, MN_DESC_CONNECT, sizeof(struct mn_shm_connect), 0 };
	struct mn_shm_connect want = { .remote_port = PORT + b->asked % PORTS };
	struct mn_ring *tx = &b->host[0].tx;

	if (mn_ring_free(tx, tx->size / 2) < tx->size / 4)
		return false;
	memcpy(want.local_addr, b->host[0].addr.b, sizeof(want.local_addr));
	memcpy(want.remote_addr, b->host[1].addr.b, sizeof(want.remote_addr));
	memcpy(mn_ring_put_inline(tx, &d), &want, sizeof(want));
	mn_ring_publish(tx);
	return true;
}

/* Until there are n connections; the rate is that of this call. */
static int connect_all(struct bench *b, uint32_t n, double *per_s)
{
	struct host *client = &b->host[0];
	uint64_t from = now_ns();
	uint32_t before = client->n_flows, turns = 0;

	while (client->n_flows < n) {
		while (b->asked < n && b->asked - client->n_flows < CONNECTS) {
			if (!ask_connect(b))
				return -ENOBUFS;
		}
		turn(b, TURN_US);
		if (++turns > 100 * n)
			return -ETIMEDOUT;
	}
	*per_s = (n - before) * 1e9 / (now_ns() - from);
	return 0;
}

static void send_one(struct host *h, uint64_t flow)
{
	const struct mn_desc d = { .flow = flow, .type = MN_DESC_INLINE, .len = MSG };

	memset(mn_ring_put_inline(&h->tx, &d), 0, MSG);
}

static int send_burst(struct bench *b, uint32_t among)
{
	struct host *client = &b->host[0];

	for (uint32_t k = 0; k < BATCH; k++) {
		if (mn_ring_free(&client->tx, client->tx.size / 2) < client->tx.size / 4)
			return -ENOBUFS;
		send_one(client, client->flows[b->next++ % among]);
	}
	mn_ring_publish(&client->tx);
	return 0;
}

/* Nanoseconds per message, the least of several runs; among: connections that get messages. */
static double measure(struct bench *b, uint32_t among, int *error)
{
	uint64_t wanted = b->host[1].received + TURNS * BATCH;
	double best = 0;

	for (int r = 0; r < REPEATS; r++) {
		uint64_t from = now_ns();
		double ns;

		for (uint32_t t = 0; t < TURNS / REPEATS; t++) {
			*error = *error ? *error : send_burst(b, among);
			turn(b, TURN_US);
		}
		ns = (double)(now_ns() - from) / (TURNS / REPEATS * BATCH);
		if (!r || ns < best)
			best = ns;
	}
	for (int i = 0; i < 1000 && b->host[1].received < wanted; i++)
		turn(b, TURN_US);
	if (b->host[1].received != wanted)
		*error = -EPROTO;
	return best;
}

static long resident(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void app_ring(struct host *h, struct mn_ring *r, enum mn_shm_ring which)
{
	mn_ring_init(r, (uint8_t *)h->ch.hdr + h->ch.hdr->ring_off[which],
		     h->ch.hdr->ring_slots[which]);
}

static int setup_host(struct bench *b, int i)
{
	struct mn_stack_config cfg = {
		.engines = 1, .instance = i + 1, .port_first = 61440, .port_count = 64,
		.contact_port = 61440, .rx_ring = 256, .paths = 1, .max_conns = MAX_CONNS,
		.max_paths = 16, .max_held = 64, .max_records = 65536, .ops = &ops,
		.ops_ctx = &b->host[i],
	};
	struct mn_addr any = mn_addr_from_v4(0);
	struct host *h = &b->host[i];
	int ret = mn_channel_create(&h->ch, i, 0, 0, MAX_CONNS);

	if (ret)
		return ret;
	app_ring(h, &h->tx, MN_SHM_RING_TX);
	app_ring(h, &h->rx, MN_SHM_RING_RX);
	h->addr = mn_addr_from_v4(htonl(0x0a000001 + i));
	h->flows = calloc(MAX_CONNS, sizeof(*h->flows));
	h->stack = mn_stack_create(&cfg, b->now_us);
	if (!h->stack || !h->flows)
		return -ENOMEM;
	ret = mn_stack_add_channel(h->stack, &h->ch);
	for (uint32_t p = 0; i && !ret && p < PORTS; p++)
		ret = mn_stack_listen(h->stack, &h->ch, &any, PORT + p);
	return ret;
}

static int run(struct bench *b)
{
	static const uint32_t sizes[] = { BATCH, 1000, 100000 };
	const struct mn_stack_stats *st;
	double few[3], all[3], per_s = 0, packets = 0;
	uint64_t before_packets;
	long before, grown = 0;
	int ret;

	b->now_us = 1000000;
	ret = setup_host(b, 0);
	if (!ret)
		ret = setup_host(b, 1);
	for (int i = 0; i < 3 && !ret; i++) {
		before = resident();
		ret = connect_all(b, sizes[i], &per_s);
		grown = (resident() - before) / 2 /
			(long)(i ? sizes[i] - sizes[i - 1] : sizes[i]);
		few[i] = measure(b, BATCH, &ret);
		st = mn_stack_stats(b->host[0].stack);
		before_packets = st->tx_packets + st->rx_packets;
		all[i] = measure(b, sizes[i], &ret);
		packets = (double)(st->tx_packets + st->rx_packets - before_packets) /
			  (TURNS * BATCH);
	}
	if (ret) {
		fprintf(stderr, "Error: %s\n", strerror(-ret));
		return 1;
	}
	printf("{\"few_32_ns\": %.1f, \"few_1000_ns\": %.1f, \"few_100000_ns\": %.1f, "
	       "\"all_1000_ns\": %.1f, \"all_100000_ns\": %.1f, \"packets_per_message\": %.3f, "
	       "\"connects_per_s\": %.0f, \"few_ratio\": %.2f, \"bytes_per_connection\": %ld}\n",
	       few[0], few[1], few[2], all[1], all[2], packets, per_s, few[2] / few[0], grown);
	return few[2] / few[0] > FEW_RATIO_MAX;
}

int main(void)
{
	static struct bench b;
	int status = run(&b);

	for (int i = 0; i < 2; i++) {
		if (b.host[i].stack)
			mn_stack_destroy(b.host[i].stack);
		mn_channel_destroy(&b.host[i].ch);
		free(b.host[i].flows);
	}
	return status;
}
