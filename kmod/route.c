// SPDX-License-Identifier: GPL-2.0-only
/*
 * route.c - destinations whose changes are announced
 */
#include "route.h"

#include <linux/net.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "compat.h"
#include "events.h"
#include "netlink-msg.h"
#include "netns.h"
#include "owner.h"
#include "resolve.h"
#include "trace.h"

/* Until a neighbour that has failed is asked for again. */
#define ASK_AGAIN	(HZ / 10)
/* Between walks over all routes: at least, whatever happens, and at most. */
#define WALK_GAP	(HZ / 50)
/* Some changes have no event: a route that expires, an MTU from a router, an IPsec policy. */
#define WALK_PERIOD	(HZ / 2)

const struct rhashtable_params machnet_route_params = {
	.key_len = sizeof_field(struct machnet_route, key.dst),
	.key_offset = offsetof(struct machnet_route, key.dst),
	.head_offset = offsetof(struct machnet_route, node),
	.automatic_shrinking = true,
};

static struct machnet_route *find_route(struct machnet_net *mn,
					const struct machnet_route_key *key)
{
	struct rhlist_head *list, *node;
	struct machnet_route *route;

	lockdep_assert_held(&mn->lock);
	list = machnet_table_find(&mn->routes, &key->dst, &machnet_route_params);
	machnet_table_for_each(route, node, list) {
		if (!memcmp(&route->key, key, sizeof(*key)))
			return route;
	}
	return NULL;
}

struct machnet_watch *machnet_watch_find(struct machnet_net *mn,
					 const struct machnet_route_key *key,
					 const struct machnet_owner *owner)
{
	struct machnet_route *route = find_route(mn, key);
	struct machnet_watch *watch;

	if (!route)
		return NULL;
	list_for_each_entry(watch, &route->watches, route_link) {
		if (watch->owner == owner)
			return watch;
	}
	return NULL;
}

static void put_nexthop(struct machnet_net *mn, struct machnet_route *route)
{
	hash_add(mn->nexthops, &route->nexthop_node, ipv6_addr_hash(&route->info.nexthop));
}

/* Keeps what was found and announces it if it is news. */
static void update(struct machnet_net *mn, struct machnet_route *route,
		   const struct machnet_path_info *info)
{
	lockdep_assert_held(&mn->lock);
	if (!memcmp(&route->info, info, sizeof(*info)))
		return;
	spin_lock_bh(&mn->watch_lock);
	hash_del(&route->nexthop_node);
	spin_lock(&route->lock);
	memcpy(&route->info, info, sizeof(*info));
	spin_unlock(&route->lock);
	put_nexthop(mn, route);
	spin_unlock_bh(&mn->watch_lock);
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
	/* Its neighbour may answer before it can be found here; from then on others write this. */
	route->dirty = true;
	ret = machnet_table_insert(&mn->routes, &route->node, route, &route->index,
				   &machnet_route_params);
	if (ret) {
		kfree(route);
		return ERR_PTR(ret);
	}
	spin_lock_bh(&mn->watch_lock);
	put_nexthop(mn, route);
	spin_unlock_bh(&mn->watch_lock);
	mod_delayed_work(system_dfl_wq, &mn->dirty_work, 0);
	machnet_stat_inc(mn, MACHNET_A_STATS_ROUTES);
	trace_machnet_route_watch(mn, route);
	return route;
}

static void route_del(struct machnet_net *mn, struct machnet_route *route)
{
	machnet_table_remove(&mn->routes, &route->node, route->index, &machnet_route_params);
	spin_lock_bh(&mn->watch_lock);
	hash_del(&route->nexthop_node);
	spin_unlock_bh(&mn->watch_lock);
	machnet_stat_dec(mn, MACHNET_A_STATS_ROUTES);
	trace_machnet_route_unwatch(mn, route);
	kfree_rcu(route, rcu);
}

/* Hangs a watch on the route, which is made if there is none. */
static int watch_add(struct machnet_net *mn, struct machnet_route *route,
		     const struct machnet_route_key *key, struct machnet_owner *owner,
		     const struct machnet_path_info *info)
{
	struct machnet_watch *watch;

	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return -ENOMEM;
	if (!route)
		route = route_add(mn, key, info);
	if (IS_ERR(route)) {
		kfree(watch);
		return PTR_ERR(route);
	}
	watch->owner = owner;
	watch->route = route;
	list_add_tail(&watch->route_link, &route->watches);
	list_add_tail(&watch->owner_link, &owner->watches);
	return 0;
}

int machnet_route_watch(struct machnet_net *mn, const struct machnet_route_key *key,
			struct machnet_owner *owner, struct machnet_path_info *info)
{
	struct machnet_route *route;
	int ret;

	lockdep_assert_held(&mn->lock);
	ret = machnet_events_listen(mn);
	if (ret)
		return ret;
	machnet_resolve(mn->net, key, MACHNET_RESOLVE_USE, info);
	route = find_route(mn, key);
	if (route)
		update(mn, route, info);
	if (info->state != MACHNET_ROUTE_STATE_UNREACHABLE && !machnet_watch_find(mn, key, owner))
		ret = watch_add(mn, route, key, owner, info);
	queue_delayed_work(system_dfl_wq, &mn->walk_work, WALK_PERIOD);
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
	machnet_owner_settle(mn, watch->owner);
	kfree(watch);
}

