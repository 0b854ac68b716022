// SPDX-License-Identifier: MIT
/*
 * nltest_json.c - a notification as a line of JSON, with everything that is in it
 */
#include "nltest_json.h"

#include <arpa/inet.h>

#include <netlink/attr.h>

enum kind { UNKNOWN, U16, U32, U64, STRING, ADDR, MAC, FLAG, VARIES, PAD };

struct field {
	const char *name;
	enum kind kind;
};

static const struct field device_fields[NT_ATTRS] = {
	[MACHNET_A_DEVICE_IFINDEX] = { "ifindex", U32 },
	[MACHNET_A_DEVICE_IFNAME] = { "ifname", STRING },
	[MACHNET_A_DEVICE_MAC] = { "mac", MAC },
	[MACHNET_A_DEVICE_MTU] = { "mtu", U32 },
	[MACHNET_A_DEVICE_ENGINES] = { "engines", U32 },
	[MACHNET_A_DEVICE_RSS_CLASS] = { "rss-class", U32 },
	[MACHNET_A_DEVICE_DRIVER] = { "driver", STRING },
	[MACHNET_A_DEVICE_PID] = { "pid", VARIES },
	[MACHNET_A_DEVICE_REASON] = { "reason", U32 },
	[MACHNET_A_DEVICE_PATH_PORT_FIRST] = { "path-port-first", U16 },
	[MACHNET_A_DEVICE_PATH_PORT_COUNT] = { "path-port-count", U32 },
};

static const struct field port_fields[NT_ATTRS] = {
	[MACHNET_A_PORT_ADDR] = { "addr", ADDR },
	[MACHNET_A_PORT_NUMBER] = { "number", U16 },
	[MACHNET_A_PORT_COOKIE] = { "cookie", VARIES },
	[MACHNET_A_PORT_CLAIMED] = { "claimed", FLAG },
	[MACHNET_A_PORT_OWNER_UID] = { "owner-uid", U32 },
	[MACHNET_A_PORT_OWNER_PID] = { "owner-pid", VARIES },
	[MACHNET_A_PORT_OWNER_COMM] = { "owner-comm", STRING },
	[MACHNET_A_PORT_STRAY] = { "stray", U64 },
	[MACHNET_A_PORT_REASON] = { "reason", U32 },
	[MACHNET_A_PORT_PAD] = { "pad", PAD },
	[MACHNET_A_PORT_OWNER_CGROUP] = { "owner-cgroup", VARIES },
};

static const struct field connection_fields[NT_ATTRS] = {
	[MACHNET_A_CONNECTION_ID] = { "id", U64 },
	[MACHNET_A_CONNECTION_IFINDEX] = { "ifindex", U32 },
	[MACHNET_A_CONNECTION_LOCAL_ADDR] = { "local-addr", ADDR },
	[MACHNET_A_CONNECTION_LOCAL_PORT] = { "local-port", U16 },
	[MACHNET_A_CONNECTION_REMOTE_ADDR] = { "remote-addr", ADDR },
	[MACHNET_A_CONNECTION_REMOTE_PORT] = { "remote-port", U16 },
	[MACHNET_A_CONNECTION_REMOTE_ID] = { "remote-id", U64 },
	[MACHNET_A_CONNECTION_STATE] = { "state", U32 },
	[MACHNET_A_CONNECTION_ENGINE] = { "engine", U32 },
	[MACHNET_A_CONNECTION_REMOTE_ENGINE] = { "remote-engine", U32 },
	[MACHNET_A_CONNECTION_OWNER_PID] = { "owner-pid", VARIES },
	[MACHNET_A_CONNECTION_OWNER_UID] = { "owner-uid", U32 },
	[MACHNET_A_CONNECTION_OWNER_COMM] = { "owner-comm", STRING },
	[MACHNET_A_CONNECTION_AGE_MS] = { "age-ms", VARIES },
	[MACHNET_A_CONNECTION_REASON] = { "reason", U32 },
	[MACHNET_A_CONNECTION_PAD] = { "pad", PAD },
	[MACHNET_A_CONNECTION_OWNER_CGROUP] = { "owner-cgroup", VARIES },
	[MACHNET_A_CONNECTION_PATH] = { "path", U64 },
};

static const struct field path_fields[NT_ATTRS] = {
	[MACHNET_A_PATH_ID] = { "id", U64 },
	[MACHNET_A_PATH_IFINDEX] = { "ifindex", U32 },
	[MACHNET_A_PATH_LOCAL_ADDR] = { "local-addr", ADDR },
	[MACHNET_A_PATH_REMOTE_ADDR] = { "remote-addr", ADDR },
	[MACHNET_A_PATH_TX_LOCAL_PORT] = { "tx-local-port", U16 },
	[MACHNET_A_PATH_TX_REMOTE_PORT] = { "tx-remote-port", U16 },
	[MACHNET_A_PATH_RX_LOCAL_PORT] = { "rx-local-port", U16 },
	[MACHNET_A_PATH_RX_REMOTE_PORT] = { "rx-remote-port", U16 },
	[MACHNET_A_PATH_ENGINE] = { "engine", U32 },
	[MACHNET_A_PATH_REMOTE_ENGINE] = { "remote-engine", U32 },
	[MACHNET_A_PATH_MAC] = { "mac", MAC },
	[MACHNET_A_PATH_MTU] = { "mtu", U32 },
	[MACHNET_A_PATH_STATE] = { "state", U32 },
	[MACHNET_A_PATH_AGE_MS] = { "age-ms", VARIES },
	[MACHNET_A_PATH_REASON] = { "reason", U32 },
	[MACHNET_A_PATH_PAD] = { "pad", PAD },
};

