/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_NETLINK_MSG_H
#define MACHNET_NETLINK_MSG_H

#include "priv.h"

struct genl_info;
struct sk_buff;

/**
 * struct machnet_show - what is in a message, and for whom
 * @user_ns: of the reader
 * @pid_ns: of the reader; NULL: pids are those of the owner's pid namespace
 * @unprivileged: any user may be among the readers: nothing of processes
 * @reason: why the object ended, or 0
 * @secret: what entitles to something as well: the cookie of a port, the ids of a connection
 */
struct machnet_show {
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	u32 reason;
	bool unprivileged;
	bool secret;
};

/* Appends an object's attributes. -EMSGSIZE. Under RCU or the lock. */
typedef int (*machnet_fill)(struct sk_buff *skb, const void *obj,
			    const struct machnet_show *show);

int machnet_fill_device(struct sk_buff *skb, const void *obj, const struct machnet_show *show);
int machnet_fill_port(struct sk_buff *skb, const void *obj, const struct machnet_show *show);
int machnet_fill_conn(struct sk_buff *skb, const void *obj, const struct machnet_show *show);
int machnet_fill_path(struct sk_buff *skb, const void *obj, const struct machnet_show *show);
int machnet_fill_route(struct sk_buff *skb, const void *obj, const struct machnet_show *show);
int machnet_fill_path_info(struct sk_buff *skb, const struct machnet_route_key *key,
			   const struct machnet_path_info *info);

/* Room for one object of any kind. */
struct sk_buff *machnet_msg_new(gfp_t gfp);

/* To the listeners of the object's group. Under the lock; may sleep. */
void machnet_notify_device(struct machnet_net *mn, const struct machnet_device *dev, u8 cmd);
void machnet_notify_port(struct machnet_net *mn, const struct machnet_port *port, u8 cmd,
			 u32 reason);
void machnet_notify_conn(struct machnet_net *mn, const struct machnet_conn *conn, u8 cmd,
			 u32 reason);
/* To the datapaths: one of them is asked to end the connection. */
void machnet_notify_kill(struct machnet_net *mn, const struct machnet_conn *conn);
void machnet_notify_path(struct machnet_net *mn, const struct machnet_path *path, u8 cmd,
			 u32 reason);
void machnet_notify_route(struct machnet_net *mn, const struct machnet_route *route);

#endif /* MACHNET_NETLINK_MSG_H */
