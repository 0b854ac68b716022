// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "daemon/resolve.h"

#define RESOLVE_REQ	256
/* As in the kernel: there is an address to send to. */
#define RESOLVE_VALID	(NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | \
			 NUD_STALE | NUD_DELAY)
/* Nothing to set off: fixed, fresh, or being asked. */
#define RESOLVE_SETTLED	(RESOLVE_VALID & ~NUD_STALE)
/* The kernel asks by itself whether the address is still right. */
#define RESOLVE_DYNAMIC	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

static void *begin(char *buf, uint16_t type, size_t header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	return mnl_nlmsg_put_extra_header(nlh, header);
}

static size_t addr_size(const struct mn_addr *addr)
{
	return mn_addr_is_v4(addr) ? 4 : 16;
}

static uint8_t addr_family(const struct mn_addr *addr)
{
	return mn_addr_is_v4(addr) ? AF_INET : AF_INET6;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct mn_addr *addr)
{
	size_t size = addr_size(addr);

	mnl_attr_put(nlh, type, size, addr->b + sizeof(addr->b) - size);
}

static void get_addr(const struct nlattr *attr, struct mn_addr *addr)
{
	struct mn_addr got;

	if (!mn_addr_from_bytes(&got, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)))
		*addr = got;
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

static bool is_vrf(const struct nlattr *linkinfo)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, linkinfo)
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
			return !strcmp(mnl_attr_get_str(a), "vrf");
	return false;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct mnd_link *link = data;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	link->type = ifi->ifi_type;
	mnl_attr_for_each(a, nlh, sizeof(*ifi)) {
		if (mnl_attr_get_type(a) == IFLA_MTU)
			link->mtu = get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_ADDRESS)
			link->has_mac = mnl_attr_get_payload_len(a) == MACHNET_NL_MAC_LEN;
		else if (mnl_attr_get_type(a) == IFLA_MASTER)
			link->master = get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
			link->is_vrf = is_vrf(a);
	}
	return MNL_CB_OK;
}

int mnd_link_get(struct mnd_rtnl *r, uint32_t ifindex, struct mnd_link *link)
{
	_Alignas(struct nlmsghdr) char buf[RESOLVE_REQ];
	struct ifinfomsg *ifi = begin(buf, RTM_GETLINK, sizeof(*ifi));

	memset(link, 0, sizeof(*link));
	ifi->ifi_index = ifindex;
	mnl_attr_put_u32((struct nlmsghdr *)buf, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return mnd_rtnl_request(r, (struct nlmsghdr *)buf, on_link, link);
}

/* The VRF device that an interface is or belongs to; 0: none. */
static int vrf_get(struct mnd_rtnl *r, uint32_t ifindex, uint32_t *vrf)
{
	struct mnd_link link;
	int ret;

	*vrf = 0;
	if (!ifindex)
		return 0;
	ret = mnd_link_get(r, ifindex, &link);
	if (!ret && !link.is_vrf && link.master) {
		ifindex = link.master;
		ret = mnd_link_get(r, ifindex, &link);
	}
	if (!ret && link.is_vrf)
		*vrf = ifindex;
	return ret;
}

struct path {
	struct machnet_nl_route *route;
	uint32_t mtu;	/* the route's own, 0: the link's */
	uint8_t type;	/* RTN_*, RTN_UNSPEC: there was no answer */
	bool encap;	/* the kernel would encapsulate: MPLS, SRv6, ... */
};

static void take_metrics(const struct nlattr *metrics, struct path *p)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, metrics)
		if (mnl_attr_get_type(a) == RTAX_MTU)
			p->mtu = get_u32(a);
}

/* A gateway of the other family: struct rtvia, then the address. */
static void take_via(const struct nlattr *attr, struct mn_addr *addr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	struct mn_addr got;

	if (len > sizeof(*via) &&
	    !mn_addr_from_bytes(&got, via->rtvia_addr, len - sizeof(*via)))
		*addr = got;
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	struct path *p = data;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rt))
		return MNL_CB_OK;
	p->type = rt->rtm_type;
	mnl_attr_for_each(a, nlh, sizeof(*rt)) {
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			p->route->ifindex = get_u32(a);
			break;
		case RTA_PREFSRC:
			get_addr(a, &p->route->src);
			break;
		case RTA_GATEWAY:
			get_addr(a, &p->route->nexthop);
			break;
		case RTA_VIA:
			take_via(a, &p->route->nexthop);
			break;
		case RTA_METRICS:
			take_metrics(a, p);
			break;
		case RTA_ENCAP_TYPE:
			p->encap = true;
			break;
		}
	}
	return MNL_CB_OK;
}

