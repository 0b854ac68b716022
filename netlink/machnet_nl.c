// SPDX-License-Identifier: MIT
/*
 * machnet_nl.c - the operations of the "machnet" family as typed calls
 */
#include "machnet_nl.h"

#include <errno.h>
#include <string.h>

#include "machnet_nl_parse.h"
#include "machnet_nl_req.h"

int machnet_nl_open(struct nlclient *nl)
{
	return nlclient_open(nl, MACHNET_GENL_NAME);
}

/* A connection of a batch at its longest: a nest of 3 u64, 5 u32, 2 u16 and 2 addresses. */
#define ENTRY_LEN	(4 + 3 * 12 + 5 * 8 + 2 * 8 + 2 * 20)

_Static_assert(NLMSG_HDRLEN + 4 + MACHNET_BATCH_MAX * ENTRY_LEN <= NLCLIENT_REQ_LEN,
	       "the longest request, a batch of connections, has room");

void machnet_nl_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct mn_addr *addr)
{
	if (mn_addr_is_v4(addr))
		mnl_attr_put(nlh, type, 4, addr->b + 12);
	else
		mnl_attr_put(nlh, type, sizeof(addr->b), addr->b);
}

/* Cuts a string to what the kernel takes. */
static void put_string(struct nlmsghdr *nlh, uint16_t type, const char *text, size_t max)
{
	mnl_attr_put(nlh, type, strnlen(text, max), text);
}

static int parse_device(const struct nlmsghdr *nlh, void *out)
{
	return machnet_nl_parse_device(nlh, out);
}

static int parse_port(const struct nlmsghdr *nlh, void *out)
{
	return machnet_nl_parse_port(nlh, out);
}

static int parse_connection(const struct nlmsghdr *nlh, void *out)
{
	return machnet_nl_parse_connection(nlh, out);
}

static int parse_route(const struct nlmsghdr *nlh, void *out)
{
	return machnet_nl_parse_route(nlh, out);
}

struct answer {
	nlclient_cb parse;
	void *out;
	bool came;
};

static int take_answer(const struct nlmsghdr *nlh, void *data)
{
	struct answer *answer = data;

	answer->came = true;
	return answer->parse(nlh, answer->out);
}

int machnet_nl_ask(struct nlclient *nl, struct nlmsghdr *nlh, nlclient_cb parse, void *out)
{
	struct answer answer = { .parse = parse, .out = out };
	int ret = nlclient_request(nl, nlh, take_answer, &answer);

	if (ret)
		return ret;
	return answer.came ? 0 : -EBADMSG;
}

int machnet_nl_tell(struct nlclient *nl, struct nlmsghdr *nlh)
{
	return nlclient_request(nl, nlh, NULL, NULL);
}

int machnet_nl_device_register(struct nlclient *nl, const struct machnet_nl_device *dev,
			       struct machnet_nl_device *out)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_DEVICE_REGISTER);

	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_IFINDEX, dev->ifindex);
	mnl_attr_put(nlh, MACHNET_A_DEVICE_MAC, sizeof(dev->mac), dev->mac);
	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_MTU, dev->mtu);
	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_ENGINES, dev->engines);
	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_RSS_CLASS, dev->rss_class);
	put_string(nlh, MACHNET_A_DEVICE_DRIVER, dev->driver, MACHNET_DRIVER_LEN);
	mnl_attr_put_u16(nlh, MACHNET_A_DEVICE_PATH_PORT_FIRST, dev->path_port_first);
	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_PATH_PORT_COUNT, dev->path_port_count);
	return out ? machnet_nl_ask(nl, nlh, parse_device, out) : machnet_nl_tell(nl, nlh);
}

int machnet_nl_device_unregister(struct nlclient *nl, uint32_t ifindex)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_DEVICE_UNREGISTER);

	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_IFINDEX, ifindex);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_device_get(struct nlclient *nl, uint32_t ifindex, struct machnet_nl_device *out)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_DEVICE_GET);

	mnl_attr_put_u32(nlh, MACHNET_A_DEVICE_IFINDEX, ifindex);
	return machnet_nl_ask(nl, nlh, parse_device, out);
}

static struct nlmsghdr *begin_port(struct nlclient *nl, uint8_t cmd, const struct mn_addr *addr,
				   uint16_t number)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, cmd);

	machnet_nl_put_addr(nlh, MACHNET_A_PORT_ADDR, addr);
	mnl_attr_put_u16(nlh, MACHNET_A_PORT_NUMBER, number);
	return nlh;
}

