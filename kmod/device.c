// SPDX-License-Identifier: GPL-2.0-only
/*
 * device.c - datapaths and the network devices that they serve
 */
#include "device.h"

#include <linux/if_arp.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "compat.h"
#include "conn.h"
#include "netlink-msg.h"
#include "netns.h"
#include "owner.h"
#include "path.h"
#include "trace.h"

const struct rhashtable_params machnet_device_params = {
	.key_len = sizeof_field(struct machnet_device, config.ifindex),
	.key_offset = offsetof(struct machnet_device, config.ifindex),
	.head_offset = offsetof(struct machnet_device, node),
	.automatic_shrinking = true,
};

struct machnet_device *machnet_device_find(struct machnet_net *mn, u32 ifindex)
{
	struct rhlist_head *list = machnet_table_find(&mn->devices, &ifindex,
						      &machnet_device_params);

	return list ? container_of(list, struct machnet_device, node) : NULL;
}

static struct net_device *find_netdev(struct machnet_net *mn, u32 ifindex,
				      struct netlink_ext_ack *extack)
{
	struct net_device *netdev = __dev_get_by_index(mn->net, ifindex);

	if (!netdev) {
		NL_SET_ERR_MSG(extack, "there is no network device of this index");
		return ERR_PTR(-ENODEV);
	}
	if (netdev->type != ARPHRD_ETHER) {
		NL_SET_ERR_MSG(extack, "the network device is not an ethernet device");
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (machnet_device_find(mn, ifindex)) {
		NL_SET_ERR_MSG(extack, "another datapath serves this network device");
		return ERR_PTR(-EBUSY);
	}
	return netdev;
}

struct machnet_device *machnet_device_add(struct machnet_net *mn,
					  const struct machnet_device_config *config,
					  struct machnet_owner *owner,
					  struct netlink_ext_ack *extack)
{
	struct machnet_device *dev;
	struct net_device *netdev;
	int ret;

	ASSERT_RTNL();
	lockdep_assert_held(&mn->lock);
	netdev = find_netdev(mn, config->ifindex, extack);
	if (IS_ERR(netdev))
		return ERR_CAST(netdev);
	dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->config = *config;
	dev->owner = owner;
	spin_lock_init(&dev->name_lock);
	strscpy(dev->ifname, netdev->name, sizeof(dev->ifname));
	INIT_LIST_HEAD(&dev->conns);
	INIT_LIST_HEAD(&dev->paths);
	machnet_process_current(&dev->process);

	ret = machnet_table_insert(&mn->devices, &dev->node, dev, &dev->index,
				   &machnet_device_params);
	if (ret) {
		machnet_process_put(&dev->process);
		kfree(dev);
		return ERR_PTR(ret);
	}
	dev->netdev = netdev;
	netdev_hold(netdev, &dev->tracker, GFP_KERNEL);
	list_add(&dev->owner_link, &owner->devices);
	return dev;
}

void machnet_device_announce(struct machnet_net *mn, const struct machnet_device *dev)
{
	machnet_stat_inc(mn, MACHNET_A_STATS_DEVICES);
	trace_machnet_device_add(mn, dev);
	machnet_notify_device(mn, dev, MACHNET_CMD_DEVICE_ADD_NTF);
}

/* Readers may look at it; the memory is to be freed by device_free_rcu(). */
static void device_remove(struct machnet_net *mn, struct machnet_device *dev)
{
	machnet_table_remove(&mn->devices, &dev->node, dev->index, &machnet_device_params);
	netdev_put(dev->netdev, &dev->tracker);
	dev->netdev = NULL;
}

static void device_free_rcu(struct rcu_head *rcu)
{
	struct machnet_device *dev = container_of(rcu, struct machnet_device, rcu);

	machnet_process_put(&dev->process);
	kfree(dev);
}

void machnet_device_undo(struct machnet_net *mn, struct machnet_device *dev)
{
	device_remove(mn, dev);
	list_del(&dev->owner_link);
	call_rcu(&dev->rcu, device_free_rcu);
}

void machnet_device_del(struct machnet_net *mn, struct machnet_device *dev, u32 reason)
{
	lockdep_assert_held(&mn->lock);
	dev->reason = reason;
	device_remove(mn, dev);
	machnet_stat_dec(mn, MACHNET_A_STATS_DEVICES);
	trace_machnet_device_del(mn, dev);
	machnet_notify_device(mn, dev, MACHNET_CMD_DEVICE_DEL_NTF);

	/* The owner's reference to the module goes; the device needs one until it is reaped. */
	__module_get(THIS_MODULE);
	list_move_tail(&dev->owner_link, &mn->dying);
	machnet_owner_settle(mn, dev->owner);
	dev->owner = NULL;
	queue_work(system_dfl_wq, &mn->reap_work);
}

void machnet_device_netdev_gone(struct machnet_net *mn, const struct net_device *netdev)
{
	struct machnet_device *dev;

	ASSERT_RTNL();
	mutex_lock(&mn->lock);
	dev = machnet_device_find(mn, netdev->ifindex);
	/* A TAP of the datapath's own goes with it, before its netlink socket does. */
	if (dev)
		machnet_device_del(mn, dev, machnet_process_exits(&dev->process) ?
				   MACHNET_REASON_DATAPATH_DIED : MACHNET_REASON_UNREACHABLE);
	mutex_unlock(&mn->lock);
}

void machnet_device_netdev_renamed(struct machnet_net *mn, const struct net_device *netdev)
{
	struct machnet_device *dev;

	ASSERT_RTNL();
	mutex_lock(&mn->lock);
	dev = machnet_device_find(mn, netdev->ifindex);
	if (dev) {
		spin_lock(&dev->name_lock);
		strscpy(dev->ifname, netdev->name, sizeof(dev->ifname));
		spin_unlock(&dev->name_lock);
	}
	mutex_unlock(&mn->lock);
}

/* Ends something that was the device's; false: nothing is left. */
static bool device_reap_one(struct machnet_net *mn, struct machnet_device *dev)
{
	if (!list_empty(&dev->conns)) {
		machnet_conn_del(mn, list_first_entry(&dev->conns, struct machnet_conn,
						      device_link), dev->reason);
		return true;
	}
	if (!list_empty(&dev->paths)) {
		machnet_path_del(mn, list_first_entry(&dev->paths, struct machnet_path,
						      device_link), dev->reason);
		return true;
	}
	return false;
}

void machnet_device_reap_work(struct work_struct *work)
{
	struct machnet_net *mn = container_of(work, struct machnet_net, reap_work);
	struct machnet_device *dev;
	unsigned int n = 0;

	mutex_lock(&mn->lock);
	while (!list_empty(&mn->dying)) {
		dev = list_first_entry(&mn->dying, struct machnet_device, owner_link);
		if (device_reap_one(mn, dev)) {
			if (++n % MACHNET_BATCH == 0)
				machnet_net_relax(mn);
			continue;
		}
		list_del(&dev->owner_link);
		call_rcu(&dev->rcu, device_free_rcu);
		/* The module's exit waits for this work. */
		module_put(THIS_MODULE);
	}
	mutex_unlock(&mn->lock);
}
