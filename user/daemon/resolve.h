/* SPDX-License-Identifier: MIT */
/* resolve.h - how the kernel reaches a destination, asked over rtnetlink */
#ifndef MND_RESOLVE_H
#define MND_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/addr.h>
#include "daemon/rtnl.h"
#include "machnet_nl.h"

struct mnd_link {
	uint32_t mtu;
	uint16_t type;		/* ARPHRD_* */
	bool has_mac;		/* its addresses have 6 bytes */
};

/* -ENODEV when there is none. */
int mnd_link_get(struct mnd_rtnl *r, uint32_t ifindex, struct mnd_link *link);

/*
 * Always gives an answer; what went wrong is an unreachable route with its
 * errno. A neighbour that is not known is resolved by the kernel, with eager one
 * that did not answer or has been silent, too. All bytes of the answer are defined.
 */
void mnd_resolve(struct mnd_rtnl *r, const struct mn_addr *dst, bool eager,
		 struct machnet_nl_route *route);

#endif /* MND_RESOLVE_H */