int machnet_nl_port_lend(struct nlclient *nl, int fd, struct machnet_nl_port *out)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PORT_LEND);

	mnl_attr_put_u32(nlh, MACHNET_A_PORT_SOCKET, fd);
	return machnet_nl_ask(nl, nlh, parse_port, out);
}

int machnet_nl_port_release(struct nlclient *nl, const struct mn_addr *addr, uint16_t number)
{
	struct nlmsghdr *nlh = begin_port(nl, MACHNET_CMD_PORT_RELEASE, addr, number);

	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_ports_lend(struct nlclient *nl, const int *fds, unsigned int count)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PORT_LEND);

	if (!count || count > MACHNET_PORTS_MAX)
		return -EINVAL;
	mnl_attr_put(nlh, MACHNET_A_PORT_SOCKETS, count * sizeof(*fds), fds);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_ports_release(struct nlclient *nl, const struct mn_addr *addr,
			     const uint16_t *numbers, unsigned int count)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PORT_RELEASE);

	if (!count || count > MACHNET_PORTS_MAX)
		return -EINVAL;
	machnet_nl_put_addr(nlh, MACHNET_A_PORT_ADDR, addr);
	mnl_attr_put(nlh, MACHNET_A_PORT_NUMBERS, count * sizeof(*numbers), numbers);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_port_claim(struct nlclient *nl, const struct mn_addr *addr, uint16_t number,
			     uint64_t cookie, uint32_t owner_pid)
{
	struct nlmsghdr *nlh = begin_port(nl, MACHNET_CMD_PORT_CLAIM, addr, number);

	mnl_attr_put_u64(nlh, MACHNET_A_PORT_COOKIE, cookie);
	if (owner_pid)
		mnl_attr_put_u32(nlh, MACHNET_A_PORT_OWNER_PID, owner_pid);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_port_get(struct nlclient *nl, const struct mn_addr *addr, uint16_t number,
			struct machnet_nl_port *out)
{
	struct nlmsghdr *nlh = begin_port(nl, MACHNET_CMD_PORT_GET, addr, number);

	return machnet_nl_ask(nl, nlh, parse_port, out);
}

/* The parts of a connection that what (MACHNET_NL_SET_*) names. */
static void put_connection(struct nlmsghdr *nlh, const struct machnet_nl_connection *conn,
			   unsigned int what)
{
	if (what & MACHNET_NL_SET_STATE)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_STATE, conn->state);
	if (what & MACHNET_NL_SET_ENGINE)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_ENGINE, conn->engine);
	if (what & MACHNET_NL_SET_REMOTE_ENGINE)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_REMOTE_ENGINE, conn->remote_engine);
	if (what & MACHNET_NL_SET_REMOTE_ID)
		mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_REMOTE_ID, conn->remote_id);
	if (what & MACHNET_NL_SET_LOCAL_PORT)
		mnl_attr_put_u16(nlh, MACHNET_A_CONNECTION_LOCAL_PORT, conn->local_port);
	if (what & MACHNET_NL_SET_REMOTE_PORT)
		mnl_attr_put_u16(nlh, MACHNET_A_CONNECTION_REMOTE_PORT, conn->remote_port);
	if (what & MACHNET_NL_SET_PATH)
		mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_PATH, conn->path);
}

static void put_new_connection(struct nlmsghdr *nlh, const struct machnet_nl_connection *conn)
{
	mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_ID, conn->id);
	mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_IFINDEX, conn->ifindex);
	machnet_nl_put_addr(nlh, MACHNET_A_CONNECTION_LOCAL_ADDR, &conn->local_addr);
	machnet_nl_put_addr(nlh, MACHNET_A_CONNECTION_REMOTE_ADDR, &conn->remote_addr);
	put_connection(nlh, conn, ~0u);
	if (conn->owner_pid)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_OWNER_PID, conn->owner_pid);
}

int machnet_nl_connection_add(struct nlclient *nl, const struct machnet_nl_connection *conn)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_ADD);

	put_new_connection(nlh, conn);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_connection_add_batch(struct nlclient *nl, const struct machnet_nl_connection *conns,
				    unsigned int n)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_ADD_BATCH);
	struct nlattr *nest;
	unsigned int i;

	if (!n || n > MACHNET_BATCH_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		nest = mnl_attr_nest_start(nlh, MACHNET_A_CONNECTION_ENTRY);
		put_new_connection(nlh, &conns[i]);
		mnl_attr_nest_end(nlh, nest);
	}
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_connection_set(struct nlclient *nl, const struct machnet_nl_connection *conn,
			      unsigned int what)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_SET);

	mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_ID, conn->id);
	put_connection(nlh, conn, what);
	return machnet_nl_tell(nl, nlh);
}

