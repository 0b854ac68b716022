// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conn.h"
#include "daemon/device.h"
#include "daemon/route.h"

static int route_cmp(const void *a, const void *b)
{
	const struct mnd_route *x = a, *y = b;

	return memcmp(&x->dst, &y->dst, sizeof(x->dst));
}

static struct mnd_route *route_find(struct mnd_daemon *d, const struct mn_addr *dst)
{
	struct mnd_route key = { .dst = *dst };
	void *node = tfind(&key, &d->routes, route_cmp);

	return node ? *(struct mnd_route **)node : NULL;
}

int mnd_route_get(struct mnd_daemon *d, const struct mn_addr *dst, struct mnd_route **out)
{
	struct mnd_route *r = route_find(d, dst);
	int ret;

	if (r) {
		*out = r;
		/* A destination that could not be reached is asked for anew, it may be up again. */
		return r->last.state == MACHNET_ROUTE_STATE_UNREACHABLE ?
		       d->ops->route_watch(d->control, dst, &r->last) : 0;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->dst = *dst;
	LIST_INIT(&r->users);
	ret = d->ops->route_watch(d->control, dst, &r->last);
	if (ret || !tsearch(r, &d->routes, route_cmp)) {
		free(r);
		return ret ? ret : -ENOMEM;
	}
	*out = r;
	return 0;
}

void mnd_route_use(struct mnd_route *route, struct mnd_conn *conn)
{
	conn->route = route;
	LIST_INSERT_HEAD(&route->users, conn, on_route);
}

void mnd_route_put(struct mnd_daemon *d, struct mnd_route *route, struct mnd_conn *conn)
{
	if (conn) {
		LIST_REMOVE(conn, on_route);
		conn->route = NULL;
	}
	if (!LIST_EMPTY(&route->users))
		return;
	d->ops->route_unwatch(d->control, &route->dst);
	tdelete(route, &d->routes, route_cmp);
	free(route);
}

void mnd_route_changed(void *daemon, const struct machnet_nl_route *answer)
{
	struct mnd_daemon *d = daemon;
	struct mnd_route *r = route_find(d, &answer->dst);
	struct mnd_conn *c, *next;

	if (!r)
		return;
	r->last = *answer;
	/* A connection that fails leaves the list, and the last one takes the route with it. */
	for (c = LIST_FIRST(&r->users); c; c = next) {
		next = LIST_NEXT(c, on_route);
		mnd_conn_route_changed(d, c);
	}
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
