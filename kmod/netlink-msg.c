// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-msg.c - objects as attributes, and their notifications
 */
#include "netlink-msg.h"

#include <linux/etherdevice.h>
#include <linux/ktime.h>
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "netlink-policy.h"
#include "netlink-req.h"
#include "netns.h"
#include "owner.h"

/* The longest object, a connection, takes less than 300 bytes. */
#define MSG_LEN		512

struct sk_buff *machnet_msg_new(gfp_t gfp)
{
	return genlmsg_new(MSG_LEN, gfp);
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

static bool shows(const struct machnet_process *process, const struct machnet_show *show)
{
	return show->pid_ns ? machnet_process_visible(process) : !show->unprivileged;
}

static u32 show_pid(const struct machnet_process *process, const struct machnet_show *show)
{
	return pid_nr_ns(process->pid, show->pid_ns ?: ns_of_pid(process->pid));
}

/* The attributes of an owner; those of its process are for a reader who may see that. */
static int fill_owner(struct sk_buff *skb, const struct machnet_process *process,
		      const struct machnet_show *show, int uid, int pid, int comm, int cgroup,
		      int pad)
{
	if (nla_put_u32(skb, uid, show_uid(process, show)))
		return -EMSGSIZE;
	if (shows(process, show) &&
	    (nla_put_u32(skb, pid, show_pid(process, show)) ||
	     nla_put_string(skb, comm, process->comm) ||
	     nla_put_u64_64bit(skb, cgroup, process->cgroup, pad)))
		return -EMSGSIZE;
	return 0;
}

int machnet_fill_device(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	struct machnet_device *dev = (struct machnet_device *)obj;
	const struct machnet_device_config *config = &dev->config;
	char ifname[IFNAMSIZ];

	spin_lock(&dev->name_lock);
	memcpy(ifname, dev->ifname, sizeof(ifname));
	spin_unlock(&dev->name_lock);
	if (nla_put_u32(skb, MACHNET_A_DEVICE_IFINDEX, config->ifindex) ||
	    nla_put_string(skb, MACHNET_A_DEVICE_IFNAME, ifname) ||
	    nla_put(skb, MACHNET_A_DEVICE_MAC, ETH_ALEN, config->mac) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_MTU, config->mtu) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_ENGINES, config->engines) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_RSS_CLASS, config->rss_class) ||
	    nla_put_string(skb, MACHNET_A_DEVICE_DRIVER, config->driver) ||
	    nla_put_u16(skb, MACHNET_A_DEVICE_PATH_PORT_FIRST, config->path_port_first) ||
	    nla_put_u32(skb, MACHNET_A_DEVICE_PATH_PORT_COUNT, config->path_port_count))
		return -EMSGSIZE;
	if (shows(&dev->process, show) &&
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
	    fill_owner(skb, &port->process, show, MACHNET_A_PORT_OWNER_UID,
		       MACHNET_A_PORT_OWNER_PID, MACHNET_A_PORT_OWNER_COMM,
		       MACHNET_A_PORT_OWNER_CGROUP, MACHNET_A_PORT_PAD) ||
	    nla_put_u64_64bit(skb, MACHNET_A_PORT_STRAY, atomic64_read(&port->lent->stray),
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

	if (show->secret &&
	    (nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_ID, conn->id, MACHNET_A_CONNECTION_PAD) ||
	     nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_REMOTE_ID, path.remote_id,
			       MACHNET_A_CONNECTION_PAD)))
		return -EMSGSIZE;
	if (nla_put_u32(skb, MACHNET_A_CONNECTION_IFINDEX, conn->ifindex) ||
	    put_addr(skb, MACHNET_A_CONNECTION_LOCAL_ADDR, &conn->local_addr) ||
	    put_addr(skb, MACHNET_A_CONNECTION_REMOTE_ADDR, &conn->remote_addr) ||
	    fill_conn_path(skb, &path) ||
	    fill_owner(skb, &conn->process, show, MACHNET_A_CONNECTION_OWNER_UID,
		       MACHNET_A_CONNECTION_OWNER_PID, MACHNET_A_CONNECTION_OWNER_COMM,
		       MACHNET_A_CONNECTION_OWNER_CGROUP, MACHNET_A_CONNECTION_PAD) ||
	    nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_AGE_MS, age_ms,
			      MACHNET_A_CONNECTION_PAD) ||
	    nla_put_u64_64bit(skb, MACHNET_A_CONNECTION_PATH, path.path_id,
			      MACHNET_A_CONNECTION_PAD))
		return -EMSGSIZE;
	if (show->reason && nla_put_u32(skb, MACHNET_A_CONNECTION_REASON, show->reason))
		return -EMSGSIZE;
	return 0;
}

