/* SPDX-License-Identifier: MIT */
/* path.h - the datapath's paths on their way to the registry */
#ifndef MND_PATH_H
#define MND_PATH_H

#include "daemon/daemon.h"

/* The datapath's events. */
void mnd_path_event(struct mnd_daemon *d, const struct machnet_dp_event *ev);

#endif /* MND_PATH_H */
