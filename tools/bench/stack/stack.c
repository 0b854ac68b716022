// SPDX-License-Identifier: MIT
/*
 * bench-stack - what a packet costs the transport when there are many connections
 *
 * One stack without a device or a second thread; this program plays the peers and the
 * application. Each turn brings 32 packets with a message of 64 bytes each, as an engine would
 * take them, and takes what the stack has to say. The packets belong to 32 connections, always
 * the same ones ("few"), or to all in turn ("all"), so that each meets memory that nobody has
 * touched for long. Prints one line of JSON: nanoseconds per packet by number of connections, how
 * many times as much a packet costs for few of 100,000 as for 32 alone, and bytes of memory per
 * idle connection. Fails when that ratio is more than FEW_RATIO_MAX.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transport1/packet.h"
#include "transport1/stack.h"

#define PORT		31580
#define BATCH		32u
#define MSG		64u
#define MAX_CONNS	131072u
/* Of virtual time: all is over before the first idle connection is asked whether its peer lives. */
#define TURN_US		10u
#define TURNS		10000u
#define REPEATS		5
#define FEW_RATIO_MAX	2.0

struct peer {
	uint64_t id;		/* of the connection, at the stack */
	uint64_t seq;
};

struct bench {
	struct mn_stack *stack;
	struct mn_channel ch;
	struct mn_ring rx, rxc;	/* the application's end */
	struct peer *peers;
	uint32_t n, next;
	uint64_t now_us, received;
	uint8_t out[65536];
};

static void no_free(void *ctx, void *handle)
{
	(void)ctx, (void)handle;
}

