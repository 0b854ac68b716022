/* SPDX-License-Identifier: MIT */
/* route.h - the destinations in use, how they are reached, and who has to know when that changes */
#ifndef MND_ROUTE_H
#define MND_ROUTE_H

#include "daemon/daemon.h"

struct mnd_route {
	struct machnet_nl_route_key key;
	struct machnet_nl_route last;	/* the latest answer */
	uint64_t confirmed_us;		/* when the control plane last got that it works */
	struct mnd_conn_list users;
	unsigned int probes;		/* others that use it: probe.h */
};

/*
 * The destination's route, watched from now on for one more user. from: the address to be sent
 * from, any for the one that the routing table chooses. -ENETUNREACH and the like when there is
 * none.
 */
int mnd_route_get(struct mnd_daemon *d, const struct mn_addr *dst, const struct mn_addr *from,
		  struct mnd_route **route);

/* A connection uses the route / does not use it any more; the last one ends the watch. */
void mnd_route_use(struct mnd_route *route, struct mnd_conn *conn);
void mnd_route_put(struct mnd_daemon *d, struct mnd_route *route, struct mnd_conn *conn);

/* Packets pass its next hop, if that has this MAC: the kernel need not ask for it. */
void mnd_route_confirm(struct mnd_daemon *d, struct mnd_route *route, const uint8_t mac[6]);
/* The same for the routes between these addresses. */
void mnd_routes_confirm(struct mnd_daemon *d, const struct mn_addr *local,
		      const struct mn_addr *remote, const uint8_t mac[6]);

/* The control plane's announcement. */
void mnd_route_changed(void *daemon, const struct machnet_nl_route *route);

/*
 * What to do with an answer: 0 and the path's part of it when packets can go,
 * -EINPROGRESS while the neighbour is being asked, or the errno for the application.
 */
int mnd_route_check(const struct mnd_daemon *d, const struct machnet_nl_route *route,
		    struct machnet_dp_connect *path);

#endif /* MND_ROUTE_H */