void machnet_watch_confirm(struct machnet_net *mn, struct machnet_watch *watch)
{
	struct machnet_path_info info;

	machnet_resolve(mn->net, &watch->route->key, MACHNET_RESOLVE_CONFIRM, &info);
	machnet_stat_inc(mn, MACHNET_A_STATS_CONFIRMATIONS);
	update(mn, watch->route, &info);
}

void machnet_route_kick(struct machnet_net *mn)
{
	unsigned long next = READ_ONCE(mn->walked) + WALK_GAP;

	if (!READ_ONCE(mn->rtnl))
		return;
	atomic_set(&mn->kicked, 1);
	mod_delayed_work(system_dfl_wq, &mn->walk_work,
			 time_after(next, jiffies) ? next - jiffies : 0);
}

void machnet_route_neigh_changes(struct machnet_net *mn, const struct in6_addr *addr)
{
	struct machnet_route *route;

	if (!READ_ONCE(mn->rtnl))
		return;
	spin_lock_bh(&mn->watch_lock);
	hash_for_each_possible(mn->nexthops, route, nexthop_node, ipv6_addr_hash(addr)) {
		if (!ipv6_addr_equal(&route->info.nexthop, addr))
			continue;
		WRITE_ONCE(route->dirty, true);
		mod_delayed_work(system_dfl_wq, &mn->dirty_work, 0);
	}
	spin_unlock_bh(&mn->watch_lock);
}

void machnet_route_mtu_changes(struct machnet_net *mn, const struct in6_addr *dst)
{
	struct rhlist_head *list, *node;
	struct machnet_route *route;

	list = machnet_table_find(&mn->routes, dst, &machnet_route_params);
	machnet_table_for_each(route, node, list) {
		WRITE_ONCE(route->dirty, true);
		queue_delayed_work(system_dfl_wq, &mn->dirty_work, 1);
	}
}

/*
 * A neighbour that is deleted fails first and is taken from the table then, without an event:
 * it is asked for anew a moment later, once.
 */
static bool has_failed_now(const struct machnet_route *route, const struct machnet_path_info *info)
{
	return route->info.state == MACHNET_ROUTE_STATE_REACHABLE &&
	       info->state == MACHNET_ROUTE_STATE_UNREACHABLE && info->error == EHOSTUNREACH;
}

static void resolve(struct machnet_net *mn, struct machnet_route *route)
{
	struct machnet_path_info info;

	machnet_resolve(mn->net, &route->key, route->ask_again ?
			MACHNET_RESOLVE_USE : MACHNET_RESOLVE_LOOK, &info);
	route->ask_again = has_failed_now(route, &info);
	update(mn, route, &info);
	if (route->ask_again) {
		WRITE_ONCE(route->dirty, true);
		queue_delayed_work(system_dfl_wq, &mn->dirty_work, ASK_AGAIN);
	}
}

static void walk(struct machnet_net *mn, bool all)
{
	struct machnet_route *route;
	unsigned long index = 0;
	unsigned int n = 0;

	xa_for_each_start(&mn->routes.index, index, route, 0) {
		if (all || READ_ONCE(route->dirty)) {
			/* Before the tables are read: events from now on count. */
			smp_store_mb(route->dirty, false);
			resolve(mn, route);
		}
		if (++n % MACHNET_BATCH == 0)
			machnet_net_relax(mn);
	}
}

static void dirty_work(struct work_struct *work)
{
	struct machnet_net *mn = container_of(to_delayed_work(work), struct machnet_net,
					      dirty_work);

	mutex_lock(&mn->lock);
	walk(mn, false);
	mutex_unlock(&mn->lock);
}

static void walk_work(struct work_struct *work)
{
	struct machnet_net *mn = container_of(to_delayed_work(work), struct machnet_net,
					      walk_work);
	struct socket *unused = NULL;

	machnet_events_drain(mn);
	/* The RTNL is held around a netdevice's notifications and what they are about. */
	if (atomic_xchg(&mn->kicked, 0)) {
		rtnl_lock();
		rtnl_unlock();
	}
	mutex_lock(&mn->lock);
	WRITE_ONCE(mn->walked, jiffies);
	walk(mn, true);
	if (!xa_empty(&mn->routes.index))
		queue_delayed_work(system_dfl_wq, &mn->walk_work, WALK_PERIOD);
	else
		unused = machnet_events_unlisten(mn);
	mutex_unlock(&mn->lock);
	if (unused)
		sock_release(unused);
}

void machnet_route_net_init(struct machnet_net *mn)
{
	spin_lock_init(&mn->watch_lock);
	hash_init(mn->nexthops);
	INIT_DELAYED_WORK(&mn->dirty_work, dirty_work);
	INIT_DELAYED_WORK(&mn->walk_work, walk_work);
}

void machnet_route_net_exit(struct machnet_net *mn)
{
	/* There are no routes: it gives up its socket, with which its reasons to run end. */
	queue_delayed_work(system_dfl_wq, &mn->walk_work, 0);
	flush_delayed_work(&mn->walk_work);
	cancel_delayed_work_sync(&mn->walk_work);
	cancel_delayed_work_sync(&mn->dirty_work);
}
