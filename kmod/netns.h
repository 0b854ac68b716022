/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_NETNS_H
#define MACHNET_NETNS_H

#include "priv.h"

int machnet_netns_init(void);
void machnet_netns_exit(void);

struct machnet_net *machnet_net(const struct net *net);

/* Counters, in any context. */
static inline void machnet_stat_inc(struct machnet_net *mn, enum machnet_a_stats which)
{
	atomic64_inc(&mn->stats[which]);
}

static inline void machnet_stat_dec(struct machnet_net *mn, enum machnet_a_stats which)
{
	atomic64_dec(&mn->stats[which]);
}

/* Lets others have the lock; for loops that handle MACHNET_BATCH objects in a row. */
void machnet_net_relax(struct machnet_net *mn);

/* The objects of a key, or NULL. Under RCU or the lock. */
struct rhlist_head *machnet_table_find(struct machnet_table *table, const void *key,
				       const struct rhashtable_params *params);
/* Over the objects of a key; under RCU or the lock, and none of them may go meanwhile. */
#define machnet_table_for_each(obj, pos, list)						\
	for (pos = (list); pos && ({ obj = container_of(pos, typeof(*obj), node); 1; });	\
	     pos = rcu_dereference_raw(pos->next))
/* Both under the lock; the first takes memory. */
int machnet_table_insert(struct machnet_table *table, struct rhlist_head *node, void *obj,
			 u32 *index, const struct rhashtable_params *params);
void machnet_table_remove(struct machnet_table *table, struct rhlist_head *node, u32 index,
			  const struct rhashtable_params *params);

#endif /* MACHNET_NETNS_H */
