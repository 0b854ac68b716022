// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"
#include "daemon/conn.h"
#include "daemon/device.h"
#include "daemon/log.h"

static int by_request(const void *a, const void *b)
{
	const struct mnd_conn *x = a, *y = b;

	return (x->request > y->request) - (x->request < y->request);
}

static int by_id(const void *a, const void *b)
{
	const struct mnd_conn *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct mnd_conn *conn_find(void *tree, const struct mnd_conn *key,
				  int (*cmp)(const void *, const void *))
{
	void *node = tfind(key, &tree, cmp);

	return node ? *(struct mnd_conn **)node : NULL;
}

static struct mnd_conn *conn_of_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn key = { .request = ev->request, .id = ev->id };
	struct mnd_conn *c = ev->id ? conn_find(d->live, &key, by_id) : NULL;

	return c || !ev->request ? c : conn_find(d->pending, &key, by_request);
}

/* What machnet_connect(3) documents, for what the control plane says of a destination. */
static int connect_error(int error)
{
	switch (error) {
	case EACCES:		/* a prohibit route; a broadcast or multicast address */
	case EINVAL:		/* a blackhole route */
	case ENODEV:		/* the device of the route has gone */
		return ENETUNREACH;
	default:
		return error;
	}
}

static void conn_answer(struct mnd_conn *c, int error, uint64_t flow)
{
	struct mn_app_msg msg = {
		.type = MN_APP_CONNECT,
		.version = MN_APP_VERSION,
		.tag = c->tag,
		.error = connect_error(error),
		.flow = flow,
		.local = c->local,
		.remote = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
	};
	struct mnd_app *app = c->app;

	c->app = NULL;
	if (app)
		mnd_app_answer(app, &msg);
}

/* Takes it out of everything and frees it. */
static void conn_free(struct mnd_daemon *d, struct mnd_conn *c)
{
	if (c->state == MND_CONN_UP)
		tdelete(c, &d->live, by_id);
	else
		tdelete(c, &d->pending, by_request);
	if (c->route)
		mnd_route_put(d, c->route, c);
	LIST_REMOVE(c, all);
	free(c);
}

static void conn_fail(struct mnd_daemon *d, struct mnd_conn *c, int error)
{
	conn_answer(c, error, 0);
	conn_free(d, c);
}

/* The route is known: the datapath asks the peer. */
static int conn_start(struct mnd_daemon *d, struct mnd_conn *c, struct machnet_dp_connect *path)
{
	if (!mn_addr_is_any(&c->local))
		path->local = c->local;
	if (!mnd_owns_addr(d, &path->local))
		return -EADDRNOTAVAIL;
	c->local = path->local;
	path->remote = c->remote;
	path->remote_port = c->remote_port;
	path->request = c->request;
	memcpy(c->mac, path->mac, sizeof(c->mac));
	c->mtu = path->mtu;
	c->state = MND_CONN_CONNECTING;
	return machnet_dp_connect(d->dp, c->channel, path);
}

/* Goes on with a connect as far as the route allows; true when it failed and is gone. */
static bool conn_try(struct mnd_daemon *d, struct mnd_conn *c)
{
	struct machnet_dp_connect path = { 0 };
	int ret = mnd_route_check(d, &c->route->last, &path);

	if (ret == -EINPROGRESS)
		return false;
	if (!ret)
		ret = conn_start(d, c, &path);
	if (!ret)
		return false;
	conn_fail(d, c, -ret);
	return true;
}

static struct mnd_conn *conn_new(struct mnd_daemon *d, const struct mnd_conn *init)
{
	struct mnd_conn *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = *init;
	if (!tsearch(c, c->state == MND_CONN_UP ? &d->live : &d->pending,
		     c->state == MND_CONN_UP ? by_id : by_request)) {
		free(c);
		return NULL;
	}
	LIST_INSERT_HEAD(&d->conns, c, all);
	return c;
}

void mnd_conn_connect(struct mnd_daemon *d, struct mnd_app *app, uint32_t tag,
		      const struct mn_addr *local, const struct mn_addr *remote,
		      uint16_t remote_port)
{
	struct mnd_conn init = {
		.request = ++d->last_request,
		.state = MND_CONN_RESOLVING,
		.channel = app->channel,
		.owner = app->pid,
		.local = *local,
		.remote = *remote,
		.remote_port = remote_port,
		.app = app,
		.tag = tag,
	};
	struct mnd_conn *c;
	struct mnd_route *route;
	int ret;

	if (!remote_port || mn_addr_is_any(remote))
		ret = -EINVAL;
	else if (!mn_addr_is_any(local) && !mnd_owns_addr(d, local))
		ret = -EADDRNOTAVAIL;
	else
		ret = mnd_route_get(d, remote, local, &route);
	c = ret ? NULL : conn_new(d, &init);
	if (!ret && !c) {
		mnd_route_put(d, route, NULL);
		ret = -ENOMEM;
	}
	if (ret) {
		conn_answer(&init, -ret, 0);
		return;
	}
	mnd_route_use(route, c);
	conn_try(d, c);
}

static void conn_register(struct mnd_daemon *d, struct mnd_conn *c,
			  const struct machnet_dp_event *ev)
{
	struct machnet_nl_connection n = {
		.id = c->id,
		.ifindex = d->ifindex,
		.local_addr = c->local,
		.remote_addr = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.state = MACHNET_CONNECTION_STATE_ESTABLISHED,
		.engine = c->engine,
		.remote_engine = ev->remote_engine,
		.owner_pid = c->owner,
	};
	int ret = d->ops->connection_add(d->control, &n);

	c->registered = !ret;
	if (ret)
		mnd_warn("connection %016llx is not in the registry: %s (%s)",
			 (unsigned long long)c->id, strerror(-ret), d->ops->error(d->control));
}

