// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/device.h"
#include "daemon/probe.h"
#include "daemon/route.h"

struct mnd_probe {
	struct mnd_app *app;	/* NULL: it does not wait any more */
	uint32_t tag;		/* of its request */
	uint64_t request;	/* to the datapath; 0: waits for the neighbour */
	struct mnd_route_user way;
	LIST_ENTRY(mnd_probe) link;
};

static void answer(struct mnd_app *app, uint32_t tag, const struct mn_addr *remote, int error)
{
	struct mn_app_msg msg = {
		.type = MN_APP_PROBE,
		.version = MN_APP_VERSION,
		.tag = tag,
		.error = error,
		.remote = *remote,
	};

	mnd_app_answer(app, &msg);
}

static void probe_free(struct mnd_daemon *d, struct mnd_probe *p)
{
	mnd_route_drop(d, &p->way);
	LIST_REMOVE(p, link);
	free(p);
}

/* error: positive. */
static void probe_done(struct mnd_daemon *d, struct mnd_probe *p, int error)
{
	struct mn_addr remote = p->way.remote;
	struct mnd_app *app = p->app;
	uint32_t tag = p->tag;

	probe_free(d, p);
	/* Last: an application that does not read is dropped. */
	if (app)
		answer(app, tag, &remote, error);
}

/* Goes on as far as the route allows. */
static void probe_try(struct mnd_daemon *d, struct mnd_probe *p)
{
	struct machnet_dp_connect to = { 0 };
	int ret = mnd_route_check(d, &p->way.route->last, &to);

	if (ret == -EINPROGRESS)
		return;
	if (!ret && !mnd_owns_addr(d, &to.local))
		ret = -EADDRNOTAVAIL;
	if (!ret) {
		to.remote = p->way.remote;
		to.id = p->request = ++d->last_probe;
		machnet_dp_probe(d->dp, &to);
	} else {
		probe_done(d, p, -ret);
	}
}

static void route_changed(struct mnd_daemon *d, struct mnd_route_user *way)
{
	struct mnd_probe *p = (struct mnd_probe *)((char *)way - offsetof(struct mnd_probe, way));

	if (!p->request)
		probe_try(d, p);
}

static bool waits(const struct mnd_daemon *d, const struct mnd_app *app)
{
	const struct mnd_probe *p;

	LIST_FOREACH(p, &d->probes, link)
		if (p->app == app)
			return true;
	return false;
}

void mnd_probe_ask(struct mnd_app *app, const struct mn_app_msg *req)
{
	static const struct mn_addr any;
	struct mnd_daemon *d = app->d;
	struct mnd_route *route = NULL;
	struct mnd_probe *p;
	int ret = 0;

	/* One at a time from each socket, whose number is limited. */
	if (waits(d, app))
		ret = -EBUSY;
	else if (mn_addr_is_any(&req->remote))
		ret = -EINVAL;
	else
		ret = mnd_route_get(d, &req->remote, &any, &route);
	p = ret ? NULL : malloc(sizeof(*p));
	if (!ret && !p) {
		mnd_route_put(d, route);
		ret = -ENOMEM;
	}
	if (ret) {
		answer(app, req->tag, &req->remote, -ret);
		return;
	}
	*p = (struct mnd_probe){
		.app = app, .tag = req->tag,
		.way = { .changed = route_changed, .remote = req->remote },
	};
	mnd_route_use(route, &p->way);
	LIST_INSERT_HEAD(&d->probes, p, link);
	probe_try(d, p);
}

void mnd_probe_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_probe *p;

	if (ev->type != MACHNET_DP_EVENT_PROBED)
		return;
	LIST_FOREACH(p, &d->probes, link) {
		if (p->request == ev->id) {
			probe_done(d, p, ev->error);
			return;
		}
	}
}

void mnd_probe_forget_app(struct mnd_daemon *d, const struct mnd_app *app)
{
	struct mnd_probe *p, *next;

	for (p = LIST_FIRST(&d->probes); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->app != app)
			continue;
		p->app = NULL;
		/* The datapath does not know it yet, so that no event will end it. */
		if (!p->request)
			probe_free(d, p);
	}
}

void mnd_probe_free_all(struct mnd_daemon *d)
{
	while (!LIST_EMPTY(&d->probes))
		probe_free(d, LIST_FIRST(&d->probes));
}
