// SPDX-License-Identifier: GPL-2.0-only
/*
 * route.c - destinations whose changes are announced
 */
#include "route.h"

#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "netlink-msg.h"
#include "netns.h"
#include "owner.h"
#include "resolve.h"
#include "stats.h"
#include "trace.h"

/* Until a neighbour that has failed is asked for again. */
#define ASK_AGAIN	(HZ / 10)

const struct rhashtable_params machnet_route_params = {
	.key_len = sizeof_field(struct machnet_route, key),
	.key_offset = offsetof(struct machnet_route, key),
	.head_offset = offsetof(struct machnet_route, node),
	.automatic_shrinking = true,
};

static struct machnet_route *find_route(struct machnet_net *mn,
					const struct machnet_route_key *key)
{
	lockdep_assert_held(&mn->lock);
	return rhashtable_lookup_fast(&mn->routes.hash, key, machnet_route_params);
}

static struct machnet_watch *find_watch(const struct machnet_route *route, u32 portid)
{
	struct machnet_watch *watch;

	list_for_each_entry(watch, &route->watches, route_link) {
		if (watch->portid == portid)
			return watch;
	}
	return NULL;
}

/* Keeps what was found and announces it if it is news. */
static void update(struct machnet_net *mn, struct machnet_route *route,
		   const struct machnet_path_info *info)
{
	lockdep_assert_held(&mn->lock);
	if (!memcmp(&route->info, info, sizeof(*info)))
		return;
	spin_lock(&route->lock);
	memcpy(&route->info, info, sizeof(*info));
	spin_unlock(&route->lock);
	machnet_stat_inc(mn, MACHNET_A_STATS_ROUTE_CHANGES);
	trace_machnet_route_change(mn, route);
	machnet_notify_route(mn, route);
}

static struct machnet_route *route_add(struct machnet_net *mn,
				       const struct machnet_route_key *key,
				       const struct machnet_path_info *info)
{
	struct machnet_route *route = kzalloc(sizeof(*route), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!route)
		return ERR_PTR(-ENOMEM);
	route->key = *key;
	memcpy(&route->info, info, sizeof(*info));
	spin_lock_init(&route->lock);
	INIT_LIST_HEAD(&route->watches);
	ret = machnet_table_insert(&mn->routes, &route->node, route, &route->index,
				   &machnet_route_params);
	if (ret) {
		kfree(route);
		return ERR_PTR(ret);
	}
	WRITE_ONCE(mn->n_watched, mn->n_watched + 1);
	machnet_stat_inc(mn, MACHNET_A_STATS_ROUTES);
	trace_machnet_route_watch(mn, route);
	return route;
}

static void route_del(struct machnet_net *mn, struct machnet_route *route)
{
	machnet_table_remove(&mn->routes, &route->node, route->index, &machnet_route_params);
	WRITE_ONCE(mn->n_watched, mn->n_watched - 1);
	machnet_stat_dec(mn, MACHNET_A_STATS_ROUTES);
	trace_machnet_route_unwatch(mn, route);
	kfree_rcu(route, rcu);
}

/* Hangs a watch on the route, which is made if there is none. */
static int watch_add(struct machnet_net *mn, struct machnet_route *route,
		     const struct machnet_route_key *key, u32 portid,
		     const struct machnet_path_info *info)
{
	struct machnet_watch *watch;
	struct machnet_owner *owner;

	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return -ENOMEM;
	owner = machnet_owner_get(mn, portid);
	if (IS_ERR(owner)) {
		kfree(watch);
		return PTR_ERR(owner);
	}
	if (!route)
		route = route_add(mn, key, info);
	if (IS_ERR(route)) {
		machnet_owner_settle(mn, portid);
		kfree(watch);
		return PTR_ERR(route);
	}
	watch->portid = portid;
	watch->route = route;
	list_add_tail(&watch->route_link, &route->watches);
	list_add_tail(&watch->owner_link, &owner->watches);
	return 0;
}

int machnet_route_watch(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid,
			struct machnet_path_info *info)
{
	struct machnet_route *route;
	int ret = 0;

