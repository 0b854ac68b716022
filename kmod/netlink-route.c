// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-route.c - requests about routes
 */
#include "netlink.h"

#include <net/genetlink.h>
#include <net/ipv6.h>

#include "netlink-req.h"
#include "owner.h"
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

struct answer {
	struct machnet_route_key key;
	struct machnet_path_info path;
};

static int fill_answer(struct sk_buff *skb, const void *obj, const struct machnet_show *show)
{
	const struct answer *answer = obj;

	return machnet_fill_path_info(skb, &answer->key, &answer->path);
}

static int watch(struct sk_buff *skb, struct genl_info *info, struct answer *answer)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_owner *owner;
	int ret;

	if (!machnet_req_is_admin(skb, info)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[MACHNET_A_ROUTE_WATCH],
				    "watching a route needs CAP_NET_ADMIN");
		return -EPERM;
	}
	mutex_lock(&mn->lock);
	owner = machnet_owner_get(mn, skb);
	ret = PTR_ERR_OR_ZERO(owner);
	if (!ret) {
		ret = machnet_route_watch(mn, &answer->key, owner, &answer->path);
		machnet_owner_settle(mn, owner);
	}
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_route_get(struct sk_buff *skb, struct genl_info *info)
{
	struct answer answer;
	int ret;

	ret = get_key(info, &answer.key);
	if (!ret && info->attrs[MACHNET_A_ROUTE_WATCH])
		ret = watch(skb, info, &answer);
	else if (!ret)
		machnet_resolve(genl_info_net(info), &answer.key, MACHNET_RESOLVE_USE,
				&answer.path);
	if (ret)
		return ret;
	if (answer.path.state == MACHNET_ROUTE_STATE_UNREACHABLE) {
		NL_SET_ERR_MSG(info->extack, "the destination cannot be reached");
		return -answer.path.error;
	}
	return machnet_req_answer(info, fill_answer, &answer, false);
}

/* What is done with a watch of the sender's. -ENOENT if there is none. */
typedef void (*watch_fn)(struct machnet_net *mn, struct machnet_watch *watch);

static int with_watch(struct sk_buff *skb, struct genl_info *info, watch_fn fn)
{
	struct machnet_net *mn = machnet_req_net(info);
	struct machnet_route_key key;
	struct machnet_watch *watch;
	int ret;

	ret = get_key(info, &key);
	if (ret)
		return ret;
	mutex_lock(&mn->lock);
	watch = machnet_watch_find(mn, &key, machnet_owner_find(mn, skb));
	if (watch) {
		fn(mn, watch);
	} else {
		NL_SET_ERR_MSG(info->extack, "this socket does not watch the destination");
		ret = -ENOENT;
	}
	mutex_unlock(&mn->lock);
	return ret;
}

int machnet_nl_route_unwatch(struct sk_buff *skb, struct genl_info *info)
{
	return with_watch(skb, info, machnet_watch_del);
}

int machnet_nl_route_confirm(struct sk_buff *skb, struct genl_info *info)
{
	return with_watch(skb, info, machnet_watch_confirm);
}
