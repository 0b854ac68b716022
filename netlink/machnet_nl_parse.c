// SPDX-License-Identifier: MIT
/*
 * machnet_nl_parse.c - the kernel's messages, checked and read into structs
 *
 * A table per kind of object says where each attribute goes, of which type it
 * is and whether it must be there; one function walks it. Attributes that a
 * newer kernel may send and this code does not know are skipped.
 */
#include "machnet_nl_parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/genetlink.h>

enum field_kind {
	FIELD_NONE,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_ENUM,	/* u32; beyond max it reads as 0 */
	FIELD_FLAG,
	FIELD_ADDR,
	FIELD_MAC,
	FIELD_STRING,	/* max: room in the struct, with the NUL */
};

struct field {
	enum field_kind kind;
	bool required;
	uint32_t max;
	size_t offset;
};

struct object {
	const struct field *fields;
	unsigned int n_fields;	/* the largest attribute number and one */
	char *to;
	uint64_t seen;		/* bit per attribute */
};

#define FIELD(kind_, type_, member_, required_, max_) \
	{ .kind = FIELD_##kind_, .required = required_, .max = max_, \
	  .offset = offsetof(struct type_, member_) }
#define DEV(kind_, member_, required_, max_) \
	FIELD(kind_, machnet_nl_device, member_, required_, max_)
#define PORT(kind_, member_, required_, max_) \
	FIELD(kind_, machnet_nl_port, member_, required_, max_)
#define CONN(kind_, member_, required_, max_) \
	FIELD(kind_, machnet_nl_connection, member_, required_, max_)
#define PATH(kind_, member_, required_, max_) \
	FIELD(kind_, machnet_nl_path, member_, required_, max_)
#define ROUTE(kind_, member_, required_, max_) \
	FIELD(kind_, machnet_nl_route, member_, required_, max_)
#define STAT(member_) \
	FIELD(U64, machnet_nl_stats, member_, true, 0)

static const struct field device_fields[MACHNET_A_DEVICE_MAX + 1] = {
	[MACHNET_A_DEVICE_IFINDEX] = DEV(U32, ifindex, true, 0),
	[MACHNET_A_DEVICE_IFNAME] = DEV(STRING, ifname, true, IF_NAMESIZE),
	[MACHNET_A_DEVICE_MAC] = DEV(MAC, mac, true, 0),
	[MACHNET_A_DEVICE_MTU] = DEV(U32, mtu, true, 0),
	[MACHNET_A_DEVICE_ENGINES] = DEV(U32, engines, true, 0),
	[MACHNET_A_DEVICE_RSS_CLASS] = DEV(ENUM, rss_class, true, MACHNET_RSS_CLASS_MAX),
	[MACHNET_A_DEVICE_DRIVER] = DEV(STRING, driver, true, MACHNET_DRIVER_LEN + 1),
	[MACHNET_A_DEVICE_PID] = DEV(U32, pid, false, 0),
	[MACHNET_A_DEVICE_REASON] = DEV(ENUM, reason, false, MACHNET_REASON_MAX),
	[MACHNET_A_DEVICE_PATH_PORT_FIRST] = DEV(U16, path_port_first, true, 0),
	[MACHNET_A_DEVICE_PATH_PORT_COUNT] = DEV(U32, path_port_count, true, 0),
};

static const struct field port_fields[MACHNET_A_PORT_MAX + 1] = {
	[MACHNET_A_PORT_ADDR] = PORT(ADDR, addr, true, 0),
	[MACHNET_A_PORT_NUMBER] = PORT(U16, number, true, 0),
	[MACHNET_A_PORT_COOKIE] = PORT(U64, cookie, false, 0),
	[MACHNET_A_PORT_CLAIMED] = PORT(FLAG, claimed, false, 0),
	[MACHNET_A_PORT_OWNER_UID] = PORT(U32, owner_uid, true, 0),
	[MACHNET_A_PORT_OWNER_PID] = PORT(U32, owner_pid, false, 0),
	[MACHNET_A_PORT_OWNER_COMM] = PORT(STRING, owner_comm, false, MACHNET_COMM_LEN + 1),
	[MACHNET_A_PORT_STRAY] = PORT(U64, stray, true, 0),
	[MACHNET_A_PORT_REASON] = PORT(ENUM, reason, false, MACHNET_REASON_MAX),
	[MACHNET_A_PORT_OWNER_CGROUP] = PORT(U64, owner_cgroup, false, 0),
};

