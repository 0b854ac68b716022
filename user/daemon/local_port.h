/* SPDX-License-Identifier: MIT */
/* local_port.h - ports held by ordinary UDP sockets of the daemon, for --control=local */
#ifndef MND_LOCAL_PORT_H
#define MND_LOCAL_PORT_H

#include <stdint.h>

#include <machnet/addr.h>

struct mnd_local_ports {
	void *tree;	/* by address and number */
};

/*
 * Takes the port from all other programs; what arrives by the kernel's stack is
 * dropped unseen. *port 0: the kernel chooses. -EADDRINUSE and what else bind() says.
 */
int mnd_local_port_open(struct mnd_local_ports *t, const struct mn_addr *addr, uint16_t *port);
/* -ENOENT */
int mnd_local_port_close(struct mnd_local_ports *t, const struct mn_addr *addr, uint16_t port);
void mnd_local_ports_close(struct mnd_local_ports *t);

#endif /* MND_LOCAL_PORT_H */
