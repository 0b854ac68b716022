// SPDX-License-Identifier: MIT
/* ports.c - local ports that Machnet serves, and the engine of each */
#include "dp/ports.h"

static void set_engine(struct dp_ports *p, uint16_t port, uint8_t value)
{
	__atomic_store_n(&p->engine[port], value, __ATOMIC_RELAXED);
}

bool dp_ports_may_listen(const struct dp_ports *p, uint16_t port, unsigned int engine)
{
	return !p->listeners[port] || p->engine[port] == engine + 1;
}

void dp_ports_listen(struct dp_ports *p, uint16_t port, unsigned int engine)
{
	p->listeners[port]++;
	p->users[port]++;
	set_engine(p, port, engine + 1);
}

void dp_ports_unlisten(struct dp_ports *p, uint16_t port)
{
	p->listeners[port]--;
}

void dp_ports_move(struct dp_ports *p, uint16_t port, unsigned int engine)
{
	set_engine(p, port, engine + 1);
}

void dp_ports_put(struct dp_ports *p, uint16_t port)
{
	if (!--p->users[port])
		set_engine(p, port, 0);
}
