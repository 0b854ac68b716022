/* SPDX-License-Identifier: MIT */
/* stack_priv.h - the inside of a stack, for the files that make it up */
#ifndef MN_TRANSPORT_STACK_PRIV_H
#define MN_TRANSPORT_STACK_PRIV_H

#include "base/hash.h"
#include "base/keyset.h"
#include "base/timer_wheel.h"
#include "transport/conn.h"
#include "transport/cookie.h"
#include "transport/credit.h"
#include "transport/listener.h"
#include "transport/move.h"
#include "transport/parcel.h"
#include "transport/path.h"
#include "transport/peer.h"
#include "transport/reassembly.h"
#include "transport/record.h"
#include "transport/reply.h"
#include "transport/stack.h"

enum mn_channel_move {
	MN_CHANNEL_STAYS,
	MN_CHANNEL_OPENING,	/* until connections that are opening have their answers */
	MN_CHANNEL_ASKING,	/* its connections ask their peers */
	MN_CHANNEL_GONE,	/* until the new engine has it */
};

/* A channel as the stack sees it. */
struct mn_stack_channel {
	struct mn_channel *ch;
	struct mn_stack *stack;
	struct mn_list lanes;		/* struct mn_lane: its connections, by path */
	struct mn_list orphans;		/* connections whose path is gone */
	struct mn_list blocked;		/* those that have something to post, and no room */
	struct mn_list throttled;	/* those whose peers were given little credit */
	struct mn_credit credit;
	struct mn_list in_active;	/* mn_stack.active: looked at in each turn */
	uint32_t n_conns;
	bool answer_due;		/* a request waits for room to be answered */
	uint32_t idle_turns;		/* turns in a row in which there was nothing */
	bool corrupt;			/* found, to be closed at the end of the call */
	bool closed;
	bool leaving;			/* the application has left: what it sent is delivered */
	bool finishing;			/* all of that was taken, and the connections were closed */
	bool left;			/* LEFT was reported */
	bool incomplete;		/* it comes from another engine */
	uint8_t moving;			/* enum mn_channel_move */
	uint8_t move_to;		/* engine */
	uint64_t move_us;		/* since when */
	uint32_t parked;		/* records: OPENs that come meanwhile */
	struct mn_list in_leaving;	/* mn_stack.leaving */
};

struct mn_stack {
	struct mn_stack_config cfg;
	uint64_t now_us;
	uint16_t wait_us;		/* a packet may have waited so long to be seen now */
	bool rx_left;			/* not all that had come were looked at */
	struct mn_sharers senders;	/* of the RX ring: paths */
	uint32_t windows;		/* sum of what the paths' peers may have under way */
	uint16_t backlog_turns;		/* until those that came in its absence are seen */
	struct mn_wheel wheel;
	struct mn_timer sweep;		/* looks at what is limited in time */

	struct mn_conn *conns;		/* max_conns of them, by slot */
	uint32_t fresh;			/* slots from here on were never used */
	uint32_t n_free;
	struct mn_list free;		/* used before, oldest first */
	uint32_t slot_bits;
	struct mn_keyset client_ports;	/* with peer and its port: of those opened here */
	uint64_t port_seed[2];
	uint32_t client_port;		/* the last one that was given out */
	struct mn_list opening, finishing;	/* connections, oldest first */
	struct mn_list moves;		/* struct mn_move, oldest first */
	struct mn_list leaving;		/* channels that move to other engines */
	struct mn_list reserved;	/* places for connections that come; their paths open */
	struct mn_list parcels;		/* for other engines */
	struct mn_list free_parcels;
	uint32_t n_free_parcels;
	struct mn_hash by_name;		/* id -> slot, of those that have come from other engines */

	struct mn_path *paths;		/* max_paths of them, by slot */
	uint32_t fresh_path, n_free_paths;
	uint32_t path_serial;		/* the last one */
	struct mn_list free_paths;
	struct mn_hash by_id;		/* own path id -> slot */
	struct mn_hash by_remote;	/* peer's id of a path -> slot */
	struct mn_peers peers;
	struct mn_list ready;		/* paths that may have something to send */
	struct mn_list half_open;	/* oldest first */
	uint32_t n_half_open;

	struct mn_stack_channel **channels;
	uint32_t n_channels, channels_size;
	uint32_t scan;			/* the channel to look at next, of all in turn */
	struct mn_list active;		/* channels with work not long ago */
	struct mn_list posted;		/* channels to be flushed */
	bool corrupt;			/* one of the channels is */
	struct mn_listeners listeners;
	struct mn_replies replies;
	bool reply_sent;		/* the last packet was one: paths are next */
	struct mn_cookies cookies;
	struct mn_held_pool held;
	struct mn_records records;
	struct mn_stack_stats stats;
};

static inline void mn_stack_event(struct mn_stack *s, const struct mn_stack_event *ev)
{
	s->cfg.ops->event(s->cfg.ops_ctx, ev);
}

static inline uint64_t mn_stack_random(struct mn_stack *s)
{
	return s->cfg.ops->random(s->cfg.ops_ctx);
}

/* conn_table.c: slots and how to find them */