static void no_event(void *ctx, const struct mn_stack_event *ev)
{
	(void)ctx, (void)ev;
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

static const struct mn_stack_ops ops = { no_free, no_event, next_random };

static struct mn_path path_of(uint32_t i)
{
	return (struct mn_path){
		.local = mn_addr_from_v4(htonl(0x0a000001)),
		.remote = mn_addr_from_v4(htonl(0x0b000000 + i / 32768)),
		.local_port = PORT,
		.remote_port = 32768 + i % 32768,
		.mtu = 1500,
	};
}

static void input(struct bench *b, uint32_t i, const struct mn_seg *seg, const void *payload,
		  uint32_t len)
{
	struct mn_path path = path_of(i);
	uint8_t buf[256];
	uint32_t n = mn_packet_write(buf, seg);
	struct mn_pkt pkt = { &path, buf, n + len, NULL };

	memcpy(buf + n, payload, len);
	mn_stack_input(b->stack, &pkt);
}

/* The application reads all; OPEN alone lies in a buffer, which goes back. */
static void read_all(struct bench *b)
{
	struct mn_desc d;

	while (mn_ring_avail(&b->rx) > 0) {
		mn_ring_get(&b->rx, &d);
		if (d.type == MN_DESC_INLINE) {
			b->rx.self += mn_ring_slots(d.len);
			b->received++;
		} else if (d.type == MN_DESC_FILL) {
			b->rx.self += d.len - 1;
		} else if (d.type == MN_DESC_OPEN) {
			d.type = MN_DESC_MSG;
			mn_ring_put(&b->rxc, &d);
		}
	}
	mn_ring_release(&b->rx);
	mn_ring_publish(&b->rxc);
}

/* What the stack sends; the last packet is left in out. */
static void turn(struct bench *b, uint32_t us)
{
	struct mn_path path;

	mn_stack_poll_channels(b->stack);
	while (mn_stack_output(b->stack, b->out, sizeof(b->out), &path))
		;
	mn_stack_flush(b->stack);
	read_all(b);
	b->now_us += us;
	mn_stack_advance(b->stack, b->now_us);
}

static int connect_one(struct bench *b, uint32_t i)
{
	struct mn_seg seg = {
		.type = MN_WIRE_SYN, .ts = 1, .credit = 1 << 20,
		.syn = { .id = 1 + i, .mss = 1472 },
	};

	input(b, i, &seg, NULL, 0);
	turn(b, 1);
	if (mn_packet_parse(b->out, MN_PACKET_SYN, &seg) || seg.type != MN_WIRE_SYN_ACK)
		return -EPROTO;
	b->peers[i] = (struct peer){ .id = seg.syn.id };
	seg = (struct mn_seg){ .type = MN_WIRE_ACK, .id = b->peers[i].id, .ts = 2 };
	input(b, i, &seg, NULL, 0);
	turn(b, 1);
	return 0;
}

/* The next packet of peer i; returns its length. */
static uint32_t write_one(struct bench *b, uint32_t i, uint8_t *buf)
{
	static const uint8_t payload[MN_WIRE_FRAME_LEN + MSG] = { 0, 0, 0, MSG };
	struct peer *p = &b->peers[i];
	struct mn_seg seg = {
		.type = MN_WIRE_DATA, .id = p->id, .seq = p->seq, .ts = b->now_us | 1,
		.credit = 1 << 20,
	};
	uint32_t n = mn_packet_write(buf, &seg);

	memcpy(buf + n, payload, sizeof(payload));
	p->seq += sizeof(payload);
	return n + sizeof(payload);
}

/* A burst, as an engine gets it from a NIC. */
static void send_burst(struct bench *b, uint32_t among)
{
	static uint8_t buf[BATCH][256];
	const uint8_t *payloads[BATCH];
	struct mn_path path[BATCH];
	struct mn_pkt pkt[BATCH];

	for (uint32_t k = 0; k < BATCH; k++) {
		uint32_t i = b->next++ % among;

		path[k] = path_of(i);
		payloads[k] = buf[k];
		pkt[k] = (struct mn_pkt){ &path[k], buf[k], write_one(b, i, buf[k]), NULL };
	}
	mn_stack_prefetch(b->stack, payloads, BATCH);
	for (uint32_t k = 0; k < BATCH; k++)
		mn_stack_input(b->stack, &pkt[k]);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* Nanoseconds per packet, the least of several runs; among: connections that get packets. */
static double measure(struct bench *b, uint32_t among)
{
	double best = 0;

	for (int r = 0; r < REPEATS; r++) {
		uint64_t from = now_ns();
		double ns;

		for (uint32_t t = 0; t < TURNS / REPEATS; t++) {
			send_burst(b, among);
			turn(b, TURN_US);
		}
		ns = (double)(now_ns() - from) / (TURNS / REPEATS * BATCH);
		if (!r || ns < best)
			best = ns;
	}
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

static int setup(struct bench *b)
{
	struct mn_stack_config cfg = { .max_conns = MAX_CONNS, .max_held = 64, .ops = &ops };
	struct mn_addr any = mn_addr_from_v4(0);
	int ret = mn_channel_create(&b->ch, 0, 0, 0, MAX_CONNS);

	if (ret)
		return ret;
	mn_ring_init(&b->rx, (uint8_t *)b->ch.hdr + b->ch.hdr->ring_off[MN_SHM_RING_RX],
		     b->ch.hdr->ring_slots[MN_SHM_RING_RX]);
	mn_ring_init(&b->rxc, (uint8_t *)b->ch.hdr + b->ch.hdr->ring_off[MN_SHM_RING_RXC],
		     b->ch.hdr->ring_slots[MN_SHM_RING_RXC]);
	b->now_us = 1000000;
	b->peers = calloc(MAX_CONNS, sizeof(*b->peers));
	b->stack = mn_stack_create(&cfg, b->now_us);
	if (!b->stack || !b->peers)
		return -ENOMEM;
	ret = mn_stack_add_channel(b->stack, &b->ch);
	return ret ? ret : mn_stack_listen(b->stack, &b->ch, &any, PORT);
}

static int grow(struct bench *b, uint32_t n)
{
	while (b->n < n) {
		int ret = connect_one(b, b->n);

		if (ret)
			return ret;
		b->n++;
	}
	return 0;
}

static int run(struct bench *b)
{
	static const uint32_t sizes[] = { BATCH, 1000, 100000 };
	double few[3], all[3];
	long before, grown = 0;
	int ret = setup(b);

	for (int i = 0; i < 3 && !ret; i++) {
		before = resident();
		ret = grow(b, sizes[i]);
		grown = (resident() - before) / (long)(i ? sizes[i] - sizes[i - 1] : sizes[i]);
		few[i] = measure(b, BATCH);
		all[i] = measure(b, sizes[i]);
	}
	if (!ret && b->received != 6u * TURNS * BATCH)
		ret = -EPROTO;
	if (ret) {
		fprintf(stderr, "Error: %s\n", strerror(-ret));
		return 1;
	}
	printf("{\"few_32_ns\": %.1f, \"few_1000_ns\": %.1f, \"few_100000_ns\": %.1f, "
	       "\"all_1000_ns\": %.1f, \"all_100000_ns\": %.1f, \"few_ratio\": %.2f, "
	       "\"bytes_per_connection\": %ld}\n",
	       few[0], few[1], few[2], all[1], all[2], few[2] / few[0], grown);
	return few[2] / few[0] > FEW_RATIO_MAX;
}

int main(void)
{
	static struct bench b;
	int status = run(&b);

	if (b.stack)
		mn_stack_destroy(b.stack);
	mn_channel_destroy(&b.ch);
	free(b.peers);
	return status;
}
