// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink-policy.c - which operation takes which attributes from whom
 *
 * netlink/machnet.yaml says the same; the build compares the two. Each
 * operation has the shortest policy that holds its attributes: whatever is not
 * in it is refused.
 */
#include "netlink-policy.h"

#include <linux/machnet.h>
#include <linux/module.h>
#include <net/ipv6.h>

#include "netlink.h"

static int check_addr(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct in6_addr addr;

	if (nla_len(attr) == sizeof(struct in_addr))
		return 0;
	if (nla_len(attr) != sizeof(struct in6_addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "an address has 4 or 16 bytes");
		return -EINVAL;
	}
	addr = nla_get_in6_addr(attr);
	if (ipv6_addr_v4mapped(&addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "an IPv4 address must be sent as 4 bytes");
		return -EINVAL;
	}
	return 0;
}

static struct netlink_range_validation ifindex_range = { .min = 1, .max = S32_MAX };
static struct netlink_range_validation mtu_range = { .min = 576, .max = 65535 };

static const struct nla_policy device_register_policy[MACHNET_A_DEVICE_PATH_PORT_COUNT + 1] = {
	[MACHNET_A_DEVICE_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[MACHNET_A_DEVICE_MAC] = NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[MACHNET_A_DEVICE_MTU] = NLA_POLICY_FULL_RANGE(NLA_U32, &mtu_range),
	[MACHNET_A_DEVICE_ENGINES] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_ENGINES_MAX),
	[MACHNET_A_DEVICE_RSS_CLASS] = NLA_POLICY_MAX(NLA_U32, MACHNET_RSS_CLASS_MAX),
	[MACHNET_A_DEVICE_DRIVER] = { .type = NLA_STRING, .len = MACHNET_DRIVER_LEN },
	[MACHNET_A_DEVICE_PATH_PORT_FIRST] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_DEVICE_PATH_PORT_COUNT] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_PORTS_MAX),
};

static const struct nla_policy device_key_policy[MACHNET_A_DEVICE_IFINDEX + 1] = {
	[MACHNET_A_DEVICE_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
};

static const struct nla_policy port_lend_policy[MACHNET_A_PORT_SOCKETS + 1] = {
	[MACHNET_A_PORT_SOCKET] = { .type = NLA_U32 },
	[MACHNET_A_PORT_SOCKETS] = { .type = NLA_BINARY, .len = 4096 },
};

static_assert(MACHNET_PORTS_MAX * sizeof(u32) == 4096);

static const struct nla_policy port_release_policy[MACHNET_A_PORT_NUMBERS + 1] = {
	[MACHNET_A_PORT_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PORT_NUMBER] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PORT_NUMBERS] = { .type = NLA_BINARY, .len = 2048 },
};

static_assert(MACHNET_PORTS_MAX * sizeof(u16) == 2048);

/* The key for one, the rest for a dump. */
static const struct nla_policy port_get_policy[MACHNET_A_PORT_OWNER_PID + 1] = {
	[MACHNET_A_PORT_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PORT_NUMBER] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PORT_OWNER_UID] = { .type = NLA_U32 },
	[MACHNET_A_PORT_OWNER_PID] = { .type = NLA_U32 },
};

static const struct nla_policy port_claim_policy[MACHNET_A_PORT_OWNER_PID + 1] = {
	[MACHNET_A_PORT_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PORT_NUMBER] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PORT_COOKIE] = { .type = NLA_U64 },
	[MACHNET_A_PORT_OWNER_PID] = { .type = NLA_U32 },
};

static const struct nla_policy connection_add_policy[MACHNET_A_CONNECTION_PATH + 1] = {
	[MACHNET_A_CONNECTION_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_CONNECTION_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[MACHNET_A_CONNECTION_LOCAL_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_CONNECTION_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_CONNECTION_REMOTE_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_CONNECTION_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_CONNECTION_REMOTE_ID] = { .type = NLA_U64 },
	[MACHNET_A_CONNECTION_STATE] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_CONNECTION_STATE_MAX),
	[MACHNET_A_CONNECTION_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_CONNECTION_REMOTE_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_CONNECTION_OWNER_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[MACHNET_A_CONNECTION_PATH] = { .type = NLA_U64 },
};

static const struct nla_policy connection_set_policy[MACHNET_A_CONNECTION_PATH + 1] = {
	[MACHNET_A_CONNECTION_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_CONNECTION_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_CONNECTION_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_CONNECTION_REMOTE_ID] = { .type = NLA_U64 },
	[MACHNET_A_CONNECTION_STATE] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_CONNECTION_STATE_MAX),
	[MACHNET_A_CONNECTION_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_CONNECTION_REMOTE_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_CONNECTION_PATH] = { .type = NLA_U64 },
};

