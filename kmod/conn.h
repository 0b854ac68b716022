/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_CONN_H
#define MACHNET_CONN_H

#include "priv.h"

struct netlink_ext_ack;

extern const struct rhashtable_params machnet_conn_params;

/* Under RCU or the lock. */
struct machnet_conn *machnet_conn_find(struct machnet_net *mn, u64 id);

/* All under the lock; may sleep. */
int machnet_conn_check_path(const struct machnet_device *dev, const struct machnet_conn_path *path,
			    struct netlink_ext_ack *extack);
/*
 * Connections are added in batches: they are in a list of the caller's until all are committed,
 * and so announced, or rolled back. owner_pid: as the current process sees it; 0: that itself.
 */
int machnet_conn_add(struct machnet_net *mn, struct machnet_conn *conn, u32 owner_pid,
		     struct list_head *batch, struct netlink_ext_ack *extack);
void machnet_conn_commit(struct machnet_net *mn, struct list_head *batch);
void machnet_conn_rollback(struct machnet_net *mn, struct list_head *batch);
void machnet_conn_set(struct machnet_net *mn, struct machnet_conn *conn,
		      const struct machnet_conn_path *path);
void machnet_conn_del(struct machnet_net *mn, struct machnet_conn *conn, u32 reason);

#endif /* MACHNET_CONN_H */
