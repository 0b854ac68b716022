/* SPDX-License-Identifier: MIT */
/* listener.h - who takes connections to an address and port */
#ifndef MN_TRANSPORT_LISTENER_H
#define MN_TRANSPORT_LISTENER_H

#include <stdint.h>

#include <machnet/addr.h>

#define MN_LISTENERS_MAX	65536u
#define MN_LISTENER_BUCKETS	256u

struct mn_listener {
	struct mn_listener *next;
	struct mn_addr addr;
	uint16_t port;
	void *owner;
};

struct mn_listeners {
	struct mn_listener *buckets[MN_LISTENER_BUCKETS];
	uint32_t count;
};

/* 0, -EADDRINUSE (the same address and port), -ENOSPC. */
int mn_listeners_add(struct mn_listeners *ls, const struct mn_addr *addr, uint16_t port,
		     void *owner);
void mn_listeners_del(struct mn_listeners *ls, const struct mn_addr *addr, uint16_t port);
void mn_listeners_del_owner(struct mn_listeners *ls, const void *owner);
/* Calls fn for each of the owner's; it changes none. */
void mn_listeners_each(const struct mn_listeners *ls, const void *owner,
		       void (*fn)(struct mn_listener *l, void *ctx), void *ctx);
void mn_listeners_fini(struct mn_listeners *ls);
/*
 * The listener of this address and port, NULL: none. The address itself before the
 * any-address of its family: 0.0.0.0 takes no IPv6, :: no IPv4.
 */
void *mn_listeners_find(const struct mn_listeners *ls, const struct mn_addr *addr, uint16_t port);

#endif /* MN_TRANSPORT_LISTENER_H */