/* A connection with a slot and a number, all zero otherwise; NULL when there is none. */
struct mn_conn *mn_stack_conn_take(struct mn_stack *s);
/* The slot may be used anew. */
void mn_stack_conn_give(struct mn_conn *c);
/* The connection that the peer calls by this number, on this path. NULL: none. */
struct mn_conn *mn_stack_conn_by_number(struct mn_stack *s, const struct mn_path *p,
					uint32_t number);
/* The one that a record names, whatever its path; NULL: it is gone. */
struct mn_conn *mn_stack_conn_by_record(struct mn_stack *s, uint32_t number);
/* The open connection with this handle in the channel, NULL: none. */
struct mn_conn *mn_stack_conn_by_flow(struct mn_stack *s, const struct mn_stack_channel *sch,
				      uint64_t flow);
/* A client port that no connection to this port of the peer has. 0 or -ENOSPC. */
int mn_stack_conn_set_ports(struct mn_conn *c, const struct mn_peer *peer, uint16_t port);
void mn_stack_conn_forget_ports(struct mn_conn *c);
/* Records and frames that name it so far are void. */
void mn_stack_conn_renumber(struct mn_conn *c);
/* The id of a connection for the control thread, and back. */
uint64_t mn_stack_conn_id(const struct mn_conn *c);
struct mn_conn *mn_stack_conn_by_id(struct mn_stack *s, uint64_t id);

/* stack_channel.c, stack_take.c, stack_leave.c */
struct mn_stack_channel *mn_stack_channel_find(struct mn_stack *s, const struct mn_channel *ch);
/* The channel has work, or had some just now. */
void mn_stack_activate(struct mn_stack *s, struct mn_stack_channel *sch);
/* It is to be closed at the end of the call. */
void mn_stack_mark_corrupt(struct mn_stack *s, struct mn_stack_channel *sch);
void mn_stack_close_corrupt(struct mn_stack *s);
/* Up to max messages of the application; returns how many. */
uint32_t mn_stack_take_messages(struct mn_stack *s, struct mn_stack_channel *sch, uint32_t max);
/* Calls fn for each connection of the channel; fn may end it. */
void mn_stack_each_conn(struct mn_stack_channel *sch,
			void (*fn)(struct mn_conn *c, void *ctx), void *ctx);
void mn_stack_finish_channel(struct mn_stack *s, struct mn_stack_channel *sch);
void mn_stack_check_left(struct mn_stack *s, struct mn_stack_channel *sch);

/* A connection that has come is found by its id; without memory it is not. */
void mn_stack_conn_name(struct mn_conn *c);
void mn_stack_conn_unname(struct mn_conn *c);
/* A client port that a connection of another engine has had. */
void mn_stack_port_free(struct mn_stack *s, const struct mn_addr *local,
			const struct mn_addr *remote, uint16_t port, uint32_t client);

/* stack_channel.c: out of the lists; its memory */
void mn_stack_drop_channel(struct mn_stack *s, struct mn_stack_channel *sch);
void mn_stack_channel_free(struct mn_stack_channel *sch);

/* stack_parcel.c */
void mn_stack_parcel(struct mn_stack *s, uint8_t to, struct mn_parcel *p);
/* There is memory for so many. */
bool mn_stack_parcels_room(struct mn_stack *s, uint32_t n);
void mn_stack_free_parcels(struct mn_stack *s);

/* stack_move.c: the old engine of a channel */
void mn_stack_cancel_move(struct mn_stack *s, struct mn_stack_channel *sch);
void mn_stack_check_leaving(struct mn_stack *s);
void mn_stack_channel_gone(struct mn_stack *s, const struct mn_channel *ch);
void mn_stack_reserved(struct mn_stack *s, const struct mn_parcel *in);
void mn_stack_reserved_lost(struct mn_stack *s, const struct mn_parcel *in);
/* An OPEN for its listener; false: it is answered as always. */
bool mn_stack_park_open(struct mn_path *p, struct mn_stack_channel *sch,
			const struct mn_frame *f);

/* stack_attach.c: the new one */
void mn_stack_reserve(struct mn_stack *s, const struct mn_parcel *in);
void mn_stack_check_reserved(struct mn_stack *s);
void mn_stack_forget_reserved(struct mn_stack *s, const struct mn_parcel *in);
void mn_conn_lose_place(struct mn_conn *c);
void mn_stack_take_channel(struct mn_stack *s, const struct mn_parcel *in);
void mn_stack_attach(struct mn_stack *s, struct mn_channel *ch, const struct mn_conn_value *v);
void mn_stack_channel_taken(struct mn_stack *s, const struct mn_parcel *in);

/* stack_sweep.c: what is limited in time and has no timer */
void mn_stack_sweep_init(struct mn_stack *s);
/* One of the lists may have an entry. */
void mn_stack_arm_sweep(struct mn_stack *s);
/* Into one of the lists, as the newest. */
void mn_stack_watch(struct mn_conn *c, struct mn_list *list);

/* An answer without a state, if there are not too many. */
void mn_stack_reply(struct mn_stack *s, const struct mn_reply *r);

#endif /* MN_TRANSPORT_STACK_PRIV_H */
