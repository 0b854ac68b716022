// SPDX-License-Identifier: MIT
/* sim.c - stacks and a network in virtual time */
#include <stdlib.h>
#include <string.h>

#include "sim_net.h"
#include "steer/owner.h"

/* What real engines send per turn. */
#define TURN_PACKETS	32
#define MTU		1500

uint32_t sim_random(struct sim *sim, uint32_t n)
{
	sim->rng ^= sim->rng << 13;
	sim->rng ^= sim->rng >> 7;
	sim->rng ^= sim->rng << 17;
	return (sim->rng >> 16) % n;
}

/* --- the stacks' environment --- */

static void pkt_free(void *ctx, void *handle)
{
	struct sim_host *h = ctx;

	h->held--;
	free(handle);
}

static void on_event(void *ctx, const struct mn_stack_event *ev)
{
	struct sim_host *h = ctx;

	if (ev->type == MN_STACK_EVENT_CONNECT) {
		h->asked = realloc(h->asked, (h->n_asked + 1) * sizeof(*h->asked));
		h->asked[h->n_asked++] = *ev;
		h->asks++;
		return;
	}
	for (int a = 0; ev->type == MN_STACK_EVENT_CHANNEL && a < SIM_APPS; a++)
		if (h->apps[a].ch.id == ev->channel)
			h->apps[a].engine = ev->engine - h->first_engine;
	if (h->n_events < SIM_EVENTS)
		h->events[h->n_events] = *ev;
	h->n_events++;
}

static uint64_t random64(void *ctx)
{
	struct sim_host *h = ctx;
	uint64_t r = 0;

	for (int i = 0; i < 4; i++)
		r = r << 16 | sim_random(h->sim, 65536);
	return r;
}

/* Index of the engine whose application listens on the port; -1: none does. */
static int engine_of_port(const struct sim_host *h, uint16_t port)
{
	for (int a = 0; port && a < SIM_APPS; a++)
		if (h->apps[a].port == port)
			return h->apps[a].engine;
	return -1;
}

static int port_engine(void *ctx, const struct mn_addr *local, uint16_t port)
{
	const struct sim_host *h = ctx;
	int engine = engine_of_port(h, port);

	(void)local;
	return engine < 0 ? -1 : h->first_engine + engine;
}

static const struct mn_stack_ops ops = {
	.pkt_free = pkt_free,
	.event = on_event,
	.port_engine = port_engine,
	.random = random64,
};

/* What the engine that receives a packet decides: whose it is. */
static struct mn_stack *owner_of(struct sim_host *h, const struct sim_packet *p)
{
	uint16_t port;
	int engine;

	if (h->n_engines == 1)
		return h->stack;
	engine = mn_owner_of_packet(p->data, p->len, &port);
	engine = engine < 0 ? engine_of_port(h, port) : engine - h->first_engine;
	/* Any may have it. */
	if (engine < 0 || engine >= h->n_engines)
		engine = (p->path.local_port + p->path.remote_port) % h->n_engines;
	h->handoffs += engine != 0;
	return h->stacks[engine];
}

static void deliver(struct sim_host *h, struct sim_packet *p)
{
	struct mn_pkt pkt = { &p->path, p->data, p->len, p, 0 };

	mn_list_del(&p->node);
	h->held++;
	if (h->dead || !mn_stack_input(owner_of(h, p), &pkt))
		pkt_free(h, p);
}

static bool has_ring(const struct sim *sim, const struct sim_host *h)
{
	return sim->net.ring_slots && h == &sim->host[1];
}

/* A host with a ring has its turns when their time has come. */
static bool is_due(const struct sim *sim, const struct sim_host *h)
{
	return !h->dead && (!has_ring(sim, h) || h->ring_us <= sim->now_us);
}

/* At the end of its way: into the ring, if there is one. */
static void arrive(struct sim *sim, struct sim_packet *p)
{
	struct sim_host *h = &sim->host[p->to];

	if (!has_ring(sim, h)) {
		deliver(h, p);
		return;
	}
	mn_list_del(&p->node);
	if (h->ring_used == sim->net.ring_slots) {
		h->overflows++;
		free(p);
		return;
	}
	h->ring_used++;
	mn_list_add_tail(&h->ring, &p->node);
}

