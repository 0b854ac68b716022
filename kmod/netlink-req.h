/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_NETLINK_REQ_H
#define MACHNET_NETLINK_REQ_H

#include "netlink-msg.h"

struct machnet_net *machnet_req_net(struct genl_info *info);
bool machnet_req_is_admin(struct sk_buff *skb, struct genl_info *info);

/* Say so if an attribute that the operation needs is not there; nest: what should hold it. */
bool machnet_req_missing(struct genl_info *info, int attr, const char *text);
bool machnet_attr_missing(struct nlattr **attrs, const struct nlattr *nest, int attr,
			  const char *text, struct netlink_ext_ack *extack);

/* From an attribute that has passed its policy. */
void machnet_get_addr(const struct nlattr *attr, struct in6_addr *addr);
/* -EINVAL if it is not the address of one host. */
int machnet_get_unicast(const struct nlattr *attr, struct netlink_ext_ack *extack,
			struct in6_addr *addr);
bool machnet_addr_is_unicast(const struct in6_addr *addr);
bool machnet_addr_is_any(const struct in6_addr *addr);

/* -EPERM, -ENODEV and -EINVAL, and say why. */
int machnet_req_not_the_owner(struct genl_info *info);
int machnet_req_no_device(struct genl_info *info);
int machnet_req_is_filter(struct genl_info *info);

/* A message with one object. -EMSGSIZE leaves skb as it was. Under RCU or the lock. */
int machnet_msg_put(struct sk_buff *msg, u32 portid, u32 seq, int flags, u8 cmd,
		    machnet_fill fill, const void *obj, const struct machnet_show *show);
/*
 * Sends the object as the answer to a request; secret: with its cookie. -ENOBUFS and -EAGAIN
 * when the sender has no room for it. Under RCU or the lock, does not sleep.
 */
int machnet_req_answer(struct genl_info *info, machnet_fill fill, const void *obj, bool secret);
/* Answers with the object of a key, or with what none() says. */
int machnet_req_get(struct genl_info *info, struct machnet_table *table, const void *key,
		    const struct rhashtable_params *params, machnet_fill fill, bool secret,
		    int (*none)(struct genl_info *info));
/* Elements of a size: the attribute for one, or that for many; one of them is there. -EINVAL. */
int machnet_req_list(struct genl_info *info, int one, int many, unsigned int size,
		     const void **list, unsigned int *n);
/* The owner, or NULL, is the socket that has sent the request. Under the lock. */
bool machnet_req_is_from(struct sk_buff *skb, struct genl_info *info,
			 const struct machnet_owner *owner);

#endif /* MACHNET_NETLINK_REQ_H */
