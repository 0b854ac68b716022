// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-conn.c - requests about connections
 */
#include "netlink.h"

#include <net/genetlink.h>
#include <net/ipv6.h>

#include "conn.h"
#include "device.h"
#include "netlink-policy.h"
#include "netlink-req.h"
#include "stats.h"
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

static int parse_connection(struct nlattr **attrs, const struct nlattr *nest,
			    struct machnet_conn_config *config, struct netlink_ext_ack *extack)
{
	int ret;

	ret = check_complete(attrs, nest, extack);
	if (ret)
		return ret;
	config->id = nla_get_u64(attrs[MACHNET_A_CONNECTION_ID]);
	parse_path(attrs, &config->path);
	if (attrs[MACHNET_A_CONNECTION_OWNER_PID])
		config->owner_pid = nla_get_u32(attrs[MACHNET_A_CONNECTION_OWNER_PID]);
	ret = machnet_get_unicast(attrs[MACHNET_A_CONNECTION_LOCAL_ADDR], extack,
				  &config->local_addr);
	if (!ret)
		ret = machnet_get_unicast(attrs[MACHNET_A_CONNECTION_REMOTE_ADDR], extack,
					  &config->remote_addr);
	if (ret)
		return ret;
	if (ipv6_addr_v4mapped(&config->local_addr) != ipv6_addr_v4mapped(&config->remote_addr)) {
		NL_SET_ERR_MSG(extack, "local-addr and remote-addr are of two families");
		return -EINVAL;
	}
	return 0;
}

/* Into the batch. Under the lock. */
static int create_connection(struct machnet_net *mn, struct genl_info *info,
			     struct nlattr **attrs, const struct nlattr *nest,
			     struct list_head *batch)
{
	struct machnet_conn_config config = { };
	struct machnet_device *dev;
	int ret;

	ret = parse_connection(attrs, nest, &config, info->extack);
	if (ret)
		return ret;
	dev = machnet_device_find(mn, nla_get_u32(attrs[MACHNET_A_CONNECTION_IFINDEX]));
	if (!dev)
		return machnet_req_no_device(info);
	if (dev->portid != info->snd_portid)
		return machnet_req_not_the_owner(info);
	ret = machnet_conn_check_path(dev, &config.path, info->extack);
	return ret ?: machnet_conn_create(mn, dev, &config, batch, info->extack);
}

static void end_batch(struct machnet_net *mn, struct list_head *batch, int error)
{
	if (error)
		machnet_conn_rollback(mn, batch);
	else
		machnet_conn_commit(mn, batch);
}

int machnet_nl_connection_add(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	LIST_HEAD(batch);
	int ret;

	mutex_lock(&mn->lock);
	ret = create_connection(mn, info, info->attrs, NULL, &batch);
	end_batch(mn, &batch, ret);
	mutex_unlock(&mn->lock);
	return ret;
}

/* What is done with a connection that a request names; nest: what names it, or NULL. */
typedef int (*batch_fn)(struct machnet_net *mn, struct genl_info *info, struct nlattr **attrs,
			const struct nlattr *nest, struct list_head *batch);

/* fn for each attribute of this type, with what is nested in it; 1 to MACHNET_BATCH_MAX. */
static int walk_batch(struct genl_info *info, int type, batch_fn fn, struct list_head *batch)
{
	struct nlattr *attrs[MACHNET_A_CONNECTION_MAX + 1];
	struct machnet_net *mn = machnet_req_net(info);
	struct nlattr *nest;
	unsigned int n = 0;
	int rem, ret = 0;

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
			ret = fn(mn, info, attrs, nest, batch);
		if (ret)
			return ret;
	}
	if (!n)
		NL_SET_ERR_MSG(info->extack, "the batch is empty");
	return n ? 0 : -EINVAL;
}

int machnet_nl_connection_add_batch(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	LIST_HEAD(batch);
	int ret;

	mutex_lock(&mn->lock);
	ret = walk_batch(info, MACHNET_A_CONNECTION_ENTRY, create_connection, &batch);
	end_batch(mn, &batch, ret);
	mutex_unlock(&mn->lock);
	return ret;
}

/* The connection that its owner names. Under the lock. */
static struct machnet_conn *own_connection(struct machnet_net *mn, struct genl_info *info,
					   struct nlattr **attrs)
{
	struct machnet_conn *conn;

	conn = machnet_conn_find(mn, nla_get_u64(attrs[MACHNET_A_CONNECTION_ID]));
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
	conn = own_connection(mn, info, info->attrs);
	ret = PTR_ERR_OR_ZERO(conn);
	if (!ret)
		ret = set_connection(mn, conn, info);
	mutex_unlock(&mn->lock);
	return ret;
}

/* Into the batch of those that end. Under the lock. */
static int doom_connection(struct machnet_net *mn, struct genl_info *info, struct nlattr **attrs,
			   const struct nlattr *nest, struct list_head *batch)
{
	struct machnet_conn *conn;

	if (machnet_attr_missing(attrs, nest, MACHNET_A_CONNECTION_ID, "id is missing",
				 info->extack) ||
	    machnet_attr_missing(attrs, nest, MACHNET_A_CONNECTION_REASON, "reason is missing",
				 info->extack))
		return -EINVAL;
	conn = own_connection(mn, info, attrs);
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
	struct machnet_net *mn = machnet_req_net(info);
	LIST_HEAD(batch);
	int ret;

	mutex_lock(&mn->lock);
	ret = doom_connection(mn, info, info->attrs, NULL, &batch);
	end_doomed(mn, &batch, ret);
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_connection_del_batch(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	LIST_HEAD(batch);
	int ret;

	mutex_lock(&mn->lock);
	ret = walk_batch(info, MACHNET_A_CONNECTION_END, doom_connection, &batch);
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

static bool names_more_than_id(struct nlattr **attrs)
{
	int attr;

	for (attr = MACHNET_A_CONNECTION_ID + 1; attr <= MACHNET_A_CONNECTION_OWNER_UID; attr++) {
		if (attrs[attr])
			return true;
	}
	return false;
}

int machnet_nl_connection_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_conn *conn;
	struct sk_buff *msg;
	int ret;
	u64 id;

	if (names_more_than_id(info->attrs))
		return machnet_req_is_filter(info);
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
