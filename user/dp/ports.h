/* SPDX-License-Identifier: MIT */
/*
 * ports.h - local ports that Machnet serves, and the engine of each
 *
 * A port number is in use by any number of listeners and connections, of several addresses and
 * families. It is Machnet's until the last of them has ended. Packets that name a connection are
 * steered by its id; the engine of a port is for those that do not: requests to connect, and
 * resets from a peer that has lost its connections.
 */
#ifndef DP_PORTS_H
#define DP_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct dp_ports {
	uint8_t engine[65536];		/* 0: not Machnet's; else 1 + index. Engines read it. */
	/* Of the control thread alone. */
	uint16_t listeners[65536];
	uint32_t users[65536];		/* listeners, also removed ones; connections */
};

/* The engine of a port, -1: the port is not Machnet's. Any thread. */
static inline int dp_ports_engine(const struct dp_ports *p, uint16_t port)
{
	return __atomic_load_n(&p->engine[port], __ATOMIC_RELAXED) - 1;
}

/* All listeners of a port are on one engine: a request to connect is steered by the port alone. */
bool dp_ports_may_listen(const struct dp_ports *p, uint16_t port, unsigned int engine);
/* A new listener takes the port's requests to its engine. */
void dp_ports_listen(struct dp_ports *p, uint16_t port, unsigned int engine);
/* Another engine may listen now; the port stays in use until dp_ports_put(). */
void dp_ports_unlisten(struct dp_ports *p, uint16_t port);

/* A connection uses the port. */
void dp_ports_get(struct dp_ports *p, uint16_t port, unsigned int engine);
/* A connection has ended, or the engine of a removed listener accepts nothing more. */
void dp_ports_put(struct dp_ports *p, uint16_t port);

#endif /* DP_PORTS_H */
