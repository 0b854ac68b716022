/* SPDX-License-Identifier: MIT */
/*
 * stack.h - the transport of one engine: channels, connections, paths, timers
 *
 * Pure protocol logic: no DPDK, no system call, no clock of its own. An engine feeds it packets and
 * the time, and asks it for packets to send. One thread owns a stack and everything in it.
 *
 *   loop:  mn_stack_advance(s, now)            once per turn: the clock, expired timers
 *          mn_stack_input(s, pkt) ...          for each Machnet packet received
 *          mn_stack_poll_channels(s)           takes what applications want to send
 *          mn_stack_output(s, buf, ...) ...    until it returns 0 or the burst is full
 *          mn_stack_flush(s)                   publishes to the applications, rings doorbells
 */
#ifndef MN_TRANSPORT_STACK_H
#define MN_TRANSPORT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet/addr.h>
#include "channel/channel.h"

struct mn_stack;
struct mn_steer;

/* Where a packet came from or goes to. Ports in host byte order. */
struct mn_tuple {
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	uint16_t mtu;		/* bytes of IP packet; sent packets fit into it */
	uint8_t mac[6];		/* next hop (to send), sender's MAC (received) */
	bool local_host;	/* both ends are served by this datapath: loop it, no NIC */
};

/* A received packet: a validated UDP datagram for one of our ports. */
struct mn_pkt {
	const struct mn_tuple *tuple;
	const uint8_t *data;	/* UDP payload */
	uint32_t len;
	void *handle;		/* the engine's buffer; see mn_stack_input() */
	uint8_t queue;		/* of the NIC, where it has arrived: the engine's or another */
};

/* Why a connection ended; 1:1 with enum machnet_reason of the netlink ABI. */
enum mn_end {
	MN_END_NONE,
	MN_END_CLOSED,		/* by the application here, in order */
	MN_END_PEER_CLOSED,	/* by the peer, in order */
	MN_END_REFUSED,		/* no listener */
	MN_END_RESET,		/* the peer lost or aborted it */
	MN_END_TIMED_OUT,	/* the peer stopped answering */
	MN_END_UNREACHABLE,	/* no route or no neighbour */
	MN_END_OWNER_DIED,	/* the application went away */
	MN_END_ADMIN,
};

/* The errno that an application gets for it. */
int mn_end_errno(enum mn_end why);

/* Events for the control thread. */
enum mn_stack_event_type {
	/* An application wants to connect: mn_stack_connect() or _refuse() is the answer. */
	MN_STACK_EVENT_CONNECT,
	MN_STACK_EVENT_UP,	/* a connect succeeded, or a connection was accepted */
	MN_STACK_EVENT_END,	/* it is gone; its handle may be used anew */
	/* Of a channel whose application has left; only channel and unsent are set. */
	MN_STACK_EVENT_FINISHING,	/* all was taken, nothing more is received */
	MN_STACK_EVENT_LEFT,		/* no connection remains */
	MN_STACK_EVENT_REACHABLE,	/* packets go to and fro; only tuple is set */
	/* Of an open path; path, remote_engine, tuple with its UDP ports are set, and why. */
	MN_STACK_EVENT_PATH_UP,		/* before the first connection on it is */
	MN_STACK_EVENT_PATH_MOVED,	/* another next hop, MTU or port */
	MN_STACK_EVENT_PATH_END,	/* after the last connection on it */
	/* A connection goes on, on another path: as UP. */
	MN_STACK_EVENT_MOVED,
	/* A channel is complete at its new engine, or stays at the old one: channel, engine. */
	MN_STACK_EVENT_CHANNEL,
	/* mn_stack_probe(): request, tuple, and why: TIMED_OUT or UNREACHABLE without an answer. */
	MN_STACK_EVENT_PROBED,
};

