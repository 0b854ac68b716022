// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-path.c - requests about paths
 */
#include "netlink.h"

#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "device.h"
#include "netlink-policy.h"
#include "netlink-req.h"
#include "netns.h"
#include "path.h"

static int no_path(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "there is no path of this id");
	return -ENOENT;
}

/* Overwrites what the request names. 1 if it names anything, 0 if it does not. */
static int parse_config(struct genl_info *info, struct machnet_path_config *config)
{
	const struct nlattr *mac = info->attrs[MACHNET_A_PATH_MAC];
	struct nlattr **attrs = info->attrs;
	int any = 0;

#define TAKE(type_, member_, attr_)						\
	do {									\
		if (attrs[attr_]) {						\
			config->member_ = nla_get_##type_(attrs[attr_]);	\
			any = 1;						\
		}								\
	} while (0)
	TAKE(u16, tx_local_port, MACHNET_A_PATH_TX_LOCAL_PORT);
	TAKE(u16, tx_remote_port, MACHNET_A_PATH_TX_REMOTE_PORT);
	TAKE(u16, rx_local_port, MACHNET_A_PATH_RX_LOCAL_PORT);
	TAKE(u16, rx_remote_port, MACHNET_A_PATH_RX_REMOTE_PORT);
	TAKE(u32, engine, MACHNET_A_PATH_ENGINE);
	TAKE(u32, remote_engine, MACHNET_A_PATH_REMOTE_ENGINE);
	TAKE(u32, mtu, MACHNET_A_PATH_MTU);
	TAKE(u32, state, MACHNET_A_PATH_STATE);
#undef TAKE
	if (!mac)
		return any;
	nla_memcpy(config->mac, mac, ETH_ALEN);
	if (is_multicast_ether_addr(config->mac)) {
		NL_SET_ERR_MSG_ATTR(info->extack, mac, "mac is not a unicast address");
		return -EINVAL;
	}
	return 1;
}

static int check_complete(struct genl_info *info)
{
	static const struct {
		int attr;
		const char *text;
	} needed[] = {
		{ MACHNET_A_PATH_ID, "id is missing" },
		{ MACHNET_A_PATH_IFINDEX, "ifindex is missing" },
		{ MACHNET_A_PATH_LOCAL_ADDR, "local-addr is missing" },
		{ MACHNET_A_PATH_REMOTE_ADDR, "remote-addr is missing" },
		{ MACHNET_A_PATH_TX_LOCAL_PORT, "tx-local-port is missing" },
		{ MACHNET_A_PATH_TX_REMOTE_PORT, "tx-remote-port is missing" },
		{ MACHNET_A_PATH_RX_LOCAL_PORT, "rx-local-port is missing" },
		{ MACHNET_A_PATH_RX_REMOTE_PORT, "rx-remote-port is missing" },
		{ MACHNET_A_PATH_ENGINE, "engine is missing" },
		{ MACHNET_A_PATH_REMOTE_ENGINE, "remote-engine is missing" },
		{ MACHNET_A_PATH_MTU, "mtu is missing" },
		{ MACHNET_A_PATH_STATE, "state is missing" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (machnet_req_missing(info, needed[i].attr, needed[i].text))
			return -EINVAL;
	}
	return 0;
}

static int parse_path(struct genl_info *info, struct machnet_path *path)
{
	struct nlattr **attrs = info->attrs;
	int ret;

	path->id = nla_get_u64(attrs[MACHNET_A_PATH_ID]);
	path->ifindex = nla_get_u32(attrs[MACHNET_A_PATH_IFINDEX]);
	ret = parse_config(info, &path->config);
	if (ret < 0)
		return ret;
	ret = machnet_get_unicast(attrs[MACHNET_A_PATH_LOCAL_ADDR], info->extack,
				  &path->local_addr);
	if (!ret)
		ret = machnet_get_unicast(attrs[MACHNET_A_PATH_REMOTE_ADDR], info->extack,
					  &path->remote_addr);
	if (ret)
		return ret;
	if (ipv6_addr_v4mapped(&path->local_addr) != ipv6_addr_v4mapped(&path->remote_addr)) {
		NL_SET_ERR_MSG(info->extack, "local-addr and remote-addr are of two families");
		return -EINVAL;
	}
	return 0;
}

/* Under the lock. */
static int add_path(struct sk_buff *skb, struct genl_info *info, struct machnet_path *path)
{
	struct machnet_net *mn = machnet_req_net(info);
	int ret;

	path->device = machnet_device_find(mn, path->ifindex);
	if (!path->device)
		return machnet_req_no_device(info);
	if (!machnet_req_is_from(skb, info, path->device->owner))
		return machnet_req_not_the_owner(info);
	ret = machnet_path_check(path->device, &path->config, info->extack);
	return ret ?: machnet_path_add(mn, path, info->extack);
}

int machnet_nl_path_add(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_path *path;
	int ret;

	ret = check_complete(info);
	if (ret)
		return ret;
	path = kzalloc(sizeof(*path), GFP_KERNEL_ACCOUNT);
	if (!path)
		return -ENOMEM;
	ret = parse_path(info, path);
	if (!ret) {
		mutex_lock(&mn->lock);
		ret = add_path(skb, info, path);
		mutex_unlock(&mn->lock);
	}
	if (ret)
		kfree(path);
	return ret;
}

/* The path that its owner names. Under the lock. */
static struct machnet_path *own_path(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_path *path;

	path = machnet_path_find(machnet_req_net(info),
				 nla_get_u64(info->attrs[MACHNET_A_PATH_ID]));
	if (!path)
		return ERR_PTR(no_path(info));
	if (!machnet_req_is_from(skb, info, path->device->owner))
		return ERR_PTR(machnet_req_not_the_owner(info));
	return path;
}

static int set_path(struct machnet_net *mn, struct machnet_path *path, struct genl_info *info)
{
	struct machnet_path_config config = path->config;
	int ret = parse_config(info, &config);

	if (ret < 0)
		return ret;
	if (!ret) {
		NL_SET_ERR_MSG(info->extack, "the request changes nothing");
		return -EINVAL;
	}
	ret = machnet_path_check(path->device, &config, info->extack);
	if (!ret)
		machnet_path_set(mn, path, &config);
	return ret;
}

int machnet_nl_path_set(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_path *path;
	int ret;

	if (machnet_req_missing(info, MACHNET_A_PATH_ID, "id is missing"))
		return -EINVAL;
	mutex_lock(&mn->lock);
	path = own_path(skb, info);
	ret = PTR_ERR_OR_ZERO(path);
	if (!ret)
		ret = set_path(mn, path, info);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_path_del(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_path *path;
	int ret;

	if (machnet_req_missing(info, MACHNET_A_PATH_ID, "id is missing") ||
	    machnet_req_missing(info, MACHNET_A_PATH_REASON, "reason is missing"))
		return -EINVAL;
	mutex_lock(&mn->lock);
	path = own_path(skb, info);
	ret = PTR_ERR_OR_ZERO(path);
	if (!ret)
		machnet_path_del(mn, path, nla_get_u32(info->attrs[MACHNET_A_PATH_REASON]));
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_path_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	u64 id;

	if (nlmsg_attrlen(info->nlhdr, GENL_HDRLEN) > nla_total_size(sizeof(id)))
		return machnet_req_is_filter(info);
	if (machnet_req_missing(info, MACHNET_A_PATH_ID, "id is missing"))
		return -EINVAL;
	id = nla_get_u64(info->attrs[MACHNET_A_PATH_ID]);
	return machnet_req_get(info, &mn->paths, &id, &machnet_path_params, machnet_fill_path,
			       false, no_path);
}
