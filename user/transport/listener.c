// SPDX-License-Identifier: MIT
/* listener.c - table of listeners, by port */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "transport/listener.h"

static struct mn_listener **bucket(struct mn_listeners *ls, uint16_t port)
{
	return &ls->buckets[port % MN_LISTENER_BUCKETS];
}

static bool same(const struct mn_listener *l, const struct mn_addr *addr, uint16_t port)
{
	return l->port == port && mn_addr_equal(&l->addr, addr);
}

int mn_listeners_add(struct mn_listeners *ls, const struct mn_addr *addr, uint16_t port,
		     void *owner)
{
	struct mn_listener **at = bucket(ls, port), *l;

	for (l = *at; l; l = l->next)
		if (same(l, addr, port))
			return -EADDRINUSE;
	if (ls->count == MN_LISTENERS_MAX)
		return -ENOSPC;
	l = malloc(sizeof(*l));
	if (!l)
		return -ENOSPC;
	*l = (struct mn_listener){ .next = *at, .addr = *addr, .port = port, .owner = owner };
	*at = l;
	ls->count++;
	return 0;
}

static void unlink_listener(struct mn_listeners *ls, struct mn_listener **at)
{
	struct mn_listener *l = *at;

	*at = l->next;
	ls->count--;
	free(l);
}

void mn_listeners_del(struct mn_listeners *ls, const struct mn_addr *addr, uint16_t port)
{
	struct mn_listener **at = bucket(ls, port);

	while (*at && !same(*at, addr, port))
		at = &(*at)->next;
	if (*at)
		unlink_listener(ls, at);
}

void mn_listeners_del_owner(struct mn_listeners *ls, const void *owner)
{
	for (uint32_t i = 0; i < MN_LISTENER_BUCKETS; i++) {
		struct mn_listener **at = &ls->buckets[i];

		while (*at) {
			if ((*at)->owner == owner)
				unlink_listener(ls, at);
			else
				at = &(*at)->next;
		}
	}
}

void mn_listeners_each(const struct mn_listeners *ls, const void *owner,
		       void (*fn)(struct mn_listener *l, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < MN_LISTENER_BUCKETS; i++)
		for (struct mn_listener *l = ls->buckets[i]; l; l = l->next)
			if (l->owner == owner)
				fn(l, ctx);
}

void mn_listeners_fini(struct mn_listeners *ls)
{
	for (uint32_t i = 0; i < MN_LISTENER_BUCKETS; i++)
		while (ls->buckets[i])
			unlink_listener(ls, &ls->buckets[i]);
}

void *mn_listeners_find(const struct mn_listeners *ls, const struct mn_addr *addr, uint16_t port)
{
	void *any = NULL;

	for (const struct mn_listener *l = ls->buckets[port % MN_LISTENER_BUCKETS]; l;
	     l = l->next) {
		if (l->port != port)
			continue;
		if (mn_addr_equal(&l->addr, addr))
			return l->owner;
		if (mn_addr_is_any(&l->addr) && mn_addr_is_v4(&l->addr) == mn_addr_is_v4(addr))
			any = l->owner;
	}
	return any;
}