static const struct field connection_fields[MACHNET_A_CONNECTION_MAX + 1] = {
	[MACHNET_A_CONNECTION_ID] = CONN(U64, id, true, 0),
	[MACHNET_A_CONNECTION_IFINDEX] = CONN(U32, ifindex, true, 0),
	[MACHNET_A_CONNECTION_LOCAL_ADDR] = CONN(ADDR, local_addr, true, 0),
	[MACHNET_A_CONNECTION_LOCAL_PORT] = CONN(U16, local_port, true, 0),
	[MACHNET_A_CONNECTION_REMOTE_ADDR] = CONN(ADDR, remote_addr, true, 0),
	[MACHNET_A_CONNECTION_REMOTE_PORT] = CONN(U16, remote_port, true, 0),
	[MACHNET_A_CONNECTION_REMOTE_ID] = CONN(U64, remote_id, true, 0),
	[MACHNET_A_CONNECTION_STATE] = CONN(ENUM, state, true, MACHNET_CONNECTION_STATE_MAX),
	[MACHNET_A_CONNECTION_ENGINE] = CONN(U32, engine, true, 0),
	[MACHNET_A_CONNECTION_REMOTE_ENGINE] = CONN(U32, remote_engine, true, 0),
	[MACHNET_A_CONNECTION_OWNER_PID] = CONN(U32, owner_pid, false, 0),
	[MACHNET_A_CONNECTION_OWNER_UID] = CONN(U32, owner_uid, true, 0),
	[MACHNET_A_CONNECTION_OWNER_COMM] = CONN(STRING, owner_comm, false, MACHNET_COMM_LEN + 1),
	[MACHNET_A_CONNECTION_AGE_MS] = CONN(U64, age_ms, true, 0),
	[MACHNET_A_CONNECTION_REASON] = CONN(ENUM, reason, false, MACHNET_REASON_MAX),
	[MACHNET_A_CONNECTION_OWNER_CGROUP] = CONN(U64, owner_cgroup, false, 0),
	[MACHNET_A_CONNECTION_PATH] = CONN(U64, path, true, 0),
};

static const struct field path_fields[MACHNET_A_PATH_MAX + 1] = {
	[MACHNET_A_PATH_ID] = PATH(U64, id, true, 0),
	[MACHNET_A_PATH_IFINDEX] = PATH(U32, ifindex, true, 0),
	[MACHNET_A_PATH_LOCAL_ADDR] = PATH(ADDR, local_addr, true, 0),
	[MACHNET_A_PATH_REMOTE_ADDR] = PATH(ADDR, remote_addr, true, 0),
	[MACHNET_A_PATH_TX_LOCAL_PORT] = PATH(U16, tx_local_port, true, 0),
	[MACHNET_A_PATH_TX_REMOTE_PORT] = PATH(U16, tx_remote_port, true, 0),
	[MACHNET_A_PATH_RX_LOCAL_PORT] = PATH(U16, rx_local_port, true, 0),
	[MACHNET_A_PATH_RX_REMOTE_PORT] = PATH(U16, rx_remote_port, true, 0),
	[MACHNET_A_PATH_ENGINE] = PATH(U32, engine, true, 0),
	[MACHNET_A_PATH_REMOTE_ENGINE] = PATH(U32, remote_engine, true, 0),
	[MACHNET_A_PATH_MAC] = PATH(MAC, mac, false, 0),
	[MACHNET_A_PATH_MTU] = PATH(U32, mtu, true, 0),
	[MACHNET_A_PATH_STATE] = PATH(ENUM, state, true, MACHNET_PATH_STATE_MAX),
	[MACHNET_A_PATH_AGE_MS] = PATH(U64, age_ms, true, 0),
	[MACHNET_A_PATH_REASON] = PATH(ENUM, reason, false, MACHNET_REASON_MAX),
};

