/* SPDX-License-Identifier: MIT */
/* device.h - the network device of this daemon: found, taken, driven, registered, given back */
#ifndef MND_DEVICE_H
#define MND_DEVICE_H

#include "daemon/daemon.h"

/* Refuses what can be seen to be wrong before anything is taken. Errors are logged. */
int mnd_device_check(struct mnd_daemon *d);
/* Refuses an interface that another daemon serves, or that cannot be served. Errors are logged. */
int mnd_device_claim(struct mnd_daemon *d);
/* Errors are logged; what was done is undone by mnd_device_close(). */
int mnd_device_open(struct mnd_daemon *d);
void mnd_device_close(struct mnd_daemon *d);

/* An address of the device, as of the last change. */
bool mnd_owns_addr(const struct mnd_daemon *d, const struct mn_addr *addr);

#endif /* MND_DEVICE_H */