static void put_end(struct nlmsghdr *nlh, uint64_t id, uint32_t reason)
{
	mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_ID, id);
	mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_REASON, reason);
}

int machnet_nl_connection_del(struct nlclient *nl, uint64_t id, uint32_t reason)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_DEL);

	put_end(nlh, id, reason);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_connection_del_batch(struct nlclient *nl, const struct machnet_nl_end *ends,
				    unsigned int n)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_DEL_BATCH);
	struct nlattr *nest;
	unsigned int i;

	if (!n || n > MACHNET_BATCH_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		nest = mnl_attr_nest_start(nlh, MACHNET_A_CONNECTION_END);
		put_end(nlh, ends[i].id, ends[i].reason);
		mnl_attr_nest_end(nlh, nest);
	}
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_connection_kill(struct nlclient *nl, uint64_t id)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_KILL);

	mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_ID, id);
	return machnet_nl_tell(nl, nlh);
}

int machnet_nl_connection_get(struct nlclient *nl, uint64_t id, struct machnet_nl_connection *out)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_GET);

	mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_ID, id);
	return machnet_nl_ask(nl, nlh, parse_connection, out);
}

static struct nlmsghdr *begin_route(struct nlclient *nl, uint8_t cmd,
				    const struct machnet_nl_route_key *key)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, cmd);

	machnet_nl_put_addr(nlh, MACHNET_A_ROUTE_DST, &key->dst);
	if (!mn_addr_is_any(&key->from))
		machnet_nl_put_addr(nlh, MACHNET_A_ROUTE_FROM, &key->from);
	if (key->vrf)
		mnl_attr_put_u32(nlh, MACHNET_A_ROUTE_VRF, key->vrf);
	return nlh;
}

int machnet_nl_route_get(struct nlclient *nl, const struct machnet_nl_route_key *key, bool watch,
			  struct machnet_nl_route *out)
{
	struct nlmsghdr *nlh = begin_route(nl, MACHNET_CMD_ROUTE_GET, key);

	if (watch)
		mnl_attr_put(nlh, MACHNET_A_ROUTE_WATCH, 0, NULL);
	return machnet_nl_ask(nl, nlh, parse_route, out);
}

int machnet_nl_route_unwatch(struct nlclient *nl, const struct machnet_nl_route_key *key)
{
	return machnet_nl_tell(nl, begin_route(nl, MACHNET_CMD_ROUTE_UNWATCH, key));
}

int machnet_nl_route_confirm(struct nlclient *nl, const struct machnet_nl_route_key *key)
{
	return machnet_nl_tell(nl, begin_route(nl, MACHNET_CMD_ROUTE_CONFIRM, key));
}

static int parse_stats(const struct nlmsghdr *nlh, void *out)
{
	return machnet_nl_parse_stats(nlh, out);
}

int machnet_nl_stats_get(struct nlclient *nl, struct machnet_nl_stats *out)
{
	return machnet_nl_ask(nl, nlclient_begin(nl, MACHNET_CMD_STATS_GET), parse_stats, out);
}

struct device_dump {
	int (*cb)(const struct machnet_nl_device *dev, void *data);
	void *data;
};

static int dump_device(const struct nlmsghdr *nlh, void *data)
{
	const struct device_dump *d = data;
	struct machnet_nl_device dev;
	int ret = machnet_nl_parse_device(nlh, &dev);

	return ret ? ret : d->cb(&dev, d->data);
}

int machnet_nl_device_dump(struct nlclient *nl,
			   int (*cb)(const struct machnet_nl_device *dev, void *data), void *data)
{
	struct device_dump d = { .cb = cb, .data = data };

	return nlclient_dump(nl, nlclient_begin(nl, MACHNET_CMD_DEVICE_GET), dump_device, &d);
}

struct port_dump {
	int (*cb)(const struct machnet_nl_port *port, void *data);
	void *data;
};

static int dump_port(const struct nlmsghdr *nlh, void *data)
{
	const struct port_dump *d = data;
	struct machnet_nl_port port;
	int ret = machnet_nl_parse_port(nlh, &port);

	return ret ? ret : d->cb(&port, d->data);
}