/* The request to end one. */
static const struct field kill_fields[MACHNET_A_CONNECTION_ID + 1] = {
	[MACHNET_A_CONNECTION_ID] = CONN(U64, id, true, 0),
};

static const struct field route_fields[MACHNET_A_ROUTE_MAX + 1] = {
	[MACHNET_A_ROUTE_DST] = ROUTE(ADDR, dst, true, 0),
	[MACHNET_A_ROUTE_STATE] = ROUTE(ENUM, state, true, MACHNET_ROUTE_STATE_MAX),
	[MACHNET_A_ROUTE_IFINDEX] = ROUTE(U32, ifindex, false, 0),
	[MACHNET_A_ROUTE_SRC] = ROUTE(ADDR, src, false, 0),
	[MACHNET_A_ROUTE_NEXTHOP] = ROUTE(ADDR, nexthop, false, 0),
	[MACHNET_A_ROUTE_MAC] = ROUTE(MAC, mac, false, 0),
	[MACHNET_A_ROUTE_MTU] = ROUTE(U32, mtu, false, 0),
	[MACHNET_A_ROUTE_ERROR] = ROUTE(U32, error, false, 0),
	[MACHNET_A_ROUTE_FROM] = ROUTE(ADDR, from, false, 0),
	[MACHNET_A_ROUTE_VRF] = ROUTE(U32, vrf, false, 0),
};

static const struct field stats_fields[MACHNET_A_STATS_MAX + 1] = {
	[MACHNET_A_STATS_DEVICES] = STAT(devices),
	[MACHNET_A_STATS_PORTS] = STAT(ports),
	[MACHNET_A_STATS_CONNECTIONS] = STAT(connections),
	[MACHNET_A_STATS_ROUTES] = STAT(routes),
	[MACHNET_A_STATS_PORTS_RESERVED] = STAT(ports_reserved),
	[MACHNET_A_STATS_PORTS_REFUSED] = STAT(ports_refused),
	[MACHNET_A_STATS_PORTS_CLAIMED] = STAT(ports_claimed),
	[MACHNET_A_STATS_CLAIMS_REFUSED] = STAT(claims_refused),
	[MACHNET_A_STATS_STRAY_PACKETS] = STAT(stray_packets),
	[MACHNET_A_STATS_CONNECTIONS_ADDED] = STAT(connections_added),
	[MACHNET_A_STATS_CONNECTIONS_ENDED] = STAT(connections_ended),
	[MACHNET_A_STATS_CONNECTIONS_KILLED] = STAT(connections_killed),
	[MACHNET_A_STATS_ROUTE_CHANGES] = STAT(route_changes),
	[MACHNET_A_STATS_CONFIRMATIONS] = STAT(confirmations),
	[MACHNET_A_STATS_EVENTS_LOST] = STAT(events_lost),
	[MACHNET_A_STATS_PATHS] = STAT(paths),
	[MACHNET_A_STATS_PATHS_ADDED] = STAT(paths_added),
	[MACHNET_A_STATS_PATHS_ENDED] = STAT(paths_ended),
};

static int take_number(const struct nlattr *attr, const struct field *f, char *to)
{
	uint16_t len = mnl_attr_get_payload_len(attr);
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (f->kind) {
	case FIELD_U16:
		if (len != sizeof(u16))
			return -EBADMSG;
		u16 = mnl_attr_get_u16(attr);
		memcpy(to, &u16, sizeof(u16));
		return 0;
	case FIELD_U64:
		if (len != sizeof(u64))
			return -EBADMSG;
		u64 = mnl_attr_get_u64(attr);
		memcpy(to, &u64, sizeof(u64));
		return 0;
	default:
		if (len != sizeof(u32))
			return -EBADMSG;
		u32 = mnl_attr_get_u32(attr);
		if (f->kind == FIELD_ENUM && u32 > f->max)
			u32 = 0;
		memcpy(to, &u32, sizeof(u32));
		return 0;
	}
}

