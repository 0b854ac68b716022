// SPDX-License-Identifier: MIT
/* sim_net.c - the network of the simulation: delay, loss, order, queues */
#include <stdlib.h>
#include <string.h>

#include "sim_net.h"

/* Around each UDP payload on the link. */
#define FRAMING		66

static bool chance(struct sim *sim, uint32_t ppm)
{
	return ppm && sim_random(sim, 1000000) < ppm;
}

static void enqueue(struct sim *sim, struct sim_packet *p)
{
	struct mn_list *at = sim->packets.prev;

	while (at != &sim->packets && mn_container(at, struct sim_packet, node)->at_us > p->at_us)
		at = at->prev;
	mn_list_add_before(at->next, &p->node);
}

static struct sim_packet *make_packet(const struct sim *sim, int to, const struct mn_tuple *path,
				  const uint8_t *data, uint32_t len)
{
	struct sim_packet *p = malloc(sizeof(*p) + len);

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

void sim_transmit(struct sim *sim, int from, const struct mn_tuple *path, const uint8_t *data,
		     uint32_t len)
{
	struct sim_host *h = &sim->host[from];
	int to = destination(sim, from, path);
	uint64_t at = sim->now_us;
	struct sim_packet *p;

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
		struct sim_packet *twin = make_packet(sim, to, path, p->data, len);

		twin->at_us = p->at_us + sim_random(sim, 50);
		enqueue(sim, twin);
	}
}

void sim_inject(struct sim *sim, int to, const struct mn_tuple *path, const uint8_t *data,
		uint32_t len)
{
	struct sim_packet *p = make_packet(sim, to, path, data, len);

	p->at_us = sim->now_us;
	enqueue(sim, p);
}

void sim_packets_free(struct mn_list *list)
{
	while (!mn_list_empty(list)) {
		struct sim_packet *p = mn_container(list->next, struct sim_packet, node);

		mn_list_del(&p->node);
		free(p);
	}
}
