/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_LENT_H
#define MACHNET_LENT_H

#include "priv.h"

struct netlink_ext_ack;

/*
 * The socket behind a file descriptor of the current process, if it may be lent in the
 * namespace; key: where it is bound. May sleep, outside of the lock. ERR_PTR.
 */
struct machnet_lent *machnet_lent_get(struct net *net, u32 fd, struct machnet_port_key *key,
				      struct netlink_ext_ack *extack);
/* Once for each get. The last time the socket is an ordinary one again. */
void machnet_lent_put(struct machnet_lent *lent);
/* The two may hold one port: they are the same socket, or of one SO_REUSEPORT group. */
bool machnet_lent_share(const struct machnet_lent *a, const struct machnet_lent *b);

#endif /* MACHNET_LENT_H */
