/* SPDX-License-Identifier: MIT */
/* app_port.h - the ports that applications listen on */
#ifndef MND_APP_PORT_H
#define MND_APP_PORT_H

#include "daemon/app.h"

/* Of one user other than root: each costs a descriptor. */
#define MND_PORTS_PER_USER	1024

struct mnd_app_port {
	struct mn_addr addr;
	uint16_t port;
	int fd;			/* the application's socket */
	LIST_ENTRY(mnd_app_port) link;
};

/* LISTEN: *fd is taken over, and -1 then, or stays the caller's. */
int mnd_app_port_listen(struct mnd_app *app, const struct mn_app_msg *req, int *fd);
/* UNLISTEN */
int mnd_app_port_unlisten(struct mnd_app *app, const struct mn_app_msg *req);

/* Takes a port of a channel out of use and frees p. */
void mnd_app_port_release(struct mnd_daemon *d, uint32_t channel, struct mnd_app_port *p);
void mnd_app_port_release_all(struct mnd_daemon *d, uint32_t channel, struct mnd_app_ports *ports);

/*
 * The kernel's port is gone. When it went with its lender, which may have left data to be sent,
 * the daemon goes on with the socket that it has.
 */
void mnd_app_port_gone(void *daemon, const struct mn_addr *addr, uint16_t port, uint32_t reason);

#endif /* MND_APP_PORT_H */