static int take_string(const struct nlattr *attr, size_t room, char *to)
{
	uint16_t len = mnl_attr_get_payload_len(attr);
	size_t n = strnlen(mnl_attr_get_payload(attr), len);

	if (n >= room)
		return -EBADMSG;
	memcpy(to, mnl_attr_get_payload(attr), n);
	to[n] = '\0';
	return 0;
}

static int take_field(const struct nlattr *attr, const struct field *f, char *to)
{
	const void *payload = mnl_attr_get_payload(attr);
	uint16_t len = mnl_attr_get_payload_len(attr);

	switch (f->kind) {
	case FIELD_FLAG:
		*(bool *)to = true;
		return 0;
	case FIELD_ADDR:
		return mn_addr_from_bytes((struct mn_addr *)to, payload, len) ? -EBADMSG : 0;
	case FIELD_MAC:
		if (len != MACHNET_NL_MAC_LEN)
			return -EBADMSG;
		memcpy(to, payload, len);
		return 0;
	case FIELD_STRING:
		return take_string(attr, f->max, to);
	default:
		return take_number(attr, f, to);
	}
}

static int take_attr(const struct nlattr *attr, void *data)
{
	uint16_t type = mnl_attr_get_type(attr);
	struct object *obj = data;
	const struct field *f;

	if (type >= obj->n_fields || obj->fields[type].kind == FIELD_NONE)
		return MNL_CB_OK;
	f = &obj->fields[type];
	if (take_field(attr, f, obj->to + f->offset) < 0)
		return MNL_CB_ERROR;
	obj->seen |= UINT64_C(1) << type;
	return MNL_CB_OK;
}

static int for_each_attr(const struct nlmsghdr *nlh, mnl_attr_cb_t cb, void *data)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (len < sizeof(struct genlmsghdr))
		return -EBADMSG;
	/* Not mnl_attr_parse(), which rounds the length of the message up. */
	if (mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr)),
				   len - sizeof(struct genlmsghdr), cb, data) != MNL_CB_OK)
		return -EBADMSG;
	return 0;
}

static int parse(const struct nlmsghdr *nlh, struct object *obj)
{
	unsigned int i;

	if (for_each_attr(nlh, take_attr, obj))
		return -EBADMSG;
	for (i = 0; i < obj->n_fields; i++) {
		if (obj->fields[i].required && !(obj->seen & UINT64_C(1) << i))
			return -EBADMSG;
	}
	return 0;
}

#define OBJECT(fields_, to_) \
	{ .fields = fields_, .n_fields = sizeof(fields_) / sizeof(fields_[0]), .to = (char *)(to_) }

int machnet_nl_parse_device(const struct nlmsghdr *nlh, struct machnet_nl_device *dev)
{
	struct object obj = OBJECT(device_fields, dev);
	int ret;

	memset(dev, 0, sizeof(*dev));
	ret = parse(nlh, &obj);
	if (ret < 0)
		return ret;
	if (!dev->ifindex || !dev->engines || dev->engines > MACHNET_ENGINES_MAX)
		return -EBADMSG;
	return 0;
}

int machnet_nl_parse_port(const struct nlmsghdr *nlh, struct machnet_nl_port *port)
{
	struct object obj = OBJECT(port_fields, port);
	int ret;

	memset(port, 0, sizeof(*port));
	ret = parse(nlh, &obj);
	if (ret < 0)
		return ret;
	return port->number ? 0 : -EBADMSG;
}

int machnet_nl_parse_connection(const struct nlmsghdr *nlh, struct machnet_nl_connection *conn)
{
	struct object obj = OBJECT(connection_fields, conn);
	int ret;

	memset(conn, 0, sizeof(*conn));
	ret = parse(nlh, &obj);
	if (ret < 0)
		return ret;
	if (!conn->id || !conn->local_port || !conn->remote_port)
		return -EBADMSG;
	return mn_addr_is_v4(&conn->local_addr) == mn_addr_is_v4(&conn->remote_addr) ? 0 : -EBADMSG;
}

