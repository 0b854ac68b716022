// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-port.c - requests about ports
 */
#include "netlink.h"

#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "netlink-req.h"
#include "netns.h"
#include "owner.h"
#include "port.h"

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

static int parse_key(struct genl_info *info, struct machnet_port_key *key)
{
	int ret = parse_addr(info, &key->addr);

	if (ret)
		return ret;
	if (machnet_req_missing(info, MACHNET_A_PORT_NUMBER, "number is missing"))
		return -EINVAL;
	key->number = nla_get_u16(info->attrs[MACHNET_A_PORT_NUMBER]);
	key->zero = 0;
	return 0;
}

/* A descriptor is one of the sender's, who need not be the one whose rights the socket has. */
static int check_opener(struct sk_buff *skb, struct genl_info *info)
{
	const struct socket *sock = NETLINK_CB(skb).sk->sk_socket;

	if (sock && sock->file && uid_eq(sock->file->f_cred->euid, current_euid()))
		return 0;
	NL_SET_ERR_MSG(info->extack, "another user has opened the netlink socket");
	return -EPERM;
}

static void free_ports(struct machnet_port **ports, unsigned int n)
{
	while (n--)
		machnet_port_free(ports[n]);
	kvfree(ports);
}

static struct machnet_port **new_ports(struct genl_info *info, const void *fds, unsigned int n)
{
	struct machnet_port **ports = kvcalloc(n, sizeof(*ports), GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!ports)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < n; i++) {
		ports[i] = machnet_port_new(genl_info_net(info),
					    get_unaligned((const u32 *)fds + i), info->extack);
		if (IS_ERR(ports[i])) {
			ret = PTR_ERR(ports[i]);
			free_ports(ports, i);
			return ERR_PTR(ret);
		}
	}
	return ports;
}

/* All or none. One is answered before it is announced: without an answer it is of no use. */
static int add_ports(struct machnet_net *mn, struct genl_info *info, struct machnet_owner *owner,
		     struct machnet_port **ports, unsigned int n)
{
	unsigned int i, added = 0;
	int ret = 0;

	while (added < n && !ret) {
		ret = machnet_port_add(mn, ports[added], owner, info->extack);
		added += !ret;
	}
	if (!ret && info->attrs[MACHNET_A_PORT_SOCKET])
		ret = machnet_req_answer(info, machnet_fill_port, ports[0], true);
	for (i = 0; i < added; i++) {
		if (ret)
			machnet_port_remove(mn, ports[i]);
		else
			machnet_port_announce(mn, ports[i]);
	}
	return ret;
}

static int lend(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_owner *owner;
	struct machnet_port **ports;
	const void *fds;
	unsigned int n;
	int ret;

	if (!info->attrs[MACHNET_A_PORT_SOCKETS] &&
	    machnet_req_missing(info, MACHNET_A_PORT_SOCKET, "socket is missing"))
		return -EINVAL;
	ret = machnet_req_list(info, MACHNET_A_PORT_SOCKET, MACHNET_A_PORT_SOCKETS, sizeof(u32),
			       &fds, &n);
	if (!ret)
		ret = check_opener(skb, info);
	if (ret)
		return ret;
	ports = new_ports(info, fds, n);
	if (IS_ERR(ports))
		return PTR_ERR(ports);
	mutex_lock(&mn->lock);
	owner = machnet_owner_get(mn, skb);
	ret = PTR_ERR_OR_ZERO(owner);
	if (!ret) {
		ret = add_ports(mn, info, owner, ports, n);
		machnet_owner_settle(mn, owner);
	}
	mutex_unlock(&mn->lock);
	free_ports(ports, ret ? n : 0);
	return ret;
}

int machnet_nl_port_lend(struct sk_buff *skb, struct genl_info *info)
{
	int ret = lend(skb, info);

	if (ret)
		machnet_stat_inc(machnet_req_net(info), MACHNET_A_STATS_PORTS_REFUSED);
	return ret;
}

