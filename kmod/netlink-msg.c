// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-msg.c - objects as attributes, and their notifications
 */
#include "netlink-msg.h"

#include <linux/ktime.h>
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "netlink-policy.h"
#include "stats.h"

/* The longest object, a connection, takes less than 300 bytes. */
#define MSG_LEN		512

struct sk_buff *machnet_msg_new(void)
{
	return genlmsg_new(MSG_LEN, GFP_KERNEL);
}

static int put_addr(struct sk_buff *skb, int attr, const struct in6_addr *addr)
{
	if (ipv6_addr_v4mapped(addr))
		return nla_put_in_addr(skb, attr, addr->s6_addr32[3]);
	return nla_put_in6_addr(skb, attr, addr);
}

static u32 show_uid(const struct machnet_process *process, const struct machnet_show *show)
{
	return from_kuid_munged(show->user_ns, process->uid);
}

static u32 show_pid(const struct machnet_process *process, const struct machnet_show *show)
{
	struct pid_namespace *ns = show->pid_ns ?: ns_of_pid(process->pid);

	return pid_nr_ns(process->pid, ns);
}

int machnet_fill_device(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	const struct machnet_device *dev = obj;
	const struct machnet_device_config *config = &dev->config;

	if (nla_put_u32(skb, MACHNET_A_DEVICE_IFINDEX, config->ifindex) ||
	    nla_put_string(skb, MACHNET_A_DEVICE_IFNAME, dev->ifname) ||
	    nla_put(skb, MACHNET_A_DEVICE_MAC, ETH_ALEN, config->mac) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_MTU, config->mtu) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_ENGINES, config->engines) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_RSS_CLASS, config->rss_class) ||
	    nla_put_string(skb, MACHNET_A_DEVICE_DRIVER, config->driver) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_PID, show_pid(&dev->process, show)))
		return -EMSGSIZE;
	if (show->reason && nla_put_u32(skb, MACHNET_A_DEVICE_REASON, show->reason))
		return -EMSGSIZE;
	return 0;
}

int machnet_fill_port(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	const struct machnet_port *port = obj;

	if (put_addr(skb, MACHNET_A_PORT_ADDR, &port->key.addr) ||
	    nla_put_u16(skb, MACHNET_A_PORT_NUMBER, port->key.number) ||
	    nla_put_u32(skb, MACHNET_A_PORT_OWNER_UID, show_uid(&port->process, show)) ||
	    nla_put_u32(skb, MACHNET_A_PORT_OWNER_PID, show_pid(&port->process, show)) ||
	    nla_put_string(skb, MACHNET_A_PORT_OWNER_COMM, port->process.comm) ||
	    nla_put_u64_64bit(skb, MACHNET_A_PORT_OWNER_CGROUP, port->process.cgroup,
			      MACHNET_A_PORT_PAD) ||
	    nla_put_u64_64bit(skb, MACHNET_A_PORT_STRAY, atomic64_read(&port->stray),
			      MACHNET_A_PORT_PAD))
		return -EMSGSIZE;
	if (READ_ONCE(port->claimer) && nla_put_flag(skb, MACHNET_A_PORT_CLAIMED))
		return -EMSGSIZE;
	if (show->secret &&
	    nla_put_u64_64bit(skb, MACHNET_A_PORT_COOKIE, port->cookie, MACHNET_A_PORT_PAD))
		return -EMSGSIZE;
	if (show->reason && nla_put_u32(skb, MACHNET_A_PORT_REASON, show->reason))
		return -EMSGSIZE;
	return 0;
}

static int fill_conn_ids(struct sk_buff *skb, u64 id, u64 remote_id)
{
	if (nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_ID, id, MACHNET_A_CONNECTION_PAD) ||
	    nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_REMOTE_ID, remote_id,
			      MACHNET_A_CONNECTION_PAD))
		return -EMSGSIZE;
	return 0;
}

static int fill_conn_path(struct sk_buff *skb, const struct machnet_conn_path *path)
{
	if (nla_put_u16(skb, MACHNET_A_CONNECTION_LOCAL_PORT, path->local_port) ||
	    nla_put_u16(skb, MACHNET_A_CONNECTION_REMOTE_PORT, path->remote_port) ||
	    nla_put_u32(skb, MACHNET_A_CONNECTION_STATE, path->state) ||
	    nla_put_u32(skb, MACHNET_A_CONNECTION_ENGINE, path->engine) ||
	    nla_put_u32(skb, MACHNET_A_CONNECTION_REMOTE_ENGINE, path->remote_engine))
		return -EMSGSIZE;
	return 0;
}

int machnet_fill_conn(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	struct machnet_conn *conn = (struct machnet_conn *)obj;
	u64 age_ms = ktime_to_ms(ktime_get() - conn->added);
	struct machnet_conn_path path;

	spin_lock(&conn->lock);
	path = conn->path;
	spin_unlock(&conn->lock);

	if (show->secret && fill_conn_ids(skb, conn->id, path.remote_id))
		return -EMSGSIZE;
	if (nla_put_u32(skb, MACHNET_A_CONNECTION_IFINDEX, conn->ifindex) ||
	    put_addr(skb, MACHNET_A_CONNECTION_LOCAL_ADDR, &conn->local_addr) ||
	    put_addr(skb, MACHNET_A_CONNECTION_REMOTE_ADDR, &conn->remote_addr) ||
	    fill_conn_path(skb, &path) ||
	    nla_put_u32(skb, MACHNET_A_CONNECTION_OWNER_PID, show_pid(&conn->process, show)) ||
	    nla_put_u32(skb, MACHNET_A_CONNECTION_OWNER_UID, show_uid(&conn->process, show)) ||
	    nla_put_string(skb, MACHNET_A_CONNECTION_OWNER_COMM, conn->process.comm) ||
	    nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_OWNER_CGROUP, conn->process.cgroup,
			      MACHNET_A_CONNECTION_PAD) ||
	    nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_AGE_MS, age_ms,
			      MACHNET_A_CONNECTION_PAD))
		return -EMSGSIZE;
	if (show->reason && nla_put_u32(skb, MACHNET_A_CONNECTION_REASON, show->reason))
		return -EMSGSIZE;
	return 0;
}

