// SPDX-License-Identifier: GPL-2.0-only
/*
 * netns.c - the module's state in each network namespace
 */
#include "netns.h"

#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "conn.h"
#include "device.h"
#include "events.h"
#include "owner.h"
#include "port.h"
#include "route.h"
#include "sysctl.h"

static unsigned int machnet_net_id __read_mostly;

struct machnet_net *machnet_net(const struct net *net)
{
	return net_generic(net, machnet_net_id);
}

void machnet_net_relax(struct machnet_net *mn)
{
	mutex_unlock(&mn->lock);
	cond_resched();
	mutex_lock(&mn->lock);
}

int machnet_table_insert(struct machnet_table *table, struct rhash_head *node, void *obj,
			 u32 *index, const struct rhashtable_params *params)
{
	int ret;

	ret = xa_alloc_cyclic(&table->index, index, NULL, xa_limit_32b, &table->next,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		return ret;
	ret = rhashtable_lookup_insert_fast(&table->hash, node, *params);
	if (ret) {
		xa_erase(&table->index, *index);
		return ret;
	}
	/* The place is reserved: this cannot fail. */
	xa_store(&table->index, *index, obj, GFP_KERNEL_ACCOUNT);
	return 0;
}

void machnet_table_remove(struct machnet_table *table, struct rhash_head *node, u32 index,
			  const struct rhashtable_params *params)
{
	xa_erase(&table->index, index);
	rhashtable_remove_fast(&table->hash, node, *params);
}

static int table_init(struct machnet_table *table, const struct rhashtable_params *params)
{
	xa_init_flags(&table->index, XA_FLAGS_ALLOC);
	table->next = 0;
	return rhashtable_init(&table->hash, params);
}

static void table_destroy(struct machnet_table *table)
{
	rhashtable_destroy(&table->hash);
	xa_destroy(&table->index);
}

static int __net_init net_init(struct net *net)
{
	struct machnet_net *mn = machnet_net(net);
	int ret;

	mn->net = net;
	mutex_init(&mn->lock);
	hash_init(mn->owners);
	hash_init(mn->users);
	INIT_LIST_HEAD(&mn->devices);
	INIT_LIST_HEAD(&mn->dying);
	xa_init_flags(&mn->device_index, XA_FLAGS_ALLOC);
	INIT_WORK(&mn->reap_work, machnet_device_reap_work);
	INIT_DELAYED_WORK(&mn->route_work, machnet_route_work);

	ret = table_init(&mn->ports, &machnet_port_params);
	if (ret)
		return ret;
	ret = table_init(&mn->conns, &machnet_conn_params);
	if (ret)
		goto err_ports;
	ret = table_init(&mn->routes, &machnet_route_params);
	if (ret)
		goto err_conns;
	ret = machnet_sysctl_net_init(mn);
	if (ret)
		goto err_routes;
	ret = machnet_events_net_init(mn);
	if (ret)
		goto err_sysctl;
	return 0;

err_sysctl:
	machnet_sysctl_net_exit(mn);
err_routes:
	table_destroy(&mn->routes);
err_conns:
	table_destroy(&mn->conns);
err_ports:
	table_destroy(&mn->ports);
	return ret;
}

static void __net_exit net_exit(struct net *net)
{
	struct machnet_net *mn = machnet_net(net);

	machnet_events_net_exit(mn);
	cancel_delayed_work_sync(&mn->route_work);
	flush_work(&mn->reap_work);
	WARN_ON_ONCE(!hash_empty(mn->owners));
	machnet_sysctl_net_exit(mn);
	table_destroy(&mn->routes);
	table_destroy(&mn->conns);
	table_destroy(&mn->ports);
	xa_destroy(&mn->device_index);
}

static struct pernet_operations machnet_net_ops = {
	.init = net_init,
	.exit = net_exit,
	.id = &machnet_net_id,
	.size = sizeof(struct machnet_net),
};

int machnet_netns_init(void)
{
	return register_pernet_subsys(&machnet_net_ops);
}

void machnet_netns_exit(void)
{
	unregister_pernet_subsys(&machnet_net_ops);
}
