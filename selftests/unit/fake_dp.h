/* SPDX-License-Identifier: MIT */
/*
 * fake_dp.h - a datapath and a control plane that only note what the daemon does with them
 *
 * To be included once: it defines machnet_dp_*(), the operations, mnd_owns_addr() and a
 * log that nobody reads.
 */
#ifndef FAKE_DP_H
#define FAKE_DP_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/conn.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/path.h"
#include "daemon/probe.h"

#define FAKE_NETDEV	42

static struct {
	uint32_t channels, left, deleted;	/* numbers given out; left; taken back */
	struct machnet_dp_connect connect;	/* the last one */
	struct { uint32_t engine; uint64_t id; int error; unsigned int n; } refuse;
	struct machnet_dp_connect probe;	/* likewise */
	struct { uint32_t reason; uint64_t id; unsigned int n; } abort;
	/* Of the last set_route(). */
	struct { struct mn_addr local, remote; uint8_t mac[6]; uint16_t mtu; } path;
	struct { struct mn_addr remote; bool is; unsigned int n; } unreachable;
	unsigned int snapshots;
	unsigned int balanced, used_engines;
	void (*done)(void *ctx, const struct machnet_dp_conn *conns, size_t n);
	void (*paths_done)(void *ctx, const struct machnet_dp_path *paths, size_t n);
	void *ctx;

	struct machnet_nl_route_key watched;	/* the last one */
	bool resolving;		/* next hops are being asked */
	unsigned int confirmed;
	struct { uint64_t id; unsigned int n; } add;
	struct { struct machnet_nl_connection last; unsigned int n; } set;
	struct { uint64_t id; uint32_t reason; unsigned int n, flushed; } del;
	struct { struct machnet_nl_path last; unsigned int added, set, deleted; int error; } paths;
	struct { uint64_t cookie; pid_t owner; unsigned int n; int error; } claim;
	unsigned int kept;	/* ports that the kernel no longer absorbed at */
} fake;

void machnet_dp_info(const struct machnet_dp *dp, struct machnet_dp_info *info)
{
	(void)dp;
	*info = (struct machnet_dp_info){ .rss = { .rss_class = MACHNET_RSS_CLASS_LEARNED } };
}

void machnet_dp_balance(struct machnet_dp *dp)
{
	(void)dp;
	fake.balanced++;
}

int machnet_dp_use_engines(struct machnet_dp *dp, unsigned int n)
{
	(void)dp;
	fake.used_engines = n;
	return n ? 0 : -EINVAL;
}

int machnet_dp_channel_add(struct machnet_dp *dp, uint32_t tx_bufs, uint32_t rx_bufs,
			   uint32_t *channel, int fds[3])
{
	(void)dp, (void)tx_bufs, (void)rx_bufs;
	*channel = fake.channels++ % MACHNET_DP_CHANNEL_IDS;
	fds[0] = fds[1] = fds[2] = STDOUT_FILENO;
	return 0;
}

void machnet_dp_channel_del(struct machnet_dp *dp, uint32_t channel)
{
	(void)dp, (void)channel;
	fake.deleted++;
}

void machnet_dp_channel_leave(struct machnet_dp *dp, uint32_t channel)
{
	(void)dp, (void)channel;
	fake.left++;
}

int machnet_dp_listen(struct machnet_dp *dp, uint32_t channel, const struct mn_addr *addr,
		      uint16_t port)
{
	(void)dp, (void)channel, (void)addr, (void)port;
	return 0;
}

int machnet_dp_unlisten(struct machnet_dp *dp, uint32_t channel, const struct mn_addr *addr,
			uint16_t port)
{
	(void)dp, (void)channel, (void)addr, (void)port;
	return 0;
}

void machnet_dp_connect(struct machnet_dp *dp, const struct machnet_dp_connect *c)
{
	(void)dp;
	fake.connect = *c;
}

void machnet_dp_probe(struct machnet_dp *dp, const struct machnet_dp_connect *c)
{
	(void)dp;
	fake.probe = *c;
}

void machnet_dp_refuse(struct machnet_dp *dp, uint32_t engine, uint64_t id, int error)
{
	(void)dp;
	fake.refuse.engine = engine;
	fake.refuse.id = id;
	fake.refuse.error = error;
	fake.refuse.n++;
}

void machnet_dp_abort(struct machnet_dp *dp, uint64_t id, uint32_t reason)
{
	(void)dp;
	fake.abort.id = id;
	fake.abort.reason = reason;
	fake.abort.n++;
}

void machnet_dp_set_route(struct machnet_dp *dp, uint32_t engine, const struct mn_addr *local,
			  const struct mn_addr *remote, const uint8_t mac[6], uint16_t mtu)
{
	(void)dp, (void)engine;
	fake.path.local = *local;
	fake.path.remote = *remote;
	memcpy(fake.path.mac, mac, sizeof(fake.path.mac));
	fake.path.mtu = mtu;
}

void machnet_dp_set_unreachable(struct machnet_dp *dp, uint32_t engine,
				const struct mn_addr *local, const struct mn_addr *remote,
				bool unreachable)
{
	(void)dp, (void)engine, (void)local;
	fake.unreachable.remote = *remote;
	fake.unreachable.is = unreachable;
	fake.unreachable.n++;
}

