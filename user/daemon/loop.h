/* SPDX-License-Identifier: MIT */
/* loop.h - the event loop of the control thread */
#ifndef MND_LOOP_H
#define MND_LOOP_H

#include "daemon/daemon.h"

/* Adds fd to the loop; the watch stays where it is until the fd is closed. */
int mnd_watch_add(struct mnd_daemon *d, int fd, struct mnd_watch *w);

/* Until d->stop. */
void mnd_loop_run(struct mnd_daemon *d);

#endif /* MND_LOOP_H */
