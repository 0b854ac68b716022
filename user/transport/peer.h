/* SPDX-License-Identifier: MIT */
/*
 * peer.h - another host, by a pair of addresses: its route, its paths, its listeners' engines
 *
 * What the control plane says of a route holds for all paths of the peer.
 */
#ifndef MN_TRANSPORT_PEER_H
#define MN_TRANSPORT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "transport/stack.h"

#define MN_PEER_PORTS	64u
#define MN_PEER_DEFAULT_US	1000000u

/* On which engine of the peer a port's listener was found last. */
struct mn_peer_port {
	uint16_t port;		/* 0: none */
	uint8_t engine;
};

struct mn_peer {
	struct mn_list paths;	/* those that are open or opening */
	struct mn_tuple route;	/* addresses, next hop, MTU; the ports do not matter */
	uint64_t key;
	uint32_t n_conns;	/* that name it, with a path or without */
	uint64_t default_us;	/* until then connects that name no local address get its own */
	bool unreachable;	/* the control plane knows no route */
	bool ask;		/* it may know another one */
	struct mn_peer_port ports[MN_PEER_PORTS];	/* by port modulo their number */
};

struct mn_peers {
	struct mn_hash by_address;	/* key -> index; by the remote address alone: the default */
	struct mn_peer *all;
	struct mn_list free;		/* those that were used, by their paths */
	uint32_t max, fresh;		/* fresh: of all, not used yet from here on */
};

/* Room for max peers. 0 or -ENOMEM. */
int mn_peers_init(struct mn_peers *ps, uint32_t max, const uint64_t seed[2]);
void mn_peers_fini(struct mn_peers *ps);

struct mn_peer *mn_peer_find(const struct mn_peers *ps, const struct mn_addr *local,
			     const struct mn_addr *remote);
/* Made when there is none, with this route. NULL: no room. */
struct mn_peer *mn_peer_get(struct mn_peers *ps, const struct mn_tuple *route);
/*
 * The peer of those that name no local address: NULL, it is not known now. What the routing table
 * prefers may change; so it is known for MN_PEER_DEFAULT_US after it was set.
 */
struct mn_peer *mn_peer_default(const struct mn_peers *ps, const struct mn_addr *remote,
				uint64_t now_us);
void mn_peer_set_default(struct mn_peers *ps, struct mn_peer *peer, uint64_t now_us);
/* Those with this local address are to be asked for. */
void mn_peers_ask(struct mn_peers *ps, const struct mn_addr *local);
/* What mn_peer.key of that pair of addresses is. */
uint64_t mn_peer_key(const struct mn_peers *ps, const struct mn_addr *local,
		     const struct mn_addr *remote);
/* One without paths and connections is forgotten. */
void mn_peer_put(struct mn_peers *ps, struct mn_peer *peer);

/* MN_WIRE_ENGINE_ANY: not known. */
uint8_t mn_peer_engine(const struct mn_peer *peer, uint16_t port);
void mn_peer_set_engine(struct mn_peer *peer, uint16_t port, uint8_t engine);

#endif /* MN_TRANSPORT_PEER_H */
