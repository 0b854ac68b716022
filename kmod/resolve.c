// SPDX-License-Identifier: GPL-2.0-only
/*
 * resolve.c - how a destination is reached
 */
#include "resolve.h"

#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "compat.h"

static void set_unreachable(struct machnet_path_info *info, int error)
{
	info->state = MACHNET_ROUTE_STATE_UNREACHABLE;
	info->error = -error;
}

/*
 * The device and the MTU of what was found. Packets that the kernel would transform, encapsulate
 * or discard cannot be sent by a datapath: 0 or -errno.
 */
static int from_dst(struct machnet_path_info *info, const struct dst_entry *dst, bool local)
{
	const struct net_device *netdev;
	int ret = 0;

	rcu_read_lock();
	netdev = machnet_dst_dev(dst);
	info->ifindex = netdev->ifindex;
	if (dst->error)
		ret = dst->error;
	else if (!local && (dst->xfrm || dst->lwtstate || netdev->flags & IFF_LOOPBACK ||
			    netdev == blackhole_netdev || dst->output == dst_discard_out ||
			    netdev->addr_len != ETH_ALEN))
		ret = -EOPNOTSUPP;
	rcu_read_unlock();
	info->mtu = dst_mtu(dst);
	return ret;
}

static u8 read_neigh(struct neighbour *neigh, struct machnet_path_info *info)
{
	u8 state;

	read_lock_bh(&neigh->lock);
	state = neigh->nud_state;
	if (state & NUD_VALID)
		memcpy(info->mac, neigh->ha, ETH_ALEN);
	read_unlock_bh(&neigh->lock);
	return state;
}

/* What the kernel does when it sends, or when its own transports see an answer. */
static void touch_neigh(struct neighbour *neigh, enum machnet_resolve_why why)
{
	u8 state = READ_ONCE(neigh->nud_state);

	switch (why) {
	case MACHNET_RESOLVE_LOOK:
		if (!(state & (NUD_VALID | NUD_FAILED)))
			neigh_event_send(neigh, NULL);
		break;
	case MACHNET_RESOLVE_USE:
		neigh_event_send(neigh, NULL);
		break;
	case MACHNET_RESOLVE_CONFIRM:
		/* neigh_confirm() would come too late for one that is about to be asked. */
		if (state & NUD_VALID)
			neigh_update(neigh, NULL, NUD_REACHABLE, 0, 0);
		break;
	}
}

/* addr: the destination as the dst's family has it; the dst knows the gateway. */
static void resolve_neigh(struct machnet_path_info *info, const struct dst_entry *dst,
			  const void *addr, enum machnet_resolve_why why)
{
	struct neighbour *neigh;
	u8 state;

	neigh = dst_neigh_lookup(dst, addr);
	if (!neigh) {
		set_unreachable(info, -ENOBUFS);
		return;
	}
	touch_neigh(neigh, why);
	state = read_neigh(neigh, info);
	if (state & NUD_VALID) {
		info->state = MACHNET_ROUTE_STATE_REACHABLE;
		info->has_mac = true;
	} else if (state & NUD_FAILED) {
		set_unreachable(info, -EHOSTUNREACH);
	} else {
		info->state = MACHNET_ROUTE_STATE_RESOLVING;
	}
	neigh_release(neigh);
}

static void set_nexthop_v4(struct machnet_path_info *info, const struct rtable *rt, __be32 dst)
{
	if (rt->rt_gw_family == AF_INET6)
		info->nexthop = rt->rt_gw6;
	else
		ipv6_addr_set_v4mapped(rt->rt_gw_family == AF_INET ? rt->rt_gw4 : dst,
				       &info->nexthop);
}

/* An address of a device in the VRF, 0: in none. */
static bool is_own_v4(struct net *net, __be32 addr, int vrf)
{
	const struct net_device *netdev;
	bool own;

	rcu_read_lock();
	netdev = __ip_dev_find(net, addr, false);
	own = netdev && l3mdev_master_ifindex_rcu(netdev) == vrf;
	rcu_read_unlock();
	return own;
}

static void resolve_v4(struct net *net, const struct machnet_route_key *key, int vrf,
		       enum machnet_resolve_why why, struct machnet_path_info *info)
{
	__be32 dst = key->dst.s6_addr32[3];
	struct flowi4 flow = {
		.daddr = dst,
		.saddr = ipv6_addr_any(&key->from) ? 0 : key->from.s6_addr32[3],
		.flowi4_oif = vrf,
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_uid = sock_net_uid(net, NULL),
	};
	struct rtable *rt;
	bool local;
	int ret;

