// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-flow.c - requests about connections and routes
 */
#include "netlink.h"

#include <net/genetlink.h>
#include <net/ipv6.h>

#include "conn.h"
#include "device.h"
#include "netlink-policy.h"
#include "netlink-req.h"
#include "resolve.h"
#include "route.h"

static int no_connection(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "there is no connection of this id");
	return -ENOENT;
}

/* Overwrites what the request names. True if it names anything. */
static bool parse_path(struct genl_info *info, struct machnet_conn_path *path)
{
	struct nlattr **attrs = info->attrs;
	bool any = false;

#define TAKE(type_, member_, attr_)						\
	do {									\
		if (attrs[attr_]) {						\
			path->member_ = nla_get_##type_(attrs[attr_]);		\
			any = true;						\
		}								\
	} while (0)
	TAKE(u32, state, MACHNET_A_CONNECTION_STATE);
	TAKE(u32, engine, MACHNET_A_CONNECTION_ENGINE);
	TAKE(u32, remote_engine, MACHNET_A_CONNECTION_REMOTE_ENGINE);
	TAKE(u64, remote_id, MACHNET_A_CONNECTION_REMOTE_ID);
	TAKE(u16, local_port, MACHNET_A_CONNECTION_LOCAL_PORT);
	TAKE(u16, remote_port, MACHNET_A_CONNECTION_REMOTE_PORT);
#undef TAKE
	return any;
}

