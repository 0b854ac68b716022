// SPDX-License-Identifier: MIT
/*
 * control_local.c - the control plane in the daemon itself, where no module can be loaded
 *
 * Refuses what machnet.ko refuses, with the same errno and sentence. Nobody else
 * looks at the devices and connections: they are kept only to do that.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/udp_port.h"
#include "daemon/control.h"
#include "daemon/local_check.h"
#include "daemon/local_path.h"
#include "daemon/local_route.h"
#include "daemon/resolve.h"

struct device {
	uint32_t ifindex;
	uint32_t engines;
	LIST_HEAD(, connection) connections;
};

struct connection {
	uint64_t id;
	struct device *device;
	LIST_ENTRY(connection) on_device;
};

struct mnd_control {
	const struct mnd_control_events *ev;
	void *ctx;
	struct mnd_local_routes routes;
	void *devices;		/* tree of struct device */
	void *connections;	/* tree of struct connection */
	struct mnd_local_paths paths;
	const char *error;
};

static int device_cmp(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static int connection_cmp(const void *a, const void *b)
{
	const struct connection *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int refuse(struct mnd_control *c, int error, const char *text)
{
	c->error = text;
	return error;
}

static int out_of_range(struct mnd_control *c)
{
	return refuse(c, -ERANGE, MND_LOCAL_OUT_OF_RANGE);
}

static int check_unicast(struct mnd_control *c, const struct mn_addr *addr)
{
	if (mnd_is_unicast(addr))
		return 0;
	return refuse(c, -EINVAL, MND_LOCAL_NO_UNICAST);
}

static void local_close(struct mnd_control *c)
{
	tdestroy(c->connections, free);
	mnd_local_paths_close(&c->paths);
	tdestroy(c->devices, free);
	mnd_local_routes_close(&c->routes);
	free(c);
}

static int local_open(struct mnd_control **out, const struct mnd_control_events *ev, void *ctx)
{
	struct mnd_control *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->ev = ev;
	c->ctx = ctx;
	c->error = "";
	ret = mnd_local_routes_open(&c->routes, ev, ctx);
	if (ret)
		free(c);
	else
		*out = c;
	return ret;
}

static int local_fd(const struct mnd_control *c)
{
	return mnd_local_routes_fd(&c->routes);
}

static int local_dispatch(struct mnd_control *c)
{
	return mnd_local_routes_dispatch(&c->routes);
}

static const char *local_error(const struct mnd_control *c)
{
	return c->error;
}

static struct device *device_find(struct mnd_control *c, uint32_t ifindex)
{
	struct device key = { .ifindex = ifindex };
	void *node = tfind(&key, &c->devices, device_cmp);

	return node ? *(struct device **)node : NULL;
}

static int check_device(struct mnd_control *c, const struct machnet_nl_device *dev)
{
	static const uint8_t no_mac[MACHNET_NL_MAC_LEN];
	struct mnd_link link;

	if (!mnd_in_range(dev->ifindex, 1, INT32_MAX) || !mnd_in_range(dev->mtu, 576, 65535) ||
	    !mnd_in_range(dev->engines, 1, MACHNET_ENGINES_MAX) ||
	    dev->rss_class > MACHNET_RSS_CLASS_MAX || !dev->path_port_first ||
	    !mnd_in_range(dev->path_port_count, 1, MACHNET_PORTS_MAX))
		return out_of_range(c);
	if (!dev->driver[0])
		return refuse(c, -ERANGE, "Attribute failed policy validation");
	if (dev->mac[0] & 1 || !memcmp(dev->mac, no_mac, sizeof(no_mac)))
		return refuse(c, -EINVAL, "mac is not a unicast address");
	if (dev->path_port_first + dev->path_port_count > 65536)
		return refuse(c, -EINVAL, "the path ports go beyond 65535");
	if (mnd_link_get(&c->routes.req, dev->ifindex, &link))
		return refuse(c, -ENODEV, "there is no network device of this index");
	if (link.type != ARPHRD_ETHER)
		return refuse(c, -EOPNOTSUPP, "the network device is not an ethernet device");
	if (device_find(c, dev->ifindex))
		return refuse(c, -EBUSY, "another datapath serves this network device");
	return 0;
}

static int local_device_register(struct mnd_control *c, const struct machnet_nl_device *dev)
{
	struct device *d;
	int ret;

	c->error = "";
	ret = check_device(c, dev);
	if (ret)
		return ret;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->ifindex = dev->ifindex;
	d->engines = dev->engines;
	LIST_INIT(&d->connections);
	if (tsearch(d, &c->devices, device_cmp))
		return 0;
	free(d);
	return -ENOMEM;
}

static void connection_free(struct mnd_control *c, struct connection *conn)
{
	tdelete(conn, &c->connections, connection_cmp);
	LIST_REMOVE(conn, on_device);
	free(conn);
}

static void device_free(struct mnd_control *c, struct device *d)
{
	while (!LIST_EMPTY(&d->connections))
		connection_free(c, LIST_FIRST(&d->connections));
	mnd_local_paths_drop(&c->paths, d->ifindex);
	tdelete(d, &c->devices, device_cmp);
	free(d);
}

static int local_device_unregister(struct mnd_control *c, uint32_t ifindex)
{
	struct device *d = device_find(c, ifindex);

	c->error = "";
	if (!d)
		return refuse(c, -ENODEV, MND_LOCAL_NO_DEVICE);
	device_free(c, d);
	return 0;
}

static int local_port_claim(struct mnd_control *c, const struct mn_addr *addr, uint16_t port,
			    uint64_t cookie, pid_t owner)
{
	(void)addr, (void)owner;
	c->error = "";
	if (!port)
		return out_of_range(c);
	return cookie ? refuse(c, -EKEYREJECTED, "the cookie is not the one of this port") : 0;
}

/* The socket holds the port by itself. */
static int local_port_keep(struct mnd_control *c, const struct mn_addr *addr, uint16_t port, int fd)
{
	(void)c, (void)addr, (void)port, (void)fd;
	return 0;
}

static int local_port_unclaim(struct mnd_control *c, const struct mn_addr *addr, uint16_t port)
{
	(void)c, (void)addr, (void)port;
	return 0;
}

/* The sockets hold them by themselves. */
static int local_path_ports_lend(struct mnd_control *c, const int *fds, unsigned int n)
{
	(void)fds;
	c->error = "";
	return n && n <= MACHNET_PORTS_MAX ? 0 : -EINVAL;
}

static int local_path_ports_release(struct mnd_control *c, const struct mn_addr *addr,
				    uint16_t first, unsigned int n)
{
	(void)addr, (void)first;
	c->error = "";
	return n && n <= MACHNET_PORTS_MAX ? 0 : -EINVAL;
}

static struct connection *connection_find(struct mnd_control *c, uint64_t id)
{
	struct connection key = { .id = id };
	void *node = tfind(&key, &c->connections, connection_cmp);

	return node ? *(struct connection **)node : NULL;
}

static int no_connection(struct mnd_control *c)
{
	return refuse(c, -ENOENT, "there is no connection of this id");
}

/* What can be wrong with the part that also changes later. */
static int check_ranges(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	if (!conn->id || !conn->local_port || !conn->remote_port ||
	    !mnd_in_range(conn->state, 1, MACHNET_CONNECTION_STATE_MAX) ||
	    conn->engine >= MACHNET_ENGINES_MAX || conn->remote_engine >= MACHNET_ENGINES_MAX)
		return out_of_range(c);
	return 0;
}

static int check_engine(struct mnd_control *c, const struct device *device, uint32_t engine)
{
	if (engine < device->engines)
		return 0;
	return refuse(c, -ERANGE, MND_LOCAL_NO_ENGINE);
}

static int check_connection(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	const struct device *device = device_find(c, conn->ifindex);
	int ret;

	ret = check_ranges(c, conn);
	if (!ret)
		ret = check_unicast(c, &conn->local_addr);
	if (!ret)
		ret = check_unicast(c, &conn->remote_addr);
	if (ret)
		return ret;
	if (mn_addr_is_v4(&conn->local_addr) != mn_addr_is_v4(&conn->remote_addr))
		return refuse(c, -EINVAL, MND_LOCAL_TWO_FAMILIES);
	if (!device)
		return refuse(c, -ENODEV, MND_LOCAL_NO_DEVICE);
	ret = check_engine(c, device, conn->engine);
	if (!ret && connection_find(c, conn->id))
		ret = refuse(c, -EEXIST, "there is a connection of this id");
	return ret;
}

static int connection_add(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	struct connection *n;
	int ret = check_connection(c, conn);

	if (ret)
		return ret;
	n = malloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->id = conn->id;
	n->device = device_find(c, conn->ifindex);
	if (!tsearch(n, &c->connections, connection_cmp)) {
		free(n);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&n->device->connections, n, on_device);
	return 0;
}

static void local_connection_add(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	int ret;

	c->error = "";
	ret = connection_add(c, conn);
	if (ret)
		c->ev->refused(c->ctx, conn->id, ret);
}

static int local_connection_set(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	const struct connection *n = connection_find(c, conn->id);
	int ret;

	c->error = "";
	ret = check_ranges(c, conn);
	if (ret)
		return ret;
	return n ? check_engine(c, n->device, conn->engine) : no_connection(c);
}

static int local_connection_del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	struct connection *n = connection_find(c, id);

	c->error = "";
	if (!mnd_in_range(reason, 1, MACHNET_REASON_MAX))
		return out_of_range(c);
	if (!n)
		return no_connection(c);
	connection_free(c, n);
	return 0;
}

static int local_flush(struct mnd_control *c)
{
	(void)c;
	return 0;
}

static int local_path_add(struct mnd_control *c, const struct machnet_nl_path *path)
{
	const struct device *d = device_find(c, path->ifindex);

	c->error = "";
	return mnd_local_path_add(&c->paths, path, d ? d->engines : 0, &c->error);
}

static int local_path_set(struct mnd_control *c, const struct machnet_nl_path *path)
{
	c->error = "";
	return mnd_local_path_set(&c->paths, path, &c->error);
}

static int local_path_del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	c->error = "";
	return mnd_local_path_del(&c->paths, id, reason, &c->error);
}