int machnet_fill_path(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	struct machnet_path *path = (struct machnet_path *)obj;
	u64 age_ms = ktime_to_ms(ktime_get() - path->added);
	struct machnet_path_config config;

	spin_lock(&path->lock);
	config = path->config;
	spin_unlock(&path->lock);
	if (nla_put_u64_64bit(skb, MACHNET_A_PATH_ID, path->id, MACHNET_A_PATH_PAD) ||
	    nla_put_u32(skb, MACHNET_A_PATH_IFINDEX, path->ifindex) ||
	    put_addr(skb, MACHNET_A_PATH_LOCAL_ADDR, &path->local_addr) ||
	    put_addr(skb, MACHNET_A_PATH_REMOTE_ADDR, &path->remote_addr) ||
	    nla_put_u16(skb, MACHNET_A_PATH_TX_LOCAL_PORT, config.tx_local_port) ||
	    nla_put_u16(skb, MACHNET_A_PATH_TX_REMOTE_PORT, config.tx_remote_port) ||
	    nla_put_u16(skb, MACHNET_A_PATH_RX_LOCAL_PORT, config.rx_local_port) ||
	    nla_put_u16(skb, MACHNET_A_PATH_RX_REMOTE_PORT, config.rx_remote_port) ||
	    nla_put_u32(skb, MACHNET_A_PATH_ENGINE, config.engine) ||
	    nla_put_u32(skb, MACHNET_A_PATH_REMOTE_ENGINE, config.remote_engine) ||
	    nla_put_u32(skb, MACHNET_A_PATH_MTU, config.mtu) ||
	    nla_put_u32(skb, MACHNET_A_PATH_STATE, config.state) ||
	    nla_put_u64_64bit(skb, MACHNET_A_PATH_AGE_MS, age_ms, MACHNET_A_PATH_PAD))
		return -EMSGSIZE;
	if (!is_zero_ether_addr(config.mac) &&
	    nla_put(skb, MACHNET_A_PATH_MAC, ETH_ALEN, config.mac))
		return -EMSGSIZE;
	if (show->reason && nla_put_u32(skb, MACHNET_A_PATH_REASON, show->reason))
		return -EMSGSIZE;
	return 0;
}

int machnet_fill_path_info(struct sk_buff *skb, const struct machnet_route_key *key,
			   const struct machnet_path_info *info)
{
	if (!machnet_addr_is_any(&key->from) && put_addr(skb, MACHNET_A_ROUTE_FROM, &key->from))
		return -EMSGSIZE;
	if (key->vrf && nla_put_u32(skb, MACHNET_A_ROUTE_VRF, key->vrf))
		return -EMSGSIZE;
	if (put_addr(skb, MACHNET_A_ROUTE_DST, &key->dst) ||
	    nla_put_u32(skb, MACHNET_A_ROUTE_STATE, info->state))
		return -EMSGSIZE;
	if (info->ifindex && (nla_put_u32(skb, MACHNET_A_ROUTE_IFINDEX, info->ifindex) ||
			      nla_put_u32(skb, MACHNET_A_ROUTE_MTU, info->mtu)))
		return -EMSGSIZE;
	if (!machnet_addr_is_any(&info->src) && put_addr(skb, MACHNET_A_ROUTE_SRC, &info->src))
		return -EMSGSIZE;
	if (!machnet_addr_is_any(&info->nexthop) &&
	    put_addr(skb, MACHNET_A_ROUTE_NEXTHOP, &info->nexthop))
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

	spin_lock_bh(&route->lock);
	info = route->info;
	spin_unlock_bh(&route->lock);
	return machnet_fill_path_info(skb, &route->key, &info);
}

static void notify(struct machnet_net *mn, enum machnet_group group, u8 cmd, machnet_fill fill,
		   const void *obj, u32 reason)
{
	/* Only administrators may join these groups. */
	bool for_admins = group == MACHNET_GROUP_CONNECTION || group == MACHNET_GROUP_DATAPATH;
	struct machnet_show show = {
		.user_ns = mn->net->user_ns,
		.reason = reason,
		.unprivileged = !for_admins,
		.secret = for_admins,
	};
	struct sk_buff *msg;
	void *hdr;

	lockdep_assert_held(&mn->lock);
	if (!genl_has_listeners(&machnet_genl_family, mn->net, group))
		return;
	msg = machnet_msg_new(GFP_KERNEL);
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

void machnet_notify_path(struct machnet_net *mn, const struct machnet_path *path, u8 cmd,
			 u32 reason)
{
	notify(mn, MACHNET_GROUP_PATH, cmd, machnet_fill_path, path, reason);
}

void machnet_notify_route(struct machnet_net *mn, const struct machnet_route *route)
{
	notify(mn, MACHNET_GROUP_ROUTE, MACHNET_CMD_ROUTE_NTF, machnet_fill_route, route, 0);
}