int machnet_nl_parse_path(const struct nlmsghdr *nlh, struct machnet_nl_path *path)
{
	struct object obj = OBJECT(path_fields, path);
	int ret;

	memset(path, 0, sizeof(*path));
	ret = parse(nlh, &obj);
	if (ret < 0)
		return ret;
	if (!path->id || !path->ifindex)
		return -EBADMSG;
	return mn_addr_is_v4(&path->local_addr) == mn_addr_is_v4(&path->remote_addr) ? 0 : -EBADMSG;
}

/* A route without an address of its own has the any address of dst's family. */
static void default_addr(struct machnet_nl_route *route, const struct object *obj, int attr,
			 struct mn_addr *addr)
{
	if (!(obj->seen & UINT64_C(1) << attr) && mn_addr_is_v4(&route->dst))
		*addr = mn_addr_from_v4(0);
}

int machnet_nl_parse_route(const struct nlmsghdr *nlh, struct machnet_nl_route *route)
{
	struct object obj = OBJECT(route_fields, route);
	int ret;

	memset(route, 0, sizeof(*route));
	ret = parse(nlh, &obj);
	if (ret < 0)
		return ret;
	default_addr(route, &obj, MACHNET_A_ROUTE_SRC, &route->src);
	default_addr(route, &obj, MACHNET_A_ROUTE_NEXTHOP, &route->nexthop);
	default_addr(route, &obj, MACHNET_A_ROUTE_FROM, &route->from);
	if (mn_addr_is_v4(&route->from) != mn_addr_is_v4(&route->dst))
		return -EBADMSG;
	route->has_mac = obj.seen & UINT64_C(1) << MACHNET_A_ROUTE_MAC;
	if (route->state == MACHNET_ROUTE_STATE_REACHABLE && !route->has_mac)
		return -EBADMSG;
	if (route->state == MACHNET_ROUTE_STATE_UNREACHABLE && !route->error)
		return -EBADMSG;
	return 0;
}

int machnet_nl_parse_stats(const struct nlmsghdr *nlh, struct machnet_nl_stats *stats)
{
	struct object obj = OBJECT(stats_fields, stats);

	memset(stats, 0, sizeof(*stats));
	return parse(nlh, &obj);
}

static int parse_kill(const struct nlmsghdr *nlh, struct machnet_nl_connection *conn)
{
	struct object obj = OBJECT(kill_fields, conn);
	int ret;

	memset(conn, 0, sizeof(*conn));
	ret = parse(nlh, &obj);
	if (ret < 0)
		return ret;
	return conn->id ? 0 : -EBADMSG;
}

int machnet_nl_parse_event(const struct nlmsghdr *nlh, struct machnet_nl_event *event)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return -EBADMSG;
	event->cmd = genl->cmd;
	switch (genl->cmd) {
	case MACHNET_CMD_DEVICE_ADD_NTF:
	case MACHNET_CMD_DEVICE_DEL_NTF:
		return machnet_nl_parse_device(nlh, &event->device);
	case MACHNET_CMD_PORT_ADD_NTF:
	case MACHNET_CMD_PORT_DEL_NTF:
		return machnet_nl_parse_port(nlh, &event->port);
	case MACHNET_CMD_CONNECTION_ADD_NTF:
	case MACHNET_CMD_CONNECTION_SET_NTF:
	case MACHNET_CMD_CONNECTION_DEL_NTF:
		return machnet_nl_parse_connection(nlh, &event->connection);
	case MACHNET_CMD_CONNECTION_KILL_NTF:
		return parse_kill(nlh, &event->connection);
	case MACHNET_CMD_PATH_ADD_NTF:
	case MACHNET_CMD_PATH_SET_NTF:
	case MACHNET_CMD_PATH_DEL_NTF:
		return machnet_nl_parse_path(nlh, &event->path);
	case MACHNET_CMD_ROUTE_NTF:
		return machnet_nl_parse_route(nlh, &event->route);
	default:
		return -ENOMSG;
	}
}
