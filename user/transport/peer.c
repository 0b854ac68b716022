// SPDX-License-Identifier: MIT
/* peer.c - peers by their addresses */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <machnet/wire.h>
#include "transport/peer.h"

int mn_peers_init(struct mn_peers *ps, uint32_t max, const uint64_t seed[2])
{
	*ps = (struct mn_peers){ .max = max };
	mn_list_init(&ps->free);
	/* Cleared one by one when they are used: most may never be. */
	ps->all = malloc(max * sizeof(*ps->all));
	return !ps->all || mn_hash_init(&ps->by_address, 2 * max, seed) ? -ENOMEM : 0;
}

void mn_peers_fini(struct mn_peers *ps)
{
	free(ps->all);
	mn_hash_fini(&ps->by_address);
}

uint64_t mn_peer_key(const struct mn_peers *ps, const struct mn_addr *local,
		     const struct mn_addr *remote)
{
	const uint64_t *seed = ps->by_address.seed;
	uint64_t l[2], r[2];

	memcpy(l, local->b, sizeof(l));
	memcpy(r, remote->b, sizeof(r));
	return mn_hash_mix(mn_hash_mix(mn_hash_mix(l[0], l[1], seed), r[0], seed), r[1], seed);
}

static const struct mn_addr any;

struct mn_peer *mn_peer_find(const struct mn_peers *ps, const struct mn_addr *local,
			     const struct mn_addr *remote)
{
	uint32_t slot = mn_hash_get(&ps->by_address, mn_peer_key(ps, local, remote));

	return slot == MN_HASH_NONE ? NULL : &ps->all[slot];
}

static struct mn_peer *take(struct mn_peers *ps)
{
	struct mn_peer *peer;

	if (mn_list_empty(&ps->free))
		return ps->fresh < ps->max ? &ps->all[ps->fresh++] : NULL;
	peer = mn_container(ps->free.next, struct mn_peer, paths);
	mn_list_del(&peer->paths);
	return peer;
}

struct mn_peer *mn_peer_get(struct mn_peers *ps, const struct mn_tuple *route)
{
	struct mn_peer *peer = mn_peer_find(ps, &route->local, &route->remote);

	if (peer)
		return peer;
	peer = take(ps);
	if (!peer)
		return NULL;
	*peer = (struct mn_peer){
		.route = *route,
		.key = mn_peer_key(ps, &route->local, &route->remote),
	};
	mn_list_init(&peer->paths);
	/* Two entries for each peer: there is room, and the key is new. */
	mn_hash_put(&ps->by_address, peer->key, peer - ps->all);
	return peer;
}

static bool is_default(const struct mn_peers *ps, const struct mn_peer *peer)
{
	return mn_hash_get(&ps->by_address, mn_peer_key(ps, &any, &peer->route.remote)) ==
	       peer - ps->all;
}

struct mn_peer *mn_peer_default(const struct mn_peers *ps, const struct mn_addr *remote,
				uint64_t now_us)
{
	struct mn_peer *peer = mn_peer_find(ps, &any, remote);

	return peer && now_us < peer->default_us ? peer : NULL;
}

void mn_peer_set_default(struct mn_peers *ps, struct mn_peer *peer, uint64_t now_us)
{
	uint64_t key = mn_peer_key(ps, &any, &peer->route.remote);

	mn_hash_del(&ps->by_address, key);
	mn_hash_put(&ps->by_address, key, peer - ps->all);
	peer->default_us = now_us + MN_PEER_DEFAULT_US;
}

void mn_peers_ask(struct mn_peers *ps, const struct mn_addr *local)
{
	for (uint32_t i = 0; i < ps->fresh; i++)
		if (mn_addr_equal(&ps->all[i].route.local, local))
			ps->all[i].ask = true;
}

void mn_peer_put(struct mn_peers *ps, struct mn_peer *peer)
{
	if (!mn_list_empty(&peer->paths) || peer->n_conns)
		return;
	mn_hash_del(&ps->by_address, peer->key);
	if (is_default(ps, peer))
		mn_hash_del(&ps->by_address, mn_peer_key(ps, &any, &peer->route.remote));
	mn_list_add_tail(&ps->free, &peer->paths);
}

uint8_t mn_peer_engine(const struct mn_peer *peer, uint16_t port)
{
	const struct mn_peer_port *p = &peer->ports[port % MN_PEER_PORTS];

	return p->port == port ? p->engine : MN_WIRE_ENGINE_ANY;
}

void mn_peer_set_engine(struct mn_peer *peer, uint16_t port, uint8_t engine)
{
	peer->ports[port % MN_PEER_PORTS] = (struct mn_peer_port){ port, engine };
}
