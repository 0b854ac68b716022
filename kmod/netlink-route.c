// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-route.c - requests about routes
 */
#include "netlink.h"

#include <net/genetlink.h>
#include <net/ipv6.h>

#include "netlink-policy.h"
#include "netlink-req.h"
#include "resolve.h"
#include "route.h"

/* What a request is about. */
static int get_key(struct genl_info *info, struct machnet_route_key *key)
{
	const struct nlattr *from = info->attrs[MACHNET_A_ROUTE_FROM];
	int ret;

	memset(key, 0, sizeof(*key));
	if (machnet_req_missing(info, MACHNET_A_ROUTE_DST, "dst is missing"))
		return -EINVAL;
	ret = machnet_get_unicast(info->attrs[MACHNET_A_ROUTE_DST], info->extack, &key->dst);
	if (!ret && from)
		ret = machnet_get_unicast(from, info->extack, &key->from);
	if (ret)
		return ret;
	if (from && ipv6_addr_v4mapped(&key->dst) != ipv6_addr_v4mapped(&key->from)) {
		NL_SET_ERR_MSG_ATTR(info->extack, from, "from is not of the family of dst");
		return -EINVAL;
	}
	if (info->attrs[MACHNET_A_ROUTE_VRF])
		key->vrf = nla_get_u32(info->attrs[MACHNET_A_ROUTE_VRF]);
	return 0;
}

static int put_route(struct sk_buff *msg, struct genl_info *info,
		     const struct machnet_route_key *key, const struct machnet_path_info *path)
{
	void *hdr = genlmsg_put_reply(msg, info, &machnet_genl_family, 0, info->genlhdr->cmd);

	if (!hdr || machnet_fill_path(msg, key, path))
		return -EMSGSIZE;
	genlmsg_end(msg, hdr);
	return 0;
}

static int watch(struct machnet_net *mn, struct genl_info *info,
		 const struct machnet_route_key *key, struct machnet_path_info *path)
{
	int ret;

	mutex_lock(&mn->lock);
	ret = machnet_route_watch(mn, key, info->snd_portid, path);
	mutex_unlock(&mn->lock);
	return ret;
}

static int resolve(struct machnet_net *mn, const struct machnet_route_key *key,
		   struct machnet_path_info *path)
{
	machnet_resolve(mn->net, key, MACHNET_RESOLVE_USE, path);
	return path->state == MACHNET_ROUTE_STATE_UNREACHABLE ? -path->error : 0;
}

int machnet_nl_route_get(struct sk_buff *skb, struct genl_info *info)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_path_info path;
	struct machnet_route_key key;
	struct sk_buff *msg;
	int ret;

	ret = get_key(info, &key);
	if (ret)
		return ret;
	if (info->attrs[MACHNET_A_ROUTE_WATCH] && !machnet_req_is_admin(skb, info)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MACHNET_A_ROUTE_WATCH],
				    "watching a route needs CAP_NET_ADMIN");
		return -EPERM;
	}
	if (info->attrs[MACHNET_A_ROUTE_WATCH])
		ret = watch(mn, info, &key, &path);
	else
		ret = resolve(mn, &key, &path);
	if (ret) {
		if (ret != -ENOMEM)
			NL_SET_ERR_MSG(info->extack, "the destination cannot be reached");
		return ret;
	}
	msg = machnet_msg_new();
	if (!msg)
		return -ENOMEM;
	return machnet_req_answer(msg, info, put_route(msg, info, &key, &path));
}

typedef int (*watch_fn)(struct machnet_net *mn, const struct machnet_route_key *key, u32 portid);

static int with_watch(struct genl_info *info, watch_fn fn)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_route_key key;
	int ret;

	ret = get_key(info, &key);
	if (ret)
		return ret;
	mutex_lock(&mn->lock);
	ret = fn(mn, &key, info->snd_portid);
	mutex_unlock(&mn->lock);
	if (ret)
		NL_SET_ERR_MSG(info->extack, "this socket does not watch the destination");
	return ret;
}

int machnet_nl_route_unwatch(struct sk_buff *skb, struct genl_info *info)
{
	return with_watch(info, machnet_route_unwatch);
}

int machnet_nl_route_confirm(struct sk_buff *skb, struct genl_info *info)
{
	return with_watch(info, machnet_route_confirm);
}
