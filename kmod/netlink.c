// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - requests about devices and ports, and all dumps
 *
 * A handler parses, checks, calls the noun and answers. The policies in
 * netlink-policy.c have checked types, lengths and ranges.
 */
#include "netlink.h"

#include <linux/etherdevice.h>
#include <linux/pid_namespace.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/ip.h>

#include "device.h"
#include "netlink-policy.h"
#include "netlink-req.h"
#include "netns.h"
#include "port.h"

static int no_port(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "the port is not reserved");
	return -ENOENT;
}

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

static int parse_port(struct genl_info *info, struct in6_addr *addr, u16 *number)
{
	if (machnet_req_missing(info, MACHNET_A_PORT_ADDR, "addr is missing") ||
	    machnet_req_missing(info, MACHNET_A_PORT_NUMBER, "number is missing"))
		return -EINVAL;
	*number = nla_get_u16(info->attrs[MACHNET_A_PORT_NUMBER]);
	machnet_req_get_addr(info, MACHNET_A_PORT_ADDR, addr);
	if (machnet_addr_is_any(addr))
		return 0;
	return machnet_req_get_unicast(info, MACHNET_A_PORT_ADDR, addr);
}

/* With the socket's opener in mind, not just with the process that sends. */
static int check_privileged(struct sk_buff *skb, struct genl_info *info, u16 number)
{
	struct net *net = genl_info_net(info);

	if (!number || !inet_port_requires_bind_service(net, number) ||
	    netlink_ns_capable(skb, net->user_ns, CAP_NET_BIND_SERVICE))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MACHNET_A_PORT_NUMBER],
			    "a privileged port needs CAP_NET_BIND_SERVICE");
	return -EACCES;
}

int machnet_nl_port_reserve(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_port_request req = {
		.portid = info->snd_portid,
		.unlimited = machnet_req_is_admin(skb, info),
	};
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_port *port;
	struct sk_buff *msg;
	int ret;

	ret = parse_port(info, &req.addr, &req.number);
	if (!ret)
		ret = check_privileged(skb, info, req.number);
	if (ret)
		return ret;
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	mutex_lock(&mn->lock);
	port = machnet_port_add(mn, &req, info->extack);
	ret = PTR_ERR_OR_ZERO(port);
	if (!ret)
		ret = machnet_req_put_answer(msg, info, machnet_fill_port, port, true);
	mutex_unlock(&mn->lock);
	return machnet_req_answer(msg, info, ret);
}

int machnet_nl_port_release(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_port *port;
	struct in6_addr addr;
	u16 number;
	int ret;

	ret = parse_port(info, &addr, &number);
	if (ret)
		return ret;
	mutex_lock(&mn->lock);
	port = machnet_port_find(mn, &addr, number);
	if (!port)
		ret = no_port(info);
	else if (port->portid == info->snd_portid)
		machnet_port_del(mn, port, MACHNET_REASON_CLOSED);
	else if (machnet_req_is_admin(skb, info))
		machnet_port_del(mn, port, MACHNET_REASON_ADMIN);
	else
		ret = machnet_req_not_the_owner(info);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_port_claim(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_port *port;
	struct in6_addr addr;
	u16 number;
	u64 cookie;
	int ret;

	ret = parse_port(info, &addr, &number);
	if (ret)
		return ret;
	if (machnet_req_missing(info, MACHNET_A_PORT_COOKIE, "cookie is missing"))
		return -EINVAL;
	cookie = nla_get_u64(info->attrs[MACHNET_A_PORT_COOKIE]);
	mutex_lock(&mn->lock);
	port = machnet_port_find(mn, &addr, number);
	if (port)
		ret = machnet_port_claim(mn, port, cookie, info->snd_portid, info->extack);
	else
		ret = no_port(info);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_port_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_port *port;
	struct in6_addr addr;
	struct sk_buff *msg;
	u16 number;
	int ret;

	ret = parse_port(info, &addr, &number);
	if (ret)
		return ret;
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	port = machnet_port_find(machnet_req_net(info), &addr, number);
	if (port)
		ret = machnet_req_put_answer(msg, info, machnet_fill_port, port, false);
	else
		ret = no_port(info);
	rcu_read_unlock();
	return machnet_req_answer(msg, info, ret);
}

/* cb->args[0] is the index of the next object. */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, struct xarray *objects,
		machnet_fill fill, bool secret)
{
	const struct genlmsghdr *genl = nlmsg_data(cb->nlh);
	struct machnet_show show = {
		.user_ns = current_user_ns(),
		.pid_ns = task_active_pid_ns(current),
		.secret = secret,
	};
	unsigned long index;
	void *obj;
	int ret = 0;

	if (nlmsg_attrlen(cb->nlh, GENL_HDRLEN)) {
		NL_SET_ERR_MSG(cb->extack, "a dump takes no attributes");
		return -EINVAL;
	}
	rcu_read_lock();
	xa_for_each_start(objects, index, obj, cb->args[0]) {
		ret = machnet_msg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				      NLM_F_MULTI, genl->cmd, fill, obj, &show);
		if (ret)
			break;
		cb->args[0] = index + 1;
	}
	rcu_read_unlock();
	return skb->len ?: ret;
}

int machnet_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct machnet_net *mn = machnet_net(sock_net(skb->sk));

	return dump(skb, cb, &mn->device_index, machnet_fill_device, false);
}

int machnet_nl_port_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct machnet_net *mn = machnet_net(sock_net(skb->sk));

	return dump(skb, cb, &mn->ports.index, machnet_fill_port, false);
}

int machnet_nl_connection_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);

	return dump(skb, cb, &machnet_net(net)->conns.index, machnet_fill_conn,
		    netlink_ns_capable(cb->skb, net->user_ns, CAP_NET_ADMIN));
}

int machnet_nl_route_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct machnet_net *mn = machnet_net(sock_net(skb->sk));

	return dump(skb, cb, &mn->routes.index, machnet_fill_route, false);
}

int machnet_netlink_init(void)
{
	return genl_register_family(&machnet_genl_family);
}

void machnet_netlink_exit(void)
{
	genl_unregister_family(&machnet_genl_family);
}
