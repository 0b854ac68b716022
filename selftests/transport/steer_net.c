// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "steer/owner.h"
#include "transport/stack_priv.h"
#include "peek.h"
#include "steer_net.h"

#define TURN_PACKETS	32
#define STEP_US		20u

struct packet {
	struct mn_list node;
	uint64_t at_us;
	int to;
	uint8_t queue, engine;		/* where it has arrived; whose it is */
	struct mn_steer_tuple way;
	struct mn_tuple tuple;
	uint32_t len;
	uint8_t data[];
};

static uint64_t next_random(uint64_t *rng)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return *rng * UINT64_C(0x9e3779b97f4a7c15);
}

static void pkt_free(void *ctx, void *handle)
{
	(void)ctx;
	free(handle);
}

static void on_event(void *ctx, const struct mn_stack_event *ev)
{
	const struct steer_engine *e = ctx;
	struct steer_host *h = e->host;

	h->ended += ev->type == MN_STACK_EVENT_PATH_END;
	if (h->net->ops)
		h->net->ops->event(h, e->index, ev);
}

static int engine_of_port(const struct steer_host *h, uint16_t port)
{
	return h->net->ops ? h->net->ops->port_engine(h, port) : -1;
}

static int port_engine(void *ctx, const struct mn_addr *local, uint16_t port)
{
	const struct steer_engine *e = ctx;

	(void)local;
	return engine_of_port(e->host, port);
}

static uint64_t random64(void *ctx)
{
	const struct steer_engine *e = ctx;

	return next_random(&e->host->net->rng);
}

static const struct mn_stack_ops ops = {
	.pkt_free = pkt_free,
	.event = on_event,
	.port_engine = port_engine,
	.random = random64,
};

static void make_stack(struct steer_host *h, int i, int e, const struct steer_config *net)
{
	struct mn_stack_config cfg = {
		.engine = e,
		.engines = h->engines,
		.instance = i + 1,
		.port_first = STEER_BLOCK,
		.port_count = STEER_BLOCK_PORTS,
		.contact_port = STEER_BLOCK,
		.rx_ring = 256,
		.paths = 1,
		.max_conns = net->max_conns ? net->max_conns : 16,
		.max_paths = net->max_paths ? net->max_paths : 64,
		.max_held = 64,
		.max_records = 1024 + 4 * net->max_conns,
		.steer = h->steer,
		.ops = &ops,
		.ops_ctx = &h->engine[e],
	};

	h->engine[e] = (struct steer_engine){ h, e };
	h->stacks[e] = mn_stack_create(&cfg, h->net->now_us);
}

static struct mn_addr address(bool v6, int i)
{
	struct mn_addr a = mn_addr_from_v4(htonl(0x0a000001 + i));

	if (v6)
		a = (struct mn_addr){ .b = { 0xfd, [7] = 3, [15] = 1 + i } };
	return a;
}

static void make_host(struct steer_net *n, int i, const struct steer_config *cfg)
{
	struct steer_host *h = &n->host[i];
	struct soft_nic_config nic = cfg->nic[i];
	struct mn_steer_config sc = {
		.queues = cfg->engines[i],
		.port_first = STEER_BLOCK,
		.port_count = STEER_BLOCK_PORTS,
		.max_peers = 8,
		.seed = cfg->seed + i,
		.patient = true,
	};

	h->net = n;
	h->engines = cfg->engines[i];
	h->addr = address(cfg->v6, i);
	nic.queues = h->engines;
	soft_nic_init(&h->nic, &nic);
	soft_way_init(&h->way, cfg->way[i], STEER_BLOCK, cfg->seed + i);
	h->steer = h->engines > 1 ? mn_steer_new(&sc) : NULL;
	for (int e = 0; e < h->engines; e++)
		make_stack(h, i, e, cfg);
}

