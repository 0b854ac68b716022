// SPDX-License-Identifier: MIT
#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "daemon/local_check.h"
#include "daemon/local_path.h"
#include "daemon/tree.h"

struct mnd_local_path {
	uint64_t id;
	uint32_t ifindex;
	uint32_t engines;	/* of the device */
};

static int path_cmp(const void *a, const void *b)
{
	const struct mnd_local_path *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int refuse(const char **text, int error, const char *sentence)
{
	*text = sentence;
	return error;
}

void mnd_local_paths_close(struct mnd_local_paths *p)
{
	tdestroy(p->tree, free);
	p->tree = NULL;
}

void mnd_local_paths_drop(struct mnd_local_paths *p, uint32_t ifindex)
{
	struct mnd_snapshot s;

	/* Without memory they stay until the end: no device of this index refers to them. */
	if (mnd_snapshot_take(&s, p->tree, sizeof(struct mnd_local_path)))
		return;
	for (size_t i = 0; i < s.n; i++) {
		const struct mnd_local_path *path = (const void *)(s.items + i * s.size);

		if (path->ifindex == ifindex)
			mnd_tree_del(&p->tree, path, path_cmp);
	}
	free(s.items);
}

static struct mnd_local_path *find(struct mnd_local_paths *p, uint64_t id)
{
	struct mnd_local_path key = { .id = id };
	void *node = tfind(&key, &p->tree, path_cmp);

	return node ? *(struct mnd_local_path **)node : NULL;
}

/* What may change later, too. */
static int check_config(const struct machnet_nl_path *path, const char **text)
{
	if (!path->tx_local_port || !path->tx_remote_port || !path->rx_local_port ||
	    !path->rx_remote_port || path->engine >= MACHNET_ENGINES_MAX ||
	    path->remote_engine >= MACHNET_ENGINES_MAX || !mnd_in_range(path->mtu, 576, 65535) ||
	    !mnd_in_range(path->state, 1, MACHNET_PATH_STATE_MAX))
		return refuse(text, -ERANGE, MND_LOCAL_OUT_OF_RANGE);
	if (path->mac[0] & 1)
		return refuse(text, -EINVAL, "mac is not a unicast address");
	return 0;
}

static int check_path(const struct machnet_nl_path *path, const char **text)
{
	if (!path->id || !mnd_in_range(path->ifindex, 1, INT32_MAX))
		return refuse(text, -ERANGE, MND_LOCAL_OUT_OF_RANGE);
	if (!mnd_is_unicast(&path->local_addr) || !mnd_is_unicast(&path->remote_addr))
		return refuse(text, -EINVAL, MND_LOCAL_NO_UNICAST);
	if (mn_addr_is_v4(&path->local_addr) != mn_addr_is_v4(&path->remote_addr))
		return refuse(text, -EINVAL, MND_LOCAL_TWO_FAMILIES);
	return check_config(path, text);
}

int mnd_local_path_add(struct mnd_local_paths *p, const struct machnet_nl_path *path,
		       uint32_t engines, const char **text)
{
	struct mnd_local_path new = {
		.id = path->id, .ifindex = path->ifindex, .engines = engines,
	};
	int ret = check_path(path, text);

	if (ret)
		return ret;
	if (!engines)
		return refuse(text, -ENODEV, MND_LOCAL_NO_DEVICE);
	if (path->engine >= engines)
		return refuse(text, -ERANGE, MND_LOCAL_NO_ENGINE);
	if (find(p, path->id))
		return refuse(text, -EEXIST, "there is a path of this id");
	return mnd_tree_add(&p->tree, &new, sizeof(new), path_cmp) ? 0 : -ENOMEM;
}

static int no_path(const char **text)
{
	return refuse(text, -ENOENT, "there is no path of this id");
}

int mnd_local_path_set(struct mnd_local_paths *p, const struct machnet_nl_path *path,
		       const char **text)
{
	const struct mnd_local_path *old = find(p, path->id);
	int ret = check_config(path, text);

	if (ret)
		return ret;
	if (!old)
		return no_path(text);
	return path->engine < old->engines ? 0 : refuse(text, -ERANGE, MND_LOCAL_NO_ENGINE);
}

int mnd_local_path_del(struct mnd_local_paths *p, uint64_t id, uint32_t reason,
		       const char **text)
{
	struct mnd_local_path *path = find(p, id);

	if (!mnd_in_range(reason, 1, MACHNET_REASON_MAX))
		return refuse(text, -ERANGE, MND_LOCAL_OUT_OF_RANGE);
	if (!path)
		return no_path(text);
	mnd_tree_del(&p->tree, path, path_cmp);
	return 0;
}
