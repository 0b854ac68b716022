// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-port.c - requests about ports
 */
#include "netlink.h"

#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/ip.h>

#include "netlink-policy.h"
#include "netlink-req.h"
#include "port.h"
#include "stats.h"

static int no_port(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "the port is not reserved");
	return -ENOENT;
}

static int parse_addr(struct genl_info *info, struct in6_addr *addr)
{
	if (machnet_req_missing(info, MACHNET_A_PORT_ADDR, "addr is missing"))
		return -EINVAL;
	machnet_get_addr(info->attrs[MACHNET_A_PORT_ADDR], addr);
	if (machnet_addr_is_any(addr))
		return 0;
	return machnet_get_unicast(info->attrs[MACHNET_A_PORT_ADDR], info->extack, addr);
}

static int parse_port(struct genl_info *info, struct in6_addr *addr, u16 *number)
{
	if (machnet_req_missing(info, MACHNET_A_PORT_ADDR, "addr is missing") ||
	    machnet_req_missing(info, MACHNET_A_PORT_NUMBER, "number is missing"))
		return -EINVAL;
	*number = nla_get_u16(info->attrs[MACHNET_A_PORT_NUMBER]);
	return parse_addr(info, addr);
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

static int reserve_one(struct machnet_net *mn, struct genl_info *info,
		       const struct machnet_port_request *req)
{
	struct sk_buff *msg = machnet_msg_new();
	struct machnet_port *port;
	int ret;

	if (!msg)
		return -ENOMEM;
	mutex_lock(&mn->lock);
	port = machnet_port_add(mn, req, info->extack);
	ret = PTR_ERR_OR_ZERO(port);
	if (!ret)
		ret = machnet_req_put_answer(msg, info, machnet_fill_port, port, true);
	mutex_unlock(&mn->lock);
	return machnet_req_answer(msg, info, ret);
}

static int put_numbers(struct sk_buff *msg, struct genl_info *info, const u16 *numbers,
		       unsigned int n)
{
	const struct nlattr *addr = info->attrs[MACHNET_A_PORT_ADDR];
	void *hdr = genlmsg_put_reply(msg, info, &machnet_genl_family, 0, info->genlhdr->cmd);

	if (!hdr || nla_put(msg, MACHNET_A_PORT_ADDR, nla_len(addr), nla_data(addr)) ||
	    nla_put(msg, MACHNET_A_PORT_NUMBERS, n * sizeof(*numbers), numbers))
		return -EMSGSIZE;
	genlmsg_end(msg, hdr);
	return 0;
}

static int reserve_many(struct machnet_net *mn, struct genl_info *info,
			const struct machnet_port_request *req)
{
	unsigned int n = nla_get_u32(info->attrs[MACHNET_A_PORT_COUNT]);
	struct sk_buff *msg;
	u16 *numbers;
	int ret;

	if (req->number) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MACHNET_A_PORT_NUMBER],
				    "with a count the kernel chooses, number must be 0");
		return -EINVAL;
	}
	numbers = kmalloc_array(n, sizeof(*numbers), GFP_KERNEL);
	msg = genlmsg_new(MACHNET_PORTS_MAX * sizeof(*numbers) + 64, GFP_KERNEL);
	if (!numbers || !msg) {
		ret = -ENOMEM;
		goto out;
	}
	mutex_lock(&mn->lock);
	ret = machnet_port_add_many(mn, req, numbers, n, info->extack);
	mutex_unlock(&mn->lock);
	if (!ret)
		ret = put_numbers(msg, info, numbers, n);
out:
	kfree(numbers);
	return machnet_req_answer(msg, info, ret);
}

int machnet_nl_port_reserve(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_port_request req = {
		.portid = info->snd_portid,
		.unlimited = machnet_req_is_admin(skb, info),
	};
	struct machnet_net *mn = machnet_req_net(info);
	int ret;

	ret = parse_port(info, &req.addr, &req.number);
	if (ret)
		return ret;
	ret = check_privileged(skb, info, req.number);
	if (!ret)
		ret = info->attrs[MACHNET_A_PORT_COUNT] ? reserve_many(mn, info, &req) :
							  reserve_one(mn, info, &req);
	if (ret)
		machnet_stat_inc(mn, MACHNET_A_STATS_PORTS_REFUSED);
	return ret;
}

/* The port, if the request may release it; why, if it may. Under the lock. */
static struct machnet_port *port_to_release(struct sk_buff *skb, struct genl_info *info,
					    const struct in6_addr *addr, u16 number, u32 *reason)
{
	struct machnet_port *port = machnet_port_find(machnet_req_net(info), addr, number);

	if (!port)
		return ERR_PTR(no_port(info));
	*reason = MACHNET_REASON_CLOSED;
	if (port->portid == info->snd_portid)
		return port;
	*reason = MACHNET_REASON_ADMIN;
	if (machnet_req_is_admin(skb, info))
		return port;
	return ERR_PTR(machnet_req_not_the_owner(info));
}

/* All or none. A number that stands twice is released once. */
static int release(struct sk_buff *skb, struct genl_info *info, const struct in6_addr *addr,
		   const u16 *numbers, unsigned int n)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_port *port;
	unsigned int i;
	int ret = 0;
	u32 reason;

	mutex_lock(&mn->lock);
	for (i = 0; i < n && !ret; i++)
		ret = PTR_ERR_OR_ZERO(port_to_release(skb, info, addr, numbers[i], &reason));
	for (i = 0; i < n && !ret; i++) {
		port = port_to_release(skb, info, addr, numbers[i], &reason);
		if (!IS_ERR(port))
			machnet_port_del(mn, port, reason);
	}
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_port_release(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *list = info->attrs[MACHNET_A_PORT_NUMBERS];
	struct in6_addr addr;
	u16 number;
	int ret;

	if (!list) {
		ret = parse_port(info, &addr, &number);
		return ret ?: release(skb, info, &addr, &number, 1);
	}
	if (info->attrs[MACHNET_A_PORT_NUMBER]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MACHNET_A_PORT_NUMBER],
				    "number and numbers exclude each other");
		return -EINVAL;
	}
	if (!nla_len(list) || nla_len(list) % sizeof(number)) {
		NL_SET_ERR_MSG_ATTR(info->extack, list, "numbers is no list of u16");
		return -EINVAL;
	}
	ret = parse_addr(info, &addr);
	return ret ?: release(skb, info, &addr, nla_data(list), nla_len(list) / sizeof(number));
}

int machnet_nl_port_claim(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *owner_pid = info->attrs[MACHNET_A_PORT_OWNER_PID];
	struct machnet_port_claim claim = { .portid = info->snd_portid };
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_port *port;
	struct in6_addr addr;
	u16 number;
	int ret;

	ret = parse_port(info, &addr, &number);
	if (ret)
		return ret;
	if (machnet_req_missing(info, MACHNET_A_PORT_COOKIE, "cookie is missing"))
		return -EINVAL;
	claim.cookie = nla_get_u64(info->attrs[MACHNET_A_PORT_COOKIE]);
	if (owner_pid)
		claim.owner_pid = nla_get_u32(owner_pid);
	mutex_lock(&mn->lock);
	port = machnet_port_find(mn, &addr, number);
	if (port)
		ret = machnet_port_claim(mn, port, &claim, info->extack);
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

	if (info->attrs[MACHNET_A_PORT_OWNER_UID] || info->attrs[MACHNET_A_PORT_OWNER_PID])
		return machnet_req_is_filter(info);
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
