/* SPDX-License-Identifier: MIT */
/*
 * ports.h - local ports that Machnet serves, and the engine of each listener
 *
 * All packets use ports of the hosts' blocks of path ports, which are the datapath's as long as it
 * lives, and no engine's. The port of a listener is a reserved one as well: a host whose block is
 * not known is asked there for a path. A port number may have listeners on several addresses and of
 * both families; it is Machnet's until the last of them has ended.
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
	uint32_t users[65536];		/* listeners, also removed ones */
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

/* Its listeners, of one channel, are on another engine now. */
void dp_ports_move(struct dp_ports *p, uint16_t port, unsigned int engine);

/* The engine of a removed listener accepts nothing more. */
void dp_ports_put(struct dp_ports *p, uint16_t port);

#endif /* DP_PORTS_H */
