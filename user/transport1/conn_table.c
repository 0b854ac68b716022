// SPDX-License-Identifier: MIT
/* conn_table.c - slots of connections, their handles, and how they are found */
#include <string.h>

#include "steer/owner.h"
#include "transport1/stack_priv.h"

static struct mn_conn *take_slot(struct mn_stack *s)
{
	struct mn_conn *c;

	if (mn_list_empty(&s->free))
		return s->fresh < s->cfg.max_conns ? &s->conns[s->fresh++] : NULL;
	c = mn_container(s->free.next, struct mn_conn, in_channel);
	mn_list_del(&c->in_channel);
	s->n_free--;
	return c;
}

/* Random, not in use. */
static uint64_t new_id(struct mn_stack *s)
{
	uint64_t id;

	do {
		id = mn_owner_make_id(s->cfg.engine, s->cfg.ops->random(s->cfg.ops_ctx));
	} while (!id || mn_hash_get(&s->by_id, id) != MN_HASH_NONE);
	return id;
}

struct mn_conn *mn_stack_conn_new(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_conn *c = take_slot(s);

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->stack = s;
	c->sch = sch;
	c->slot = c - s->conns;
	c->flow = mn_handles_new(&sch->ch->handles, c->slot);
	if (c->flow == MN_SHM_FLOW_NONE) {
		mn_stack_conn_free(c);
		return NULL;
	}
	c->id = new_id(s);
	/* As many entries as slots: there is room, and the id is new. */
	mn_hash_put(&s->by_id, c->id, c->slot);
	return c;
}

void mn_stack_conn_detach(struct mn_conn *c)
{
	if (c->sch)
		mn_handles_free(&c->sch->ch->handles, c->flow);
	c->sch = NULL;
}

void mn_stack_conn_free(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	mn_stack_conn_detach(c);
	c->state = MN_CONN_FREE;
	mn_list_add_tail(&s->free, &c->in_channel);
	s->n_free++;
}

struct mn_conn *mn_stack_conn_by_id(struct mn_stack *s, uint64_t id)
{
	uint32_t slot = mn_hash_get(&s->by_id, id);

	return slot == MN_HASH_NONE ? NULL : &s->conns[slot];
}

/* Collisions need luck of 1 in 2^64: the seeds are secret. */
static uint64_t peer_key(const struct mn_stack *s, const struct mn_path *path, uint64_t remote_id)
{
	const uint64_t *seed = s->by_peer.seed;
	uint64_t a[2];

	memcpy(a, path->remote.b, sizeof(a));
	return mn_hash_mix(mn_hash_mix(mn_hash_mix(a[0], a[1], seed), remote_id, seed),
			   path->remote_port, seed);
}

struct mn_conn *mn_stack_conn_by_peer(struct mn_stack *s, const struct mn_path *path,
				      uint64_t remote_id)
{
	uint32_t slot = mn_hash_get(&s->by_peer, peer_key(s, path, remote_id));

	return slot == MN_HASH_NONE ? NULL : &s->conns[slot];
}

int mn_stack_conn_set_peer(struct mn_conn *c, uint64_t remote_id)
{
	int ret;

	c->remote_id = remote_id;
	c->peer_key = peer_key(c->stack, &c->path, remote_id);
	ret = mn_hash_put(&c->stack->by_peer, c->peer_key, c->slot);
	c->has_peer = !ret;
	return ret;
}

struct mn_conn *mn_stack_conn_by_flow(struct mn_stack *s, const struct mn_stack_channel *sch,
				      uint64_t flow)
{
	uint32_t slot = mn_handles_find(&sch->ch->handles, flow);
	struct mn_conn *c = slot == MN_HANDLES_NONE ? NULL : &s->conns[slot];

	return c && c->state == MN_CONN_OPEN ? c : NULL;
}

void mn_stack_prefetch_flow(const struct mn_stack *s, const struct mn_channel *ch, uint64_t flow)
{
	uint32_t slot = mn_handles_find(&ch->handles, flow);

	if (slot != MN_HANDLES_NONE)
		mn_conn_prefetch(&s->conns[slot]);
}

static uint64_t path_key(const struct mn_stack *s, const struct mn_path *path)
{
	const uint64_t *seed = s->by_path.seed;
	uint64_t local[2], remote[2], key;

	memcpy(local, path->local.b, sizeof(local));
	memcpy(remote, path->remote.b, sizeof(remote));
	key = mn_hash_mix(local[0], local[1], seed);
	key = mn_hash_mix(mn_hash_mix(key, remote[0], seed), remote[1], seed);
	return mn_hash_mix(key, (uint32_t)path->local_port << 16 | path->remote_port, seed);
}

struct mn_conn *mn_stack_conn_by_path(struct mn_stack *s, const struct mn_path *path)
{
	uint32_t slot = mn_hash_get(&s->by_path, path_key(s, path));

	return slot == MN_HASH_NONE ? NULL : &s->conns[slot];
}

void mn_stack_conn_set_path(struct mn_conn *c)
{
	/* As many entries as slots: there is room, and who calls has seen to it that it is new. */
	mn_hash_put(&c->stack->by_path, path_key(c->stack, &c->path), c->slot);
}

void mn_stack_conn_forget_path(struct mn_conn *c)
{
	mn_hash_del(&c->stack->by_path, path_key(c->stack, &c->path));
}

void mn_stack_conn_forget(struct mn_conn *c)
{
	if (mn_stack_conn_by_id(c->stack, c->id) == c)
		mn_hash_del(&c->stack->by_id, c->id);
	if (c->has_peer)
		mn_hash_del(&c->stack->by_peer, c->peer_key);
	c->has_peer = false;
}
