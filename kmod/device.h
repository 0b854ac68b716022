/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_DEVICE_H
#define MACHNET_DEVICE_H

#include "priv.h"

struct netlink_ext_ack;

extern const struct rhashtable_params machnet_device_params;

/* Under RCU or the lock. */
struct machnet_device *machnet_device_find(struct machnet_net *mn, u32 ifindex);

/*
 * Registers it, to be announced or undone before the lock is given up. Under the RTNL and the
 * lock. ERR_PTR.
 */
struct machnet_device *machnet_device_add(struct machnet_net *mn,
					  const struct machnet_device_config *config,
					  struct machnet_owner *owner,
					  struct netlink_ext_ack *extack);
void machnet_device_announce(struct machnet_net *mn, const struct machnet_device *dev);
void machnet_device_undo(struct machnet_net *mn, struct machnet_device *dev);
/* Takes it out and announces; its connections follow soon. Under the lock. */
void machnet_device_del(struct machnet_net *mn, struct machnet_device *dev, u32 reason);

/* A netdev is going, or has got another name. Under the RTNL. */
void machnet_device_netdev_gone(struct machnet_net *mn, const struct net_device *netdev);
void machnet_device_netdev_renamed(struct machnet_net *mn, const struct net_device *netdev);

/* machnet_net.reap_work: ends the connections of devices that are gone. */
void machnet_device_reap_work(struct work_struct *work);

#endif /* MACHNET_DEVICE_H */
