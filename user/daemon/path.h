/* SPDX-License-Identifier: MIT */
/* path.h - the datapath's paths: their routes are watched, and the registry has them */
#ifndef MND_PATH_H
#define MND_PATH_H

#include "daemon/daemon.h"
#include "daemon/route.h"

struct mnd_path {
	uint64_t id;
	struct mnd_route_user way;
};

/* The datapath's events. */
void mnd_path_event(struct mnd_daemon *d, const struct machnet_dp_event *ev);

/* At the end of the daemon, when the datapath is gone. */
void mnd_path_free_all(struct mnd_daemon *d);

#endif /* MND_PATH_H */
