// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-dump.c - all objects of a kind, or those that a request describes
 */
#include "netlink.h"

#include <linux/pid_namespace.h>
#include <linux/uidgid.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "compat.h"
#include "netlink-req.h"
#include "netns.h"

/* Objects looked at before the processor is given away. */
#define PIECE	512

/* Does an object agree with what the request names? */
typedef bool (*machnet_match)(const void *obj, struct nlattr **attrs);

static bool match_u32(const struct nlattr *attr, u32 value)
{
	return !attr || nla_get_u32(attr) == value;
}

static bool match_u16(const struct nlattr *attr, u16 value)
{
	return !attr || nla_get_u16(attr) == value;
}

static bool match_addr(const struct nlattr *attr, const struct in6_addr *value)
{
	struct in6_addr addr;

	if (!attr)
		return true;
	machnet_get_addr(attr, &addr);
	return ipv6_addr_equal(&addr, value);
}

/* As the reader sees user and process. */
static bool match_process(const struct nlattr *uid, const struct nlattr *pid,
			  const struct machnet_process *process)
{
	if (uid && !uid_eq(make_kuid(current_user_ns(), nla_get_u32(uid)), process->uid))
		return false;
	return match_u32(pid, pid_nr_ns(process->pid, task_active_pid_ns(current)));
}

static bool match_port(const void *obj, struct nlattr **attrs)
{
	const struct machnet_port *port = obj;

	return match_addr(attrs[MACHNET_A_PORT_ADDR], &port->key.addr) &&
	       match_u16(attrs[MACHNET_A_PORT_NUMBER], port->key.number) &&
	       match_process(attrs[MACHNET_A_PORT_OWNER_UID], attrs[MACHNET_A_PORT_OWNER_PID],
			     &port->process);
}

static bool match_conn(const void *obj, struct nlattr **attrs)
{
	struct machnet_conn *conn = (struct machnet_conn *)obj;
	struct machnet_conn_path path;

	spin_lock(&conn->lock);
	path = conn->path;
	spin_unlock(&conn->lock);
	return match_u32(attrs[MACHNET_A_CONNECTION_IFINDEX], conn->ifindex) &&
	       match_addr(attrs[MACHNET_A_CONNECTION_LOCAL_ADDR], &conn->local_addr) &&
	       match_addr(attrs[MACHNET_A_CONNECTION_REMOTE_ADDR], &conn->remote_addr) &&
	       match_u16(attrs[MACHNET_A_CONNECTION_LOCAL_PORT], path.local_port) &&
	       match_u16(attrs[MACHNET_A_CONNECTION_REMOTE_PORT], path.remote_port) &&
	       match_u32(attrs[MACHNET_A_CONNECTION_STATE], path.state) &&
	       match_u32(attrs[MACHNET_A_CONNECTION_ENGINE], path.engine) &&
	       match_process(attrs[MACHNET_A_CONNECTION_OWNER_UID],
			     attrs[MACHNET_A_CONNECTION_OWNER_PID], &conn->process);
}

/**
 * struct machnet_dump - what is dumped
 * @objects: all of the kind
 * @fill: writes one
 * @match: what the request may say; NULL: nothing
 * @secret: the reader may know
 */
struct machnet_dump {
	struct xarray *objects;
	machnet_fill fill;
	machnet_match match;
	bool secret;
};

/* From *index on; true at the end of the table. Under RCU. */
static bool dump_piece(const struct machnet_dump *dump, struct sk_buff *skb,
		       struct netlink_callback *cb, unsigned long *index, int *error)
{
	const struct genlmsghdr *genl = nlmsg_data(cb->nlh);
	struct machnet_show show = {
		.user_ns = current_user_ns(),
		.pid_ns = task_active_pid_ns(current),
		.secret = dump->secret,
	};
	unsigned int n = 0;
	void *obj;

	for (obj = xa_find(dump->objects, index, ULONG_MAX, XA_PRESENT); obj;
	     obj = xa_find_after(dump->objects, index, ULONG_MAX, XA_PRESENT)) {
		if (n++ == PIECE)
			return false;
		if (dump->match && !dump->match(obj, machnet_dump_attrs(cb)))
			continue;
		*error = machnet_msg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
					 NLM_F_MULTI, genl->cmd, dump->fill, obj, &show);
		if (*error)
			return false;
	}
	return true;
}

/* cb->args[0]: the index of the next object. cb->args[1]: there is none. */
static int run_dump(const struct machnet_dump *dump, struct sk_buff *skb,
		    struct netlink_callback *cb)
{
	unsigned long index = cb->args[0];
	int ret = 0;

	if (!dump->match && nlmsg_attrlen(cb->nlh, GENL_HDRLEN)) {
		NL_SET_ERR_MSG(cb->extack, "a dump of these takes no attributes");
		return -EINVAL;
	}
	while (!ret && !cb->args[1]) {
		rcu_read_lock();
		cb->args[1] = dump_piece(dump, skb, cb, &index, &ret);
		rcu_read_unlock();
		cond_resched();
	}
	cb->args[0] = index;
	return skb->len ?: ret;
}

int machnet_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct machnet_dump dump = {
		.objects = &machnet_net(sock_net(skb->sk))->device_index,
		.fill = machnet_fill_device,
	};

	return run_dump(&dump, skb, cb);
}

int machnet_nl_port_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct machnet_dump dump = {
		.objects = &machnet_net(sock_net(skb->sk))->ports.index,
		.fill = machnet_fill_port,
		.match = match_port,
	};

	return run_dump(&dump, skb, cb);
}

int machnet_nl_connection_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);
	struct machnet_dump dump = {
		.objects = &machnet_net(net)->conns.index,
		.fill = machnet_fill_conn,
		.match = match_conn,
		.secret = netlink_ns_capable(cb->skb, net->user_ns, CAP_NET_ADMIN),
	};

	if (machnet_dump_attrs(cb)[MACHNET_A_CONNECTION_ID]) {
		NL_SET_ERR_MSG(cb->extack, "an id names one connection, which is no dump");
		return -EINVAL;
	}
	return run_dump(&dump, skb, cb);
}

int machnet_nl_route_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct machnet_dump dump = {
		.objects = &machnet_net(sock_net(skb->sk))->routes.index,
		.fill = machnet_fill_route,
	};

	return run_dump(&dump, skb, cb);
}