struct mn_stack_event {
	enum mn_stack_event_type type;
	enum mn_end why;	/* END, PATH_END */
	bool accepted;		/* UP: by a listener */
	uint32_t channel;	/* id of its channel */
	uint64_t flow;		/* handle in the channel */
	uint64_t unsent;	/* FINISHING: bytes that the peers have not accepted yet */
	uint64_t id;		/* of the connection, in this datapath */
	uint8_t engine;		/* CHANNEL: that has it */
	uint16_t remote_engine;
	uint64_t path;		/* UP, MOVED, END, PATH_*: its number; END: 0 after the path's */
	uint64_t request;	/* CONNECT, UP, END, PROBED: the caller's; 0: accepted */
	uint32_t local_port, remote_port;	/* UP, END: logical; CONNECT: remote_port */
	struct mn_tuple tuple;	/* of its path; CONNECT: addresses, the local one may be any */
	uint16_t rx_local_port, rx_remote_port;	/* PATH_*: of the peer's packets */
};

/* Calls out of the stack; none may call back into it. */
struct mn_stack_ops {
	/* A received buffer that mn_stack_input() kept is not needed any more. */
	void (*pkt_free)(void *ctx, void *handle);
	/* The event is valid during the call only. */
	void (*event)(void *ctx, const struct mn_stack_event *ev);
	/* The engine of the port's listener; -1: there is none. May be NULL: one engine. */
	int (*port_engine)(void *ctx, const struct mn_addr *local, uint16_t port);
	/* 64 random bits from a cryptographic source. */
	uint64_t (*random)(void *ctx);
};

struct mn_stack_config {
	uint8_t engine, engines;	/* index of this engine, and how many the host has */
	uint64_t instance;		/* of the host: not 0, another one after each start */
	uint16_t port_first, port_count;	/* the host's block of path ports */
	uint16_t contact_port;		/* where other hosts are asked first */
	uint16_t rx_ring;		/* descriptors of the NIC's queue */
	uint8_t paths;			/* to each engine of a peer: 1..16 */
	uint32_t max_conns;		/* 1..2^20 */
	uint32_t max_paths;		/* 1..65536 */
	uint32_t max_held;		/* received buffers kept for reassembly, in all */
	uint32_t max_records;		/* frames under way, in all */
	struct mn_steer *steer;		/* of the NIC, the engines share it; NULL: one queue */
	const struct mn_stack_ops *ops;
	void *ops_ctx;
};

/* Free-running counters; the names are what the stats command prints. */
#define MN_STACK_COUNTERS(X)	\
	X(rx_packets) X(rx_bytes) X(rx_messages) X(tx_packets) X(tx_bytes) X(tx_messages)	\
	X(rx_frames_data) X(tx_frames_data)	\
	X(tx_stale) X(rx_duplicates) X(rx_out_of_order) X(rx_held) X(tx_lost) X(tx_retransmits)	\
	X(tx_probes) X(rto_fired) X(tlp_fired) X(connects) X(accepts) X(ends)	\
	X(paths_opened) X(paths_accepted) X(paths_ended) X(opens_moved)	\
	X(conns_moved) X(conns_followed) X(moves_refused) X(channels_taken)	\
	X(tuples_changed) X(tuples_followed) X(challenges_sent) X(challenges_received)	\
	X(tuples_steered) X(advices_sent) X(candidates_sent) X(candidates_received)	\
	X(rx_misplaced) X(rx_confined)	\
	X(aborts_sent) X(aborts_received) X(resets_sent) X(resets_received)	\
	X(drop_short) X(drop_version) X(drop_malformed)	\
	X(drop_unknown_path) X(drop_unknown_conn) X(drop_no_listener) X(drop_beyond_credit)	\
	X(drop_no_room) X(drop_no_memory) X(drop_conn_limit) X(drop_path_limit)	\
	X(drop_wrong_peer) X(drop_bad_state) X(drop_after_close) X(drop_reply_limit)	\
	X(cookies_sent) X(cookies_accepted) X(cookies_bad) X(cookies_received)	\
	X(claims_expired) X(channels_corrupt) X(finish_timeouts) X(finish_aborted)

struct mn_stack_stats {
#define MN_X(name) uint64_t name;
	MN_STACK_COUNTERS(MN_X)
#undef MN_X
};

/* NULL when out of memory. now_us: any monotonic clock in microseconds. */
struct mn_stack *mn_stack_create(const struct mn_stack_config *cfg, uint64_t now_us);
/* Frees everything; nothing is sent to the peers (close connections before). */
void mn_stack_destroy(struct mn_stack *s);

