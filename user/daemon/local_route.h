/* SPDX-License-Identifier: MIT */
/*
 * local_route.h - destinations whose changes are told, for --control=local
 *
 * Life: open, then watch and unwatch in any order, also from within the
 * callback; close forgets all watches.
 */
#ifndef MND_LOCAL_ROUTE_H
#define MND_LOCAL_ROUTE_H

#include <sys/queue.h>

#include "daemon/control.h"
#include "daemon/rtnl.h"

struct mnd_local_watch;
LIST_HEAD(mnd_local_watch_list, mnd_local_watch);
TAILQ_HEAD(mnd_local_watch_queue, mnd_local_watch);

struct mnd_local_routes {
	struct mnd_rtnl req, events;
	void *tree;				/* of all watches, by key */
	struct mnd_local_watch_list all;
	struct mnd_local_watch_queue stale;	/* to be resolved anew */
	bool tables_changed;
	const struct mnd_control_events *ev;
	void *ctx;
};

int mnd_local_routes_open(struct mnd_local_routes *t, const struct mnd_control_events *ev,
			  void *ctx);
void mnd_local_routes_close(struct mnd_local_routes *t);
int mnd_local_routes_fd(const struct mnd_local_routes *t);
int mnd_local_routes_dispatch(struct mnd_local_routes *t);

/* Once or several times: one unwatch ends it. -errno of a destination that cannot be reached. */
int mnd_local_route_watch(struct mnd_local_routes *t, const struct machnet_nl_route_key *key,
			  struct machnet_nl_route *route);
/* -ENOENT */
int mnd_local_route_unwatch(struct mnd_local_routes *t, const struct machnet_nl_route_key *key);
/* -ENOENT, or what rtnetlink says. */
int mnd_local_route_confirm(struct mnd_local_routes *t, const struct machnet_nl_route_key *key);

#endif /* MND_LOCAL_ROUTE_H */
