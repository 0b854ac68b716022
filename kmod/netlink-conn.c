// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-conn.c - requests about connections
 */
#include "netlink.h"

#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "conn.h"
#include "device.h"
#include "netlink-policy.h"
#include "netlink-req.h"
#include "netns.h"
#include "trace.h"

static int no_connection(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "there is no connection of this id");
	return -ENOENT;
}

/* Overwrites what the request names. True if it names anything. */
static bool parse_path(struct nlattr **attrs, struct machnet_conn_path *path)
{
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
	TAKE(u64, path_id, MACHNET_A_CONNECTION_PATH);
	TAKE(u16, local_port, MACHNET_A_CONNECTION_LOCAL_PORT);
	TAKE(u16, remote_port, MACHNET_A_CONNECTION_REMOTE_PORT);
#undef TAKE
	return any;
}

/* nest: what holds the attributes, or NULL. */
static int check_complete(struct nlattr **attrs, const struct nlattr *nest,
			  struct netlink_ext_ack *extack)
{
	static const struct {
		int attr;
		const char *text;
	} needed[] = {
		{ MACHNET_A_CONNECTION_ID, "id is missing" },
		{ MACHNET_A_CONNECTION_IFINDEX, "ifindex is missing" },
		{ MACHNET_A_CONNECTION_LOCAL_ADDR, "local-addr is missing" },
		{ MACHNET_A_CONNECTION_LOCAL_PORT, "local-port is missing" },
		{ MACHNET_A_CONNECTION_REMOTE_ADDR, "remote-addr is missing" },
		{ MACHNET_A_CONNECTION_REMOTE_PORT, "remote-port is missing" },
		{ MACHNET_A_CONNECTION_STATE, "state is missing" },
		{ MACHNET_A_CONNECTION_ENGINE, "engine is missing" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (machnet_attr_missing(attrs, nest, needed[i].attr, needed[i].text, extack))
			return -EINVAL;
	}
	return 0;
}

static int parse_connection(struct nlattr **attrs, struct machnet_conn *conn,
			    struct netlink_ext_ack *extack)
{
	int ret;

	conn->id = nla_get_u64(attrs[MACHNET_A_CONNECTION_ID]);
	conn->ifindex = nla_get_u32(attrs[MACHNET_A_CONNECTION_IFINDEX]);
	parse_path(attrs, &conn->path);
	ret = machnet_get_unicast(attrs[MACHNET_A_CONNECTION_LOCAL_ADDR], extack,
				  &conn->local_addr);
	if (!ret)
		ret = machnet_get_unicast(attrs[MACHNET_A_CONNECTION_REMOTE_ADDR], extack,
					  &conn->remote_addr);
	if (ret)
		return ret;
	if (ipv6_addr_v4mapped(&conn->local_addr) != ipv6_addr_v4mapped(&conn->remote_addr)) {
		NL_SET_ERR_MSG(extack, "local-addr and remote-addr are of two families");
		return -EINVAL;
	}
	return 0;
}

static int find_device(struct sk_buff *skb, struct genl_info *info, struct machnet_conn *conn)
{
	conn->device = machnet_device_find(machnet_req_net(info), conn->ifindex);
	if (!conn->device)
		return machnet_req_no_device(info);
	return machnet_req_is_from(skb, info, conn->device->owner) ? 0 :
	       machnet_req_not_the_owner(info);
}

/* Into the batch. Under the lock. */
static int create_connection(struct sk_buff *skb, struct genl_info *info, struct nlattr **attrs,
			     const struct nlattr *nest, struct list_head *batch)
{
	const struct nlattr *pid = attrs[MACHNET_A_CONNECTION_OWNER_PID];
	struct machnet_conn *conn;
	int ret;

	ret = check_complete(attrs, nest, info->extack);
	if (ret)
		return ret;
	conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);
	if (!conn)
		return -ENOMEM;
	ret = parse_connection(attrs, conn, info->extack);
	if (!ret)
		ret = find_device(skb, info, conn);
	if (!ret)
		ret = machnet_conn_check_path(conn->device, &conn->path, info->extack);
	if (!ret)
		ret = machnet_conn_add(machnet_req_net(info), conn, pid ? nla_get_u32(pid) : 0,
				       batch, info->extack);
	if (ret)
		kfree(conn);
	return ret;
}

/* What is done with a connection that a request names; nest: what names it, or NULL. */
typedef int (*batch_fn)(struct sk_buff *skb, struct genl_info *info, struct nlattr **attrs,
			const struct nlattr *nest, struct list_head *batch);

/*
 * fn for the request itself, or, where it may have attributes of this type, for each with what
 * is nested in it; 1 to MACHNET_BATCH_MAX.
 */
static int walk(struct sk_buff *skb, struct genl_info *info, int type, batch_fn fn,
		struct list_head *batch)
{
	struct nlattr *attrs[MACHNET_A_CONNECTION_MAX + 1];
	struct nlattr *nest;
	unsigned int n = 0;
	int rem, ret = 0;

	if (!type)
		return fn(skb, info, info->attrs, NULL, batch);
	nlmsg_for_each_attr(nest, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(nest) != type)
			continue;
		if (n++ == MACHNET_BATCH_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, nest, "the batch has too many members");
			return -E2BIG;
		}
		/* The policy of the request has looked into it. */
		ret = nla_parse_nested(attrs, MACHNET_A_CONNECTION_MAX, nest, NULL, NULL);
		if (!ret)
			ret = fn(skb, info, attrs, nest, batch);
		if (ret)
			return ret;
	}
	if (!n)
		NL_SET_ERR_MSG(info->extack, "the batch is empty");
	return n ? 0 : -EINVAL;
}

