/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_PORT_H
#define MACHNET_PORT_H

#include "priv.h"

struct netlink_ext_ack;

extern const struct rhashtable_params machnet_port_params;

/**
 * struct machnet_port_request - what is asked for
 * @addr: an address of this host, or any
 * @number: 0: the kernel chooses
 * @portid: the owner's socket
 * @unlimited: the quota does not apply
 */
struct machnet_port_request {
	struct in6_addr addr;
	u16 number;
	u32 portid;
	bool unlimited;
};

/**
 * struct machnet_port_claim - a datapath's claim to a port
 * @cookie: that it was shown
 * @owner_pid: who showed it, as the current process sees it; 0: not known
 * @portid: the datapath's socket
 */
struct machnet_port_claim {
	u64 cookie;
	u32 owner_pid;
	u32 portid;
};

/* Under RCU or the lock. */
struct machnet_port *machnet_port_find(struct machnet_net *mn, const struct in6_addr *addr,
				       u16 number);

/* All under the lock; may sleep. */
struct machnet_port *machnet_port_add(struct machnet_net *mn,
				      const struct machnet_port_request *req,
				      struct netlink_ext_ack *extack);
/* n ports that the kernel chooses, all or none. */
int machnet_port_add_many(struct machnet_net *mn, const struct machnet_port_request *req,
			  u16 *numbers, unsigned int n, struct netlink_ext_ack *extack);
/* When it returns the number is free for everybody. */
void machnet_port_del(struct machnet_net *mn, struct machnet_port *port, u32 reason);
int machnet_port_claim(struct machnet_net *mn, struct machnet_port *port,
		       const struct machnet_port_claim *claim, struct netlink_ext_ack *extack);
void machnet_port_unclaim(struct machnet_port *port);

#endif /* MACHNET_PORT_H */
