/* SPDX-License-Identifier: MIT */
/*
 * path_ports.h - the block of UDP ports that the datapath's packets use, at the device's addresses
 *
 * The same numbers at each address of the device, and at no other one, so that the datapaths of a
 * host share them. Link-local addresses have none: nothing is routed to them.
 */
#ifndef MND_PATH_PORTS_H
#define MND_PATH_PORTS_H

#include "daemon/daemon.h"

/*
 * Binds the ports at the addresses of an interface that is still to be taken: a port that another
 * program has stops the start before the device is touched. 0 or -errno, which is logged.
 */
int mnd_path_ports_bind(struct mnd_daemon *d, uint32_t ifindex);

/*
 * The device has d->addrs: ports are bound at those that are new, lent to the control plane, and
 * freed at those that are gone. An address that is not ready is tried again at the next change. 0,
 * or the first error; each is logged once.
 */
int mnd_path_ports_follow(struct mnd_daemon *d);

void mnd_path_ports_close(struct mnd_daemon *d);

#endif /* MND_PATH_PORTS_H */