static pid_t channel_owner(const struct mnd_daemon *d, uint32_t channel)
{
	const struct mnd_app *app;

	LIST_FOREACH(app, &d->apps, link)
		if (app->attached && app->channel == channel)
			return app->pid;
	return 0;
}

/* The sender of the path's INIT is the next hop until the routing table has been asked. */
static struct mnd_conn *conn_accepted(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn init = {
		.id = ev->id,
		.state = MND_CONN_UP,
		.engine = ev->engine,
		.channel = ev->channel,
		.owner = channel_owner(d, ev->channel),
		.local = ev->local,
		.remote = ev->remote,
		.local_port = ev->local_port,
		.remote_port = ev->remote_port,
	};
	struct mnd_conn *c = conn_new(d, &init);
	struct mnd_route *route;

	if (!c)
		return NULL;
	if (!mnd_route_get(d, &c->remote, &c->local, &route)) {
		mnd_route_use(route, c);
		mnd_conn_route_changed(d, c);
	}
	return c;
}

static void conn_up(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn *c;

	if (ev->accepted) {
		c = conn_accepted(d, ev);
		if (!c) {
			machnet_dp_abort(d->dp, ev->engine, ev->id, MACHNET_REASON_ADMIN);
			return;
		}
	} else {
		c = conn_of_event(d, ev);
		if (!c)
			return;
		tdelete(c, &d->pending, by_request);
		c->id = ev->id;
		c->engine = ev->engine;
		c->local_port = ev->local_port;
		c->state = MND_CONN_UP;
		if (!tsearch(c, &d->live, by_id)) {
			machnet_dp_abort(d->dp, ev->engine, ev->id, MACHNET_REASON_ADMIN);
			conn_fail(d, c, ENOMEM);
			return;
		}
		/* The route may have changed while the peer was asked. */
		if (c->route)
			mnd_conn_route_changed(d, c);
	}
	conn_register(d, c, ev);
	conn_answer(c, 0, ev->flow);
	if (c->route)
		mnd_route_confirm(d, c->route, ev->mac);
}

static void conn_end(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn *c = conn_of_event(d, ev);
	int error = ev->error ? ev->error : ECONNABORTED;

	if (!c)
		return;
	if (c->registered)
		d->ops->connection_del(d->control, c->id, ev->reason);
	/* The way has gone while the peer was asked. */
	if (error == ETIMEDOUT && c->route &&
	    c->route->last.state == MACHNET_ROUTE_STATE_UNREACHABLE)
		error = EHOSTUNREACH;
	conn_fail(d, c, error);
}

void mnd_conn_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	if (ev->type == MACHNET_DP_EVENT_UP)
		conn_up(d, ev);
	else if (ev->type == MACHNET_DP_EVENT_END)
		conn_end(d, ev);
	else if (ev->type == MACHNET_DP_EVENT_REACHABLE)
		mnd_routes_confirm(d, &ev->local, &ev->remote, ev->mac);
}

int mnd_conn_kill(struct mnd_daemon *d, uint64_t id)
{
	struct mnd_conn key = { .id = id };
	const struct mnd_conn *c = conn_find(d->live, &key, by_id);

	if (!c)
		return -ENOENT;
	machnet_dp_abort(d->dp, c->engine, id, MACHNET_REASON_ADMIN);
	return 0;
}

void mnd_conn_kill_heard(void *daemon, uint64_t id)
{
	if (!mnd_conn_kill(daemon, id))
		mnd_info("connection %016llx is ended by order of an administrator",
			 (unsigned long long)id);
}

void mnd_conn_settle(struct mnd_daemon *d)
{
	int ret = d->ops->flush(d->control);

	/* -ENOENT: the kernel has dropped it with its device. */
	if (ret && ret != -ENOENT)
		mnd_warn("ended connections are left in the registry: %s (%s)", strerror(-ret),
			 d->ops->error(d->control));
}

void mnd_conn_route_changed(struct mnd_daemon *d, struct mnd_conn *c)
{
	struct machnet_dp_connect path = { 0 };
	bool unreachable;
	int ret;

	if (c->state == MND_CONN_RESOLVING) {
		conn_try(d, c);
		return;
	}
	if (c->state != MND_CONN_UP)
		return;
	/* A peer that cannot be reached now may be again: the transport's time-outs decide. */
	ret = mnd_route_check(d, &c->route->last, &path);
	unreachable = ret && ret != -EINPROGRESS;
	if (c->unreachable != unreachable) {
		c->unreachable = unreachable;
		machnet_dp_set_unreachable(d->dp, c->engine, &c->local, &c->remote, unreachable);
	}
	if (ret || path.local_host)
		return;
	if (!memcmp(c->mac, path.mac, sizeof(c->mac)) && c->mtu == path.mtu)
		return;
	memcpy(c->mac, path.mac, sizeof(c->mac));
	c->mtu = path.mtu;
	machnet_dp_set_route(d->dp, c->engine, &c->local, &c->remote, path.mac, path.mtu);
}

void mnd_conn_forget_app(struct mnd_daemon *d, struct mnd_app *app)
{
	struct mnd_conn *c, *next;

	for (c = LIST_FIRST(&d->conns); c; c = next) {
		next = LIST_NEXT(c, all);
		if (c->app != app)
			continue;
		c->app = NULL;
		/* The datapath does not know it yet, so that no event will end it. */
		if (c->state == MND_CONN_RESOLVING)
			conn_free(d, c);
	}
}

void mnd_conn_free_all(struct mnd_daemon *d)
{
	while (!LIST_EMPTY(&d->conns))
		conn_free(d, LIST_FIRST(&d->conns));
}