/* The stack serves the channel from now on; it stays the caller's memory. 0 or -ENOSPC. */
int mn_stack_add_channel(struct mn_stack *s, struct mn_channel *ch);
/*
 * The application has left: its listeners end, and what it has put on its ring by now is
 * delivered before its connections are closed in order (RFC 9293, 3.10.4). Connections that it
 * does not know, which have neither been received nor sent on, and those that are opening are
 * aborted. FINISHING follows when the ring is empty, and LEFT when the last connection has ended,
 * MN_FINISH_US later at the most: until then channel and memory stay.
 */
void mn_stack_leave_channel(struct mn_stack *s, struct mn_channel *ch);
/* Aborts its connections (why: OWNER_DIED or ADMIN), ends its listeners, forgets it. */
void mn_stack_del_channel(struct mn_stack *s, struct mn_channel *ch, enum mn_end why);

/* addr may be any. -EADDRINUSE, -ENOSPC. */
int mn_stack_listen(struct mn_stack *s, struct mn_channel *ch, const struct mn_addr *addr,
		    uint16_t port);
void mn_stack_unlisten(struct mn_stack *s, const struct mn_addr *addr, uint16_t port);

/*
 * The answer to CONNECT: the connection with this id opens to to->remote, on a path that there is
 * or that is opened for it; ports in *to do not matter. by_default: the application has left the
 * local address open; for a while the others that do so get the same one. UP or END follows.
 * -ENOENT: it is gone, -ENOSPC: it has failed (too many peers, paths or ports).
 */
int mn_stack_connect(struct mn_stack *s, uint64_t id, const struct mn_tuple *to, bool by_default);
/* The other answer; error: a positive errno for the application. */
void mn_stack_refuse(struct mn_stack *s, uint64_t id, int error);
/* The host has given up this address: the next connect from it is asked for. */
void mn_stack_forget_source(struct mn_stack *s, const struct mn_addr *local);

/*
 * Asks the peer for a path of its own at the port where hosts are contacted first, without a
 * connection; PROBED follows. The path is closed as idle. request: not 0. 0 or -ENOSPC.
 */
int mn_stack_probe(struct mn_stack *s, const struct mn_tuple *to, uint64_t request);

/*
 * The connection is to go on, on another path of this stack between the same engines; both by what
 * they are called outside. It asks the peer; MOVED follows when it has agreed, and nothing when it
 * refuses or one of the paths ends. -ENOENT, -EBUSY (it is opening, ending or moving; the path is
 * not open or new), -EINVAL (the path does not lead there), -ENOMEM.
 */
int mn_stack_move(struct mn_stack *s, uint64_t id, uint64_t path);

/*
 * The channel is to move to another engine with its listeners and connections, by parcels
 * (parcel.h), which both engines pass on in each turn. CHANNEL follows, from the engine that has it
 * then: until it does, what concerns the channel or a connection of it must wait. 0, -ENOENT,
 * -EBUSY (it moves), -EINVAL (no other engine).
 */
int mn_stack_move_channel(struct mn_stack *s, struct mn_channel *ch, uint8_t engine);

/* At once, with an ABORT to the peer. -ENOENT. */
int mn_stack_abort(struct mn_stack *s, uint64_t id, enum mn_end why);

/* New next hop or MTU for a peer. -ENOENT: there is no path to it. */
int mn_stack_set_route(struct mn_stack *s, const struct mn_addr *local,
		       const struct mn_addr *remote, const uint8_t mac[6], uint16_t mtu);
/*
 * The control plane knows no route to the peer, or knows one again. Packets may get through all the
 * same; if nothing is received of the peer the end is UNREACHABLE and not TIMED_OUT. -ENOENT.
 */
int mn_stack_set_unreachable(struct mn_stack *s, const struct mn_addr *local,
			     const struct mn_addr *remote, bool unreachable);

/*
 * Sets the clock and runs the timers that are due; after a long absence at the next call, when the
 * packets that have waited are known. mn_stack_deadline() lies in the past until then.
 */
void mn_stack_advance(struct mn_stack *s, uint64_t now_us);

/*
 * A packet for this engine. Returns true when the stack keeps pkt->handle (and the data) until it
 * calls ops->pkt_free(), false when the caller frees it.
 */
bool mn_stack_input(struct mn_stack *s, const struct mn_pkt *pkt);

/* Packets were left in the NIC's queue in this turn: the next ones seen have waited for longer. */
void mn_stack_rx_left(struct mn_stack *s, bool left);

