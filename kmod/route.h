/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_ROUTE_H
#define MACHNET_ROUTE_H

#include "priv.h"

extern const struct rhashtable_params machnet_route_params;

/*
 * Under the lock; may sleep. Resolves the destination; if it can be reached, the owner gets
 * its changes announced from now on. -errno of the route if it cannot.
 */
int machnet_route_watch(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid,
			struct machnet_path_info *info);
/* Both under the lock. -ENOENT: the owner does not watch it. */
int machnet_route_unwatch(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid);
int machnet_route_confirm(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid);
void machnet_watch_del(struct machnet_net *mn, struct machnet_watch *watch);

/* Something changed that routes may depend on. Any context. */
void machnet_route_kick(struct machnet_net *mn);
/* In softirq, before the routing table learns of a smaller MTU on a path. */
void machnet_route_mtu_changes(struct machnet_net *mn);
/* machnet_net.route_work: resolves the watched routes anew, announces changes. */
void machnet_route_work(struct work_struct *work);

#endif /* MACHNET_ROUTE_H */
