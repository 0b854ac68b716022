// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/app.h"
#include "daemon/conn.h"
#include "daemon/device.h"
#include "daemon/log.h"

static int by_id(const void *a, const void *b)
{
	const struct mnd_conn *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct mnd_conn *conn_find(const struct mnd_daemon *d, uint64_t id)
{
	struct mnd_conn key = { .id = id };
	void *node = tfind(&key, &d->conns_by_id, by_id);

	return node ? *(struct mnd_conn **)node : NULL;
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

/* Takes it out of everything and frees it. */
static void conn_free(struct mnd_daemon *d, struct mnd_conn *c)
{
	tdelete(c, &d->conns_by_id, by_id);
	mnd_route_drop(d, &c->way);
	LIST_REMOVE(c, all);
	free(c);
}

/* The route is known: the datapath asks the peer. */
static int conn_start(struct mnd_daemon *d, struct mnd_conn *c, struct machnet_dp_connect *path)
{
	if (!c->by_default)
		path->local = c->local;
	if (!mnd_owns_addr(d, &path->local))
		return -EADDRNOTAVAIL;
	c->local = path->local;
	path->remote = c->remote;
	path->id = c->id;
	path->engine = c->engine;
	path->by_default = c->by_default;
	c->way.local = c->local;
	memcpy(c->way.mac, path->mac, sizeof(c->way.mac));
	c->way.mtu = path->mtu;
	c->state = MND_CONN_CONNECTING;
	machnet_dp_connect(d->dp, path);
	return 0;
}

/* Goes on with a connect as far as the route allows; true when it failed and is gone. */
static bool conn_try(struct mnd_daemon *d, struct mnd_conn *c)
{
	struct machnet_dp_connect path = { 0 };
	int ret = mnd_route_check(d, &c->way.route->last, &path);

	if (ret == -EINPROGRESS)
		return false;
	if (!ret)
		ret = conn_start(d, c, &path);
	if (!ret)
		return false;
	machnet_dp_refuse(d->dp, c->engine, c->id, connect_error(-ret));
	conn_free(d, c);
	return true;
}

static pid_t channel_owner(const struct mnd_daemon *d, uint32_t channel)
{
	const struct mnd_app *app;

	LIST_FOREACH(app, &d->apps, link)
		if (app->attached && app->channel == channel)
			return app->pid;
	return 0;
}

static void conn_route_changed(struct mnd_daemon *d, struct mnd_route_user *way)
{
	struct mnd_conn *c = (struct mnd_conn *)((char *)way - offsetof(struct mnd_conn, way));

	if (c->state == MND_CONN_RESOLVING)
		conn_try(d, c);
	else
		mnd_route_follow(d, way);
}

/* NULL: no memory. */
static struct mnd_conn *conn_new(struct mnd_daemon *d, const struct machnet_dp_event *ev,
				 enum mnd_conn_state state)
{
	struct mnd_conn *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct mnd_conn){
		.id = ev->id,
		.state = state,
		.engine = ev->engine,
		.channel = ev->channel,
		.owner = channel_owner(d, ev->channel),
		.local = ev->local,
		.remote = ev->remote,
		.local_port = ev->local_port,
		.remote_port = ev->remote_port,
		.way = {
			.changed = conn_route_changed,
			.engine = ev->engine,
			.local = ev->local,
			.remote = ev->remote,
		},
	};
	if (!tsearch(c, &d->conns_by_id, by_id)) {
		free(c);
		return NULL;
	}
	LIST_INSERT_HEAD(&d->conns, c, all);
	return c;
}

static int conn_resolve(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_route *route;
	struct mnd_conn *c;
	int ret;

	if (!mn_addr_is_any(&ev->local) && !mnd_owns_addr(d, &ev->local))
		return -EADDRNOTAVAIL;
	ret = mnd_route_get(d, &ev->remote, &ev->local, &route);
	if (ret)
		return ret;
	c = conn_new(d, ev, MND_CONN_RESOLVING);
	if (!c) {
		mnd_route_put(d, route);
		return -ENOMEM;
	}
	c->by_default = mn_addr_is_any(&ev->local);
	mnd_route_use(route, &c->way);
	conn_try(d, c);
	return 0;
}

/* An application's connect to a peer that its engine does not know: it is answered now or later. */
static void conn_connect(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	int ret = conn_resolve(d, ev);

	if (ret)
		machnet_dp_refuse(d->dp, ev->engine, ev->id, connect_error(-ret));
}

static struct machnet_nl_connection describe(const struct mnd_daemon *d, const struct mnd_conn *c,
					     const struct machnet_dp_event *ev)
{
	return (struct machnet_nl_connection){
		.id = c->id,
		.ifindex = d->ifindex,
		.local_addr = c->local,
		.remote_addr = c->remote,
		.local_port = c->local_port,
		.remote_port = c->remote_port,
		.state = MACHNET_CONNECTION_STATE_ESTABLISHED,
		.engine = c->engine,
		.remote_engine = ev->remote_engine,
		.path = ev->path,
		.owner_pid = c->owner,
	};
}

static void conn_register(struct mnd_daemon *d, struct mnd_conn *c,
			  const struct machnet_dp_event *ev)
{
	struct machnet_nl_connection n = describe(d, c, ev);

	c->registered = true;
	d->ops->connection_add(d->control, &n);
}

/* A registry that is full refuses many: one line for all of them. */
void mnd_conn_refused(void *daemon, uint64_t id, int error)
{
	struct mnd_daemon *d = daemon;
	struct mnd_conn *c = conn_find(d, id);

	/* Ended before it was refused: it leaves no gap. */
	if (!c || !c->registered)
		return;
	c->registered = false;
	if (!d->refused++)
		mnd_warn("connection %016llx is not in the registry, nor are more that it "
			 "refuses: %s (%s)", (unsigned long long)id, strerror(-error),
			 d->ops->error(d->control));
}

/* An end: the registry has it no more, or never had it. */
static void conn_unregister(struct mnd_daemon *d, const struct mnd_conn *c, uint32_t reason)
{
	if (c->registered)
		d->ops->connection_del(d->control, c->id, reason);
	else if (c->state == MND_CONN_UP && !--d->refused)
		mnd_info("all connections are in the registry again");
}

static void conn_up(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn *c = conn_find(d, ev->id);

	/* The peer opened it, or its engine knew the way. */
	if (!c)
		c = conn_new(d, ev, MND_CONN_UP);
	if (!c) {
		machnet_dp_abort(d->dp, ev->id, MACHNET_REASON_ADMIN);
		return;
	}
	c->local_port = ev->local_port;
	c->state = MND_CONN_UP;
	mnd_route_drop(d, &c->way);
	conn_register(d, c, ev);
}

/* On another path, or on another engine with its channel. */
static void conn_moved(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn *c = conn_find(d, ev->id);
	struct machnet_nl_connection n;
	int ret;

	if (!c)
		return;
	c->engine = ev->engine;
	if (!c->registered)
		return;
	n = describe(d, c, ev);
	d->ops->flush(d->control);
	ret = d->ops->connection_set(d->control, &n);
	if (ret && ret != -ENOENT)
		mnd_warn("connection %016llx is not in the registry as it is: %s (%s)",
			 (unsigned long long)c->id, strerror(-ret), d->ops->error(d->control));
}

static void conn_end(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_conn *c = conn_find(d, ev->id);

	if (!c)
		return;
	conn_unregister(d, c, ev->reason);
	conn_free(d, c);
}

void mnd_conn_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	if (ev->type == MACHNET_DP_EVENT_CONNECT)
		conn_connect(d, ev);
	else if (ev->type == MACHNET_DP_EVENT_UP)
		conn_up(d, ev);
	else if (ev->type == MACHNET_DP_EVENT_MOVED)
		conn_moved(d, ev);
	else if (ev->type == MACHNET_DP_EVENT_END)
		conn_end(d, ev);
	else if (ev->type == MACHNET_DP_EVENT_REACHABLE)
		mnd_routes_confirm(d, &ev->local, &ev->remote, ev->mac);
}

int mnd_conn_kill(struct mnd_daemon *d, uint64_t id)
{
	const struct mnd_conn *c = conn_find(d, id);

	if (!c || c->state != MND_CONN_UP)
		return -ENOENT;
	machnet_dp_abort(d->dp, id, MACHNET_REASON_ADMIN);
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

void mnd_conn_free_all(struct mnd_daemon *d)
{
	while (!LIST_EMPTY(&d->conns))
		conn_free(d, LIST_FIRST(&d->conns));
}