bool machnet_dp_stat(struct machnet_dp *dp, unsigned int index, char *name, size_t size,
		     uint64_t *value)
{
	(void)dp, (void)index, (void)name, (void)size, (void)value;
	return false;
}

int machnet_dp_snapshot(struct machnet_dp *dp,
			void (*done)(void *ctx, const struct machnet_dp_conn *conns, size_t n),
			void *ctx)
{
	(void)dp;
	fake.snapshots++;
	fake.done = done;
	fake.ctx = ctx;
	return 0;
}

int machnet_dp_snapshot_paths(struct machnet_dp *dp,
			      void (*done)(void *ctx, const struct machnet_dp_path *paths,
					   size_t n),
			      void *ctx)
{
	(void)dp;
	fake.paths_done = done;
	fake.ctx = ctx;
	return 0;
}

bool mnd_owns_addr(const struct mnd_daemon *d, const struct mn_addr *addr)
{
	(void)d;
	/* 10.0.0.x */
	return mn_addr_is_v4(addr) && ntohl(mn_addr_v4(addr)) >> 8 == 0x0a0000;
}

void mnd_log(int priority, const char *fmt, ...)
{
	(void)priority, (void)fmt;
}

static const char *fake_error(const struct mnd_control *c)
{
	(void)c;
	return "";
}

static int fake_port_claim(struct mnd_control *c, const struct mn_addr *addr, uint16_t port,
			   uint64_t cookie, pid_t owner)
{
	(void)c, (void)addr, (void)port;
	fake.claim.cookie = cookie;
	fake.claim.owner = owner;
	if (!fake.claim.error)
		fake.claim.n++;
	return fake.claim.error;
}

static int fake_port_keep(struct mnd_control *c, const struct mn_addr *addr, uint16_t port, int fd)
{
	(void)c, (void)addr, (void)port, (void)fd;
	fake.kept++;
	return fake.claim.error;
}

static int fake_port_unclaim(struct mnd_control *c, const struct mn_addr *addr, uint16_t port)
{
	(void)c, (void)addr, (void)port;
	fake.claim.n--;
	return 0;
}

static void fake_connection_add(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	(void)c;
	fake.add.id = conn->id;
	fake.add.n++;
}

static int fake_connection_set(struct mnd_control *c, const struct machnet_nl_connection *conn)
{
	(void)c;
	fake.set.last = *conn;
	fake.set.n++;
	return 0;
}

static int fake_connection_del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	(void)c;
	fake.del.id = id;
	fake.del.reason = reason;
	fake.del.n++;
	return 0;
}

static int fake_path_add(struct mnd_control *c, const struct machnet_nl_path *path)
{
	(void)c;
	fake.paths.last = *path;
	fake.paths.added++;
	return fake.paths.error;
}

static int fake_path_set(struct mnd_control *c, const struct machnet_nl_path *path)
{
	(void)c;
	fake.paths.last = *path;
	fake.paths.set++;
	return fake.paths.error;
}

static int fake_path_del(struct mnd_control *c, uint64_t id, uint32_t reason)
{
	(void)c;
	fake.paths.last = (struct machnet_nl_path){ .id = id, .reason = reason };
	fake.paths.deleted++;
	return fake.paths.error;
}

static int fake_flush(struct mnd_control *c)
{
	(void)c;
	fake.del.flushed = fake.del.n;
	return 0;
}

/* Everything is on link, and has its last byte in its MAC. */
static int fake_route_watch(struct mnd_control *c, const struct machnet_nl_route_key *key,
			    struct machnet_nl_route *route)
{
	(void)c;
	fake.watched = *key;
	*route = (struct machnet_nl_route){
		.dst = key->dst, .from = key->from, .vrf = key->vrf, .nexthop = key->dst,
		.state = MACHNET_ROUTE_STATE_REACHABLE, .ifindex = FAKE_NETDEV, .mtu = 1500,
		.has_mac = true, .mac = { 2, 0, 0, 0, 0, key->dst.b[15] },
	};
	if (fake.resolving)
		route->state = MACHNET_ROUTE_STATE_RESOLVING;
	mn_addr_parse(&route->src, "10.0.0.1");
	return 0;
}

static int fake_route_unwatch(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	(void)c, (void)key;
	return 0;
}

static int fake_route_confirm(struct mnd_control *c, const struct machnet_nl_route_key *key)
{
	(void)c, (void)key;
	fake.confirmed++;
	return 0;
}

const struct mnd_control_ops mnd_control_kernel_ops = {
	.name = "kernel",
	.error = fake_error,
	.port_claim = fake_port_claim,
	.port_keep = fake_port_keep,
	.port_unclaim = fake_port_unclaim,
	.connection_add = fake_connection_add,
	.connection_set = fake_connection_set,
	.connection_del = fake_connection_del,
	.flush = fake_flush,
	.path_add = fake_path_add,
	.path_set = fake_path_set,
	.path_del = fake_path_del,
	.route_watch = fake_route_watch,
	.route_unwatch = fake_route_unwatch,
	.route_confirm = fake_route_confirm,
};

/* Does all that there is to do now. */
static inline void run(struct mnd_daemon *d)
{
	struct epoll_event ev;

	while (epoll_wait(d->epfd, &ev, 1, 0) == 1) {
		struct mnd_watch *w = ev.data.ptr;

		w->fn(w->arg, ev.events);
		mnd_conn_settle(d);
	}
}

#endif /* FAKE_DP_H */
