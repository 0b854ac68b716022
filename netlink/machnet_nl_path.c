// SPDX-License-Identifier: MIT
/*
 * machnet_nl_path.c - the operations on paths
 */
#include "machnet_nl_parse.h"
#include "machnet_nl_req.h"

static int parse_path(const struct nlmsghdr *nlh, void *out)
{
	return machnet_nl_parse_path(nlh, out);
}

/* What may change. */
static void put_path(struct nlmsghdr *nlh, const struct machnet_nl_path *path)
{
	mnl_attr_put_u16(nlh, MACHNET_A_PATH_TX_LOCAL_PORT, path->tx_local_port);
	mnl_attr_put_u16(nlh, MACHNET_A_PATH_TX_REMOTE_PORT, path->tx_remote_port);
	mnl_attr_put_u16(nlh, MACHNET_A_PATH_RX_LOCAL_PORT, path->rx_local_port);
	mnl_attr_put_u16(nlh, MACHNET_A_PATH_RX_REMOTE_PORT, path->rx_remote_port);
	mnl_attr_put_u32(nlh, MACHNET_A_PATH_ENGINE, path->engine);
	mnl_attr_put_u32(nlh, MACHNET_A_PATH_REMOTE_ENGINE, path->remote_engine);
	mnl_attr_put(nlh, MACHNET_A_PATH_MAC, sizeof(path->mac), path->mac);
	mnl_attr_put_u32(nlh, MACHNET_A_PATH_MTU, path->mtu);
	mnl_attr_put_u32(nlh, MACHNET_A_PATH_STATE, path->state);
}

int machnet_nl_path_add(struct nlclient *nl, const struct machnet_nl_path *path)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PATH_ADD);

	mnl_attr_put_u64(nlh, MACHNET_A_PATH_ID, path->id);
	mnl_attr_put_u32(nlh, MACHNET_A_PATH_IFINDEX, path->ifindex);
	machnet_nl_put_addr(nlh, MACHNET_A_PATH_LOCAL_ADDR, &path->local_addr);
	machnet_nl_put_addr(nlh, MACHNET_A_PATH_REMOTE_ADDR, &path->remote_addr);
	put_path(nlh, path);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_path_set(struct nlclient *nl, const struct machnet_nl_path *path)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PATH_SET);

	mnl_attr_put_u64(nlh, MACHNET_A_PATH_ID, path->id);
	put_path(nlh, path);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_path_del(struct nlclient *nl, uint64_t id, uint32_t reason)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PATH_DEL);

	mnl_attr_put_u64(nlh, MACHNET_A_PATH_ID, id);
	mnl_attr_put_u32(nlh, MACHNET_A_PATH_REASON, reason);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_path_get(struct nlclient *nl, uint64_t id, struct machnet_nl_path *out)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PATH_GET);

	mnl_attr_put_u64(nlh, MACHNET_A_PATH_ID, id);
	return machnet_nl_ask(nl, nlh, parse_path, out);
}

struct path_dump {
	int (*cb)(const struct machnet_nl_path *path, void *data);
	void *data;
};

static int dump_path(const struct nlmsghdr *nlh, void *data)
{
	const struct path_dump *d = data;
	struct machnet_nl_path path;
	int ret = machnet_nl_parse_path(nlh, &path);

	return ret ? ret : d->cb(&path, d->data);
}

int machnet_nl_path_dump(struct nlclient *nl,
			 int (*cb)(const struct machnet_nl_path *path, void *data), void *data)
{
	struct path_dump d = { .cb = cb, .data = data };

	return nlclient_dump(nl, nlclient_begin(nl, MACHNET_CMD_PATH_GET), dump_path, &d);
}