static int route_get(struct mnd_rtnl *r, const struct mn_addr *dst, const struct mn_addr *from,
		     uint32_t vrf, struct path *p)
{
	_Alignas(struct nlmsghdr) char buf[RESOLVE_REQ];
	struct rtmsg *rt = begin(buf, RTM_GETROUTE, sizeof(*rt));

	rt->rtm_family = addr_family(dst);
	rt->rtm_dst_len = addr_size(dst) * 8;
	put_addr((struct nlmsghdr *)buf, RTA_DST, dst);
	/* Then the answer has no preferred source of its own. */
	if (!mn_addr_is_any(from)) {
		p->route->src = *from;
		rt->rtm_src_len = addr_size(from) * 8;
		put_addr((struct nlmsghdr *)buf, RTA_SRC, from);
	}
	if (vrf)
		mnl_attr_put_u32((struct nlmsghdr *)buf, RTA_OIF, vrf);
	return mnd_rtnl_request(r, (struct nlmsghdr *)buf, on_route, p);
}

/* Nobody sends from an address that is not his. */
static int check_from(struct mnd_rtnl *r, const struct mn_addr *from, uint32_t vrf)
{
	static const struct mn_addr any;
	struct machnet_nl_route unused;
	struct path p = { .route = &unused };
	int ret;

	if (mn_addr_is_any(from))
		return 0;
	ret = route_get(r, from, &any, vrf, &p);
	return !ret && p.type == RTN_LOCAL ? 0 : -EADDRNOTAVAIL;
}

/* What a socket would be told that sends along this kind of route. */
static int type_error(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
	case RTN_LOCAL:
		return 0;
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	case RTN_PROHIBIT:
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return -EACCES;
	}
	return -ENETUNREACH;
}

struct neigh {
	uint16_t state;		/* NUD_*, 0: there is none */
	uint8_t flags;		/* NTF_* */
	bool managed;		/* kept fresh by order of somebody */
	uint8_t mac[MACHNET_NL_MAC_LEN];
};

static int on_neigh(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct neigh *n = data;
	const struct nlattr *a;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd))
		return MNL_CB_OK;
	n->state = nd->ndm_state;
	n->flags = nd->ndm_flags;
	mnl_attr_for_each(a, nlh, sizeof(*nd)) {
		if (mnl_attr_get_type(a) == NDA_LLADDR &&
		    mnl_attr_get_payload_len(a) == sizeof(n->mac))
			memcpy(n->mac, mnl_attr_get_payload(a), sizeof(n->mac));
		else if (mnl_attr_get_type(a) == NDA_FLAGS_EXT)
			n->managed = get_u32(a) & NTF_EXT_MANAGED;
	}
	return MNL_CB_OK;
}

static int neigh_get(struct mnd_rtnl *r, const struct machnet_nl_route *route, struct neigh *n)
{
	_Alignas(struct nlmsghdr) char buf[RESOLVE_REQ];
	struct ndmsg *nd = begin(buf, RTM_GETNEIGH, sizeof(*nd));
	int ret;

	memset(n, 0, sizeof(*n));
	nd->ndm_family = addr_family(&route->nexthop);
	nd->ndm_ifindex = route->ifindex;
	put_addr((struct nlmsghdr *)buf, NDA_DST, &route->nexthop);
	ret = mnd_rtnl_request(r, (struct nlmsghdr *)buf, on_neigh, n);
	return ret == -ENOENT ? 0 : ret;
}

