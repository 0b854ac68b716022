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
	uint64_t request;	/* 0: accepted */
	uint64_t id;		/* once up */
	enum mnd_conn_state state;
	uint32_t engine, channel;
	pid_t owner;
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	bool registered;	/* the control plane knows it */
	struct mnd_app *app;	/* waits for an answer to its connect */
	uint32_t tag;		/* of that request */
	uint8_t mac[6];		/* the next hop that the datapath uses */
	uint16_t mtu;
	bool unreachable;	/* so the datapath was told */
	struct mnd_route *route;
	LIST_ENTRY(mnd_conn) all, on_route;
};

/* An application's connect: it is answered now or later. */
void mnd_conn_connect(struct mnd_daemon *d, struct mnd_app *app, uint32_t tag,
		      const struct mn_addr *local, const struct mn_addr *remote,
		      uint16_t remote_port);

/* The datapath's events. */
void mnd_conn_event(struct mnd_daemon *d, const struct machnet_dp_event *ev);

/* The route of a connection has a new answer. */
void mnd_conn_route_changed(struct mnd_daemon *d, struct mnd_conn *c);

/* An administrator wants it to end. -ENOENT: there is none of this id. */
int mnd_conn_kill(struct mnd_daemon *d, uint64_t id);
/* The same, heard from the kernel; the connection may be another daemon's. */
void mnd_conn_kill_heard(void *daemon, uint64_t id);

/* Tells the control plane what was put off; at the end of each turn of the event loop. */
void mnd_conn_settle(struct mnd_daemon *d);

/* The application waits no more: it is going away. */
void mnd_conn_forget_app(struct mnd_daemon *d, struct mnd_app *app);

/* At the end of the daemon, when the datapath is gone. */
void mnd_conn_free_all(struct mnd_daemon *d);

#endif /* MND_CONN_H */
