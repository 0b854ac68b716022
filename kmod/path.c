// SPDX-License-Identifier: GPL-2.0-only
/*
 * path.c - the paths that datapaths report
 */
#include "path.h"

#include <linux/ktime.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "netlink-msg.h"
#include "netns.h"
#include "trace.h"

const struct rhashtable_params machnet_path_params = {
	.key_len = sizeof_field(struct machnet_path, id),
	.key_offset = offsetof(struct machnet_path, id),
	.head_offset = offsetof(struct machnet_path, node),
	.automatic_shrinking = true,
};

struct machnet_path *machnet_path_find(struct machnet_net *mn, u64 id)
{
	struct rhlist_head *list = machnet_table_find(&mn->paths, &id, &machnet_path_params);

	return list ? container_of(list, struct machnet_path, node) : NULL;
}

int machnet_path_check(const struct machnet_device *dev, const struct machnet_path_config *config,
		       struct netlink_ext_ack *extack)
{
	if (config->engine >= dev->config.engines) {
		NL_SET_ERR_MSG(extack, "the device does not have so many engines");
		return -ERANGE;
	}
	return 0;
}

int machnet_path_add(struct machnet_net *mn, struct machnet_path *path,
		     struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&mn->lock);
	if (machnet_path_find(mn, path->id)) {
		NL_SET_ERR_MSG(extack, "there is a path of this id");
		return -EEXIST;
	}
	path->added = ktime_get();
	spin_lock_init(&path->lock);
	ret = machnet_table_insert(&mn->paths, &path->node, path, &path->index,
				   &machnet_path_params);
	if (ret)
		return ret;
	list_add_tail(&path->device_link, &path->device->paths);
	machnet_stat_inc(mn, MACHNET_A_STATS_PATHS);
	machnet_stat_inc(mn, MACHNET_A_STATS_PATHS_ADDED);
	trace_machnet_path_add(mn, path, 0);
	machnet_notify_path(mn, path, MACHNET_CMD_PATH_ADD_NTF, 0);
	return 0;
}

void machnet_path_set(struct machnet_net *mn, struct machnet_path *path,
		      const struct machnet_path_config *config)
{
	lockdep_assert_held(&mn->lock);
	spin_lock(&path->lock);
	path->config = *config;
	spin_unlock(&path->lock);
	trace_machnet_path_set(mn, path, 0);
	machnet_notify_path(mn, path, MACHNET_CMD_PATH_SET_NTF, 0);
}

void machnet_path_del(struct machnet_net *mn, struct machnet_path *path, u32 reason)
{
	lockdep_assert_held(&mn->lock);
	machnet_table_remove(&mn->paths, &path->node, path->index, &machnet_path_params);
	list_del(&path->device_link);
	machnet_stat_dec(mn, MACHNET_A_STATS_PATHS);
	machnet_stat_inc(mn, MACHNET_A_STATS_PATHS_ENDED);
	trace_machnet_path_del(mn, path, reason);
	machnet_notify_path(mn, path, MACHNET_CMD_PATH_DEL_NTF, reason);
	kfree_rcu(path, rcu);
}
