// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - the family, and requests about devices
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

static int parse_device(struct genl_info *info, struct machnet_device_config *config)
{
	struct nlattr **attrs = info->attrs;

	if (machnet_req_missing(info, MACHNET_A_DEVICE_IFINDEX, "ifindex is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_MAC, "mac is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_MTU, "mtu is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_ENGINES, "engines is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_RSS_CLASS, "rss-class is missing") ||
	    machnet_req_missing(info, MACHNET_A_DEVICE_DRIVER, "driver is missing"))
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
	return 0;
}

int machnet_nl_device_register(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_device_config config;
	struct machnet_device *dev;
	struct sk_buff *msg;
	int ret;

	ret = parse_device(info, &config);
	if (ret)
		return ret;
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	/* Against the netdev being unregistered meanwhile. */
	rtnl_lock();
	mutex_lock(&mn->lock);
	dev = machnet_device_add(mn, &config, info->snd_portid, info->extack);
	ret = PTR_ERR_OR_ZERO(dev);
	if (!ret)
		ret = machnet_req_put_answer(msg, info, machnet_fill_device, dev, false);
	mutex_unlock(&mn->lock);
	rtnl_unlock();
	return machnet_req_answer(msg, info, ret);
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
	else if (dev->portid != info->snd_portid)
		ret = machnet_req_not_the_owner(info);
	else
		machnet_device_del(mn, dev, MACHNET_REASON_CLOSED);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_device_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_device *dev;
	struct sk_buff *msg;
	int ret;

	if (machnet_req_missing(info, MACHNET_A_DEVICE_IFINDEX, "ifindex is missing"))
		return -EINVAL;
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	dev = machnet_device_find(machnet_req_net(info),
				  nla_get_u32(info->attrs[MACHNET_A_DEVICE_IFINDEX]));
	if (dev)
		ret = machnet_req_put_answer(msg, info, machnet_fill_device, dev, false);
	else
		ret = machnet_req_no_device(info);
	rcu_read_unlock();
	return machnet_req_answer(msg, info, ret);
}

int machnet_netlink_init(void)
{
	return genl_register_family(&machnet_genl_family);
}

void machnet_netlink_exit(void)
{
	genl_unregister_family(&machnet_genl_family);
}
