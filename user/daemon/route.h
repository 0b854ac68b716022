/* SPDX-License-Identifier: MIT */
/* route.h - the destinations in use, how they are reached, and who has to know when that changes */
#ifndef MND_ROUTE_H
#define MND_ROUTE_H

#include "daemon/daemon.h"

struct mnd_route {
	struct machnet_nl_route_key key;
	struct machnet_nl_route last;	/* the latest answer */
	uint64_t confirmed_us;		/* when the control plane last got that it works */
	LIST_HEAD(, mnd_route_user) users;
};

/* One for whom a route is watched: an engine's way to a peer, or a question that waits for one. */
struct mnd_route_user {
	struct mnd_route *route;	/* NULL: none is watched */
	/* There is a new answer; the user may end by it. */
	void (*changed)(struct mnd_daemon *d, struct mnd_route_user *user);
	uint32_t engine;
	struct mn_addr local, remote;
	uint8_t mac[6];			/* the next hop that the engine uses */
	uint16_t mtu;
	bool unreachable;		/* as the engine knows it */
	LIST_ENTRY(mnd_route_user) on_route;
};

/*
 * The destination's route, watched from now on for one more user. from: the address to be sent
 * from, any for the one that the routing table chooses. -ENETUNREACH and the like when there is
 * none.
 */
int mnd_route_get(struct mnd_daemon *d, const struct mn_addr *dst, const struct mn_addr *from,
		  struct mnd_route **route);

/* The route is used from now on. */
void mnd_route_use(struct mnd_route *route, struct mnd_route_user *user);
/* It is not used any more, if it was; the last user ends the watch. */
void mnd_route_drop(struct mnd_daemon *d, struct mnd_route_user *user);
/* A route that found no user. */
void mnd_route_put(struct mnd_daemon *d, struct mnd_route *route);
/* The engine gets what has changed of the way to the peer. */
void mnd_route_follow(struct mnd_daemon *d, struct mnd_route_user *user);

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
