// SPDX-License-Identifier: MIT
/*
 * control_kernel.c - the control plane in machnet.ko
 *
 * One client asks, the other one listens. Announcements concern everybody in
 * the network namespace; the two trees say which of them are ours.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/udp_port.h"
#include "daemon/control.h"
#include "daemon/registry.h"
#include "daemon/tree.h"

/* More than a host has NICs. */
#define DATAPATHS_MAX	64

/* A port of an application. */
struct claim {
	struct mn_addr addr;
	uint16_t port;
	bool served;	/* no: unclaimed since, but the kernel counts it as claimed until its end */
	bool kept;	/* lent by us, since the application did not survive */
};

struct mnd_control {
	struct nlclient req, events;
	const struct mnd_control_events *ev;
	void *ctx;
	void *claims;	/* tree of struct claim */
	void *watches;	/* tree of struct machnet_nl_route_key */
	struct mnd_registry registry;
};

static int claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int ret = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return ret ? ret : (x->port > y->port) - (x->port < y->port);
}

static int watch_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct machnet_nl_route_key));
}

static void kernel_close(struct mnd_control *c)
{
	tdestroy(c->claims, free);
	tdestroy(c->watches, free);
	nlclient_close(&c->events);
	nlclient_close(&c->req);
	free(c);
}

static int kernel_open(struct mnd_control **out, const struct mnd_control_events *ev, void *ctx)
{
	struct mnd_control *c = calloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->ev = ev;
	c->ctx = ctx;
	c->registry = (struct mnd_registry){ .nl = &c->req, .refused = ev->refused, .ctx = ctx };
	ret = machnet_nl_open(&c->req);
	if (!ret)
		ret = machnet_nl_open(&c->events);
	if (!ret)
		ret = nlclient_join(&c->events, MACHNET_MCGRP_ROUTE);
	if (!ret)
		ret = nlclient_join(&c->events, MACHNET_MCGRP_PORT);
	if (!ret)
		ret = nlclient_join(&c->events, MACHNET_MCGRP_DATAPATH);
	if (ret)
		kernel_close(c);
	else
		*out = c;
	return ret;
}

static int kernel_fd(const struct mnd_control *c)
{
	return nlclient_fd(&c->events);
}

static const char *kernel_error(const struct mnd_control *c)
{
	return nlclient_extack(&c->req);
}

/*
 * The announcement may be about a port that has been lent and claimed anew
 * meanwhile: what the kernel says now counts.
 */
static void check_claim(struct mnd_control *c, const struct claim *key, uint32_t reason)
{
	void *node = tfind(key, &c->claims, claim_cmp);
	struct machnet_nl_port now;
	struct claim gone;
	int ret;

	if (!node)
		return;
	gone = **(struct claim **)node;
	ret = machnet_nl_port_get(&c->req, &gone.addr, gone.port, &now);
	if (ret ? ret != -ENOENT : now.claimed || gone.kept)
		return;
	mnd_tree_del(&c->claims, &gone, claim_cmp);
	if (gone.served)
		c->ev->port_gone(c->ctx, &gone.addr, gone.port, reason);
}

static int take_event(const struct nlmsghdr *nlh, void *data)
{
	struct mnd_control *c = data;
	struct machnet_nl_route_key watch;
	struct machnet_nl_event event;
	struct claim claim;

	/* A newer kernel may announce what this code does not know. */
	if (machnet_nl_parse_event(nlh, &event))
		return 0;
	if (event.cmd == MACHNET_CMD_ROUTE_NTF) {
		watch = machnet_nl_route_key(&event.route);
		if (tfind(&watch, &c->watches, watch_cmp))
			c->ev->route(c->ctx, &event.route);
	} else if (event.cmd == MACHNET_CMD_PORT_DEL_NTF) {
		claim = (struct claim){ .addr = event.port.addr, .port = event.port.number };
		check_claim(c, &claim, event.port.reason);
	} else if (event.cmd == MACHNET_CMD_CONNECTION_KILL_NTF) {
		c->ev->kill(c->ctx, event.connection.id);
	}
	return 0;
}