static bool has_lent(const struct machnet_owner *owner, struct rhlist_head *list)
{
	struct machnet_port *port;
	struct rhlist_head *node;

	machnet_table_for_each(port, node, list) {
		if (port->owner == owner)
			return true;
	}
	return false;
}

/* Why the ports may be released: they are the sender's, or all are an administrator's. */
static int may_release(struct sk_buff *skb, struct genl_info *info, struct rhlist_head *list,
		       u32 *reason)
{
	if (!list)
		return no_port(info);
	*reason = MACHNET_REASON_CLOSED;
	if (has_lent(machnet_owner_find(machnet_req_net(info), skb), list))
		return 0;
	*reason = MACHNET_REASON_ADMIN;
	return machnet_req_is_admin(skb, info) ? 0 : machnet_req_not_the_owner(info);
}

static void release_list(struct machnet_net *mn, struct rhlist_head *list,
			 const struct machnet_owner *owner, u32 reason)
{
	struct rhlist_head *node, *next;
	struct machnet_port *port;

	for (node = list; node; node = next) {
		next = rcu_dereference_protected(node->next, lockdep_is_held(&mn->lock));
		port = container_of(node, struct machnet_port, node);
		if (reason == MACHNET_REASON_ADMIN || port->owner == owner)
			machnet_port_del(mn, port, reason);
	}
}

/* All or none. A number that stands twice is released once. */
static int release(struct sk_buff *skb, struct genl_info *info, const struct in6_addr *addr,
		   const u16 *numbers, unsigned int n)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct rhlist_head *list;
	unsigned int i;
	int ret = 0;
	u32 reason;

	mutex_lock(&mn->lock);
	for (i = 0; i < n && !ret; i++)
		ret = may_release(skb, info, machnet_port_find(mn, addr, numbers[i]), &reason);
	for (i = 0; i < n && !ret; i++) {
		list = machnet_port_find(mn, addr, numbers[i]);
		if (list && !may_release(skb, info, list, &reason))
			release_list(mn, list, machnet_owner_find(mn, skb), reason);
	}
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_port_release(struct sk_buff *skb, struct genl_info *info)
{
	struct in6_addr addr;
	const void *numbers;
	unsigned int n;
	int ret;

	ret = parse_addr(info, &addr);
	if (ret)
		return ret;
	if (!info->attrs[MACHNET_A_PORT_NUMBERS] &&
	    machnet_req_missing(info, MACHNET_A_PORT_NUMBER, "number is missing"))
		return -EINVAL;
	ret = machnet_req_list(info, MACHNET_A_PORT_NUMBER, MACHNET_A_PORT_NUMBERS, sizeof(u16),
			       &numbers, &n);
	return ret ?: release(skb, info, &addr, numbers, n);
}

int machnet_nl_port_claim(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *owner_pid = info->attrs[MACHNET_A_PORT_OWNER_PID];
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_owner *owner;
	struct rhlist_head *list;
	struct machnet_port_key key;
	int ret;

	ret = parse_key(info, &key);
	if (ret)
		return ret;
	if (machnet_req_missing(info, MACHNET_A_PORT_COOKIE, "cookie is missing"))
		return -EINVAL;
	mutex_lock(&mn->lock);
	owner = machnet_owner_get(mn, skb);
	ret = PTR_ERR_OR_ZERO(owner);
	if (!ret) {
		list = machnet_port_find(mn, &key.addr, key.number);
		ret = !list ? no_port(info) :
		      machnet_port_claim(mn, list, owner,
					 nla_get_u64(info->attrs[MACHNET_A_PORT_COOKIE]),
					 owner_pid ? nla_get_u32(owner_pid) : 0, info->extack);
		machnet_owner_settle(mn, owner);
	}
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_port_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_port_key key;
	int ret;

	if (info->attrs[MACHNET_A_PORT_OWNER_UID] || info->attrs[MACHNET_A_PORT_OWNER_PID])
		return machnet_req_is_filter(info);
	ret = parse_key(info, &key);
	return ret ?: machnet_req_get(info, &mn->ports, &key, &machnet_port_params,
				      machnet_fill_port, false, no_port);
}
