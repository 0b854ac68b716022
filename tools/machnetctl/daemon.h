/* SPDX-License-Identifier: MIT */
/*
 * daemon.h - questions to machnetd over its unix socket
 *
 * What comes back is checked before it is used: answers that make no sense are
 * -EBADMSG. -ENOENT and -ECONNREFUSED from ctl_daemon_open(): nobody listens.
 */
#ifndef MACHNETCTL_DAEMON_H
#define MACHNETCTL_DAEMON_H

#include <stddef.h>
#include <stdint.h>

#include "channel/app_proto.h"
#include "ctl.h"

#define CTL_FACTS_MAX	64

struct ctl_daemon {
	int fd;
	uint32_t tag;
};

struct ctl_facts {
	unsigned int n;
	char text[CTL_FACTS_MAX][MN_APP_STAT_NAME];	/* "key=value" */
};

struct ctl_port_entry {
	struct mn_addr addr;
	uint16_t number;
	uint32_t pid, uid;	/* of its application */
};

int ctl_daemon_open(struct ctl_daemon *d, const char *path);
void ctl_daemon_close(struct ctl_daemon *d);

/* Hands over all counters in the daemon's order; a nonzero result ends it. */
int ctl_daemon_stats(struct ctl_daemon *d,
		     int (*each)(void *ctx, const char *name, uint64_t value), void *ctx);
int ctl_daemon_facts(struct ctl_daemon *d, struct ctl_facts *facts);
/* The value of key, "" if the daemon does not tell it. */
const char *ctl_fact(const struct ctl_facts *facts, const char *key);
/* Hands over the ports that it serves; a nonzero result ends it. */
int ctl_daemon_ports(struct ctl_daemon *d, int (*each)(void *ctx, const struct ctl_port_entry *p),
		     void *ctx);
/* True when it does without the module (--control=local). */
bool ctl_daemon_is_local(struct ctl_daemon *d);
/* All connections; the list is the caller's to free. */
int ctl_daemon_connections(struct ctl_daemon *d, struct mn_app_connection **list, size_t *n);
/* Likewise all paths. */
int ctl_daemon_paths(struct ctl_daemon *d, struct mn_app_path **list, size_t *n);
/* 0: the peer has answered it. -ETIMEDOUT: it has not. -EHOSTUNREACH and the like: no route. */
int ctl_daemon_probe(struct ctl_daemon *d, const struct mn_addr *peer);
/* How many engines are to be used. -EINVAL: it has fewer. */
int ctl_daemon_use_engines(struct ctl_daemon *d, uint64_t n);
/* -ENOENT: there is no such connection. */
int ctl_daemon_kill(struct ctl_daemon *d, uint64_t id);

/*
 * For when the module is not there: opens the way to a daemon that does without
 * (--control=local) and tells its netdev. CTL_OK, or CTL_REFUSED after having
 * reported that the module is not loaded.
 */
int ctl_daemon_open_local(struct ctl *ctl, struct ctl_daemon *d, uint32_t *ifindex);

/* Reports what a question came to. Returns CTL_REFUSED. */
int ctl_daemon_refused(const char *path, int error);

#endif /* MACHNETCTL_DAEMON_H */
