/* SPDX-License-Identifier: MIT */
/*
 * engine.h - one thread, one queue pair, one transport; nothing is shared
 *
 * The control thread speaks to an engine by a ring of commands and hears from
 * it by a ring of events, both by value. Engines and the exception thread hand
 * packets to each other by rings of mbufs. An engine that sleeps is woken by
 * its eventfd.
 */
#ifndef DP_ENGINE_H
#define DP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/dp.h>
#include "base/spin.h"
#include "transport/parcel.h"
#include "transport/stack.h"
#include "dp/exception.h"
#include "dp/fault.h"
#include "dp/nic.h"
#include "dp/ports.h"

struct rte_mbuf;
struct rte_ring;

/* Most paths of an engine. */
#define DP_ENGINE_PATHS	1024

enum dp_cmd_type {
	DP_CMD_CHANNEL_ADD,
	DP_CMD_CHANNEL_LEAVE,
	DP_CMD_CHANNEL_DEL,
	DP_CMD_CHANNEL_MOVE,
	DP_CMD_LISTEN,
	DP_CMD_UNLISTEN,
	DP_CMD_CONNECT,
	DP_CMD_REFUSE,
	DP_CMD_PROBE,
	DP_CMD_ABORT,
	DP_CMD_SET_ROUTE,
	DP_CMD_SET_UNREACHABLE,
	DP_CMD_ADDR_ADD,
	DP_CMD_ADDR_DEL,
	DP_CMD_SET_MAC,
	DP_CMD_SNAPSHOT,
	DP_CMD_SNAPSHOT_PATHS,
};

/* An event for the datapath alone: no connection remains of a channel that was left. */
#define DP_EVENT_CHANNEL_LEFT	MACHNET_DP_EVENTS
/* Another one: the channel is at the event's engine now. */
#define DP_EVENT_CHANNEL_MOVED	(MACHNET_DP_EVENTS + 1)

/* What there is of an engine, for the control thread; between the command and done the engine's. */
struct dp_snapshot_part {
	union {
		struct machnet_dp_conn *conns;	/* max_conns of them */
		struct machnet_dp_path *paths;	/* DP_ENGINE_PATHS */
		char *list;
	};
	uint32_t n;
	uint32_t next;			/* where to go on */
	bool done;
};

struct dp_cmd {
	uint32_t type;			/* enum dp_cmd_type */
	uint32_t why;			/* ABORT: enum mn_end; SET_UNREACHABLE: 1 it is, 0 not */
	int error;			/* REFUSE: an errno */
	unsigned int engine;		/* CHANNEL_MOVE: to this one */
	bool by_default;		/* CONNECT: the local address was chosen for it */
	struct mn_channel *channel;	/* CHANNEL_*, LISTEN, UNLISTEN */
	struct dp_snapshot_part *part;	/* SNAPSHOT, SNAPSHOT_PATHS */
	uint64_t id;			/* CONNECT, REFUSE, ABORT: connection; PROBE: tag */
	/* CONNECT, PROBE, SET_ROUTE, _UNREACHABLE; LISTEN, UNLISTEN, ADDR_*: local; SET_MAC: mac */
	struct mn_tuple tuple;
};

/* Free-running, but for the longest turn; printed by the stats command under these names. */
#define DP_ENGINE_COUNTERS(X)	\
	X(loops) X(longest_turn_us) X(sleeps) X(rx_frames) X(rx_machnet) X(rx_to_kernel)	\
	X(rx_not_for_us)	\
	X(drop_bad_frame) X(drop_bad_checksum) X(drop_handoff_full) X(drop_tx_stuck)	\
	X(drop_no_address)	\
	X(handoff_sent) X(handoff_received) X(local_frames) X(tx_frames)	\
	X(tx_ring_full) X(tx_no_mbuf)

/* Who is to answer what the engine did last. */
enum dp_wait { DP_WAIT_APP, DP_WAIT_NET, DP_WAITS };

struct dp_engine_stats {
#define DP_X(name) uint64_t name;
	DP_ENGINE_COUNTERS(DP_X)
#undef DP_X
};