void steer_net_init(struct steer_net *n, const struct steer_config *cfg)
{
	memset(n, 0, sizeof(*n));
	n->now_us = 1000000;
	n->rng = cfg->seed * 2 + 1;
	n->loss_ppm = cfg->loss_ppm;
	n->handoff_us = cfg->handoff_us;
	mn_list_init(&n->packets);
	mn_list_init(&n->handed);
	for (int i = 0; i < 2; i++)
		make_host(n, i, cfg);
}

static struct packet *first_of(struct mn_list *list)
{
	return mn_list_empty(list) ? NULL : mn_container(list->next, struct packet, node);
}

static void free_all(struct mn_list *list)
{
	struct packet *p;

	while ((p = first_of(list))) {
		mn_list_del(&p->node);
		free(p);
	}
}

void steer_net_fini(struct steer_net *n)
{
	for (int i = 0; i < 2; i++) {
		for (int e = 0; e < n->host[i].engines; e++)
			mn_stack_destroy(n->host[i].stacks[e]);
		mn_steer_free(n->host[i].steer);
		soft_way_fini(&n->host[i].way);
	}
	free_all(&n->packets);
	free_all(&n->handed);
}

/* --- the network --- */

static bool tries_tuples(const uint8_t *data, uint32_t len)
{
	return peek_has(data, len, MN_FRAME_CANDIDATE) || peek_has(data, len, MN_FRAME_ADVICE) ||
	       peek_has(data, len, MN_FRAME_ARRIVAL);
}

static struct mn_steer_tuple back(const struct mn_steer_tuple *t)
{
	return (struct mn_steer_tuple){ t->dst, t->src, t->dst_port, t->src_port };
}

static void transmit(struct steer_net *n, int from, int engine, const struct mn_tuple *to,
		     const uint8_t *data, uint32_t len)
{
	struct steer_host *h = &n->host[from];
	struct mn_steer_tuple t = { to->local, to->remote, to->local_port, to->remote_port };
	struct mn_steer_tuple answer = back(&t);
	struct packet *p;

	soft_nic_sent(&h->nic, &answer, engine);
	h->probes += tries_tuples(data, len);
	h->sent_bytes += len;
	if (!soft_way_out(&h->way, &t))
		return;
	if (n->loss_ppm && next_random(&n->rng) % 1000000 < n->loss_ppm)
		return;
	p = malloc(sizeof(*p) + len);
	p->to = !from;
	p->way = t;
	p->at_us = n->now_us + STEER_DELAY_US;
	p->len = len;
	memcpy(p->data, data, len);
	mn_list_add_tail(&n->packets, &p->node);
}

/* The engine that a packet belongs to, as the one that takes it from the NIC decides. */
static int owner(const struct steer_host *h, const struct packet *p, int queue)
{
	uint16_t port;
	int e = mn_owner_of_packet(p->data, p->len, &port);

	if (e < 0 && port)
		e = engine_of_port(h, port);
	return e < 0 || e >= h->engines ? queue : e;
}

static void deliver(struct steer_net *n, struct packet *p)
{
	struct steer_host *h = &n->host[p->to];
	struct mn_pkt pkt = { &p->tuple, p->data, p->len, p, p->queue };

	mn_list_del(&p->node);
	if (!mn_stack_input(h->stacks[p->engine], &pkt))
		free(p);
}

/* At a queue of the NIC, whose engine hands it over if it belongs to another one. */
static void arrive(struct steer_net *n, struct packet *p)
{
	struct steer_host *h = &n->host[p->to];

	if (!soft_way_in(&h->way, &p->way)) {
		mn_list_del(&p->node);
		free(p);
		return;
	}
	p->tuple = (struct mn_tuple){
		.local = p->way.dst, .remote = p->way.src,
		.local_port = p->way.dst_port, .remote_port = p->way.src_port, .mtu = 1500,
	};
	h->got_bytes += p->len;
	p->queue = soft_nic_queue(&h->nic, &p->way);
	p->engine = owner(h, p, p->queue);
	if (p->engine == p->queue || !n->handoff_us) {
		deliver(n, p);
		return;
	}
	p->at_us = n->now_us + n->handoff_us;
	mn_list_del(&p->node);
	mn_list_add_tail(&n->handed, &p->node);
}

