/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_ROUTE_H
#define MACHNET_ROUTE_H

#include "priv.h"

extern const struct rhashtable_params machnet_route_params;

void machnet_route_net_init(struct machnet_net *mn);
void machnet_route_net_exit(struct machnet_net *mn);

/*
 * Under the lock; may sleep. Resolves the destination; unless it is unreachable, its changes
 * are announced to the owner from now on.
 */
int machnet_route_watch(struct machnet_net *mn, const struct machnet_route_key *key,
			struct machnet_owner *owner, struct machnet_path_info *info);
/* All under the lock. The owner's watch, or NULL. */
struct machnet_watch *machnet_watch_find(struct machnet_net *mn,
					 const struct machnet_route_key *key,
					 const struct machnet_owner *owner);
void machnet_watch_del(struct machnet_net *mn, struct machnet_watch *watch);
/* The destination has answered just now. */
void machnet_watch_confirm(struct machnet_net *mn, struct machnet_watch *watch);

/* Something changed that any route may depend on. Any context. */
void machnet_route_kick(struct machnet_net *mn);
/* What is known of a neighbour has changed. Any context. */
void machnet_route_neigh_changes(struct machnet_net *mn, const struct in6_addr *addr);
/* In softirq, under RCU, before the routing table learns of a smaller MTU on the path. */
void machnet_route_mtu_changes(struct machnet_net *mn, const struct in6_addr *dst);

#endif /* MACHNET_ROUTE_H */