static void take_ring(struct sim *sim, struct sim_host *h)
{
	h->ring_us = sim->now_us + sim->net.ring_every_us;
	for (uint32_t i = 0; i < sim->net.ring_burst && h->ring_used; i++, h->ring_used--)
		deliver(h, mn_container(h->ring.next, struct sim_packet, node));
	for (int e = 0; e < h->n_engines; e++)
		mn_stack_rx_left(h->stacks[e], h->ring_used);
}

/* --- the run --- */

static void send_packets(struct sim *sim, int i, struct mn_stack *stack)
{
	uint8_t buf[65536];
	struct mn_tuple path;
	uint32_t n = 0, len;
	uint16_t sum;

	while (n < TURN_PACKETS &&
	       (len = mn_stack_output(stack, buf, sizeof(buf), &path, &sum))) {
		sim->errors += !path.local_host && sum != mn_checksum_add(buf, len, 0);
		sim_transmit(sim, i, &path, buf, len);
		n++;
	}
}

/* As between real engines, of which each looks at them in its next turn. */
static void pass_parcels(struct sim_host *h)
{
	struct mn_parcel *parcels = h->parcels, p;
	uint32_t n = h->n_parcels;

	h->parcels = NULL;
	h->n_parcels = 0;
	for (uint32_t i = 0; i < n; i++)
		mn_stack_parcel_in(h->stacks[parcels[i].to - h->first_engine], &parcels[i]);
	free(parcels);
	for (int e = 0; e < h->n_engines; e++)
		while (mn_stack_parcel_out(h->stacks[e], &p)) {
			if (!(h->n_parcels & (h->n_parcels - 1)))
				h->parcels = realloc(h->parcels,
						     (2 * h->n_parcels + 1) * sizeof(p));
			h->parcels[h->n_parcels++] = p;
		}
}

static void host_turn(struct sim *sim, int i)
{
	struct sim_host *h = &sim->host[i];

	pass_parcels(h);
	for (int a = 0; a < SIM_APPS; a++)
		if (!h->apps[a].ch.dead)
			sim_app_read(sim, &h->apps[a]);
	for (int e = 0; e < h->n_engines; e++)
		mn_stack_poll_channels(h->stacks[e]);
	sim_answer(sim, h);
	for (int e = 0; e < h->n_engines; e++)
		send_packets(sim, i, h->stacks[e]);
	for (int e = 0; e < h->n_engines; e++)
		mn_stack_flush(h->stacks[e]);
	for (int a = 0; a < SIM_APPS; a++)
		if (!h->apps[a].ch.dead && !h->apps[a].alien)
			sim_app_take_back(&h->apps[a]);
}

static void advance(struct sim *sim, struct sim_host *h)
{
	for (int e = 0; e < h->n_engines; e++)
		mn_stack_advance(h->stacks[e], sim->now_us);
}

static struct sim_packet *first_packet(struct sim *sim)
{
	if (mn_list_empty(&sim->packets))
		return NULL;
	return mn_container(sim->packets.next, struct sim_packet, node);
}

void sim_turn(struct sim *sim)
{
	struct sim_packet *p;

	for (int i = 0; i < sim->n_hosts; i++)
		if (is_due(sim, &sim->host[i]))
			advance(sim, &sim->host[i]);
	while ((p = first_packet(sim)) && p->at_us <= sim->now_us)
		arrive(sim, p);
	for (int i = 0; i < sim->n_hosts; i++) {
		struct sim_host *h = &sim->host[i];

		if (!is_due(sim, h))
			continue;
		if (has_ring(sim, h))
			take_ring(sim, h);
		host_turn(sim, i);
	}
}

/* When the engine has to look at the latest. */
static uint64_t engine_event_us(const struct sim *sim, struct mn_stack *stack)
{
	uint64_t at = mn_stack_deadline(stack);

	if (!mn_stack_arm(stack))
		at = sim->now_us;
	mn_stack_disarm(stack);
	return at;
}