static const struct nla_policy connection_del_policy[MACHNET_A_CONNECTION_REASON + 1] = {
	[MACHNET_A_CONNECTION_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_CONNECTION_REASON] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_REASON_MAX),
};

static const struct nla_policy connection_key_policy[MACHNET_A_CONNECTION_ID + 1] = {
	[MACHNET_A_CONNECTION_ID] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* The id for one, the rest for a dump. */
static const struct nla_policy connection_get_policy[MACHNET_A_CONNECTION_PATH + 1] = {
	[MACHNET_A_CONNECTION_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_CONNECTION_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[MACHNET_A_CONNECTION_LOCAL_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_CONNECTION_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_CONNECTION_REMOTE_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_CONNECTION_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_CONNECTION_STATE] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_CONNECTION_STATE_MAX),
	[MACHNET_A_CONNECTION_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_CONNECTION_OWNER_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[MACHNET_A_CONNECTION_OWNER_UID] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_PATH] = { .type = NLA_U64 },
};

static const struct nla_policy connection_add_batch_policy[MACHNET_A_CONNECTION_ENTRY + 1] = {
	[MACHNET_A_CONNECTION_ENTRY] = NLA_POLICY_NESTED(connection_add_policy),
};

static const struct nla_policy connection_del_batch_policy[MACHNET_A_CONNECTION_END + 1] = {
	[MACHNET_A_CONNECTION_END] = NLA_POLICY_NESTED(connection_del_policy),
};

static const struct nla_policy path_add_policy[MACHNET_A_PATH_STATE + 1] = {
	[MACHNET_A_PATH_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_PATH_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[MACHNET_A_PATH_LOCAL_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PATH_REMOTE_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PATH_TX_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_TX_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_RX_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_RX_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_PATH_REMOTE_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_PATH_MAC] = NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[MACHNET_A_PATH_MTU] = NLA_POLICY_FULL_RANGE(NLA_U32, &mtu_range),
	[MACHNET_A_PATH_STATE] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_PATH_STATE_MAX),
};

static const struct nla_policy path_set_policy[MACHNET_A_PATH_STATE + 1] = {
	[MACHNET_A_PATH_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_PATH_TX_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_TX_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_RX_LOCAL_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_RX_REMOTE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[MACHNET_A_PATH_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_PATH_REMOTE_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_PATH_MAC] = NLA_POLICY_EXACT_LEN(ETH_ALEN),
	[MACHNET_A_PATH_MTU] = NLA_POLICY_FULL_RANGE(NLA_U32, &mtu_range),
	[MACHNET_A_PATH_STATE] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_PATH_STATE_MAX),
};

static const struct nla_policy path_del_policy[MACHNET_A_PATH_REASON + 1] = {
	[MACHNET_A_PATH_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_PATH_REASON] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_REASON_MAX),
};

/* The id for one, the rest for a dump. */
static const struct nla_policy path_get_policy[MACHNET_A_PATH_STATE + 1] = {
	[MACHNET_A_PATH_ID] = NLA_POLICY_MIN(NLA_U64, 1),
	[MACHNET_A_PATH_IFINDEX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
	[MACHNET_A_PATH_LOCAL_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PATH_REMOTE_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_PATH_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_PATH_REMOTE_ENGINE] = NLA_POLICY_MAX(NLA_U32, MACHNET_ENGINES_MAX - 1),
	[MACHNET_A_PATH_STATE] = NLA_POLICY_RANGE(NLA_U32, 1, MACHNET_PATH_STATE_MAX),
};

static const struct nla_policy route_get_policy[MACHNET_A_ROUTE_VRF + 1] = {
	[MACHNET_A_ROUTE_DST] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_ROUTE_WATCH] = { .type = NLA_FLAG },
	[MACHNET_A_ROUTE_FROM] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_ROUTE_VRF] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
};

static const struct nla_policy route_key_policy[MACHNET_A_ROUTE_VRF + 1] = {
	[MACHNET_A_ROUTE_DST] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_ROUTE_FROM] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, check_addr),
	[MACHNET_A_ROUTE_VRF] = NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),
};

#define POLICY(table)	.policy = table, .maxattr = ARRAY_SIZE(table) - 1

