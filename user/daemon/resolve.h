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
	uint32_t master;	/* 0: none */
	uint16_t type;		/* ARPHRD_* */
	bool is_vrf;
	bool has_mac;		/* its addresses have 6 bytes */
};

/* -ENODEV when there is none. */
int mnd_link_get(struct mnd_rtnl *r, uint32_t ifindex, struct mnd_link *link);

/*
 * Always gives an answer; what went wrong is an unreachable route with its
 * errno. A neighbour that is not known is resolved by the kernel, with eager one
 * that did not answer or has been silent, too. All bytes of the answer are defined.
 */
void mnd_resolve(struct mnd_rtnl *r, const struct machnet_nl_route_key *key, bool eager,
		 struct machnet_nl_route *route);

/*
 * The route's next hop is there: the kernel takes that for an answer to its question, and
 * keeps the MAC address that it has now. Of entries that it does not question (permanent ones,
 * those that another program keeps) and of ones that it has given up nothing changes.
 */
int mnd_neigh_confirm(struct mnd_rtnl *r, const struct machnet_nl_route *route);

#endif /* MND_RESOLVE_H */