int machnet_nl_connection_add(struct sk_buff *skb, struct genl_info *info)
{
	bool several = info->genlhdr->cmd == MACHNET_CMD_CONNECTION_ADD_BATCH;
	struct machnet_net *mn = machnet_req_net(info);
	LIST_HEAD(batch);
	int ret;

	mutex_lock(&mn->lock);
	ret = walk(skb, info, several ? MACHNET_A_CONNECTION_ENTRY : 0, create_connection, &batch);
	if (ret)
		machnet_conn_rollback(mn, &batch);
	else
		machnet_conn_commit(mn, &batch);
	mutex_unlock(&mn->lock);
	return ret;
}

/* The connection that its owner names. Under the lock. */
static struct machnet_conn *own_connection(struct sk_buff *skb, struct genl_info *info,
					   struct nlattr **attrs)
{
	struct machnet_conn *conn;

	conn = machnet_conn_find(machnet_req_net(info),
				 nla_get_u64(attrs[MACHNET_A_CONNECTION_ID]));
	if (!conn)
		return ERR_PTR(no_connection(info));
	if (!machnet_req_is_from(skb, info, conn->device->owner))
		return ERR_PTR(machnet_req_not_the_owner(info));
	return conn;
}

static int set_connection(struct machnet_net *mn, struct machnet_conn *conn,
			  struct genl_info *info)
{
	struct machnet_conn_path path = conn->path;
	int ret;

	if (!parse_path(info->attrs, &path)) {
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
	conn = own_connection(skb, info, info->attrs);
	ret = PTR_ERR_OR_ZERO(conn);
	if (!ret)
		ret = set_connection(mn, conn, info);
	mutex_unlock(&mn->lock);
	return ret;
}

/* Into the batch of those that end. Under the lock. */
static int doom_connection(struct sk_buff *skb, struct genl_info *info, struct nlattr **attrs,
			   const struct nlattr *nest, struct list_head *batch)
{
	struct machnet_conn *conn;

	if (machnet_attr_missing(attrs, nest, MACHNET_A_CONNECTION_ID, "id is missing",
				 info->extack) ||
	    machnet_attr_missing(attrs, nest, MACHNET_A_CONNECTION_REASON, "reason is missing",
				 info->extack))
		return -EINVAL;
	conn = own_connection(skb, info, attrs);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	if (conn->reason) {
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "the batch names a connection twice");
		return -EINVAL;
	}
	conn->reason = nla_get_u32(attrs[MACHNET_A_CONNECTION_REASON]);
	list_move_tail(&conn->device_link, batch);
	return 0;
}

/* They end, or after an error nothing has happened. */
static void end_doomed(struct machnet_net *mn, struct list_head *batch, int error)
{
	struct machnet_conn *conn, *next;

	list_for_each_entry_safe(conn, next, batch, device_link) {
		if (!error) {
			machnet_conn_del(mn, conn, conn->reason);
			continue;
		}
		conn->reason = 0;
		list_move_tail(&conn->device_link, &conn->device->conns);
	}
}

int machnet_nl_connection_del(struct sk_buff *skb, struct genl_info *info)
{
	bool several = info->genlhdr->cmd == MACHNET_CMD_CONNECTION_DEL_BATCH;
	struct machnet_net *mn = machnet_req_net(info);
	LIST_HEAD(batch);
	int ret;

	mutex_lock(&mn->lock);
	ret = walk(skb, info, several ? MACHNET_A_CONNECTION_END : 0, doom_connection, &batch);
	end_doomed(mn, &batch, ret);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_connection_kill(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_conn *conn;
	int ret = 0;

	if (machnet_req_missing(info, MACHNET_A_CONNECTION_ID, "id is missing"))
		return -EINVAL;
	if (!genl_has_listeners(&machnet_genl_family, mn->net, MACHNET_GROUP_DATAPATH)) {
		NL_SET_ERR_MSG(info->extack, "no datapath listens to requests");
		return -ENOTCONN;
	}
	mutex_lock(&mn->lock);
	conn = machnet_conn_find(mn, nla_get_u64(info->attrs[MACHNET_A_CONNECTION_ID]));
	if (conn) {
		trace_machnet_conn_kill(mn, conn, MACHNET_REASON_ADMIN);
		machnet_notify_kill(mn, conn);
		machnet_stat_inc(mn, MACHNET_A_STATS_CONNECTIONS_KILLED);
	} else {
		ret = no_connection(info);
	}
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_connection_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	u64 id;

	if (nlmsg_attrlen(info->nlhdr, GENL_HDRLEN) > nla_total_size(sizeof(id)))
		return machnet_req_is_filter(info);
	if (machnet_req_missing(info, MACHNET_A_CONNECTION_ID, "id is missing"))
		return -EINVAL;
	id = nla_get_u64(info->attrs[MACHNET_A_CONNECTION_ID]);
	return machnet_req_get(info, &mn->conns, &id, &machnet_conn_params, machnet_fill_conn,
			       machnet_req_is_admin(skb, info), no_connection);
}