/* --- the run --- */

static void ask_all(struct steer_net *n)
{
	for (int i = 0; i < 2; i++) {
		for (int e = 0; e < n->host[i].engines; e++) {
			struct mn_stack *s = n->host[i].stacks[e];

			for (uint32_t k = 0; k < s->fresh_path; k++) {
				if (s->paths[k].state != MN_PATH_OPEN)
					continue;
				s->paths[k].ping_due = true;
				mn_path_ready(&s->paths[k]);
			}
		}
	}
}

static void turn(struct steer_net *n, int i, int e)
{
	struct mn_stack *s = n->host[i].stacks[e];
	uint8_t buf[65536];
	struct mn_tuple to;
	uint32_t len;

	for (int k = 0; k < TURN_PACKETS; k++) {
		len = mn_stack_output(s, buf, sizeof(buf), &to, NULL);
		if (!len)
			return;
		transmit(n, i, e, &to, buf, len);
	}
}

static void step(struct steer_net *n)
{
	struct packet *p;

	for (int i = 0; i < 2; i++)
		for (int e = 0; e < n->host[i].engines; e++)
			mn_stack_advance(n->host[i].stacks[e], n->now_us);
	while ((p = first_of(&n->handed)) && p->at_us <= n->now_us)
		deliver(n, p);
	while ((p = first_of(&n->packets)) && p->at_us <= n->now_us)
		arrive(n, p);
	for (int i = 0; i < 2; i++) {
		for (int e = 0; e < n->host[i].engines; e++) {
			if (n->ops)
				n->ops->turn(&n->host[i], e);
			turn(n, i, e);
		}
	}
}

void steer_net_run(struct steer_net *n, uint64_t for_us, uint64_t every_us)
{
	uint64_t end_us = n->now_us + for_us, ask_us = n->now_us;

	while (n->now_us < end_us) {
		if (every_us && n->now_us >= ask_us) {
			ask_all(n);
			ask_us = n->now_us + every_us;
		}
		step(n);
		n->now_us += STEP_US;
	}
}

bool steer_net_can_steer(struct steer_net *n, int h)
{
	struct steer_host *host = &n->host[h];
	struct mn_steer_question q = {
		.src = n->host[!h].addr, .dst = host->addr,
		.src_first = STEER_BLOCK, .src_count = STEER_BLOCK_PORTS,
	};
	uint64_t all = (UINT64_C(1) << host->engines) - 1;

	return soft_nic_reached(&host->nic, &q, STEER_BLOCK, STEER_BLOCK_PORTS) == all;
}

/* --- paths --- */

bool steer_net_open(struct steer_net *n, int from, int to)
{
	struct mn_stack *s = n->host[0].stacks[from];
	struct mn_tuple way = {
		.local = n->host[0].addr, .remote = n->host[1].addr, .mtu = 1500,
	};
	struct mn_peer *peer = mn_peer_get(&s->peers, &way);

	return peer && mn_path_to(s, peer, to, 0);
}

void steer_net_open_all(struct steer_net *n)
{
	for (int from = 0; from < n->host[0].engines; from++)
		for (int to = 0; to < n->host[1].engines; to++)
			steer_net_open(n, from, to);
}

struct mn_path *steer_net_path(struct steer_net *n, int h, int engine, int peer_engine)
{
	struct mn_stack *s = n->host[h].stacks[engine];

	for (uint32_t k = 0; k < s->fresh_path; k++)
		if (s->paths[k].state == MN_PATH_OPEN && s->paths[k].remote_engine == peer_engine)
			return &s->paths[k];
	return NULL;
}
