// SPDX-License-Identifier: GPL-2.0-only
/*
 * conn.c - the connections that datapaths report
 */
#include "conn.h"

#include <linux/ktime.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "netlink-msg.h"
#include "netns.h"
#include "owner.h"
#include "trace.h"

const struct rhashtable_params machnet_conn_params = {
	.key_len = sizeof_field(struct machnet_conn, id),
	.key_offset = offsetof(struct machnet_conn, id),
	.head_offset = offsetof(struct machnet_conn, node),
	.automatic_shrinking = true,
};

struct machnet_conn *machnet_conn_find(struct machnet_net *mn, u64 id)
{
	struct rhlist_head *list = machnet_table_find(&mn->conns, &id, &machnet_conn_params);

	return list ? container_of(list, struct machnet_conn, node) : NULL;
}

int machnet_conn_check_path(const struct machnet_device *dev, const struct machnet_conn_path *path,
			    struct netlink_ext_ack *extack)
{
	if (path->engine >= dev->config.engines) {
		NL_SET_ERR_MSG(extack, "the device does not have so many engines");
		return -ERANGE;
	}
	return 0;
}

int machnet_conn_add(struct machnet_net *mn, struct machnet_conn *conn, u32 owner_pid,
		     struct list_head *batch, struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&mn->lock);
	if (machnet_conn_find(mn, conn->id)) {
		NL_SET_ERR_MSG(extack, "there is a connection of this id");
		return -EEXIST;
	}
	conn->added = ktime_get();
	spin_lock_init(&conn->lock);
	if (!owner_pid) {
		machnet_process_current(&conn->process);
	} else if (machnet_process_find(&conn->process, owner_pid)) {
		NL_SET_ERR_MSG(extack, "there is no process of this owner-pid");
		return -ESRCH;
	}
	ret = machnet_table_insert(&mn->conns, &conn->node, conn, &conn->index,
				   &machnet_conn_params);
	if (ret)
		machnet_process_put(&conn->process);
	else
		list_add_tail(&conn->device_link, batch);
	return ret;
}

void machnet_conn_commit(struct machnet_net *mn, struct list_head *batch)
{
	struct machnet_conn *conn, *next;

	lockdep_assert_held(&mn->lock);
	list_for_each_entry_safe(conn, next, batch, device_link) {
		list_move_tail(&conn->device_link, &conn->device->conns);
		machnet_stat_inc(mn, MACHNET_A_STATS_CONNECTIONS);
		machnet_stat_inc(mn, MACHNET_A_STATS_CONNECTIONS_ADDED);
		trace_machnet_conn_add(mn, conn, 0);
		machnet_notify_conn(mn, conn, MACHNET_CMD_CONNECTION_ADD_NTF, 0);
	}
}

void machnet_conn_set(struct machnet_net *mn, struct machnet_conn *conn,
		      const struct machnet_conn_path *path)
{
	lockdep_assert_held(&mn->lock);
	spin_lock(&conn->lock);
	conn->path = *path;
	spin_unlock(&conn->lock);
	trace_machnet_conn_set(mn, conn, 0);
	machnet_notify_conn(mn, conn, MACHNET_CMD_CONNECTION_SET_NTF, 0);
}

static void conn_free_rcu(struct rcu_head *rcu)
{
	struct machnet_conn *conn = container_of(rcu, struct machnet_conn, rcu);

	machnet_process_put(&conn->process);
	kfree(conn);
}

/* A reader may look at it. */
static void conn_remove(struct machnet_net *mn, struct machnet_conn *conn)
{
	machnet_table_remove(&mn->conns, &conn->node, conn->index, &machnet_conn_params);
	list_del(&conn->device_link);
}

void machnet_conn_rollback(struct machnet_net *mn, struct list_head *batch)
{
	struct machnet_conn *conn, *next;

	lockdep_assert_held(&mn->lock);
	list_for_each_entry_safe(conn, next, batch, device_link) {
		conn_remove(mn, conn);
		call_rcu(&conn->rcu, conn_free_rcu);
	}
}

void machnet_conn_del(struct machnet_net *mn, struct machnet_conn *conn, u32 reason)
{
	lockdep_assert_held(&mn->lock);
	conn_remove(mn, conn);
	machnet_stat_dec(mn, MACHNET_A_STATS_CONNECTIONS);
	machnet_stat_inc(mn, MACHNET_A_STATS_CONNECTIONS_ENDED);
	trace_machnet_conn_del(mn, conn, reason);
	machnet_notify_conn(mn, conn, MACHNET_CMD_CONNECTION_DEL_NTF, reason);
	call_rcu(&conn->rcu, conn_free_rcu);
}
