// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-dump.c - all objects of a kind, or those that a request describes
 */
#include "netlink.h"

#include <linux/pid_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "netlink-req.h"
#include "netns.h"

/* Objects looked at before the processor is given away. */
#define PIECE	512

/* The object as the reader sees it has all that the request names. */
static bool agrees(const struct nlmsghdr *nlh, struct nlattr **wanted, int maxattr)
{
	const struct nlattr *have;
	int type;

	for (type = 1; type <= maxattr; type++) {
		if (!wanted[type])
			continue;
		have = nlmsg_find_attr(nlh, GENL_HDRLEN, type);
		if (!have || nla_len(have) != nla_len(wanted[type]) ||
		    memcmp(nla_data(have), nla_data(wanted[type]), nla_len(have)))
			return false;
	}
	return true;
}

/* From *index on; true at the end of the table. Under RCU. */
static bool dump_piece(struct sk_buff *skb, struct netlink_callback *cb, struct xarray *objects,
		       machnet_fill fill, int maxattr, bool secret, unsigned long *index,
		       int *error)
{
	const struct genlmsghdr *genl = nlmsg_data(cb->nlh);
	struct machnet_show show = {
		.user_ns = current_user_ns(),
		.pid_ns = task_active_pid_ns(current),
		.secret = secret,
	};
	struct nlmsghdr *nlh;
	unsigned int len, n = 0;
	void *obj;

	for (obj = xa_find(objects, index, ULONG_MAX, XA_PRESENT); obj;
	     obj = xa_find_after(objects, index, ULONG_MAX, XA_PRESENT)) {
		if (n++ == PIECE)
			return false;
		len = skb->len;
		*error = machnet_msg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
					 NLM_F_MULTI, genl->cmd, fill, obj, &show);
		if (*error)
			return false;
		nlh = (struct nlmsghdr *)(skb->data + len);
		if (!agrees(nlh, machnet_dump_attrs(cb), maxattr))
			nlmsg_trim(skb, nlh);
	}
	return true;
}

/*
 * All that agree with the request, whose last attribute may be maxattr; 0: it has none.
 * cb->args[0]: the index of the next object. cb->args[1]: there is none.
 */
static int dump(struct sk_buff *skb, struct netlink_callback *cb, struct machnet_table *table,
		machnet_fill fill, int maxattr)
{
	/* The cookie of a port is for its owner alone. */
	bool secret = fill == machnet_fill_conn &&
		      netlink_ns_capable(cb->skb, sock_net(skb->sk)->user_ns, CAP_NET_ADMIN);
	unsigned long index = cb->args[0];
	int ret = 0;

	if (!maxattr && nlmsg_attrlen(cb->nlh, GENL_HDRLEN)) {
		NL_SET_ERR_MSG(cb->extack, "a dump of these takes no attributes");
		return -EINVAL;
	}
	while (!ret && !cb->args[1]) {
		rcu_read_lock();
		cb->args[1] = dump_piece(skb, cb, &table->index, fill, maxattr, secret,
					 &index, &ret);
		rcu_read_unlock();
		cond_resched();
	}
	cb->args[0] = index;
	return skb->len ?: ret;
}

int machnet_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, &machnet_net(sock_net(skb->sk))->devices, machnet_fill_device, 0);
}

int machnet_nl_port_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, &machnet_net(sock_net(skb->sk))->ports, machnet_fill_port,
		    MACHNET_A_PORT_OWNER_PID);
}

int machnet_nl_connection_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	if (machnet_dump_attrs(cb)[MACHNET_A_CONNECTION_ID]) {
		NL_SET_ERR_MSG(cb->extack, "an id names one connection, which is no dump");
		return -EINVAL;
	}
	return dump(skb, cb, &machnet_net(sock_net(skb->sk))->conns, machnet_fill_conn,
		    MACHNET_A_CONNECTION_PATH);
}

int machnet_nl_path_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	if (machnet_dump_attrs(cb)[MACHNET_A_PATH_ID]) {
		NL_SET_ERR_MSG(cb->extack, "an id names one path, which is no dump");
		return -EINVAL;
	}
	return dump(skb, cb, &machnet_net(sock_net(skb->sk))->paths, machnet_fill_path,
		    MACHNET_A_PATH_STATE);
}

int machnet_nl_route_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump(skb, cb, &machnet_net(sock_net(skb->sk))->routes, machnet_fill_route, 0);
}
