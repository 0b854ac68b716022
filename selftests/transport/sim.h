/* SPDX-License-Identifier: MIT */
/*
 * sim.h - two or three hosts, their applications, and a network between them, in virtual time
 *
 * Everything that happens is decided by the seed. Data is checked as it is
 * received; what is wrong is counted in sim.errors.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "channel/channel.h"
#include "transport/parcel.h"
#include "transport/stack.h"

#define SIM_APPS	2
#define SIM_HOSTS	3
#define SIM_ENGINES	4
#define SIM_FLOWS	1024
#define SIM_PORT	31580
/* The first path port of all hosts. */
#define SIM_BLOCK	61600
/* Paths that a host may have. */
#define SIM_PATHS	64
#define SIM_EVENTS	2048
#define SIM_QUEUE_MAX	1024

/* A connection as an application sees it. */
struct sim_flow {
	uint64_t handle;
	uint64_t received, bytes;	/* messages, their bytes */
	uint32_t sent;
	bool open, ended;
	struct mn_shm_flow path;	/* of the opening */
	int error;			/* of the end */
};

struct sim_app {
	struct mn_channel ch;
	struct mn_ring tx, txc, rx, rxc;
	uint32_t *free;			/* TX buffers */
	uint32_t n_free;
	bool reads;			/* takes what it receives */
	bool returns;			/* gives the buffers back at once */
	bool alien;			/* the test alone touches its side of the channel */
	int engine;			/* index of the stack that has its channel */
	uint16_t port;			/* that it listens on; 0: none */
	uint32_t *kept, n_kept;		/* chains that it did not give back */
	struct sim_flow flows[SIM_FLOWS];
	uint32_t n_flows;
	uint32_t n_failed;		/* requests to connect that have failed */
	uint64_t failed;		/* the last one */
	int failed_error;
};

struct sim_host {
	struct sim *sim;
	struct mn_stack *stack;		/* that of its first engine */
	struct mn_stack *stacks[SIM_ENGINES];
	int n_engines;
	uint8_t first_engine;		/* its number; the others follow */
	struct mn_parcel *parcels;	/* between its engines, since the last turn */
	uint32_t n_parcels;
	uint64_t handoffs;		/* packets that belong to another engine than the first */
	struct mn_addr addr;
	struct sim_app apps[SIM_APPS];
	struct mn_stack_event events[SIM_EVENTS];
	uint32_t n_events;
	struct mn_stack_event *asked;	/* CONNECT events that are to be answered */
	uint32_t n_asked;
	uint32_t asks;			/* that there were in all */
	bool deaf;			/* the control thread answers none of them */
	uint32_t held;			/* buffers that the stack keeps */
	uint64_t link_free_ns;		/* the link is busy until then */
	uint64_t in_free_ns;		/* and the one that leads here */
	uint64_t in_out_ns[SIM_QUEUE_MAX];	/* when packets have left the queue to here */
	uint32_t in_packets;
	struct mn_list ring;		/* packets in the RX ring */
	uint32_t ring_used;
	uint64_t ring_us;		/* when it is looked at next */
	uint64_t overflows;		/* packets that found the queue or the ring full */
	bool dead;			/* does not run */
	uint64_t sent, lost;		/* packets put on the link, lost there */
};

/* The network; each direction alike. Probabilities in a million. */
struct sim_net {
	uint32_t delay_us;
	uint32_t bytes_per_us;		/* 0: no limit */
	uint32_t queue_us;		/* longest queue in front of the link; 0: no limit */
	uint32_t loss, dup, reorder;
	uint32_t corrupt;		/* a bit of the headers flips, unseen by any checksum */
	uint32_t burst_us;		/* a loss takes all others of so many microseconds along */
	uint32_t reorder_us;		/* by how much a packet is late at most */
	uint16_t mtu;			/* what does not fit is lost */
	/* The last link before each host, which all senders share. */
	uint32_t in_bytes_per_us;	/* 0: no limit */
	uint32_t in_queue;		/* packets in front of it, SIM_QUEUE_MAX at most */
	/* Host 1 has a turn so often, and a ring of so many slots, of which it empties some. */
	uint32_t ring_slots;		/* 0: no limit */
	uint32_t ring_burst, ring_every_us;
};