static const struct genl_ops machnet_genl_ops[] = {
	{ .cmd = MACHNET_CMD_DEVICE_REGISTER, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(device_register_policy), .doit = machnet_nl_device_register },
	{ .cmd = MACHNET_CMD_DEVICE_UNREGISTER, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(device_key_policy), .doit = machnet_nl_device_unregister },
	{ .cmd = MACHNET_CMD_DEVICE_GET,
	  POLICY(device_key_policy), .doit = machnet_nl_device_get,
	  .dumpit = machnet_nl_device_dump },
	{ .cmd = MACHNET_CMD_PORT_LEND, POLICY(port_lend_policy), .doit = machnet_nl_port_lend },
	{ .cmd = MACHNET_CMD_PORT_RELEASE,
	  POLICY(port_release_policy), .doit = machnet_nl_port_release },
	{ .cmd = MACHNET_CMD_PORT_CLAIM, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(port_claim_policy), .doit = machnet_nl_port_claim },
	{ .cmd = MACHNET_CMD_PORT_GET,
	  POLICY(port_get_policy), .doit = machnet_nl_port_get, .dumpit = machnet_nl_port_dump },
	{ .cmd = MACHNET_CMD_CONNECTION_ADD, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(connection_add_policy), .doit = machnet_nl_connection_add },
	{ .cmd = MACHNET_CMD_CONNECTION_SET, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(connection_set_policy), .doit = machnet_nl_connection_set },
	{ .cmd = MACHNET_CMD_CONNECTION_DEL, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(connection_del_policy), .doit = machnet_nl_connection_del },
	{ .cmd = MACHNET_CMD_CONNECTION_GET,
	  POLICY(connection_get_policy), .doit = machnet_nl_connection_get,
	  .dumpit = machnet_nl_connection_dump },
	{ .cmd = MACHNET_CMD_ROUTE_GET, POLICY(route_get_policy), .doit = machnet_nl_route_get },
	{ .cmd = MACHNET_CMD_ROUTE_UNWATCH, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(route_key_policy), .doit = machnet_nl_route_unwatch },
	{ .cmd = MACHNET_CMD_ROUTE_DUMP, .dumpit = machnet_nl_route_dump },
	{ .cmd = MACHNET_CMD_CONNECTION_ADD_BATCH, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(connection_add_batch_policy), .doit = machnet_nl_connection_add },
	{ .cmd = MACHNET_CMD_CONNECTION_DEL_BATCH, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(connection_del_batch_policy), .doit = machnet_nl_connection_del },
	{ .cmd = MACHNET_CMD_CONNECTION_KILL, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(connection_key_policy), .doit = machnet_nl_connection_kill },
	{ .cmd = MACHNET_CMD_ROUTE_CONFIRM, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(route_key_policy), .doit = machnet_nl_route_confirm },
	{ .cmd = MACHNET_CMD_STATS_GET, .doit = machnet_nl_stats_get },
	{ .cmd = MACHNET_CMD_PATH_ADD, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(path_add_policy), .doit = machnet_nl_path_add },
	{ .cmd = MACHNET_CMD_PATH_SET, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(path_set_policy), .doit = machnet_nl_path_set },
	{ .cmd = MACHNET_CMD_PATH_DEL, .flags = GENL_UNS_ADMIN_PERM,
	  POLICY(path_del_policy), .doit = machnet_nl_path_del },
	{ .cmd = MACHNET_CMD_PATH_GET,
	  POLICY(path_get_policy), .doit = machnet_nl_path_get, .dumpit = machnet_nl_path_dump },
};

static const struct genl_multicast_group machnet_genl_groups[] = {
	[MACHNET_GROUP_DEVICE] = { .name = MACHNET_MCGRP_DEVICE },
	[MACHNET_GROUP_PORT] = { .name = MACHNET_MCGRP_PORT },
	[MACHNET_GROUP_CONNECTION] = {
		.name = MACHNET_MCGRP_CONNECTION,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[MACHNET_GROUP_ROUTE] = { .name = MACHNET_MCGRP_ROUTE },
	[MACHNET_GROUP_DATAPATH] = {
		.name = MACHNET_MCGRP_DATAPATH,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[MACHNET_GROUP_PATH] = { .name = MACHNET_MCGRP_PATH },
};

struct genl_family machnet_genl_family __ro_after_init = {
	.name = MACHNET_GENL_NAME,
	.version = MACHNET_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = machnet_genl_ops,
	.n_ops = ARRAY_SIZE(machnet_genl_ops),
	.mcgrps = machnet_genl_groups,
	.n_mcgrps = ARRAY_SIZE(machnet_genl_groups),
};
