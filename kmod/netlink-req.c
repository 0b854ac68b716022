// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-req.c - what the handlers of requests share
 */
#include "netlink-req.h"

#include <linux/pid_namespace.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "netlink-msg.h"
#include "netlink-policy.h"
#include "netns.h"
#include "owner.h"

struct machnet_net *machnet_req_net(struct genl_info *info)
{
	return machnet_net(genl_info_net(info));
}

bool machnet_req_is_admin(struct sk_buff *skb, struct genl_info *info)
{
	return netlink_ns_capable(skb, genl_info_net(info)->user_ns, CAP_NET_ADMIN);
}

bool machnet_attr_missing(struct nlattr **attrs, const struct nlattr *nest, int attr,
			  const char *text, struct netlink_ext_ack *extack)
{
	if (!NL_REQ_ATTR_CHECK(extack, nest, attrs, attr))
		return false;
	if (extack)
		extack->_msg = text;
	return true;
}

bool machnet_req_missing(struct genl_info *info, int attr, const char *text)
{
	return machnet_attr_missing(info->attrs, NULL, attr, text, info->extack);
}

void machnet_get_addr(const struct nlattr *attr, struct in6_addr *addr)
{
	if (nla_len(attr) == sizeof(struct in_addr))
		ipv6_addr_set_v4mapped(nla_get_in_addr(attr), addr);
	else
		*addr = nla_get_in6_addr(attr);
}

bool machnet_addr_is_any(const struct in6_addr *addr)
{
	return ipv6_addr_any(addr) || (ipv6_addr_v4mapped(addr) && !addr->s6_addr32[3]);
}

/* Without a scope a link-local address says nothing. */
bool machnet_addr_is_unicast(const struct in6_addr *addr)
{
	__be32 v4 = addr->s6_addr32[3];

	if (machnet_addr_is_any(addr))
		return false;
	if (ipv6_addr_v4mapped(addr))
		return !ipv4_is_multicast(v4) && !ipv4_is_lbcast(v4) && !ipv4_is_zeronet(v4);
	return !ipv6_addr_is_multicast(addr) &&
	       !(ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL);
}

int machnet_get_unicast(const struct nlattr *attr, struct netlink_ext_ack *extack,
			struct in6_addr *addr)
{
	machnet_get_addr(attr, addr);
	if (machnet_addr_is_unicast(addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "the address is not a unicast address of global scope");
	return -EINVAL;
}

int machnet_msg_put(struct sk_buff *msg, u32 portid, u32 seq, int flags, u8 cmd,
		    machnet_fill fill, const void *obj, const struct machnet_show *show)
{
	void *hdr = genlmsg_put(msg, portid, seq, &machnet_genl_family, flags, cmd);

	if (!hdr)
		return -EMSGSIZE;
	if (fill(msg, obj, show)) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return 0;
}

int machnet_req_answer(struct genl_info *info, machnet_fill fill, const void *obj, bool secret)
{
	struct machnet_show show = {
		.user_ns = current_user_ns(),
		.pid_ns = task_active_pid_ns(current),
		.secret = secret,
	};
	struct sk_buff *msg = machnet_msg_new(GFP_ATOMIC);
	int ret;

	if (!msg)
		return -ENOMEM;
	ret = machnet_msg_put(msg, info->snd_portid, info->snd_seq, 0, info->genlhdr->cmd, fill,
			      obj, &show);
	if (ret) {
		nlmsg_free(msg);
		return ret;
	}
	return genlmsg_reply(msg, info);
}

/* The objects of tables begin with their node. */
static_assert(!offsetof(struct machnet_device, node) && !offsetof(struct machnet_port, node) &&
	      !offsetof(struct machnet_conn, node) && !offsetof(struct machnet_path, node));

int machnet_req_get(struct genl_info *info, struct machnet_table *table, const void *key,
		    const struct rhashtable_params *params, machnet_fill fill, bool secret,
		    int (*none)(struct genl_info *info))
{
	const void *obj;
	int ret;

	rcu_read_lock();
	obj = machnet_table_find(table, key, params);
	ret = obj ? machnet_req_answer(info, fill, obj, secret) : none(info);
	rcu_read_unlock();
	return ret;
}

bool machnet_req_is_from(struct sk_buff *skb, struct genl_info *info,
			 const struct machnet_owner *owner)
{
	return owner && owner == machnet_owner_find(machnet_req_net(info), skb);
}

int machnet_req_list(struct genl_info *info, int one, int many, unsigned int size,
		     const void **list, unsigned int *n)
{
	const struct nlattr *attr = info->attrs[one] ?: info->attrs[many];

	if (info->attrs[one] && info->attrs[many]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[many],
				    "one and several exclude each other");
		return -EINVAL;
	}
	*list = nla_data(attr);
	*n = nla_len(attr) / size;
	if (*n && nla_len(attr) % size == 0)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, attr, "the list is empty or its last element is cut");
	return -EINVAL;
}

int machnet_req_not_the_owner(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "it belongs to another netlink socket");
	return -EPERM;
}

int machnet_req_is_filter(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "a request for one object takes its key alone");
	return -EINVAL;
}

int machnet_req_no_device(struct genl_info *info)
{
	NL_SET_ERR_MSG(info->extack, "no datapath serves this network device");
	return -ENODEV;
}