static uint64_t host_event_us(const struct sim *sim, struct sim_host *h)
{
	uint64_t at = has_ring(sim, h) ? h->ring_us : UINT64_MAX;

	for (int e = 0; e < h->n_engines; e++) {
		uint64_t engine_us = engine_event_us(sim, h->stacks[e]);

		if (engine_us < at)
			at = engine_us;
	}
	if (h->n_parcels)
		at = sim->now_us;
	for (int a = 0; a < SIM_APPS; a++)
		if (h->apps[a].reads && !h->apps[a].ch.dead && mn_ring_avail(&h->apps[a].rx) > 0)
			at = sim->now_us;
	return at;
}

static uint64_t next_event_us(struct sim *sim, uint64_t end_us)
{
	uint64_t at = end_us;

	if (sim->poll_us && sim->now_us + sim->poll_us < at)
		at = sim->now_us + sim->poll_us;
	for (int i = 0; i < sim->n_hosts; i++) {
		uint64_t host_us = sim->host[i].dead ? at : host_event_us(sim, &sim->host[i]);

		if (host_us < at)
			at = host_us;
	}
	if (first_packet(sim) && first_packet(sim)->at_us < at)
		at = first_packet(sim)->at_us;
	return at > sim->now_us ? at : sim->now_us + 1;
}

bool sim_run(struct sim *sim, uint64_t for_us, bool (*done)(struct sim *sim))
{
	uint64_t end_us = sim->now_us + for_us;

	while (sim->now_us < end_us) {
		sim_turn(sim);
		if (done && done(sim))
			return true;
		sim->now_us = next_event_us(sim, end_us);
	}
	sim_turn(sim);
	return done ? done(sim) : true;
}

/* --- setting up --- */

static struct mn_stack *make_stack(struct sim *sim, int i, int engine, uint32_t max_conns,
				   uint32_t max_held)
{
	struct sim_host *h = &sim->host[i];
	struct mn_stack_config cfg = {
		.engine = h->first_engine + engine,
		.engines = h->n_engines == 1 ? 8 : h->n_engines,
		.instance = i + 1,
		.port_first = SIM_BLOCK,
		.port_count = 64,
		.contact_port = SIM_BLOCK,
		.rx_ring = 256,
		.paths = sim->paths,
		.max_conns = max_conns,
		.max_paths = SIM_PATHS,
		.max_held = max_held,
		.max_records = 16384,
		.ops = &ops,
		.ops_ctx = h,
	};

	return mn_stack_create(&cfg, sim->now_us);
}

static void add_host(struct sim *sim, int engines, uint32_t max_conns, uint32_t max_held)
{
	int i = sim->n_hosts++;
	struct sim_host *h = &sim->host[i];

	h->sim = sim;
	h->n_engines = engines;
	h->first_engine = engines == 1 ? i + 3 : 0;
	h->addr = mn_addr_from_v4(htonl(0x0a000001 + i));
	for (int e = 0; e < engines; e++)
		h->stacks[e] = make_stack(sim, i, e, max_conns, max_held);
	h->stack = h->stacks[0];
	mn_list_init(&h->ring);
	for (int a = 0; a < SIM_APPS; a++) {
		h->apps[a].engine = a % engines;
		sim_app_init(&h->apps[a], 10 * i + a);
		mn_stack_add_channel(h->stacks[a % engines], &h->apps[a].ch);
	}
}

void sim_add_third(struct sim *sim)
{
	add_host(sim, 1, 256, 1024);
}

static struct sim *make_sim(uint64_t seed, uint8_t paths)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	sim->now_us = 1000000 + seed % 1000;
	sim->rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	sim->net.delay_us = 10;
	sim->mtu = MTU;
	sim->paths = paths;
	mn_list_init(&sim->packets);
	return sim;
}

static struct sim *make_pair(uint64_t seed, uint32_t max_conns, uint32_t max_held, uint8_t paths)
{
	struct sim *sim = make_sim(seed, paths);

