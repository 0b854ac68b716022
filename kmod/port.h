/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_PORT_H
#define MACHNET_PORT_H

#include "priv.h"

struct netlink_ext_ack;

extern const struct rhashtable_params machnet_port_params;

/* The ports of this address and number, for machnet_table_for_each(). */
struct rhlist_head *machnet_port_find(struct machnet_net *mn, const struct in6_addr *addr,
				      u16 number);

/* A port that only its caller knows, of a socket of the current process. May sleep. ERR_PTR. */
struct machnet_port *machnet_port_new(struct net *net, u32 fd, struct netlink_ext_ack *extack);
/* One that is in no table (any more). When its owner has closed the socket the number is free. */
void machnet_port_free(struct machnet_port *port);

/* All under the lock; may sleep. */
int machnet_port_add(struct machnet_net *mn, struct machnet_port *port,
		     struct machnet_owner *owner, struct netlink_ext_ack *extack);
/* Undoes it, before it has been announced. */
void machnet_port_remove(struct machnet_net *mn, struct machnet_port *port);
void machnet_port_announce(struct machnet_net *mn, const struct machnet_port *port);
void machnet_port_del(struct machnet_net *mn, struct machnet_port *port, u32 reason);
/* For the owner, the one in the list with the cookie; pid: see machnet_process_is(), or 0. */
int machnet_port_claim(struct machnet_net *mn, struct rhlist_head *list,
		       struct machnet_owner *owner, u64 cookie, u32 pid,
		       struct netlink_ext_ack *extack);
void machnet_port_unclaim(struct machnet_port *port);

#endif /* MACHNET_PORT_H */
