/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_NETLINK_POLICY_H
#define MACHNET_NETLINK_POLICY_H

#include <net/genetlink.h>

enum machnet_group {
	MACHNET_GROUP_DEVICE,
	MACHNET_GROUP_PORT,
	MACHNET_GROUP_CONNECTION,
	MACHNET_GROUP_ROUTE,
	MACHNET_GROUP_DATAPATH,
	MACHNET_GROUP_PATH,
};

extern struct genl_family machnet_genl_family;

#endif /* MACHNET_NETLINK_POLICY_H */
