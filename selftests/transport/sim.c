// SPDX-License-Identifier: MIT
/* sim.c - stacks and a network in virtual time */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* What real engines send per turn. */
#define TURN_PACKETS	32
#define MTU		1500
/* Around each UDP payload on the link. */
#define FRAMING		66

struct packet {
	struct mn_list node;
	uint64_t at_us;
	int to;
	struct mn_tuple path;	/* as the receiver sees it */
	uint32_t len;
	uint8_t data[];
};

uint32_t sim_random(struct sim *sim, uint32_t n)
{
	sim->rng ^= sim->rng << 13;
	sim->rng ^= sim->rng >> 7;
	sim->rng ^= sim->rng << 17;
	return (sim->rng >> 16) % n;
}

static bool chance(struct sim *sim, uint32_t ppm)
{
	return ppm && sim_random(sim, 1000000) < ppm;
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

static const struct mn_stack_ops ops = {
	.pkt_free = pkt_free,
	.event = on_event,
	.random = random64,
};

/* --- the network --- */

static void enqueue(struct sim *sim, struct packet *p)
{
	struct mn_list *at = sim->packets.prev;

	while (at != &sim->packets && mn_container(at, struct packet, node)->at_us > p->at_us)
		at = at->prev;
	mn_list_add_before(at->next, &p->node);
}

static struct packet *make_packet(const struct sim *sim, int to, const struct mn_tuple *path,
				  const uint8_t *data, uint32_t len)
{
	struct packet *p = malloc(sizeof(*p) + len);

	p->to = to;
	p->path = (struct mn_tuple){
		.local = path->remote, .remote = path->local,
		.local_port = path->remote_port, .remote_port = path->local_port,
		.mtu = sim->mtu,
	};
	p->len = len;
	memcpy(p->data, data, len);
	return p;
}

static bool is_lost(struct sim *sim, struct sim_host *h, int from, const uint8_t *data,
		    uint32_t len)
{
	bool v6 = !mn_addr_is_v4(&h->addr);

	if (sim->filter && sim->filter(sim, from, data, len))
		return true;
	if (sim->net.mtu && len + (v6 ? 48 : 28) > sim->net.mtu)
		return true;
	if (sim->now_us < sim->burst_end_us)
		return true;
	if (!chance(sim, sim->net.loss))
		return false;
	sim->burst_end_us = sim->now_us + sim->net.burst_us;
	return true;
}

static int destination(const struct sim *sim, int from, const struct mn_tuple *path)
{
	for (int i = 0; i < sim->n_hosts; i++)
		if (i != from && mn_addr_equal(&sim->host[i].addr, &path->remote))
			return i;
	return !from;
}

/* When the packet has passed the last link to the host; 0: its queue was full. */
static uint64_t pass_last_link(struct sim *sim, struct sim_host *h, uint64_t at_us, uint32_t len)
{
	uint64_t at_ns = at_us * 1000, *out_ns;

	if (!sim->net.in_bytes_per_us)
		return at_us;
	out_ns = &h->in_out_ns[h->in_packets % sim->net.in_queue];
	if (*out_ns > at_ns) {
		h->overflows++;
		return 0;
	}
	h->in_packets++;
	if (h->in_free_ns < at_ns)
		h->in_free_ns = at_ns;
	h->in_free_ns += (len + FRAMING) * 1000 / sim->net.in_bytes_per_us;
	*out_ns = h->in_free_ns;
	return h->in_free_ns / 1000;
}

static void transmit(struct sim *sim, int from, const struct mn_tuple *path, const uint8_t *data,
		     uint32_t len)
{
	struct sim_host *h = &sim->host[from];
	int to = destination(sim, from, path);
	uint64_t at = sim->now_us;
	struct packet *p;

	h->sent++;
	sim->way = path;
	if (sim->net.bytes_per_us) {
		if (h->link_free_ns < at * 1000)
			h->link_free_ns = at * 1000;
		if (sim->net.queue_us && h->link_free_ns - at * 1000 > sim->net.queue_us * 1000) {
			h->lost++;
			return;
		}
		h->link_free_ns += (len + FRAMING) * 1000 / sim->net.bytes_per_us;
		at = h->link_free_ns / 1000;
	}
	at = pass_last_link(sim, &sim->host[to], at, len);
	if (!at || is_lost(sim, h, from, data, len)) {
		h->lost++;
		return;
	}
	p = make_packet(sim, to, path, data, len);
	if (chance(sim, sim->net.corrupt))
		p->data[sim_random(sim, len < 48 ? len : 48)] ^= 1 << sim_random(sim, 8);
	p->at_us = at + sim->net.delay_us;
	if (chance(sim, sim->net.reorder))
		p->at_us += 1 + sim_random(sim, sim->net.reorder_us);
	enqueue(sim, p);
	if (chance(sim, sim->net.dup)) {
		struct packet *twin = make_packet(sim, to, path, p->data, len);

		twin->at_us = p->at_us + sim_random(sim, 50);
		enqueue(sim, twin);
	}
}

static void deliver(struct sim_host *h, struct packet *p)
{
	struct mn_pkt pkt = { &p->path, p->data, p->len, p };

	mn_list_del(&p->node);
	h->held++;
	if (h->dead || !mn_stack_input(h->stack, &pkt))
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
static void arrive(struct sim *sim, struct packet *p)
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
		deliver(h, mn_container(h->ring.next, struct packet, node));
	mn_stack_rx_left(h->stack, h->ring_used);
}

void sim_inject(struct sim *sim, int to, const struct mn_tuple *path, const uint8_t *data,
		uint32_t len)
{
	struct packet *p = make_packet(sim, to, path, data, len);

	p->at_us = sim->now_us;
	enqueue(sim, p);
}

/* --- the run --- */

static bool host_turn(struct sim *sim, int i)
{
	struct sim_host *h = &sim->host[i];
	uint8_t buf[65536];
	struct mn_tuple path;
	uint32_t n = 0, len;
	uint16_t sum;

	if (h->dead)
		return false;
	for (int a = 0; a < SIM_APPS; a++)
		if (!h->apps[a].ch.dead)
			sim_app_read(sim, &h->apps[a]);
	mn_stack_poll_channels(h->stack);
	sim_answer(sim, h);
	while (n < TURN_PACKETS &&
	       (len = mn_stack_output(h->stack, buf, sizeof(buf), &path, &sum))) {
		sim->errors += !path.local_host && sum != mn_checksum_add(buf, len, 0);
		transmit(sim, i, &path, buf, len);
		n++;
	}
	mn_stack_flush(h->stack);
	for (int a = 0; a < SIM_APPS; a++)
		if (!h->apps[a].ch.dead && !h->apps[a].alien)
			sim_app_take_back(&h->apps[a]);
	return n == TURN_PACKETS;
}

void sim_turn(struct sim *sim)
{
	struct mn_list *l = sim->packets.next;

	for (int i = 0; i < sim->n_hosts; i++)
		if (is_due(sim, &sim->host[i]))
			mn_stack_advance(sim->host[i].stack, sim->now_us);
	while (l != &sim->packets && mn_container(l, struct packet, node)->at_us <= sim->now_us) {
		arrive(sim, mn_container(l, struct packet, node));
		l = sim->packets.next;
	}
	for (int i = 0; i < sim->n_hosts; i++) {
		struct sim_host *h = &sim->host[i];

		if (!is_due(sim, h))
			continue;
		if (has_ring(sim, h))
			take_ring(sim, h);
		host_turn(sim, i);
	}
}

static uint64_t next_event_us(struct sim *sim, uint64_t end_us)
{
	uint64_t at = end_us;

	if (sim->poll_us && sim->now_us + sim->poll_us < at)
		at = sim->now_us + sim->poll_us;
	for (int i = 0; i < sim->n_hosts; i++) {
		struct sim_host *h = &sim->host[i];
		uint64_t deadline = mn_stack_deadline(h->stack);

		if (h->dead)
			continue;
		if (deadline < at)
			at = deadline;
		if (has_ring(sim, h) && h->ring_us < at)
			at = h->ring_us;
		if (!mn_stack_arm(h->stack))
			at = sim->now_us;
		mn_stack_disarm(h->stack);
		for (int a = 0; a < SIM_APPS; a++)
			if (h->apps[a].reads && !h->apps[a].ch.dead &&
			    mn_ring_avail(&h->apps[a].rx) > 0)
				at = sim->now_us;
	}
	if (!mn_list_empty(&sim->packets)) {
		uint64_t arrival = mn_container(sim->packets.next, struct packet, node)->at_us;

		if (arrival < at)
			at = arrival;
	}
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

static void add_host(struct sim *sim, uint32_t max_conns, uint32_t max_held)
{
	int i = sim->n_hosts++;
	struct sim_host *h = &sim->host[i];
	struct mn_stack_config cfg = {
		.engine = i + 3,
		.engines = 8,
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

	h->sim = sim;
	h->addr = mn_addr_from_v4(htonl(0x0a000001 + i));
	h->stack = mn_stack_create(&cfg, sim->now_us);
	mn_list_init(&h->ring);
	for (int a = 0; a < SIM_APPS; a++) {
		sim_app_init(&h->apps[a], 10 * i + a);
		mn_stack_add_channel(h->stack, &h->apps[a].ch);
	}
}

void sim_add_third(struct sim *sim)
{
	add_host(sim, 256, 1024);
}

static struct sim *make_sim(uint64_t seed, uint32_t max_conns, uint32_t max_held, uint8_t paths)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	sim->now_us = 1000000 + seed % 1000;
	sim->rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	sim->net.delay_us = 10;
	sim->mtu = MTU;
	sim->paths = paths;
	mn_list_init(&sim->packets);
	for (int i = 0; i < 2; i++)
		add_host(sim, max_conns, max_held);
	return sim;
}

struct sim *sim_new_sized(uint64_t seed, uint32_t max_conns, uint32_t max_held)
{
	return make_sim(seed, max_conns, max_held, 1);
}

struct sim *sim_new_paths(uint64_t seed, uint8_t paths)
{
	return make_sim(seed, 128, 1024, paths);
}

struct sim *sim_new(uint64_t seed)
{
	return sim_new_sized(seed, 128, 1024);
}

static void free_packets(struct mn_list *list)
{
	while (!mn_list_empty(list)) {
		struct packet *p = mn_container(list->next, struct packet, node);

		mn_list_del(&p->node);
		free(p);
	}
}

void sim_free(struct sim *sim)
{
	free_packets(&sim->packets);
	for (int i = 0; i < sim->n_hosts; i++) {
		free_packets(&sim->host[i].ring);
		mn_stack_destroy(sim->host[i].stack);
		free(sim->host[i].asked);
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

bool sim_pair(struct sim *sim, uint64_t *flow0, uint64_t *flow1)
{
	struct mn_addr any = mn_addr_from_v4(0);

	return !mn_stack_listen(sim->host[1].stack, &sim->host[1].apps[0].ch, &any, SIM_PORT) &&
	       sim_connect(sim, 0, flow0, flow1);
}