static int resync_routes(struct mnd_control *c)
{
	const struct machnet_nl_route_key *key;
	struct machnet_nl_route route;
	struct mnd_snapshot s;
	size_t i;
	int ret;

	ret = mnd_snapshot_take(&s, c->watches, sizeof(*key));
	for (i = 0; i < s.n; i++) {
		key = (const struct machnet_nl_route_key *)(s.items + i * s.size);
		if (!tfind(key, &c->watches, watch_cmp))
			continue;
		ret = machnet_nl_route_get(&c->req, key, true, &route);
		if (ret == -ENOMEM || ret == -ENOBUFS)
			break;
		if (ret) {
			memset(&route, 0, sizeof(route));
			route.dst = key->dst;
			route.from = key->from;
			route.vrf = key->vrf;
			route.state = MACHNET_ROUTE_STATE_UNREACHABLE;
			route.error = -ret;
			ret = 0;
		}
		c->ev->route(c->ctx, &route);
	}
	free(s.items);
	return ret;
}

static int resync_claims(struct mnd_control *c)
{
	struct mnd_snapshot s;
	size_t i;
	int ret;

	ret = mnd_snapshot_take(&s, c->claims, sizeof(struct claim));
	for (i = 0; i < s.n; i++)
		check_claim(c, (const struct claim *)(s.items + i * s.size), MACHNET_REASON_UNSPEC);
	free(s.items);
	return ret;
}

static int kernel_dispatch(struct mnd_control *c)
{
	int ret = nlclient_recv_events(&c->events, take_event, c);

	if (ret == -ENOBUFS) {
		/* Some announcements are lost. */
		ret = resync_routes(c);
		if (!ret)
			ret = resync_claims(c);
	}
	return ret < 0 ? ret : 0;
}

static int kernel_device_register(struct mnd_control *c, const struct machnet_nl_device *dev)
{
	return machnet_nl_device_register(&c->req, dev, NULL);
}

static int kernel_device_unregister(struct mnd_control *c, uint32_t ifindex)
{
	return machnet_nl_device_unregister(&c->req, ifindex);
}

static int kernel_port_claim(struct mnd_control *c, const struct mn_addr *addr, uint16_t port,
			     uint64_t cookie, pid_t owner)
{
	struct claim key = { .addr = *addr, .port = port };
	bool claimed = tfind(&key, &c->claims, claim_cmp);
	struct claim *claim;
	int ret;

	/* Noted before it is made: the owner may die right after. */
	claim = mnd_tree_add(&c->claims, &key, sizeof(key), claim_cmp);
	if (!claim)
		return -ENOMEM;
	ret = machnet_nl_port_claim(&c->req, addr, port, cookie, owner);
	/* Ours from before, and the cookie was right: taken into service again. */
	if (ret == -EBUSY && claimed && !claim->served)
		ret = 0;
	if (!ret)
		claim->served = true;
	else if (!claimed)
		mnd_tree_del(&c->claims, &key, claim_cmp);
	return ret;
}

static struct claim *claim_find(struct mnd_control *c, const struct mn_addr *addr, uint16_t port)
{
	struct claim key = { .addr = *addr, .port = port };
	void *node = tfind(&key, &c->claims, claim_cmp);

	return node ? *(struct claim **)node : NULL;
}

static int kernel_port_keep(struct mnd_control *c, const struct mn_addr *addr, uint16_t port,
			    int fd)
{
	struct claim key = { .addr = *addr, .port = port, .served = true, .kept = true };
	struct machnet_nl_port answer;
	int ret = machnet_nl_port_lend(&c->req, fd, &answer);

	if (ret)
		return ret;
	if (mnd_tree_add(&c->claims, &key, sizeof(key), claim_cmp))
		return 0;
	machnet_nl_port_release(&c->req, addr, port);
	return -ENOMEM;
}

static int kernel_port_unclaim(struct mnd_control *c, const struct mn_addr *addr, uint16_t port)
{
	struct claim *claim = claim_find(c, addr, port);

	if (!claim)
		return -ENOENT;
	claim->served = false;
	if (!claim->kept)
		return 0;
	mnd_tree_del(&c->claims, claim, claim_cmp);
	return machnet_nl_port_release(&c->req, addr, port);
}

static int kernel_path_ports_lend(struct mnd_control *c, const int *fds, unsigned int n)
{
	return machnet_nl_ports_lend(&c->req, fds, n);
}

static int kernel_path_ports_release(struct mnd_control *c, const struct mn_addr *addr,
				     uint16_t first, unsigned int n)
{
	uint16_t numbers[MACHNET_PORTS_MAX];

	for (unsigned int i = 0; i < n && i < MACHNET_PORTS_MAX; i++)
		numbers[i] = first + i;
	return machnet_nl_ports_release(&c->req, addr, numbers, n);
}