int machnet_nl_port_dump(struct nlclient *nl, const struct machnet_nl_port *like, uint32_t what,
			 int (*cb)(const struct machnet_nl_port *port, void *data), void *data)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_PORT_GET);
	struct port_dump d = { .cb = cb, .data = data };

	if (what & 1u << MACHNET_A_PORT_ADDR)
		machnet_nl_put_addr(nlh, MACHNET_A_PORT_ADDR, &like->addr);
	if (what & 1u << MACHNET_A_PORT_NUMBER)
		mnl_attr_put_u16(nlh, MACHNET_A_PORT_NUMBER, like->number);
	if (what & 1u << MACHNET_A_PORT_OWNER_UID)
		mnl_attr_put_u32(nlh, MACHNET_A_PORT_OWNER_UID, like->owner_uid);
	if (what & 1u << MACHNET_A_PORT_OWNER_PID)
		mnl_attr_put_u32(nlh, MACHNET_A_PORT_OWNER_PID, like->owner_pid);
	return nlclient_dump(nl, nlh, dump_port, &d);
}

struct connection_dump {
	int (*cb)(const struct machnet_nl_connection *conn, void *data);
	void *data;
};

static int dump_connection(const struct nlmsghdr *nlh, void *data)
{
	const struct connection_dump *d = data;
	struct machnet_nl_connection conn;
	int ret = machnet_nl_parse_connection(nlh, &conn);

	return ret ? ret : d->cb(&conn, d->data);
}

static void put_connection_filter(struct nlmsghdr *nlh, const struct machnet_nl_connection *like,
				  uint32_t what)
{
	if (what & 1u << MACHNET_A_CONNECTION_IFINDEX)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_IFINDEX, like->ifindex);
	if (what & 1u << MACHNET_A_CONNECTION_LOCAL_ADDR)
		machnet_nl_put_addr(nlh, MACHNET_A_CONNECTION_LOCAL_ADDR, &like->local_addr);
	if (what & 1u << MACHNET_A_CONNECTION_REMOTE_ADDR)
		machnet_nl_put_addr(nlh, MACHNET_A_CONNECTION_REMOTE_ADDR, &like->remote_addr);
	if (what & 1u << MACHNET_A_CONNECTION_LOCAL_PORT)
		mnl_attr_put_u16(nlh, MACHNET_A_CONNECTION_LOCAL_PORT, like->local_port);
	if (what & 1u << MACHNET_A_CONNECTION_REMOTE_PORT)
		mnl_attr_put_u16(nlh, MACHNET_A_CONNECTION_REMOTE_PORT, like->remote_port);
	if (what & 1u << MACHNET_A_CONNECTION_STATE)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_STATE, like->state);
	if (what & 1u << MACHNET_A_CONNECTION_ENGINE)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_ENGINE, like->engine);
	if (what & 1u << MACHNET_A_CONNECTION_OWNER_UID)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_OWNER_UID, like->owner_uid);
	if (what & 1u << MACHNET_A_CONNECTION_OWNER_PID)
		mnl_attr_put_u32(nlh, MACHNET_A_CONNECTION_OWNER_PID, like->owner_pid);
	if (what & 1u << MACHNET_A_CONNECTION_PATH)
		mnl_attr_put_u64(nlh, MACHNET_A_CONNECTION_PATH, like->path);
}

int machnet_nl_connection_dump(struct nlclient *nl, const struct machnet_nl_connection *like,
			       uint32_t what,
			       int (*cb)(const struct machnet_nl_connection *conn, void *data),
			       void *data)
{
	struct nlmsghdr *nlh = nlclient_begin(nl, MACHNET_CMD_CONNECTION_GET);
	struct connection_dump d = { .cb = cb, .data = data };

	put_connection_filter(nlh, like, what);
	return nlclient_dump(nl, nlh, dump_connection, &d);
}

struct route_dump {
	int (*cb)(const struct machnet_nl_route *route, void *data);
	void *data;
};

static int dump_route(const struct nlmsghdr *nlh, void *data)
{
	const struct route_dump *d = data;
	struct machnet_nl_route route;
	int ret = machnet_nl_parse_route(nlh, &route);

	return ret ? ret : d->cb(&route, d->data);
}

int machnet_nl_route_dump(struct nlclient *nl,
			  int (*cb)(const struct machnet_nl_route *route, void *data), void *data)
{
	struct route_dump d = { .cb = cb, .data = data };

	return nlclient_dump(nl, nlclient_begin(nl, MACHNET_CMD_ROUTE_DUMP), dump_route, &d);
}
