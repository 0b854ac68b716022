/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_NETNS_H
#define MACHNET_NETNS_H

#include "priv.h"

int machnet_netns_init(void);
void machnet_netns_exit(void);

struct machnet_net *machnet_net(const struct net *net);

/* Lets others have the lock; for loops that handle MACHNET_BATCH objects in a row. */
void machnet_net_relax(struct machnet_net *mn);

/* Both under the lock. -EEXIST when the key is there; takes memory. */
int machnet_table_insert(struct machnet_table *table, struct rhash_head *node, void *obj,
			 u32 *index, const struct rhashtable_params *params);
void machnet_table_remove(struct machnet_table *table, struct rhash_head *node, u32 index,
			  const struct rhashtable_params *params);

#endif /* MACHNET_NETNS_H */