/* Neither 0.0.0.0 nor ::. */
static bool is_given(const struct in6_addr *addr)
{
	return !ipv6_addr_any(addr) && !(ipv6_addr_v4mapped(addr) && !addr->s6_addr32[3]);
}

int machnet_fill_path(struct sk_buff *skb, const struct machnet_route_key *key,
		      const struct machnet_path_info *info)
{
	if (is_given(&key->from) && put_addr(skb, MACHNET_A_ROUTE_FROM, &key->from))
		return -EMSGSIZE;
	if (key->vrf && nla_put_u32(skb, MACHNET_A_ROUTE_VRF, key->vrf))
		return -EMSGSIZE;
	if (put_addr(skb, MACHNET_A_ROUTE_DST, &key->dst) ||
	    nla_put_u32(skb, MACHNET_A_ROUTE_STATE, info->state))
		return -EMSGSIZE;
	if (info->ifindex && (nla_put_u32(skb, MACHNET_A_ROUTE_IFINDEX, info->ifindex) ||
			      nla_put_u32(skb, MACHNET_A_ROUTE_MTU, info->mtu)))
		return -EMSGSIZE;
	if (is_given(&info->src) && put_addr(skb, MACHNET_A_ROUTE_SRC, &info->src))
		return -EMSGSIZE;
	if (is_given(&info->nexthop) && put_addr(skb, MACHNET_A_ROUTE_NEXTHOP, &info->nexthop))
		return -EMSGSIZE;
	if (info->has_mac && nla_put(skb, MACHNET_A_ROUTE_MAC, ETH_ALEN, info->mac))
		return -EMSGSIZE;
	if (info->error && nla_put_u32(skb, MACHNET_A_ROUTE_ERROR, info->error))
		return -EMSGSIZE;
	return 0;
}

int machnet_fill_route(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	struct machnet_route *route = (struct machnet_route *)obj;
	struct machnet_path_info info;

	spin_lock(&route->lock);
	info = route->info;
	spin_unlock(&route->lock);
	return machnet_fill_path(skb, &route->key, &info);
}

static void notify(struct machnet_net *mn, enum machnet_group group, u8 cmd, machnet_fill fill,
		   const void *obj, u32 reason)
{
	struct machnet_show show = {
		.user_ns = mn->net->user_ns,
		.reason = reason,
		/* Only administrators may join these groups. */
		.secret = group == MACHNET_GROUP_CONNECTION || group == MACHNET_GROUP_DATAPATH,
	};
	struct sk_buff *msg;
	void *hdr;

	lockdep_assert_held(&mn->lock);
	if (!genl_has_listeners(&machnet_genl_family, mn->net, group))
		return;
	msg = machnet_msg_new();
	if (!msg)
		goto err_lost;
	hdr = genlmsg_put(msg, 0, 0, &machnet_genl_family, 0, cmd);
	if (!hdr || fill(msg, obj, &show)) {
		nlmsg_free(msg);
		goto err_lost;
	}
	genlmsg_end(msg, hdr);
	genlmsg_multicast_netns(&machnet_genl_family, mn->net, msg, 0, group, GFP_KERNEL);
	return;

err_lost:
	/* The listeners get ENOBUFS: they know that they have to look for themselves. */
	genl_set_err(&machnet_genl_family, mn->net, 0, group, -ENOBUFS);
	machnet_stat_inc(mn, MACHNET_A_STATS_EVENTS_LOST);
}

void machnet_notify_device(struct machnet_net *mn, const struct machnet_device *dev, u8 cmd)
{
	notify(mn, MACHNET_GROUP_DEVICE, cmd, machnet_fill_device, dev, dev->reason);
}

void machnet_notify_port(struct machnet_net *mn, const struct machnet_port *port, u8 cmd,
			 u32 reason)
{
	notify(mn, MACHNET_GROUP_PORT, cmd, machnet_fill_port, port, reason);
}

void machnet_notify_conn(struct machnet_net *mn, const struct machnet_conn *conn, u8 cmd,
			 u32 reason)
{
	notify(mn, MACHNET_GROUP_CONNECTION, cmd, machnet_fill_conn, conn, reason);
}

static int fill_kill(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	const struct machnet_conn *conn = obj;

	return nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_ID, conn->id,
				 MACHNET_A_CONNECTION_PAD);
}

void machnet_notify_kill(struct machnet_net *mn, const struct machnet_conn *conn)
{
	notify(mn, MACHNET_GROUP_DATAPATH, MACHNET_CMD_CONNECTION_KILL_NTF, fill_kill, conn, 0);
}

void machnet_notify_route(struct machnet_net *mn, const struct machnet_route *route)
{
	notify(mn, MACHNET_GROUP_ROUTE, MACHNET_CMD_ROUTE_NTF, machnet_fill_route, route, 0);
}
