/* SPDX-License-Identifier: MIT */
/*
 * ports.h - local ports that Machnet serves, and the engine of each
 *
 * A port number is in use by any number of listeners and connections, of several addresses and
 * families. It is Machnet's until the last of them has ended. Packets that name a connection are
 * steered by its id; the engine of a port is for those that do not: requests to connect, and
 * resets from a peer that has lost its connections.
 *
 * The block of path ports is the datapath's as long as it lives, and no engine's.
 */
#ifndef DP_PORTS_H
#define DP_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct dp_ports {
	uint8_t engine[65536];		/* 0: no engine's; else 1 + index. Engines read it. */
	uint16_t path_first, path_count;	/* the block; set before an engine runs */
	/* Of the control thread alone. */
	uint16_t listeners[65536];
	uint32_t users[65536];		/* listeners, also removed ones; connections */
};

/* The engine of a port, -1: of none, or of any (a path port). Any thread. */
static inline int dp_ports_engine(const struct dp_ports *p, uint16_t port)
{
	return __atomic_load_n(&p->engine[port], __ATOMIC_RELAXED) - 1;
}

static inline bool dp_ports_is_path(const struct dp_ports *p, uint16_t port)
{
	return (uint16_t)(port - p->path_first) < p->path_count;
}

/* Packets to the port are Machnet's. Any thread. */
static inline bool dp_ports_serves(const struct dp_ports *p, uint16_t port)
{
	return dp_ports_engine(p, port) >= 0 || dp_ports_is_path(p, port);
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