static int check_route_key(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	int ret = check_unicast(c, &key->dst);

	if (!ret && !mn_addr_is_any(&key->from))
		ret = check_unicast(c, &key->from);
	if (!ret && mn_addr_is_v4(&key->dst) != mn_addr_is_v4(&key->from))
		ret = refuse(c, -EINVAL, "dst and from are of different families");
	return ret;
}

static int local_route_watch(struct mnd_control *c, const struct machnet_nl_route_key *key,
			     struct machnet_nl_route *route)
{
	int ret;

	c->error = "";
	ret = check_route_key(c, key);
	if (ret)
		return ret;
	ret = mnd_local_route_watch(&c->routes, key, route);
	if (ret && ret != -ENOMEM)
		refuse(c, ret, "the destination cannot be reached");
	return ret;
}

static int not_watched(struct mnd_control *c)
{
	return refuse(c, -ENOENT, "this socket does not watch the destination");
}

static int local_route_unwatch(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	c->error = "";
	return mnd_local_route_unwatch(&c->routes, key) ? not_watched(c) : 0;
}

static int local_route_confirm(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	int ret;

	c->error = "";
	ret = mnd_local_route_confirm(&c->routes, key);
	return ret == -ENOENT ? not_watched(c) : ret;
}

/* Nothing but the applications' sockets knows of their ports. */
static int local_ports_waiting(struct mnd_control *c)
{
	(void)c;
	return 0;
}

const struct mnd_control_ops mnd_control_local_ops = {
	.name = "local",
	.open = local_open,
	.close = local_close,
	.fd = local_fd,
	.dispatch = local_dispatch,
	.error = local_error,
	.device_register = local_device_register,
	.device_unregister = local_device_unregister,
	.port_claim = local_port_claim,
	.port_keep = local_port_keep,
	.port_unclaim = local_port_unclaim,
	.path_ports_lend = local_path_ports_lend,
	.path_ports_release = local_path_ports_release,
	.connection_add = local_connection_add,
	.connection_set = local_connection_set,
	.connection_del = local_connection_del,
	.flush = local_flush,
	.path_add = local_path_add,
	.path_set = local_path_set,
	.path_del = local_path_del,
	.route_watch = local_route_watch,
	.route_unwatch = local_route_unwatch,
	.route_confirm = local_route_confirm,
	.ports_waiting = local_ports_waiting,
};