	for (int i = 0; i < 2; i++)
		add_host(sim, 1, max_conns, max_held);
	return sim;
}

struct sim *sim_new_engines(uint64_t seed, int engines0, int engines1, uint32_t max_conns)
{
	struct sim *sim = make_sim(seed, 1);

	add_host(sim, engines0, max_conns, 1024);
	add_host(sim, engines1, max_conns, 1024);
	return sim;
}

struct sim *sim_new_sized(uint64_t seed, uint32_t max_conns, uint32_t max_held)
{
	return make_pair(seed, max_conns, max_held, 1);
}

struct sim *sim_new_paths(uint64_t seed, uint8_t paths)
{
	return make_pair(seed, 128, 1024, paths);
}

struct sim *sim_new(uint64_t seed)
{
	return sim_new_sized(seed, 128, 1024);
}

void sim_free(struct sim *sim)
{
	sim_packets_free(&sim->packets);
	for (int i = 0; i < sim->n_hosts; i++) {
		sim_packets_free(&sim->host[i].ring);
		for (int e = 0; e < sim->host[i].n_engines; e++)
			mn_stack_destroy(sim->host[i].stacks[e]);
		free(sim->host[i].asked);
		free(sim->host[i].parcels);
		for (int a = 0; a < SIM_APPS; a++) {
			mn_channel_destroy(&sim->host[i].apps[a].ch);
			free(sim->host[i].apps[a].free);
			free(sim->host[i].apps[a].kept);
		}
	}
	free(sim);
}

const struct mn_stack_event *sim_last_event(const struct sim *sim, int host,
					    enum mn_stack_event_type type)
{
	const struct sim_host *h = &sim->host[host];

	for (uint32_t i = h->n_events < SIM_EVENTS ? h->n_events : SIM_EVENTS; i-- > 0;)
		if (h->events[i].type == type)
			return &h->events[i];
	return NULL;
}

static const struct mn_stack_event *first_up(const struct sim_host *h, uint32_t from)
{
	for (uint32_t i = from; i < h->n_events && i < SIM_EVENTS; i++)
		if (h->events[i].type == MN_STACK_EVENT_UP)
			return &h->events[i];
	return NULL;
}

bool sim_connect_from(struct sim *sim, int host, int app, uint64_t *flow0, uint64_t *flow1)
{
	static uint16_t port = 40000;
	struct sim_host *h = &sim->host[host], *peer = &sim->host[1];
	struct mn_tuple path = sim_path(sim, host, port++);
	const struct mn_stack_event *up = NULL, *peer_up = NULL;
	uint32_t before = h->n_events, peer_before = peer->n_events;

	if (!sim_open(&h->apps[app], &path, port))
		return false;
	for (int i = 0; i < 400 && !(up && peer_up); i++) {
		sim_run(sim, 5000, NULL);
		up = first_up(h, before);
		peer_up = first_up(peer, peer_before);
	}
	if (!up || !peer_up)
		return false;
	*flow0 = up->flow;
	*flow1 = peer_up->flow;
	return true;
}

bool sim_connect(struct sim *sim, int app, uint64_t *flow0, uint64_t *flow1)
{
	return sim_connect_from(sim, 0, app, flow0, flow1);
}

bool sim_listen(struct sim *sim, int host, int app, uint16_t port)
{
	struct sim_app *a = &sim->host[host].apps[app];
	struct mn_addr any = mn_addr_from_v4(0);

	a->port = port;
	return !mn_stack_listen(sim->host[host].stacks[a->engine], &a->ch, &any, port);
}

int sim_move(struct sim *sim, int host, int app, int engine)
{
	struct sim_host *h = &sim->host[host];
	struct sim_app *a = &h->apps[app];

	return mn_stack_move_channel(h->stacks[a->engine], &a->ch, h->first_engine + engine);
}

bool sim_pair(struct sim *sim, uint64_t *flow0, uint64_t *flow1)
{
	return sim_listen(sim, 1, 0, SIM_PORT) && sim_connect(sim, 0, flow0, flow1);
}
