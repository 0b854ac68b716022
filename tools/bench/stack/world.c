// SPDX-License-Identifier: MIT
/* world.c - hosts, their applications, and the packets between them */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#define MTU		1500
#define FIRST_ADDR	0x0a000001u
#define START_US	1000000u

struct world_packet {
	uint64_t at_us;
	struct mn_tuple tuple;
	uint32_t len;
	uint8_t data[];
};

static void free_packet(void *ctx, void *handle)
{
	(void)ctx;
	free(handle);
}

static void on_event(void *ctx, const struct mn_stack_event *ev)
{
	struct world_host *h = ctx;

	if (ev->type == MN_STACK_EVENT_CONNECT)
		h->asked[h->n_asked++] = ev->id;
	if (ev->type != MN_STACK_EVENT_END)
		return;
	h->closed++;
	h->failed += ev->why != MN_END_CLOSED && ev->why != MN_END_PEER_CLOSED;
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

static int64_t resident(const struct world *w)
{
	long pages = 0;
	char text[128];
	ssize_t n = pread(w->statm, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	sscanf(text, "%*d %ld", &pages);
	return pages * sysconf(_SC_PAGESIZE);
}

/* From now on memory that is touched for the first time is that of h. */
static void run_as(struct world *w, struct world_host *h)
{
	int64_t now;

	if (!w->statm)
		return;
	now = resident(w);
	if (w->running)
		w->running->bytes += now - w->resident;
	w->resident = now;
	w->running = h;
}

int world_count_memory(struct world *w)
{
	w->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	return w->statm < 0 ? -errno : 0;
}

static const struct mn_stack_ops ops = {
	.pkt_free = free_packet,
	.event = on_event,
	.random = next_random,
};

/* --- applications --- */

static void app_event(struct world_host *h, struct mn_desc *d)
{
	uint32_t *done = (uint32_t *)h->ch.rx_done;

	switch (d->type) {
	case MN_DESC_INLINE:
	case MN_DESC_MSG:
		/* In a buffer when two packets brought it. */
		if (d->type == MN_DESC_MSG)
			mn_ring_put(&h->rxc, d);
		done[d->flow & (h->ch.flows - 1)] += d->len;
		h->received++;
		if (h->app.message)
			h->app.message(h, d->flow);
		break;
	case MN_DESC_OPEN:
		h->opened++;
		if (h->app.opened)
			h->app.opened(h, d->flow);
		break;
	case MN_DESC_FAILED:
		h->failed++;
		break;
	case MN_DESC_END:
		h->ended++;
		if (h->app.ended)
			h->app.ended(h, d->flow, d->len);
		break;
	}
}

/* What it reads it can answer: with a full ring to send on it does not read. */
static bool can_answer(struct world_host *h)
{
	uint32_t slots = 2 * (1 + mn_ring_slots(WORLD_MSG));

	return mn_ring_free(&h->tx, slots) >= slots;
}

static void app_read(struct world_host *h)
{
	struct mn_desc d;

	while (can_answer(h) && mn_ring_avail(&h->rx) > 0) {
		mn_ring_get(&h->rx, &d);
		h->rx.self += mn_ring_extra(&h->rx, &d);
		app_event(h, &d);
	}
	mn_ring_release(&h->rx);
	mn_ring_publish(&h->rxc);
}

int world_send(struct world_host *h, uint64_t flow)
{
	const struct mn_desc d = { .flow = flow, .type = MN_DESC_INLINE, .len = WORLD_MSG };
	uint32_t slots = mn_ring_need(&h->tx, WORLD_MSG);

	if (mn_ring_free(&h->tx, slots) < (int64_t)slots)
		return -ENOBUFS;
	memset(mn_ring_put_inline(&h->tx, &d), 0, WORLD_MSG);
	return 0;
}

void world_echo(struct world_host *h, uint64_t flow)
{
	/* The stack counts what does not fit: a row that misses messages fails. */
	if (world_send(h, flow))
		h->failed++;
}

int world_connect(struct world_host *h, uint32_t n, uint32_t ports)
{
	const struct mn_desc d = { n + 1, MN_DESC_CONNECT, sizeof(struct mn_shm_connect), 0 };
	struct mn_shm_connect want = { .remote_port = WORLD_PORT + n % ports };
	uint32_t slots = mn_ring_need(&h->tx, d.len);

	if (mn_ring_free(&h->tx, slots) < (int64_t)slots)
		return -ENOBUFS;
	memcpy(want.local_addr, h->addr.b, sizeof(want.local_addr));
	memcpy(want.remote_addr, h->world->host[0].addr.b, sizeof(want.remote_addr));
	memcpy(mn_ring_put_inline(&h->tx, &d), &want, sizeof(want));
	return 0;
}

int world_close(struct world_host *h, uint64_t flow)
{
	const struct mn_desc d = { flow, MN_DESC_CLOSE, 0, 0 };

	if (mn_ring_free(&h->tx, 1) < 1)
		return -ENOBUFS;
	mn_ring_put(&h->tx, &d);
	return 0;
}

/* The control thread: all are on one link. */
static void give_routes(struct world_host *h)
{
	const struct mn_tuple to = {
		.local = h->addr, .remote = h->world->host[0].addr, .mtu = MTU,
	};

	while (h->n_asked)
		mn_stack_connect(h->stack, h->asked[--h->n_asked], &to, false);
}

/* --- packets --- */

/* On the link, or in the ring; lost when that is full. */
static void enqueue(struct world_host *h, const struct mn_tuple *seen, const uint8_t *data,
		    uint32_t len)
{
	struct world_ring *r = &h->ring;
	struct world_packet *p;

	if (r->used == r->size) {
		r->dropped++;
		return;
	}
	p = malloc(sizeof(*p) + len);
	if (!p) {
		h->failed++;
		return;
	}
	p->at_us = h->world->now_us + r->delay_us;
	p->tuple = *seen;
	p->len = len;
	memcpy(p->data, data, len);
	r->packets[(r->head + r->used++) % r->size] = p;
	if (r->used > r->most)
		r->most = r->used;
}

static void receive(struct world_host *h, const struct mn_tuple *seen, const uint8_t *data,
		    uint32_t len)
{
	struct mn_pkt pkt = { .tuple = seen, .data = data, .len = len };

	if (h->ring.size)
		enqueue(h, seen, data, len);
	else if (mn_stack_input(h->stack, &pkt))
		/* Nothing overtakes anything without a ring: there is nothing to keep. */
		h->failed++;
}

static bool has_arrived(const struct world_host *h)
{
	const struct world_ring *r = &h->ring;

	return r->used && r->packets[r->head % r->size]->at_us <= h->world->now_us;
}

static void take_ring(struct world_host *h)
{
	struct world_ring *r = &h->ring;

	for (uint32_t i = 0; i < WORLD_BURST && has_arrived(h); i++, r->used--) {
		struct world_packet *p = r->packets[r->head++ % r->size];
		struct mn_pkt pkt = { &p->tuple, p->data, p->len, p, 0 };

		if (!mn_stack_input(h->stack, &pkt))
			free(p);
	}
	mn_stack_rx_left(h->stack, has_arrived(h));
}

static struct world_host *host_of(struct world *w, const struct mn_addr *addr)
{
	uint32_t v4;

	memcpy(&v4, addr->b + 12, sizeof(v4));
	return &w->host[ntohl(v4) - FIRST_ADDR];
}

static void carry(struct world *w, uint32_t from)
{
	struct mn_stack *s = w->host[from].stack;
	struct mn_tuple to;
	uint32_t len;

	for (uint32_t i = 0; i < WORLD_BURST; i++) {
		len = mn_stack_output(s, w->packet, sizeof(w->packet), &to, NULL);
		if (!len)
			return;
		struct mn_tuple seen = {
			.local = to.remote, .remote = to.local,
			.local_port = to.remote_port, .remote_port = to.local_port, .mtu = to.mtu,
		};

		if (!w->lose || !w->lose(w, from, len))
			receive(host_of(w, &to.remote), &seen, w->packet, len);
	}
}

/* The server last: what it answers arrives before the clients' next turn. */
void world_turn(struct world *w, uint32_t us)
{
	for (uint32_t i = w->n; i-- > 0;) {
		struct world_host *h = &w->host[i];

		run_as(w, h);
		if (h->ring.size)
			take_ring(h);
		mn_stack_flush(h->stack);
		app_read(h);
		mn_ring_publish(&h->tx);
		mn_stack_poll_channels(h->stack);
		give_routes(h);
		carry(w, i);
	}
	/* What is called between turns. */
	run_as(w, &w->host[1]);
	w->now_us += us;
	for (uint32_t i = 0; i < w->n; i++)
		mn_stack_advance(w->host[i].stack, w->now_us);
}

/* When the host has something to do. */
static uint64_t wanted_at(const struct world_host *h)
{
	const struct world_ring *r = &h->ring;
	uint64_t at = mn_stack_deadline(h->stack);
	uint64_t arrival = r->used ? r->packets[r->head % r->size]->at_us : UINT64_MAX;

	return arrival < at ? arrival : at;
}

void world_idle(struct world *w, uint64_t us)
{
	uint64_t end_us = w->now_us + us;

	while (w->now_us < end_us) {
		uint64_t at = end_us;

		for (uint32_t i = 0; i < w->n; i++) {
			uint64_t wanted = wanted_at(&w->host[i]);

			at = wanted < at ? wanted : at;
		}
		world_turn(w, at > w->now_us ? at - w->now_us : 1);
	}
}

uint64_t world_packets(const struct world *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->n; i++)
		n += mn_stack_stats(w->host[i].stack)->tx_packets;
	return n;
}

/* --- the process --- */

uint64_t world_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

int world_fail(const char *what, int error)
{
	fprintf(stderr, "bench-stack: %s: %s\n", what, strerror(error < 0 ? -error : error));
	return 1;
}

/* --- set up --- */

static void app_ring(struct world_host *h, struct mn_ring *r, enum mn_shm_ring which)
{
	mn_ring_init(r, (uint8_t *)h->ch.hdr + h->ch.hdr->ring_off[which],
		     h->ch.hdr->ring_slots[which]);
}

static int create_host(struct world *w, uint32_t i, const struct world_config *cfg)
{
	struct world_host *h = &w->host[i];
	uint32_t conns = i && cfg->client_conns ? cfg->client_conns : cfg->conns;
	/* The limits of an engine. */
	struct mn_stack_config sc = {
		.engines = 1, .instance = i + 1, .port_first = 61440, .port_count = 64,
		.contact_port = 61440, .rx_ring = 256, .paths = 1, .max_conns = conns,
		.max_paths = 1024, .max_held = 4096, .max_records = 65536, .ops = &ops,
		.ops_ctx = h,
	};
	struct mn_addr any = mn_addr_from_v4(0);
	int ret;

	run_as(w, h);
	ret = mn_channel_create(&h->ch, i, cfg->bufs, cfg->bufs, conns);
	if (ret)
		return ret;
	h->world = w;
	app_ring(h, &h->tx, MN_SHM_RING_TX);
	app_ring(h, &h->rx, MN_SHM_RING_RX);
	app_ring(h, &h->rxc, MN_SHM_RING_RXC);
	h->addr = mn_addr_from_v4(htonl(FIRST_ADDR + i));
	h->asked = calloc(conns, sizeof(*h->asked));
	h->stack = mn_stack_create(&sc, w->now_us);
	if (!h->stack || !h->asked)
		return -ENOMEM;
	w->n++;
	if (h->ring.size) {
		h->ring.packets = calloc(h->ring.size, sizeof(struct world_packet *));
		if (!h->ring.packets)
			return -ENOMEM;
	}
	ret = mn_stack_add_channel(h->stack, &h->ch);
	for (uint32_t p = 0; !i && !ret && p < cfg->ports; p++)
		ret = mn_stack_listen(h->stack, &h->ch, &any, WORLD_PORT + p);
	return ret;
}

int world_create(struct world *w, const struct world_config *cfg)
{
	int ret = 0;

	w->now_us = START_US;
	for (uint32_t i = 0; i < cfg->hosts && !ret; i++)
		ret = create_host(w, i, cfg);
	return ret;
}

void world_destroy(struct world *w)
{
	for (uint32_t i = 0; i < WORLD_HOSTS; i++) {
		struct world_host *h = &w->host[i];

		for (; h->ring.used; h->ring.used--)
			free(h->ring.packets[h->ring.head++ % h->ring.size]);
		if (h->stack)
			mn_stack_destroy(h->stack);
		if (h->world)
			mn_channel_destroy(&h->ch);
		free(h->ring.packets);
		free(h->asked);
	}
	if (w->statm > 0)
		close(w->statm);
	memset(w, 0, sizeof(*w));
}
