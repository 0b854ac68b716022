/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_RESOLVE_H
#define MACHNET_RESOLVE_H

#include "priv.h"

/*
 * Asks the kernel's routing and neighbour tables how dst is reached. Always
 * fills info; a destination that cannot be reached has the state UNREACHABLE.
 * eager: somebody is about to use the route, so that a neighbour that has
 * failed is tried anew and one that is stale is verified. Process context.
 */
void machnet_resolve(struct net *net, const struct in6_addr *dst, bool eager,
		     struct machnet_path_info *info);

#endif /* MACHNET_RESOLVE_H */
