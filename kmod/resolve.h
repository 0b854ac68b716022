/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_RESOLVE_H
#define MACHNET_RESOLVE_H

#include "priv.h"

/**
 * enum machnet_resolve_why - what for
 * @MACHNET_RESOLVE_LOOK: to know; a neighbour that has never been asked is asked
 * @MACHNET_RESOLVE_USE: to send: one that has failed is asked anew, a stale one verified
 * @MACHNET_RESOLVE_CONFIRM: the destination has answered, so that its neighbour is there
 */
enum machnet_resolve_why {
	MACHNET_RESOLVE_LOOK,
	MACHNET_RESOLVE_USE,
	MACHNET_RESOLVE_CONFIRM,
};

/*
 * Asks the kernel's routing and neighbour tables how a destination is reached.
 * Always fills info; one that cannot be reached has the state UNREACHABLE.
 * Process context.
 */
void machnet_resolve(struct net *net, const struct machnet_route_key *key,
		     enum machnet_resolve_why why, struct machnet_path_info *info);

#endif /* MACHNET_RESOLVE_H */
