/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_PATH_H
#define MACHNET_PATH_H

#include "priv.h"

struct netlink_ext_ack;

extern const struct rhashtable_params machnet_path_params;

/* Under RCU or the lock. */
struct machnet_path *machnet_path_find(struct machnet_net *mn, u64 id);

/* All under the lock; may sleep. */
int machnet_path_check(const struct machnet_device *dev, const struct machnet_path_config *config,
		       struct netlink_ext_ack *extack);
/* Takes the path over unless it fails. */
int machnet_path_add(struct machnet_net *mn, struct machnet_path *path,
		     struct netlink_ext_ack *extack);
void machnet_path_set(struct machnet_net *mn, struct machnet_path *path,
		      const struct machnet_path_config *config);
void machnet_path_del(struct machnet_net *mn, struct machnet_path *path, u32 reason);

#endif /* MACHNET_PATH_H */