/* Makes the kernel treat the neighbour as if a packet were to be sent to it. */
static int neigh_use(struct mnd_rtnl *r, const struct machnet_nl_route *route)
{
	_Alignas(struct nlmsghdr) char buf[RESOLVE_REQ];
	struct ndmsg *nd = begin(buf, RTM_NEWNEIGH, sizeof(*nd));

	((struct nlmsghdr *)buf)->nlmsg_flags = NLM_F_CREATE;
	nd->ndm_family = addr_family(&route->nexthop);
	nd->ndm_ifindex = route->ifindex;
	nd->ndm_state = NUD_NONE;
	nd->ndm_flags = NTF_USE;
	put_addr((struct nlmsghdr *)buf, NDA_DST, &route->nexthop);
	return mnd_rtnl_request(r, (struct nlmsghdr *)buf, NULL, NULL);
}

int mnd_neigh_confirm(struct mnd_rtnl *r, const struct machnet_nl_route *route)
{
	_Alignas(struct nlmsghdr) char buf[RESOLVE_REQ];
	struct ndmsg *nd;
	struct neigh n;
	int ret;

	if (route->state != MACHNET_ROUTE_STATE_REACHABLE)
		return 0;
	ret = neigh_get(r, route, &n);
	if (ret || !(n.state & RESOLVE_DYNAMIC) || n.flags & NTF_EXT_LEARNED || n.managed)
		return ret;
	nd = begin(buf, RTM_NEWNEIGH, sizeof(*nd));
	nd->ndm_family = addr_family(&route->nexthop);
	nd->ndm_ifindex = route->ifindex;
	nd->ndm_state = NUD_REACHABLE;
	nd->ndm_flags = n.flags & NTF_ROUTER;
	put_addr((struct nlmsghdr *)buf, NDA_DST, &route->nexthop);
	ret = mnd_rtnl_request(r, (struct nlmsghdr *)buf, NULL, NULL);
	/* Gone, or without an address, by now. */
	return ret == -ENOENT || ret == -EINVAL ? 0 : ret;
}

static int resolve_neigh(struct mnd_rtnl *r, bool eager, struct machnet_nl_route *route)
{
	uint16_t leave = RESOLVE_SETTLED | NUD_INCOMPLETE | (eager ? 0 : NUD_STALE | NUD_FAILED);
	struct neigh n;
	int ret;

	ret = neigh_get(r, route, &n);
	if (!ret && !(n.state & leave)) {
		ret = neigh_use(r, route);
		if (!ret)
			ret = neigh_get(r, route, &n);
	}
	if (ret)
		return ret;
	if (n.state & RESOLVE_VALID) {
		route->state = MACHNET_ROUTE_STATE_REACHABLE;
		route->has_mac = true;
		memcpy(route->mac, n.mac, sizeof(route->mac));
	} else if (n.state & NUD_FAILED) {
		return -EHOSTUNREACH;
	} else {
		route->state = MACHNET_ROUTE_STATE_RESOLVING;
	}
	return 0;
}

static int resolve(struct mnd_rtnl *r, bool eager, struct machnet_nl_route *route)
{
	struct path p = { .route = route };
	struct mnd_link link;
	uint32_t vrf;
	int ret;

	ret = vrf_get(r, route->vrf, &vrf);
	if (!ret)
		ret = check_from(r, &route->from, vrf);
	if (!ret)
		ret = route_get(r, &route->dst, &route->from, vrf, &p);
	if (!ret)
		ret = type_error(p.type);
	if (!ret)
		ret = mnd_link_get(r, route->ifindex, &link);
	if (ret)
		return ret;
	route->mtu = p.mtu && p.mtu < link.mtu ? p.mtu : link.mtu;
	if (p.type == RTN_LOCAL) {
		route->state = MACHNET_ROUTE_STATE_LOCAL;
		memset(&route->nexthop, 0, sizeof(route->nexthop));
		return 0;
	}
	if (!link.has_mac || p.encap)
		return -EOPNOTSUPP;
	if (mn_addr_is_any(&route->nexthop))
		route->nexthop = route->dst;
	return resolve_neigh(r, eager, route);
}

void mnd_resolve(struct mnd_rtnl *r, const struct machnet_nl_route_key *key, bool eager,
		 struct machnet_nl_route *route)
{
	int ret;

	memset(route, 0, sizeof(*route));
	route->dst = key->dst;
	route->from = key->from;
	route->vrf = key->vrf;
	ret = resolve(r, eager, route);
	if (ret) {
		route->state = MACHNET_ROUTE_STATE_UNREACHABLE;
		route->error = -ret;
	}
}
