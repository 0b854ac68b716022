/* SPDX-License-Identifier: MIT */
/*
 * steer_net.h - two hosts with many engines behind NICs that spread packets, in virtual time
 *
 * Paths between any two engines, on which both ends ask for acknowledgements; and what runs on
 * the hosts beside, such as the applications of steer_app.h.
 */
#ifndef STEER_NET_H
#define STEER_NET_H

#include "base/list.h"
#include "steer/steer.h"
#include "transport/path.h"
#include "../unit/soft_nic.h"
#include "../unit/soft_way.h"

#define STEER_ENGINES	16
#define STEER_DELAY_US	50u
/* The path ports of both. */
#define STEER_BLOCK	61440
#define STEER_BLOCK_PORTS	64

struct steer_host;

/* What runs on the hosts beside the stacks. */
struct steer_net_ops {
	/* Of a stack, as mn_stack_ops has them. */
	void (*event)(struct steer_host *h, int engine, const struct mn_stack_event *ev);
	int (*port_engine)(const struct steer_host *h, uint16_t port);
	/* A turn of an engine, between the packets that it receives and those that it sends. */
	void (*turn)(struct steer_host *h, int engine);
};

struct steer_engine {
	struct steer_host *host;
	int index;
};

struct steer_host {
	struct steer_net *net;
	struct steer_engine engine[STEER_ENGINES];
	struct mn_addr addr;
	struct mn_stack *stacks[STEER_ENGINES];
	int engines;
	struct mn_steer *steer;
	struct soft_nic nic;
	struct soft_way way;
	uint64_t ended;			/* paths */
	uint64_t probes;		/* packets that have tried tuples */
	uint64_t sent_bytes, got_bytes;
};

struct steer_config {
	int engines[2];
	struct soft_nic_config nic[2];	/* queues are set */
	enum soft_way_kind way[2];
	bool v6;
	uint32_t loss_ppm;
	uint32_t handoff_us;		/* until a packet of another queue is at its engine */
	uint32_t max_conns, max_paths;	/* of each engine; 0: some */
	uint64_t seed;
};

struct steer_net {
	struct steer_host host[2];
	uint64_t now_us, rng;
	uint32_t loss_ppm, handoff_us;
	struct mn_list packets, handed;	/* by arrival; at another engine of their host */
	const struct steer_net_ops *ops;	/* NULL: nothing */
	void *ops_ctx;
};

void steer_net_init(struct steer_net *n, const struct steer_config *cfg);
void steer_net_fini(struct steer_net *n);

/* Host 0 opens a path from this engine to that one of host 1; it is kept. */
bool steer_net_open(struct steer_net *n, int from, int to);
/* All pairs. */
void steer_net_open_all(struct steer_net *n);
/* Of host h, between its engine and that of the peer; NULL: not open. */
struct mn_path *steer_net_path(struct steer_net *n, int h, int engine, int peer_engine);
/* For so long; every path asks every_us (0: none does). */
void steer_net_run(struct steer_net *n, uint64_t for_us, uint64_t every_us);
/* The two blocks have tuples for each queue of the host. A random symmetric key may have none. */
bool steer_net_can_steer(struct steer_net *n, int h);
/* Sum over the engines of a host. */
#define steer_net_stat(n, h, name)	\
	({ uint64_t sum = 0; \
	   for (int e = 0; e < (n)->host[h].engines; e++) \
		   sum += mn_stack_stats((n)->host[h].stacks[e])->name; \
	   sum; })
/* Of both. */
#define steer_net_both(n, name)	(steer_net_stat(n, 0, name) + steer_net_stat(n, 1, name))

#endif /* STEER_NET_H */
