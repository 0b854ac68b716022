/* SPDX-License-Identifier: MIT */
/*
 * netconf.h - the addresses and routes of an interface, carried over to another one
 *
 * They are kept as the kernel's own netlink messages, so that nothing of a
 * route is lost that this code does not know. What the kernel makes by itself
 * (connected routes, link-local IPv6 addresses, routes from router
 * advertisements) is left to it.
 */
#ifndef MND_NETCONF_H
#define MND_NETCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/rtnl.h"

struct mnd_netconf {
	uint8_t *msgs;		/* netlink messages, one after another, each aligned */
	size_t len, size;
};

/* Reads what the interface has. -ENOMEM, or what rtnetlink says. */
int mnd_netconf_read(struct mnd_netconf *c, struct mnd_rtnl *r, uint32_t ifindex);
/*
 * Gives it to another interface that is up. Goes on after a refusal; returns the first one.
 */
int mnd_netconf_apply(const struct mnd_netconf *c, struct mnd_rtnl *r, uint32_t ifindex);
/* True when a default route leads out by the interface. */
bool mnd_netconf_has_default(const struct mnd_netconf *c);
void mnd_netconf_free(struct mnd_netconf *c);

/* To and from a file, for the next daemon in case this one is killed. */
int mnd_netconf_save(const struct mnd_netconf *c, FILE *f);
int mnd_netconf_load(struct mnd_netconf *c, FILE *f);

#endif /* MND_NETCONF_H */