	if (flow.saddr && !is_own_v4(net, flow.saddr, vrf)) {
		set_unreachable(info, -EADDRNOTAVAIL);
		return;
	}
	rt = ip_route_output_key(net, &flow);
	if (IS_ERR(rt)) {
		set_unreachable(info, PTR_ERR(rt));
		return;
	}
	local = rt->rt_type == RTN_LOCAL;
	ret = from_dst(info, &rt->dst, local);
	ipv6_addr_set_v4mapped(flow.saddr, &info->src);
	/* A broadcast is local as well. */
	if (rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST))
		ret = -EACCES;
	if (ret) {
		set_unreachable(info, ret);
	} else if (local) {
		info->state = MACHNET_ROUTE_STATE_LOCAL;
	} else {
		set_nexthop_v4(info, rt, dst);
		resolve_neigh(info, &rt->dst, &dst, why);
	}
	ip_rt_put(rt);
}

#if IS_ENABLED(CONFIG_IPV6)
static bool is_own_v6(struct net *net, const struct in6_addr *addr, int vrf)
{
	bool own;

	if (!ipv6_mod_enabled())
		return false;
	rcu_read_lock();
	own = ipv6_chk_addr(net, addr, vrf ? dev_get_by_index_rcu(net, vrf) : NULL, 0);
	rcu_read_unlock();
	return own;
}

static void resolve_v6(struct net *net, const struct machnet_route_key *key, int vrf,
		       enum machnet_resolve_why why, struct machnet_path_info *info)
{
	struct flowi6 flow = {
		.daddr = key->dst,
		.saddr = key->from,
		.flowi6_oif = vrf,
		.flowi6_proto = IPPROTO_UDP,
		.flowi6_uid = sock_net_uid(net, NULL),
	};
	struct dst_entry *dst;
	struct rt6_info *rt;
	bool local;
	int ret;

	if (!ipv6_mod_enabled()) {
		set_unreachable(info, -EAFNOSUPPORT);
		return;
	}
	if (!ipv6_addr_any(&key->from) && !is_own_v6(net, &key->from, vrf)) {
		set_unreachable(info, -EADDRNOTAVAIL);
		return;
	}
	dst = ip6_dst_lookup_flow(net, NULL, &flow, NULL);
	if (IS_ERR(dst)) {
		set_unreachable(info, PTR_ERR(dst));
		return;
	}
	rt = container_of(dst, struct rt6_info, dst);
	local = !dst->xfrm && rt->rt6i_flags & RTF_LOCAL;
	ret = from_dst(info, dst, local);
	info->src = flow.saddr;
	if (ret) {
		set_unreachable(info, ret);
	} else if (local) {
		info->state = MACHNET_ROUTE_STATE_LOCAL;
	} else {
		info->nexthop = *rt6_nexthop(rt, &key->dst);
		resolve_neigh(info, dst, &key->dst, why);
	}
	dst_release(dst);
}
#else
static void resolve_v6(struct net *net, const struct machnet_route_key *key, int vrf,
		       enum machnet_resolve_why why, struct machnet_path_info *info)
{
	set_unreachable(info, -EAFNOSUPPORT);
}
#endif

/* The VRF device that is meant, or 0: what is in no VRF uses the main tables. -ENODEV. */
static int find_vrf(struct net *net, u32 ifindex)
{
	struct net_device *netdev;
	int vrf = -ENODEV;

	if (!ifindex)
		return 0;
	rcu_read_lock();
	netdev = dev_get_by_index_rcu(net, ifindex);
	if (netdev)
		vrf = l3mdev_master_ifindex_rcu(netdev);
	rcu_read_unlock();
	return vrf;
}

void machnet_resolve(struct net *net, const struct machnet_route_key *key,
		     enum machnet_resolve_why why, struct machnet_path_info *info)
{
	int vrf = find_vrf(net, key->vrf);

	memset(info, 0, sizeof(*info));
	if (vrf < 0)
		set_unreachable(info, vrf);
	else if (ipv6_addr_v4mapped(&key->dst))
		resolve_v4(net, key, vrf, why, info);
	else
		resolve_v6(net, key, vrf, why, info);
}