struct sim {
	uint64_t now_us;
	uint64_t rng;
	struct sim_net net;
	struct sim_host host[SIM_HOSTS];
	int n_hosts;			/* 2; the third exists when it is asked for */
	uint32_t poll_us;		/* hosts look so often at least; 0: no need */
	uint16_t mtu;			/* of the paths that are made from now on */
	uint8_t paths;			/* to an engine of a peer */
	struct mn_list packets;		/* under way, by arrival */
	uint64_t burst_end_us;
	uint64_t errors;
	/* Sees every packet put on the link; true: loses it. */
	bool (*filter)(struct sim *sim, int from, const uint8_t *data, uint32_t len);
	void *filter_ctx;
	const struct mn_tuple *way;	/* of the packet that it sees */
};

struct sim *sim_new(uint64_t seed);
/* With another bound on connections and held packets. */
struct sim *sim_new_sized(uint64_t seed, uint32_t max_conns, uint32_t max_held);
/* With so many paths to an engine of a peer. */
struct sim *sim_new_paths(uint64_t seed, uint8_t paths);
/*
 * With so many engines. App i begins on engine i modulo their number; packets are routed by
 * mn_owner_of_packet(), and INITs for a port of sim_listen() to the engine of that application.
 */
struct sim *sim_new_engines(uint64_t seed, int engines0, int engines1, uint32_t max_conns);
void sim_free(struct sim *sim);
/* A third host, number 2, whose peer is host 1 as well. */
void sim_add_third(struct sim *sim);

/* Random number below n. */
uint32_t sim_random(struct sim *sim, uint32_t n);

/* Runs until the time, or until done() is true; false when the time was up first. */
bool sim_run(struct sim *sim, uint64_t for_us, bool (*done)(struct sim *sim));
/* The control thread of the host answers what it was asked: it knows all routes. */
void sim_answer(struct sim *sim, struct sim_host *h);
/* One turn of both hosts now, without a step in time. */
void sim_turn(struct sim *sim);

struct mn_tuple sim_path(const struct sim *sim, int from, uint16_t local_port);
/* The channel of the application moves to this engine, when it has agreed with its peers. */
int sim_move(struct sim *sim, int host, int app, int engine);
/* The application of the host listens on this port, on the engine that has its channel now. */
bool sim_listen(struct sim *sim, int host, int app, uint16_t port);
/* Listens on host 1, connects app 0 of host 0; flow handles at both ends. False: no connection. */
bool sim_pair(struct sim *sim, uint64_t *flow0, uint64_t *flow1);
/* One more connection, from app of host 0, or of another host, to the listener. */
bool sim_connect(struct sim *sim, int app, uint64_t *flow0, uint64_t *flow1);
bool sim_connect_from(struct sim *sim, int host, int app, uint64_t *flow0, uint64_t *flow1);
const struct mn_stack_event *sim_last_event(const struct sim *sim, int host,
					    enum mn_stack_event_type type);

/* Puts a message on the ring; false when there is no room. */
bool sim_send(struct sim_app *app, uint64_t flow, uint32_t len);
/* Puts a request on the ring: to connect as *to says, to close; false when there is no room. */
bool sim_open(struct sim_app *app, const struct mn_tuple *to, uint64_t request);
bool sim_close(struct sim_app *app, uint64_t flow);
struct sim_flow *sim_flow(struct sim_app *app, uint64_t handle);
/* Gives kept chains back. */
void sim_return_kept(struct sim_app *app);

/* What sim.c needs of applications: to make one, let it read, let it take its buffers back. */
void sim_app_init(struct sim_app *app, uint32_t id);
void sim_app_read(struct sim *sim, struct sim_app *app);
void sim_app_take_back(struct sim_app *app);
/* Byte i of the nth message of a flow. */
uint8_t sim_pattern(uint32_t n, uint32_t i);

/* A packet from outside to a host. */
void sim_inject(struct sim *sim, int to, const struct mn_tuple *path, const uint8_t *data,
		uint32_t len);

/* All buffers are back, nothing is held: after connections have ended. */
bool sim_is_clean(struct sim *sim);
uint64_t sim_conns(struct sim *sim, int host);
uint64_t sim_paths(struct sim *sim, int host);
/* Of its nth path; false: there are not so many. */
bool sim_path_info(struct sim *sim, int host, uint32_t n, struct mn_path_info *info);
bool sim_info(struct sim *sim, int host, uint64_t flow, struct mn_conn_info *info);

#endif /* SIM_H */
