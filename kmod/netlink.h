/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_NETLINK_H
#define MACHNET_NETLINK_H

struct genl_info;
struct netlink_callback;
struct sk_buff;

int machnet_nl_device_register(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_device_unregister(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_device_get(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_port_lend(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_port_release(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_port_claim(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_port_get(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_connection_add(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_connection_set(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_connection_del(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_connection_kill(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_connection_get(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_path_add(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_path_set(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_path_del(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_path_get(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_route_get(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_route_unwatch(struct sk_buff *skb, struct genl_info *info);
int machnet_nl_route_confirm(struct sk_buff *skb, struct genl_info *info);

int machnet_nl_stats_get(struct sk_buff *skb, struct genl_info *info);

int machnet_nl_device_dump(struct sk_buff *skb, struct netlink_callback *cb);
int machnet_nl_port_dump(struct sk_buff *skb, struct netlink_callback *cb);
int machnet_nl_connection_dump(struct sk_buff *skb, struct netlink_callback *cb);
int machnet_nl_path_dump(struct sk_buff *skb, struct netlink_callback *cb);
int machnet_nl_route_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif /* MACHNET_NETLINK_H */
