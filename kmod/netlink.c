// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - the family, and requests about devices and for the counters
 *
 * A handler parses, checks, calls the noun and answers. The policies in
 * netlink-policy.c have checked types, lengths and ranges. There is a file of
 * handlers for each noun; all dumps are in netlink-dump.c.
 */
#include "netlink.h"

#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>

#include "device.h"
#include "netlink-policy.h"
#include "netlink-req.h"
#include "owner.h"

static int parse_path_ports(struct genl_info *info, struct machnet_device_config *config)
{
	const struct nlattr *count = info->attrs[MACHNET_A_DEVICE_PATH_PORT_COUNT];

	config->path_port_first = nla_get_u16(info->attrs[MACHNET_A_DEVICE_PATH_PORT_FIRST]);
	config->path_port_count = nla_get_u32(count);
	if (config->path_port_first + config->path_port_count <= 65536)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, count, "the path ports go beyond 65535");
	return -EINVAL;
}

static int parse_device(struct genl_info *info, struct machnet_device_config *config)
{
	struct nlattr **attrs = info->attrs;

	if (machnet_req_missing(info, MACHNET_A_DEVICE_IFINDEX, "ifindex is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_MAC, "mac is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_MTU, "mtu is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_ENGINES, "engines is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_RSS_CLASS, "rss-class is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_DRIVER, "driver is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_PATH_PORT_FIRST,
				"path-port-first is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_PATH_PORT_COUNT,
				"path-port-count is missing"))
		return -EINVAL;
	config->ifindex = nla_get_u32(attrs[MACHNET_A_DEVICE_IFINDEX]);
	config->mtu = nla_get_u32(attrs[MACHNET_A_DEVICE_MTU]);
	config->engines = nla_get_u32(attrs[MACHNET_A_DEVICE_ENGINES]);
	config->rss_class = nla_get_u32(attrs[MACHNET_A_DEVICE_RSS_CLASS]);
	nla_strscpy(config->driver, attrs[MACHNET_A_DEVICE_DRIVER], sizeof(config->driver));
	nla_memcpy(config->mac, attrs[MACHNET_A_DEVICE_MAC], ETH_ALEN);
	if (!is_valid_ether_addr(config->mac)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[MACHNET_A_DEVICE_MAC],
				    "mac is not a unicast address");
		return -EINVAL;
	}
	return parse_path_ports(info, config);
}

/* Answered before it is announced: its sender does not know it otherwise. Under the locks. */
static int add_device(struct genl_info *info, const struct machnet_device_config *config,
		      struct machnet_owner *owner)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_device *dev;
	int ret;

	dev = machnet_device_add(mn, config, owner, info->extack);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = machnet_req_answer(info, machnet_fill_device, dev, false);
	if (ret)
		machnet_device_undo(mn, dev);
	else
		machnet_device_announce(mn, dev);
	return ret;
}

int machnet_nl_device_register(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_device_config config;
	struct machnet_owner *owner;
	int ret;

	ret = parse_device(info, &config);
	if (ret)
		return ret;
	/* Against the netdev being unregistered meanwhile. */
	rtnl_lock();
	mutex_lock(&mn->lock);
	owner = machnet_owner_get(mn, skb);
	ret = PTR_ERR_OR_ZERO(owner);
	if (!ret) {
		ret = add_device(info, &config, owner);
		machnet_owner_settle(mn, owner);
	}
	mutex_unlock(&mn->lock);
	rtnl_unlock();
	return ret;
}

int machnet_nl_device_unregister(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_device *dev;
	int ret = 0;

	if (machnet_req_missing(info, MACHNET_A_DEVICE_IFINDEX, "ifindex is missing"))
		return -EINVAL;
	mutex_lock(&mn->lock);
	dev = machnet_device_find(mn, nla_get_u32(info->attrs[MACHNET_A_DEVICE_IFINDEX]));
	if (!dev)
		ret = machnet_req_no_device(info);
	else if (!machnet_req_is_from(skb, info, dev->owner))
		ret = machnet_req_not_the_owner(info);
	else
		machnet_device_del(mn, dev, MACHNET_REASON_CLOSED);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_device_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	u32 ifindex;

	if (machnet_req_missing(info, MACHNET_A_DEVICE_IFINDEX, "ifindex is missing"))
		return -EINVAL;
	ifindex = nla_get_u32(info->attrs[MACHNET_A_DEVICE_IFINDEX]);
	return machnet_req_get(info, &mn->devices, &ifindex, &machnet_device_params,
			       machnet_fill_device, false, machnet_req_no_device);
}

static int fill_stats(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	const struct machnet_net *mn = obj;
	int attr;

	for (attr = 1; attr <= MACHNET_A_STATS_MAX; attr++) {
		if (attr != MACHNET_A_STATS_PAD &&
		    nla_put_u64_64bit(skb, attr, atomic64_read(&mn->stats[attr]),
				      MACHNET_A_STATS_PAD))
			return -EMSGSIZE;
	}
	return 0;
}

int machnet_nl_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	return machnet_req_answer(info, fill_stats, machnet_req_net(info), false);
}