struct dp_engine {
	/* Fixed before the engine runs. */
	unsigned int index;
	unsigned int engines;		/* number of them */
	struct dp_engine *all;
	struct dp_nic *nic;
	struct dp_exception *exception;	/* NULL: the kernel sees the packets by itself */
	const struct dp_ports *ports;
	struct mn_steer *steer;		/* of the NIC; NULL: it has one queue */
	uint64_t instance;		/* of this start of the datapath, not 0 */
	enum machnet_dp_poll poll;
	struct rte_ring *cmds, *events, *handoff;
	struct rte_ring *parcels;	/* struct mn_parcel, from other engines */
	uint32_t max_conns;
	unsigned int events_reserve;	/* with fewer event slots free it takes no work */
	int efd;			/* wakes the engine */
	int epfd;			/* what it sleeps on: efd, doorbells, RX events */
	int control_efd;		/* wakes the control thread */
	enum dp_rx_event rx_event;	/* what tells of packets while it sleeps */
	int rx_fd;

	/* The engine's own. */
	struct mn_stack *stack;
	struct dp_fault fault;
	struct mn_addr addrs[MACHNET_DP_ADDRS_MAX];
	unsigned int n_addrs;
	uint8_t mac[6];
	struct rte_mbuf *tx[DP_BURST];	/* built, not yet taken by the NIC */
	uint16_t tx_count;
	uint64_t tx_stuck_since_us;	/* the NIC takes nothing; 0: it does */
	struct rte_mbuf *spare;		/* for the next packet */
	uint64_t now_ns, now_us;	/* when the turn began */
	uint64_t idle_since_us;		/* 0: the last turn had work */
	uint64_t spin_from_ns, spin_until_ns;
	enum dp_wait waits_for;		/* who was given something last */
	struct mn_spin spins[DP_WAITS][2];	/* second index: after a yield */
	struct mn_spin *spin;		/* the present one */
	uint32_t spin_hits;		/* in a row, without a yield */
	struct mn_crowd crowd;
	uint64_t yielded_us;		/* last time */
	uint64_t event_due_us;		/* when the control thread is woken for events; 0: none */
	uint64_t random[512];		/* the last random_left of them were not given out yet */
	uint32_t random_left;
	struct mn_parcel parcel;	/* for another engine, whose ring was full */
	bool has_parcel;
	struct dp_snapshot_part *conns_wanted, *paths_wanted;	/* snapshots; NULL: none */
	struct dp_engine_stats stats;

	uint32_t sleeps __attribute__((aligned(64)));	/* about to wait: write efd */
	uint32_t stop;
	uint32_t told;			/* the control thread was woken and has not looked yet */
};

int dp_engine_init(struct dp_engine *e, unsigned int index, const struct machnet_dp_config *cfg);
void dp_engine_fini(struct dp_engine *e);

/* The thread: runs until stop is set, and then until it has nothing more to send. */
int dp_engine_main(void *engine);

/* Wakes it if it sleeps; after something was put on one of its rings. Any thread. */
void dp_engine_kick(struct dp_engine *e);

/* An event was posted, for which the control thread is to be woken in such a time at the latest. */
static inline void dp_engine_event_due(struct dp_engine *e, uint32_t in_us)
{
	uint64_t due_us = e->now_us + in_us;

	if (!e->event_due_us || due_us < e->event_due_us)
		e->event_due_us = due_us;
}

/* Wakes the control thread, if there are events for it. */
void dp_engine_wake_control(struct dp_engine *e);

/* command.c: takes some of the commands on its ring, while there is room for their events. */
unsigned int dp_engine_commands(struct dp_engine *e);
/* Of the device, as it has them now. */
bool dp_engine_owns_addr(const struct dp_engine *e, const struct mn_addr *addr);
extern const struct mn_stack_ops dp_engine_ops;

/* snapshot.c: goes on with the snapshots that are under way. True: there was one. */
bool dp_engine_snapshot(struct dp_engine *e);

/* A turn begins now. */
void dp_engine_clock(struct dp_engine *e);
/* Microseconds of the clock that all engines use. */
uint64_t dp_clock_us(void);

#endif /* DP_ENGINE_H */