static int parse_connection(struct genl_info *info, struct machnet_conn_config *config)
{
	int ret;

	if (machnet_req_missing(info, MACHNET_A_CONNECTION_ID, "id is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_IFINDEX, "ifindex is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_LOCAL_ADDR, "local-addr is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_LOCAL_PORT, "local-port is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_REMOTE_ADDR, "remote-addr is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_REMOTE_PORT, "remote-port is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_STATE, "state is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_ENGINE, "engine is missing"))
		return -EINVAL;
	config->id = nla_get_u64(info->attrs[MACHNET_A_CONNECTION_ID]);
	parse_path(info, &config->path);
	if (info->attrs[MACHNET_A_CONNECTION_OWNER_PID])
		config->owner_pid = nla_get_u32(info->attrs[MACHNET_A_CONNECTION_OWNER_PID]);
	ret = machnet_req_get_unicast(info, MACHNET_A_CONNECTION_LOCAL_ADDR, &config->local_addr);
	if (!ret)
		ret = machnet_req_get_unicast(info, MACHNET_A_CONNECTION_REMOTE_ADDR,
					      &config->remote_addr);
	if (ret)
		return ret;
	if (ipv6_addr_v4mapped(&config->local_addr) != ipv6_addr_v4mapped(&config->remote_addr)) {
		NL_SET_ERR_MSG(info->extack, "local-addr and remote-addr are of two families");
		return -EINVAL;
	}
	return 0;
}

int machnet_nl_connection_add(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_conn_config config = { };
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_device *dev;
	int ret;

	ret = parse_connection(info, &config);
	if (ret)
		return ret;
	mutex_lock(&mn->lock);
	dev = machnet_device_find(mn, nla_get_u32(info->attrs[MACHNET_A_CONNECTION_IFINDEX]));
	if (!dev)
		ret = machnet_req_no_device(info);
	else if (dev->portid != info->snd_portid)
		ret = machnet_req_not_the_owner(info);
	else
		ret = machnet_conn_check_path(dev, &config.path, info->extack);
	if (!ret)
		ret = machnet_conn_add(mn, dev, &config, info->extack);
	mutex_unlock(&mn->lock);
	return ret;
}

/* The connection that a request of its owner names. Under the lock. */
static struct machnet_conn *own_connection(struct machnet_net *mn, struct genl_info *info)
{
	struct machnet_conn *conn;

	conn = machnet_conn_find(mn, nla_get_u64(info->attrs[MACHNET_A_CONNECTION_ID]));
	if (!conn)
		return ERR_PTR(no_connection(info));
	if (conn->device->portid != info->snd_portid)
		return ERR_PTR(machnet_req_not_the_owner(info));
	return conn;
}

static int set_connection(struct machnet_net *mn, struct machnet_conn *conn,
			  struct genl_info *info)
{
	struct machnet_conn_path path = conn->path;
	int ret;

	if (!parse_path(info, &path)) {
		NL_SET_ERR_MSG(info->extack, "the request changes nothing");
		return -EINVAL;
	}
	ret = machnet_conn_check_path(conn->device, &path, info->extack);
	if (!ret)
		machnet_conn_set(mn, conn, &path);
	return ret;
}

int machnet_nl_connection_set(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_conn *conn;
	int ret;

	if (machnet_req_missing(info, MACHNET_A_CONNECTION_ID, "id is missing"))
		return -EINVAL;
	mutex_lock(&mn->lock);
	conn = own_connection(mn, info);
	ret = PTR_ERR_OR_ZERO(conn);
	if (!ret)
		ret = set_connection(mn, conn, info);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_connection_del(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_conn *conn;
	int ret;

	if (machnet_req_missing(info, MACHNET_A_CONNECTION_ID, "id is missing") ||
	    machnet_req_missing(info, MACHNET_A_CONNECTION_REASON, "reason is missing"))
		return -EINVAL;
	mutex_lock(&mn->lock);
	conn = own_connection(mn, info);
	ret = PTR_ERR_OR_ZERO(conn);
	if (!ret)
		machnet_conn_del(mn, conn, nla_get_u32(info->attrs[MACHNET_A_CONNECTION_REASON]));
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_connection_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_conn *conn;
	struct sk_buff *msg;
	int ret;
	u64 id;

	if (machnet_req_missing(info, MACHNET_A_CONNECTION_ID, "id is missing"))
		return -EINVAL;
	id = nla_get_u64(info->attrs[MACHNET_A_CONNECTION_ID]);
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	conn = machnet_conn_find(machnet_req_net(info), id);
	if (conn)
		ret = machnet_req_put_answer(msg, info, machnet_fill_conn, conn,
					     machnet_req_is_admin(skb, info));
	else
		ret = no_connection(info);
	rcu_read_unlock();
	return machnet_req_answer(msg, info, ret);
}

static int get_destination(struct genl_info *info, struct in6_addr *dst)
{
	if (machnet_req_missing(info, MACHNET_A_ROUTE_DST, "dst is missing"))
		return -EINVAL;
	return machnet_req_get_unicast(info, MACHNET_A_ROUTE_DST, dst);
}

static int put_route(struct sk_buff *msg, struct genl_info *info, const struct in6_addr *dst,
		     const struct machnet_path_info *path)
{
	void *hdr = genlmsg_put_reply(msg, info, &machnet_genl_family, 0, info->genlhdr->cmd);

	if (!hdr || machnet_fill_path(msg, dst, path))
		return -EMSGSIZE;
	genlmsg_end(msg, hdr);
	return 0;
}

static int watch(struct machnet_net *mn, struct genl_info *info, const struct in6_addr *dst,
		 struct machnet_path_info *path)
{
	int ret;

	mutex_lock(&mn->lock);
	ret = machnet_route_watch(mn, dst, info->snd_portid, path);
	mutex_unlock(&mn->lock);
	return ret;
}

static int resolve(struct machnet_net *mn, const struct in6_addr *dst,
		   struct machnet_path_info *path)
{
	machnet_resolve(mn->net, dst, true, path);
	return path->state == MACHNET_ROUTE_STATE_UNREACHABLE ? -path->error : 0;
}

int machnet_nl_route_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_path_info path;
	struct in6_addr dst;
	struct sk_buff *msg;
	int ret;

	ret = get_destination(info, &dst);
	if (ret)
		return ret;
	if (info->attrs[MACHNET_A_ROUTE_WATCH] && !machnet_req_is_admin(skb, info)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MACHNET_A_ROUTE_WATCH],
				    "watching a route needs CAP_NET_ADMIN");
		return -EPERM;
	}
	if (info->attrs[MACHNET_A_ROUTE_WATCH])
		ret = watch(mn, info, &dst, &path);
	else
		ret = resolve(mn, &dst, &path);
	if (ret) {
		if (ret != -ENOMEM)
			NL_SET_ERR_MSG(info->extack, "the destination cannot be reached");
		return ret;
	}
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	return machnet_req_answer(msg, info, put_route(msg, info, &dst, &path));
}

int machnet_nl_route_unwatch(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct in6_addr dst;
	int ret;

	ret = get_destination(info, &dst);
	if (ret)
		return ret;
	mutex_lock(&mn->lock);
	ret = machnet_route_unwatch(mn, &dst, info->snd_portid);
	mutex_unlock(&mn->lock);
	if (ret)
		NL_SET_ERR_MSG(info->extack, "this socket does not watch the destination");
	return ret;
}
