// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "counters.h"
#include "daemon.h"
#include "genl.h"
#include "tick.h"

/* A daemon that never ends is not listened to for ever. */
#define COUNTERS_MAX	65536

static const struct {
	int attr;
	const char *name;
} kernel_counters[] = {
	{ MACHNET_A_STATS_DEVICES, "devices" },
	{ MACHNET_A_STATS_PORTS, "ports" },
	{ MACHNET_A_STATS_CONNECTIONS, "connections" },
	{ MACHNET_A_STATS_ROUTES, "routes" },
	{ MACHNET_A_STATS_PORTS_RESERVED, "ports_reserved" },
	{ MACHNET_A_STATS_PORTS_REFUSED, "ports_refused" },
	{ MACHNET_A_STATS_PORTS_CLAIMED, "ports_claimed" },
	{ MACHNET_A_STATS_CLAIMS_REFUSED, "claims_refused" },
	{ MACHNET_A_STATS_STRAY_PACKETS, "stray_packets" },
	{ MACHNET_A_STATS_CONNECTIONS_ADDED, "connections_added" },
	{ MACHNET_A_STATS_CONNECTIONS_ENDED, "connections_ended" },
	{ MACHNET_A_STATS_CONNECTIONS_KILLED, "connections_killed" },
	{ MACHNET_A_STATS_ROUTE_CHANGES, "route_changes" },
	{ MACHNET_A_STATS_CONFIRMATIONS, "confirmations" },
	{ MACHNET_A_STATS_EVENTS_LOST, "events_lost" },
	{ MACHNET_A_STATS_PATHS, "paths" },
	{ MACHNET_A_STATS_PATHS_ADDED, "paths_added" },
	{ MACHNET_A_STATS_PATHS_ENDED, "paths_ended" },
};

static int add(void *ctx, const char *name, uint64_t value)
{
	struct ctl_counters *c = ctx;
	struct ctl_counter *grown;

	if (c->n == COUNTERS_MAX)
		return -EBADMSG;
	if (c->n == c->max) {
		grown = reallocarray(c->list, 2 * c->max + 256, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		c->list = grown;
		c->max = 2 * c->max + 256;
	}
	snprintf(c->list[c->n].name, sizeof(c->list[c->n].name), "%s", name);
	c->list[c->n++].value = value;
	return 0;
}

static int on_stats(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *a[MACHNET_A_STATS_MAX + 1], *attr;
	char name[CTL_COUNTER_NAME];
	unsigned int i;
	int ret = 0;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_STATS_MAX, NULL) < 0)
		return -EBADMSG;
	for (i = 0; !ret && i < sizeof(kernel_counters) / sizeof(kernel_counters[0]); i++) {
		attr = a[kernel_counters[i].attr];
		if (!attr)
			continue;
		if (nla_len(attr) != sizeof(uint64_t))
			return -EBADMSG;
		snprintf(name, sizeof(name), "kernel.%s", kernel_counters[i].name);
		ret = add(data, name, nla_get_u64(attr));
	}
	return ret;
}

static int read_kernel(struct ctl_counters *c)
{
	struct ctl_genl g;
	int ret = ctl_genl_open(&g);

	if (ret)
		return ret;
	ret = ctl_genl_request(&g, ctl_genl_begin(&g, MACHNET_CMD_STATS_GET), on_stats, c);
	memcpy(c->sentence, g.sentence, sizeof(c->sentence));
	ctl_genl_close(&g);
	/* What says that nobody is there is ctl_genl_open()'s. */
	return ret == -ENOENT ? -EPROTO : ret;
}

static int read_daemon(struct ctl_counters *c, const char *socket)
{
	struct ctl_daemon d;
	int ret = ctl_daemon_open(&d, socket);

	if (ret)
		return ret;
	ret = ctl_daemon_stats(&d, add, c);
	c->local = c->kernel_error == -ENOENT && !ret && ctl_daemon_is_local(&d);
	ctl_daemon_close(&d);
	return ret;
}

int ctl_counters_read(struct ctl_counters *c, const char *socket)
{
	c->n = 0;
	c->kernel_error = read_kernel(c);
	c->daemon_error = read_daemon(c, socket);
	c->at_us = ctl_now_us();
	return c->kernel_error == -ENOMEM || c->daemon_error == -ENOMEM ? -ENOMEM : 0;
}

void ctl_counters_free(struct ctl_counters *c)
{
	free(c->list);
}

const struct ctl_counter *ctl_counters_find(const struct ctl_counters *c, const char *name,
					    size_t hint)
{
	size_t i;

	if (hint < c->n && !strcmp(c->list[hint].name, name))
		return &c->list[hint];
	for (i = 0; i < c->n; i++)
		if (!strcmp(c->list[i].name, name))
			return &c->list[i];
	return NULL;
}