/* Takes new messages and returned buffers from all channels. True if there was any. */
bool mn_stack_poll_channels(struct mn_stack *s);

/*
 * Writes the next UDP payload to send to buf (cap bytes, at least 65535 - 28 or the largest
 * MTU in use) and where it goes to *to. Returns its length, 0 when there is nothing to send now.
 * *sum: the payload as mn_checksum_add() adds it up, mostly while it is copied, unless the packet
 * stays in this host (to->local_host). NULL: it is not wanted.
 */
uint32_t mn_stack_output(struct mn_stack *s, uint8_t *buf, uint32_t cap, struct mn_tuple *to,
			 uint16_t *sum);

/* Publishes what was put into channels; true if an application got something to receive. */
bool mn_stack_flush(struct mn_stack *s);

/* Prepares to sleep / after it. arm is false when there is work: do not sleep. */
bool mn_stack_arm(struct mn_stack *s);
void mn_stack_disarm(struct mn_stack *s);

/* When mn_stack_advance() must be called at the latest; UINT64_MAX: no timer. */
uint64_t mn_stack_deadline(const struct mn_stack *s);

/* Read by any thread (word by word). */
const struct mn_stack_stats *mn_stack_stats(const struct mn_stack *s);

/* How much there is now. */
struct mn_stack_gauges {
	uint32_t channels;
	uint32_t connections;	/* slots in use: those that are ending, too */
	uint32_t paths;
	uint32_t held;		/* received buffers kept for reassembly */
	uint32_t records;	/* frames under way, and those that are to be sent again */
};

/* From any thread, which sees each of them as it was a moment ago. */
void mn_stack_gauges(const struct mn_stack *s, struct mn_stack_gauges *g);

/* 1:1 with enum machnet_connection_state of the netlink ABI. */
enum mn_phase {
	MN_PHASE_CONNECTING = 1,
	MN_PHASE_ESTABLISHED,
	MN_PHASE_CLOSING,
};

/* What an operator wants to see of a connection. */
struct mn_conn_info {
	uint64_t id, age_us;
	uint64_t path;		/* number of its path; 0: it has none */
	uint32_t channel;
	uint64_t flow;
	enum mn_phase phase;
	struct mn_addr local, remote;
	uint32_t local_port, remote_port;
	uint32_t credit_bytes;	/* that it may send now */
	/* Of its path. */
	uint32_t srtt_us, rttvar_us, rto_us, cwnd_bytes;
	uint64_t retransmits;
	uint64_t unsent_bytes;	/* taken from the application, never sent */
	uint64_t unaccepted_bytes;	/* sent, not accepted by the peer */
	uint32_t unread_bytes;	/* handed to the application, not consumed, as far as it says */
	uint64_t tx_messages, rx_messages, tx_bytes, rx_bytes;
};

/* And of a path. */
struct mn_path_info {
	uint64_t id;		/* on the wire: a secret of the two hosts */
	uint64_t number;	/* in this datapath: not a secret */
	uint64_t age_us;
	struct mn_tuple tuple;
	uint8_t remote_engine;
	bool open;
	uint32_t connections;
	uint32_t mss;		/* UDP payload of its packets */
	uint32_t srtt_us, rttvar_us, rto_us, cwnd_packets, window_packets, inflight_packets;
	uint64_t tx_packets, rx_packets, tx_lost, tx_frames, rx_frames;
	uint16_t rx_local_port, rx_remote_port;	/* of the peer's packets; 0: there was none */
	uint64_t rx_misplaced;	/* that arrived at the queue of another engine */
	bool steered;		/* packets to the peer have ports that it asked for */
	bool confined;		/* those from it can have no better ones */
};

/*
 * All in turn, bit by bit: *next is 0 at first; each call looks at up to max slots and reports
 * those in use. False: that were all.
 */
bool mn_stack_walk(struct mn_stack *s, uint32_t *next, uint32_t max,
		   void (*fn)(const struct mn_conn_info *info, void *ctx), void *ctx);
bool mn_stack_walk_paths(struct mn_stack *s, uint32_t *next, uint32_t max,
			 void (*fn)(const struct mn_path_info *info, void *ctx), void *ctx);

#endif /* MN_TRANSPORT_STACK_H */