static const struct field route_fields[NT_ATTRS] = {
	[MACHNET_A_ROUTE_DST] = { "dst", ADDR },
	[MACHNET_A_ROUTE_WATCH] = { "watch", FLAG },
	[MACHNET_A_ROUTE_STATE] = { "state", U32 },
	[MACHNET_A_ROUTE_IFINDEX] = { "ifindex", U32 },
	[MACHNET_A_ROUTE_SRC] = { "src", ADDR },
	[MACHNET_A_ROUTE_NEXTHOP] = { "nexthop", ADDR },
	[MACHNET_A_ROUTE_MAC] = { "mac", MAC },
	[MACHNET_A_ROUTE_MTU] = { "mtu", U32 },
	[MACHNET_A_ROUTE_ERROR] = { "error", U32 },
	[MACHNET_A_ROUTE_FROM] = { "from", ADDR },
	[MACHNET_A_ROUTE_VRF] = { "vrf", U32 },
};

static const struct {
	const char *name;
	const struct field *fields;
} events[MACHNET_CMD_MAX + 1] = {
	[MACHNET_CMD_DEVICE_ADD_NTF] = { "device-add-ntf", device_fields },
	[MACHNET_CMD_DEVICE_DEL_NTF] = { "device-del-ntf", device_fields },
	[MACHNET_CMD_PORT_ADD_NTF] = { "port-add-ntf", port_fields },
	[MACHNET_CMD_PORT_DEL_NTF] = { "port-del-ntf", port_fields },
	[MACHNET_CMD_CONNECTION_ADD_NTF] = { "connection-add-ntf", connection_fields },
	[MACHNET_CMD_CONNECTION_SET_NTF] = { "connection-set-ntf", connection_fields },
	[MACHNET_CMD_CONNECTION_DEL_NTF] = { "connection-del-ntf", connection_fields },
	[MACHNET_CMD_CONNECTION_KILL_NTF] = { "connection-kill-ntf", connection_fields },
	[MACHNET_CMD_PATH_ADD_NTF] = { "path-add-ntf", path_fields },
	[MACHNET_CMD_PATH_SET_NTF] = { "path-set-ntf", path_fields },
	[MACHNET_CMD_PATH_DEL_NTF] = { "path-del-ntf", path_fields },
	[MACHNET_CMD_ROUTE_NTF] = { "route-ntf", route_fields },
};

static void print_addr(const struct nlattr *attr, FILE *out)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (nla_len(attr) == 4 || nla_len(attr) == 16)
		inet_ntop(nla_len(attr) == 4 ? AF_INET : AF_INET6, nla_data(attr), text,
			  sizeof(text));
	fprintf(out, "\"%s\"", text);
}

static void print_mac(const struct nlattr *attr, FILE *out)
{
	const unsigned char *mac = nla_data(attr);
	int i;

	for (i = 0; i < nla_len(attr); i++)
		fprintf(out, "%s%02x", i ? ":" : "\"", mac[i]);
	fputc('"', out);
}

static void print_value(const struct nt *nt, int attr, enum kind kind, FILE *out)
{
	switch (kind) {
	case U16:
		fprintf(out, "%u", nt_u16(nt, attr));
		break;
	case U32:
		fprintf(out, "%u", nt_u32(nt, attr));
		break;
	case U64:
		fprintf(out, "%llu", (unsigned long long)nt_u64(nt, attr));
		break;
	case STRING:
		fprintf(out, "\"%s\"", nt_str(nt, attr));
		break;
	case ADDR:
		print_addr(nt->attrs[attr], out);
		break;
	case MAC:
		print_mac(nt->attrs[attr], out);
		break;
	case FLAG:
		fprintf(out, "true");
		break;
	case VARIES:
		fprintf(out, "\"*\"");
		break;
	case PAD:
	case UNKNOWN:
		fprintf(out, "null");
		break;
	}
}

void nt_json(struct nt *nt, int cmd, FILE *out)
{
	const struct field *fields;
	int i;

	if (cmd < 0 || cmd > MACHNET_CMD_MAX || !events[cmd].name) {
		fprintf(out, "{\"event\":%d}\n", cmd);
		return;
	}
	fields = events[cmd].fields;
	fprintf(out, "{\"event\":\"%s\"", events[cmd].name);
	for (i = 1; i < NT_ATTRS; i++) {
		if (!nt->attrs[i] || fields[i].kind == PAD)
			continue;
		if (fields[i].name)
			fprintf(out, ",\"%s\":", fields[i].name);
		else
			fprintf(out, ",\"%d\":", i);
		print_value(nt, i, fields[i].kind, out);
	}
	fprintf(out, "}\n");
}
