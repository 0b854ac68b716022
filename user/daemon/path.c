// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/path.h"

static struct machnet_nl_path describe(const struct mnd_daemon *d,
				       const struct machnet_dp_event *ev)
{
	struct machnet_nl_path path = {
		.id = ev->path,
		.ifindex = d->ifindex,
		.local_addr = ev->local,
		.remote_addr = ev->remote,
		.tx_local_port = ev->local_port,
		.tx_remote_port = ev->remote_port,
		.rx_local_port = ev->rx_local_port,
		.rx_remote_port = ev->rx_remote_port,
		.engine = ev->engine,
		.remote_engine = ev->remote_engine,
		.mtu = ev->mtu ? ev->mtu : d->info.mtu,
		.state = MACHNET_PATH_STATE_OPEN,
	};

	if (!ev->local_host)
		memcpy(path.mac, ev->mac, sizeof(path.mac));
	return path;
}

static int by_id(const void *a, const void *b)
{
	const struct mnd_path *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Its route is watched: connects to the peer need not ask for it. */
static void watch(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct mnd_path *p = malloc(sizeof(*p));
	struct mnd_route *route;
	void *node;

	if (!p)
		return;
	*p = (struct mnd_path){
		.id = ev->path,
		.way = {
			.changed = mnd_route_follow,
			.engine = ev->engine,
			.local = ev->local,
			.remote = ev->remote,
			.mtu = ev->mtu,
		},
	};
	memcpy(p->way.mac, ev->mac, sizeof(p->way.mac));
	node = tsearch(p, &d->paths_by_id, by_id);
	if (!node || *(struct mnd_path **)node != p) {
		free(p);
		return;
	}
	if (mnd_route_get(d, &ev->remote, &ev->local, &route))
		return;
	mnd_route_use(route, &p->way);
	/* The engine's may be older: the sender of the INIT, or what an earlier path used. */
	mnd_route_follow(d, &p->way);
	mnd_route_confirm(d, route, ev->mac);
}

static void unwatch(struct mnd_daemon *d, uint64_t id)
{
	struct mnd_path key = { .id = id }, *p;
	void *node = tfind(&key, &d->paths_by_id, by_id);

	if (!node)
		return;
	p = *(struct mnd_path **)node;
	tdelete(p, &d->paths_by_id, by_id);
	mnd_route_drop(d, &p->way);
	free(p);
}

void mnd_path_free_all(struct mnd_daemon *d)
{
	while (d->paths_by_id)
		unwatch(d, (*(struct mnd_path **)d->paths_by_id)->id);
}

void mnd_path_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct machnet_nl_path path;
	int ret = 0;

	if (ev->type == MACHNET_DP_EVENT_PATH_UP) {
		watch(d, ev);
		path = describe(d, ev);
		ret = d->ops->path_add(d->control, &path);
	} else if (ev->type == MACHNET_DP_EVENT_PATH_MOVED) {
		path = describe(d, ev);
		ret = d->ops->path_set(d->control, &path);
	} else if (ev->type == MACHNET_DP_EVENT_PATH_END) {
		unwatch(d, ev->path);
		ret = d->ops->path_del(d->control, ev->path, ev->reason);
	}
	/* -ENOENT: it was refused before, or the kernel has dropped it with its device. */
	if (ret && ret != -ENOENT && !d->path_refused)
		mnd_warn("path %016llx is not in the registry as it is, nor are more that it "
			 "refuses: %s (%s)", (unsigned long long)ev->path, strerror(-ret),
			 d->ops->error(d->control));
	if (ret != -ENOENT && ev->type == MACHNET_DP_EVENT_PATH_UP)
		d->path_refused = ret;
}
