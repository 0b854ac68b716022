// SPDX-License-Identifier: GPL-2.0-only
/*
 * netns.c - the module's state in each network namespace
 */
#include "netns.h"

#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "conn.h"
#include "device.h"
#include "owner.h"
#include "path.h"
#include "port.h"
#include "route.h"

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

struct rhlist_head *machnet_table_find(struct machnet_table *table, const void *key,
				       const struct rhashtable_params *params)
{
	struct rhlist_head *list;

	rcu_read_lock();
	list = rhltable_lookup(&table->hash, key, *params);
	rcu_read_unlock();
	return list;
}

int machnet_table_insert(struct machnet_table *table, struct rhlist_head *node, void *obj,
			 u32 *index, const struct rhashtable_params *params)
{
	int ret;

	ret = xa_alloc_cyclic(&table->index, index, NULL, xa_limit_32b, &table->next,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0)
		return ret;
	ret = rhltable_insert(&table->hash, node, *params);
	if (ret) {
		xa_erase(&table->index, *index);
		return ret;
	}
	/* The place is reserved: this cannot fail. */
	xa_store(&table->index, *index, obj, GFP_KERNEL_ACCOUNT);
	return 0;
}

void machnet_table_remove(struct machnet_table *table, struct rhlist_head *node, u32 index,
			  const struct rhashtable_params *params)
{
	xa_erase(&table->index, index);
	rhltable_remove(&table->hash, node, *params);
}

static int table_init(struct machnet_table *table, const struct rhashtable_params *params)
{
	xa_init_flags(&table->index, XA_FLAGS_ALLOC);
	table->next = 0;
	return rhltable_init(&table->hash, params);
}

static const struct {
	size_t offset;
	const struct rhashtable_params *params;
} tables[] = {
	{ offsetof(struct machnet_net, devices), &machnet_device_params },
	{ offsetof(struct machnet_net, ports), &machnet_port_params },
	{ offsetof(struct machnet_net, conns), &machnet_conn_params },
	{ offsetof(struct machnet_net, paths), &machnet_path_params },
	{ offsetof(struct machnet_net, routes), &machnet_route_params },
};

/* The first n. */
static void tables_destroy(struct machnet_net *mn, unsigned int n)
{
	struct machnet_table *table;

	while (n--) {
		table = (void *)mn + tables[n].offset;
		rhltable_destroy(&table->hash);
		xa_destroy(&table->index);
	}
}

static int __net_init net_init(struct net *net)
{
	struct machnet_net *mn = machnet_net(net);
	unsigned int i;
	int ret = 0;

	mn->net = net;
	mutex_init(&mn->lock);
	hash_init(mn->owners);
	INIT_LIST_HEAD(&mn->dying);
	INIT_WORK(&mn->reap_work, machnet_device_reap_work);
	machnet_route_net_init(mn);

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		ret = table_init((void *)mn + tables[i].offset, tables[i].params);
		if (ret)
			break;
	}
	if (ret)
		tables_destroy(mn, i);
	return ret;
}

static void __net_exit net_exit(struct net *net)
{
	struct machnet_net *mn = machnet_net(net);

	machnet_route_net_exit(mn);
	flush_work(&mn->reap_work);
	WARN_ON_ONCE(!hash_empty(mn->owners));
	tables_destroy(mn, ARRAY_SIZE(tables));
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
