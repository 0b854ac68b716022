// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/device.h"
#include "daemon/route.h"

/* At most once in this time the kernel gets a confirmation of one route. */
#define CONFIRM_US	UINT64_C(2000000)

static int route_cmp(const void *a, const void *b)
{
	const struct mnd_route *x = a, *y = b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static struct mnd_route *route_find(struct mnd_daemon *d, const struct machnet_nl_route_key *key)
{
	struct mnd_route r = { .key = *key };
	void *node = tfind(&r, &d->routes, route_cmp);

	return node ? *(struct mnd_route **)node : NULL;
}

/* The device stands for the VRF that it may belong to. */
static struct machnet_nl_route_key make_key(const struct mnd_daemon *d, const struct mn_addr *dst,
					    const struct mn_addr *from)
{
	struct machnet_nl_route_key key = { .dst = *dst, .vrf = d->ifindex };

	if (!mn_addr_is_any(from))
		key.from = *from;
	else if (mn_addr_is_v4(dst))
		key.from = mn_addr_from_v4(0);
	return key;
}

int mnd_route_get(struct mnd_daemon *d, const struct mn_addr *dst, const struct mn_addr *from,
		  struct mnd_route **out)
{
	struct machnet_nl_route_key key = make_key(d, dst, from);
	struct mnd_route *r = route_find(d, &key);
	int ret;

	if (r) {
		*out = r;
		/* A destination that could not be reached is asked for anew, it may be up again. */
		return r->last.state == MACHNET_ROUTE_STATE_UNREACHABLE ?
		       d->ops->route_watch(d->control, &key, &r->last) : 0;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->key = key;
	LIST_INIT(&r->users);
	ret = d->ops->route_watch(d->control, &key, &r->last);
	if (ret || !tsearch(r, &d->routes, route_cmp)) {
		free(r);
		return ret ? ret : -ENOMEM;
	}
	*out = r;
	return 0;
}

void mnd_route_use(struct mnd_route *route, struct mnd_route_user *user)
{
	user->route = route;
	LIST_INSERT_HEAD(&route->users, user, on_route);
}

void mnd_route_drop(struct mnd_daemon *d, struct mnd_route_user *user)
{
	struct mnd_route *route = user->route;

	if (!route)
		return;
	LIST_REMOVE(user, on_route);
	user->route = NULL;
	mnd_route_put(d, route);
}

void mnd_route_put(struct mnd_daemon *d, struct mnd_route *route)
{
	if (!LIST_EMPTY(&route->users))
		return;
	d->ops->route_unwatch(d->control, &route->key);
	tdelete(route, &d->routes, route_cmp);
	free(route);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000) + ts.tv_nsec / 1000;
}

void mnd_route_confirm(struct mnd_daemon *d, struct mnd_route *route, const uint8_t mac[6])
{
	uint64_t now = now_us();

	if (route->last.state != MACHNET_ROUTE_STATE_REACHABLE ||
	    memcmp(route->last.mac, mac, sizeof(route->last.mac)) ||
	    (route->confirmed_us && now - route->confirmed_us < CONFIRM_US))
		return;
	route->confirmed_us = now;
	d->ops->route_confirm(d->control, &route->key);
}

void mnd_routes_confirm(struct mnd_daemon *d, const struct mn_addr *local,
		      const struct mn_addr *remote, const uint8_t mac[6])
{
	static const struct mn_addr any;
	const struct mn_addr *from[] = { local, &any };

	/* One for each way in which connections chose their address. */
	for (int i = 0; i < 2; i++) {
		struct machnet_nl_route_key key = make_key(d, remote, from[i]);
		struct mnd_route *r = route_find(d, &key);

		if (r)
			mnd_route_confirm(d, r, mac);
	}
}

void mnd_route_changed(void *daemon, const struct machnet_nl_route *answer)
{
	struct machnet_nl_route_key key = machnet_nl_route_key(answer);
	struct mnd_daemon *d = daemon;
	struct mnd_route *r = route_find(d, &key);
	struct mnd_route_user *u, *next;

	if (!r)
		return;
	r->last = *answer;
	/* A user that ends leaves the list, and the last one takes the route with it. */
	for (u = LIST_FIRST(&r->users); u; u = next) {
		next = LIST_NEXT(u, on_route);
		u->changed(d, u);
	}
}

void mnd_route_follow(struct mnd_daemon *d, struct mnd_route_user *u)
{
	struct machnet_dp_connect way = { 0 };
	bool unreachable;
	int ret;

	/* A peer that cannot be reached now may be again: the transport's time-outs decide. */
	ret = mnd_route_check(d, &u->route->last, &way);
	unreachable = ret && ret != -EINPROGRESS;
	if (u->unreachable != unreachable) {
		u->unreachable = unreachable;
		machnet_dp_set_unreachable(d->dp, u->engine, &u->local, &u->remote, unreachable);
	}
	if (ret || way.local_host)
		return;
	if (!memcmp(u->mac, way.mac, sizeof(u->mac)) && u->mtu == way.mtu)
		return;
	memcpy(u->mac, way.mac, sizeof(u->mac));
	u->mtu = way.mtu;
	machnet_dp_set_route(d->dp, u->engine, &u->local, &u->remote, way.mac, way.mtu);
}

/* Within the host only to what this datapath serves: other local addresses are not ours. */
static int route_check_local(const struct mnd_daemon *d, const struct machnet_nl_route *route,
			     struct machnet_dp_connect *path)
{
	if (!mnd_owns_addr(d, &route->dst))
		return -ENETUNREACH;
	path->local = route->dst;
	path->mtu = d->info.mtu;
	path->local_host = true;
	return 0;
}

int mnd_route_check(const struct mnd_daemon *d, const struct machnet_nl_route *route,
		    struct machnet_dp_connect *path)
{
	switch (route->state) {
	case MACHNET_ROUTE_STATE_LOCAL:
		return route_check_local(d, route, path);
	case MACHNET_ROUTE_STATE_UNREACHABLE:
		return route->error ? -(int)route->error : -ENETUNREACH;
	}
	/* A way that leads out by another interface is no way for this datapath. */
	if (route->ifindex != d->ifindex)
		return -ENETUNREACH;
	if (route->state != MACHNET_ROUTE_STATE_REACHABLE || !route->has_mac)
		return -EINPROGRESS;
	path->local = route->src;
	memcpy(path->mac, route->mac, sizeof(path->mac));
	path->mtu = route->mtu && route->mtu < d->info.mtu ? route->mtu : d->info.mtu;
	path->local_host = false;
	return 0;
}
