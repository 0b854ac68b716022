/* SPDX-License-Identifier: MIT */
/* conn.h - connections as the control plane sees them, from the request to the end */
#ifndef MND_CONN_H
#define MND_CONN_H

#include "daemon/daemon.h"
#include "daemon/route.h"

enum mnd_conn_state {
	MND_CONN_RESOLVING,	/* waits for the neighbour */
	MND_CONN_CONNECTING,	/* the datapath asks the peer */
	MND_CONN_UP,
};

struct mnd_conn {
	uint64_t id;
	enum mnd_conn_state state;
	uint32_t engine, channel;
	pid_t owner;
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	bool registered;	/* the control plane knows it */
	bool by_default;	/* its application has left the local address open */
	struct mnd_route_user way;	/* until it is up: then its path has one */
	LIST_ENTRY(mnd_conn) all;
};

/* The datapath's events. */
void mnd_conn_event(struct mnd_daemon *d, const struct machnet_dp_event *ev);

/* An administrator wants it to end. -ENOENT: there is none of this id. */
int mnd_conn_kill(struct mnd_daemon *d, uint64_t id);
/* The same, heard from the kernel; the connection may be another daemon's. */
void mnd_conn_kill_heard(void *daemon, uint64_t id);

/* The registry does not have it. */
void mnd_conn_refused(void *daemon, uint64_t id, int error);

/* Tells the control plane what was put off; at the end of each turn of the event loop. */
void mnd_conn_settle(struct mnd_daemon *d);

/* At the end of the daemon, when the datapath is gone. */
void mnd_conn_free_all(struct mnd_daemon *d);

#endif /* MND_CONN_H */