/* Those that lend path ports, which are not to be served. */
struct datapaths {
	uint32_t pids[DATAPATHS_MAX];
	unsigned int n;
};

static int note_datapath(const struct machnet_nl_device *dev, void *data)
{
	struct datapaths *d = data;

	if (dev->pid && d->n < DATAPATHS_MAX)
		d->pids[d->n++] = dev->pid;
	return 0;
}

struct waiting {
	struct datapaths datapaths;
	int n;
};

static int count_waiting(const struct machnet_nl_port *port, void *data)
{
	struct waiting *w = data;
	unsigned int i;

	for (i = 0; i < w->datapaths.n; i++)
		if (port->owner_pid == w->datapaths.pids[i])
			return 0;
	w->n += !port->claimed;
	return 0;
}

static int kernel_ports_waiting(struct mnd_control *c)
{
	struct waiting w = { 0 };
	int ret = machnet_nl_device_dump(&c->req, note_datapath, &w.datapaths);

	if (!ret)
		ret = machnet_nl_port_dump(&c->req, NULL, 0, count_waiting, &w);
	return ret ? ret : w.n;
}

static void kernel_connection_add(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	mnd_registry_add(&c->registry, conn);
}

static int kernel_connection_set(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	return machnet_nl_connection_set(&c->req, conn,
					 MACHNET_NL_SET_STATE | MACHNET_NL_SET_ENGINE |
					 MACHNET_NL_SET_REMOTE_ENGINE | MACHNET_NL_SET_REMOTE_ID |
					 MACHNET_NL_SET_LOCAL_PORT | MACHNET_NL_SET_REMOTE_PORT |
					 MACHNET_NL_SET_PATH);
}

static int kernel_connection_del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	return mnd_registry_del(&c->registry, id, reason);
}

static int kernel_flush(struct mnd_control *c)
{
	return mnd_registry_flush(&c->registry);
}

static int kernel_path_add(struct mnd_control *c, const struct machnet_nl_path *path)
{
	return machnet_nl_path_add(&c->req, path);
}

static int kernel_path_set(struct mnd_control *c, const struct machnet_nl_path *path)
{
	return machnet_nl_path_set(&c->req, path);
}

static int kernel_path_del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	mnd_registry_flush(&c->registry);
	return machnet_nl_path_del(&c->req, id, reason);
}

static int kernel_route_watch(struct mnd_control *c, const struct machnet_nl_route_key *key,
			      struct machnet_nl_route *route)
{
	bool watched = tfind(key, &c->watches, watch_cmp);
	int ret;

	if (!mnd_tree_add(&c->watches, key, sizeof(*key), watch_cmp))
		return -ENOMEM;
	ret = machnet_nl_route_get(&c->req, key, true, route);
	if (ret && !watched)
		mnd_tree_del(&c->watches, key, watch_cmp);
	return ret;
}

static int kernel_route_unwatch(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	mnd_tree_del(&c->watches, key, watch_cmp);
	return machnet_nl_route_unwatch(&c->req, key);
}

static int kernel_route_confirm(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	return machnet_nl_route_confirm(&c->req, key);
}

const struct mnd_control_ops mnd_control_kernel_ops = {
	.name = "kernel",
	.open = kernel_open,
	.close = kernel_close,
	.fd = kernel_fd,
	.dispatch = kernel_dispatch,
	.error = kernel_error,
	.device_register = kernel_device_register,
	.device_unregister = kernel_device_unregister,
	.port_claim = kernel_port_claim,
	.port_keep = kernel_port_keep,
	.port_unclaim = kernel_port_unclaim,
	.path_ports_lend = kernel_path_ports_lend,
	.path_ports_release = kernel_path_ports_release,
	.connection_add = kernel_connection_add,
	.connection_set = kernel_connection_set,
	.connection_del = kernel_connection_del,
	.flush = kernel_flush,
	.path_add = kernel_path_add,
	.path_set = kernel_path_set,
	.path_del = kernel_path_del,
	.route_watch = kernel_route_watch,
	.route_unwatch = kernel_route_unwatch,
	.route_confirm = kernel_route_confirm,
	.ports_waiting = kernel_ports_waiting,
};
