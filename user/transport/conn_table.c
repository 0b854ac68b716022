// SPDX-License-Identifier: MIT
/* conn_table.c - slots of connections, their numbers, and how they are found */
#include <errno.h>
#include <string.h>

#include "transport/stack_priv.h"

/*
 * A freed slot rests until so many others are free: its next use, and with it the repetition of a
 * number, is far away. Slots that were never used come before.
 */
#define REST		1024u
/* Client ports of a host: those below are left to what programs expect of them. */
#define CLIENT_FIRST	1024u
#define CLIENT_PORTS	(65536u - CLIENT_FIRST)

static struct mn_conn *take_slot(struct mn_stack *s)
{
	struct mn_conn *c;

	if (s->fresh < s->cfg.max_conns && s->n_free <= REST) {
		c = &s->conns[s->fresh++];
		c->number = c - s->conns;
		return c;
	}
	if (mn_list_empty(&s->free))
		return NULL;
	c = mn_container(s->free.next, struct mn_conn, in_lane);
	mn_list_del(&c->in_lane);
	s->n_free--;
	return c;
}

struct mn_conn *mn_stack_conn_take(struct mn_stack *s)
{
	struct mn_conn *c = take_slot(s);
	uint32_t number;

	if (!c)
		return NULL;
	number = c->number + (1u << s->slot_bits);
	memset(c, 0, sizeof(*c));
	c->stack = s;
	c->number = c->first_number = number;
	return c;
}

void mn_stack_conn_renumber(struct mn_conn *c)
{
	c->number += 1u << c->stack->slot_bits;
}

void mn_stack_conn_give(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	c->use = MN_CONN_FREE;
	mn_list_add_tail(&s->free, &c->in_lane);
	s->n_free++;
}

struct mn_conn *mn_stack_conn_by_record(struct mn_stack *s, uint32_t number)
{
	uint32_t slot = number & ((1u << s->slot_bits) - 1);
	struct mn_conn *c;

	if (slot >= s->fresh)
		return NULL;
	c = &s->conns[slot];
	return c->number == number && c->use != MN_CONN_FREE ? c : NULL;
}

struct mn_conn *mn_stack_conn_by_number(struct mn_stack *s, const struct mn_path *p,
					uint32_t number)
{
	struct mn_conn *c = mn_stack_conn_by_record(s, number);

	/* Numbers are no secret: a peer may guess those of others. */
	return c && c->lane && c->lane->path == p && c->use != MN_CONN_COMING ? c : NULL;
}

struct mn_conn *mn_stack_conn_by_flow(struct mn_stack *s, const struct mn_stack_channel *sch,
				      uint64_t flow)
{
	uint32_t slot = mn_handles_find(&sch->ch->handles, flow);

	return slot == MN_HANDLES_NONE ? NULL : &s->conns[slot];
}

static uint64_t port_key(const struct mn_stack *s, uint64_t peer, uint32_t remote,
			 uint32_t client)
{
	return mn_hash_mix(peer, (uint64_t)remote << 32 | client, s->port_seed);
}

int mn_stack_conn_set_ports(struct mn_conn *c, const struct mn_peer *peer, uint16_t port)
{
	struct mn_stack *s = c->stack;
	uint32_t share = CLIENT_PORTS / s->cfg.engines;
	uint32_t first = CLIENT_FIRST + s->cfg.engine * share;

	c->remote_port = port;
	for (uint32_t i = 0; i < share; i++) {
		uint32_t client = first + s->client_port++ % share;

		if (!mn_keyset_put(&s->client_ports, port_key(s, peer->key, port, client))) {
			c->local_port = client;
			c->has_ports = true;
			return 0;
		}
	}
	return -ENOSPC;
}

void mn_stack_conn_forget_ports(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	struct mn_parcel p = { .kind = MN_PARCEL_PORT };

	if (!c->has_ports)
		return;
	c->has_ports = false;
	if (c->home == s->cfg.engine) {
		mn_keyset_del(&s->client_ports,
			      port_key(s, c->peer->key, c->remote_port, c->local_port));
		return;
	}
	/* Of the share of the engine where it began. */
	p.port.local = c->peer->route.local;
	p.port.remote = c->peer->route.remote;
	p.port.port = c->remote_port;
	p.port.client = c->local_port;
	mn_stack_parcel(s, c->home, &p);
}

void mn_stack_port_free(struct mn_stack *s, const struct mn_addr *local,
			const struct mn_addr *remote, uint16_t port, uint32_t client)
{
	uint64_t key = mn_peer_key(&s->peers, local, remote);

	mn_keyset_del(&s->client_ports, port_key(s, key, port, client));
}

/*
 * Not a secret; one datapath has no two at a time that are equal. Those of another datapath of the
 * host, and of an earlier one, most likely differ.
 */
uint64_t mn_stack_conn_id(const struct mn_conn *c)
{
	const struct mn_stack_config *cfg = &c->stack->cfg;

	return cfg->instance << 48 | (uint64_t)c->first_number << 16 | c->home;
}

static struct mn_conn *named(struct mn_stack *s, uint32_t slot, uint64_t id)
{
	struct mn_conn *c = slot < s->fresh ? &s->conns[slot] : NULL;

	if (!c || c->use == MN_CONN_FREE || c->use == MN_CONN_DEAD || c->use == MN_CONN_COMING)
		return NULL;
	return mn_stack_conn_id(c) == id ? c : NULL;
}

struct mn_conn *mn_stack_conn_by_id(struct mn_stack *s, uint64_t id)
{
	uint32_t slot = (id >> 16) & ((1u << s->slot_bits) - 1);
	struct mn_conn *c = named(s, slot, id);

	/* Of another engine's, or its slot is another one since it came back. */
	return c || !s->by_name.entries ? c : named(s, mn_hash_get(&s->by_name, id), id);
}

void mn_stack_conn_name(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	uint64_t seed[2] = { mn_stack_random(s), mn_stack_random(s) };

	if (named(s, (mn_stack_conn_id(c) >> 16) & ((1u << s->slot_bits) - 1),
		  mn_stack_conn_id(c)) == c)
		return;
	/* Few engines take connections of others. */
	if (s->by_name.entries || !mn_hash_init(&s->by_name, s->cfg.max_conns, seed))
		mn_hash_put(&s->by_name, mn_stack_conn_id(c), c - s->conns);
}

void mn_stack_conn_unname(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	if (s->by_name.entries &&
	    mn_hash_get(&s->by_name, mn_stack_conn_id(c)) == c - s->conns)
		mn_hash_del(&s->by_name, mn_stack_conn_id(c));
}