	lockdep_assert_held(&mn->lock);
	/*
	 * Counted as watched before it is resolved: an answer that arrives in
	 * between must queue the work, which then waits for the lock.
	 */
	WRITE_ONCE(mn->n_watched, mn->n_watched + 1);
	machnet_resolve(mn->net, key, MACHNET_RESOLVE_USE, info);
	route = find_route(mn, key);
	if (route)
		update(mn, route, info);
	if (info->state == MACHNET_ROUTE_STATE_UNREACHABLE)
		ret = -info->error;
	else if (!route || !find_watch(route, portid))
		ret = watch_add(mn, route, key, portid, info);
	WRITE_ONCE(mn->n_watched, mn->n_watched - 1);
	return ret;
}

void machnet_watch_del(struct machnet_net *mn, struct machnet_watch *watch)
{
	struct machnet_route *route = watch->route;

	lockdep_assert_held(&mn->lock);
	list_del(&watch->route_link);
	list_del(&watch->owner_link);
	if (list_empty(&route->watches))
		route_del(mn, route);
	machnet_owner_settle(mn, watch->portid);
	kfree(watch);
}

static struct machnet_watch *own_watch(struct machnet_net *mn, const struct machnet_route_key *key,
				       u32 portid)
{
	struct machnet_route *route = find_route(mn, key);

	return route ? find_watch(route, portid) : NULL;
}

int machnet_route_unwatch(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid)
{
	struct machnet_watch *watch = own_watch(mn, key, portid);

	if (!watch)
		return -ENOENT;
	machnet_watch_del(mn, watch);
	return 0;
}

int machnet_route_confirm(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid)
{
	struct machnet_watch *watch = own_watch(mn, key, portid);
	struct machnet_path_info info;

	if (!watch)
		return -ENOENT;
	machnet_resolve(mn->net, key, MACHNET_RESOLVE_CONFIRM, &info);
	machnet_stat_inc(mn, MACHNET_A_STATS_CONFIRMATIONS);
	update(mn, watch->route, &info);
	return 0;
}

void machnet_route_kick(struct machnet_net *mn)
{
	if (READ_ONCE(mn->n_watched))
		mod_delayed_work(system_unbound_wq, &mn->route_work, 0);
}

void machnet_route_mtu_changes(struct machnet_net *mn)
{
	if (!READ_ONCE(mn->n_watched))
		return;
	atomic_set(&mn->mtu_changed, 1);
	queue_delayed_work(system_unbound_wq, &mn->route_work, 1);
}

/*
 * A neighbour that is deleted fails first and is taken from the table then, and
 * nobody tells of that: it is asked for anew a moment later, once.
 */
static bool has_failed_now(const struct machnet_route *route, const struct machnet_path_info *info)
{
	return route->info.state == MACHNET_ROUTE_STATE_REACHABLE &&
	       info->state == MACHNET_ROUTE_STATE_UNREACHABLE && info->error == EHOSTUNREACH;
}

void machnet_route_work(struct work_struct *work)
{
	struct machnet_net *mn = container_of(to_delayed_work(work), struct machnet_net,
					      route_work);
	struct machnet_path_info info;
	struct machnet_route *route;
	unsigned long index = 0;
	bool again = false, mtu_changed;
	unsigned int n = 0;

	/* The work may have been queued before, and run before the change: once more then. */
	mtu_changed = atomic_xchg(&mn->mtu_changed, 0);
	/*
	 * The notification of a route may come before the table has it. The
	 * RTNL is held around both: having got it, the change is complete.
	 */
	if (atomic_xchg(&mn->fib_changed, 0)) {
		rtnl_lock();
		rtnl_unlock();
	}
	mutex_lock(&mn->lock);
	xa_for_each_start(&mn->routes.index, index, route, 0) {
		machnet_resolve(mn->net, &route->key, route->ask_again ?
				MACHNET_RESOLVE_USE : MACHNET_RESOLVE_LOOK, &info);
		route->ask_again = has_failed_now(route, &info);
		again |= route->ask_again;
		update(mn, route, &info);
		if (++n % MACHNET_BATCH == 0)
			machnet_net_relax(mn);
	}
	if (again || mtu_changed)
		queue_delayed_work(system_unbound_wq, &mn->route_work,
				   mtu_changed ? 1 : ASK_AGAIN);
	mutex_unlock(&mn->lock);
}
