/* SPDX-License-Identifier: MIT */
/* stack_priv.h - the inside of a stack, for the files that make it up */
#ifndef MN_TRANSPORT1_STACK_PRIV_H
#define MN_TRANSPORT1_STACK_PRIV_H

#include "base/hash.h"
#include "base/timer_wheel.h"
#include "transport1/conn.h"
#include "transport1/cookie.h"
#include "transport/credit.h"
#include "transport/listener.h"
#include "transport1/reassembly.h"
#include "transport1/reply.h"
#include "transport1/stack.h"

/* A channel as the stack sees it. */
struct mn_stack_channel {
	struct mn_channel *ch;
	struct mn_list conns;		/* all its connections */
	struct mn_list blocked;		/* those that have something to post, and no room */
	struct mn_list throttled;	/* those whose peers were given little credit */
	struct mn_list closing;		/* closed by the application, until tx has got so far */
	struct mn_credit credit;
	struct mn_list in_active;	/* mn_stack.active: looked at in each turn */
	uint32_t idle_turns;		/* turns in a row in which there was nothing */
	bool corrupt;			/* found, to be closed at the end of the call */
	bool closed;
	bool leaving;			/* the application has left: what it sent is delivered */
	bool finishing;			/* all of that was taken, and the connections were closed */
	bool left;			/* LEFT was reported */
};

struct mn_stack {
	struct mn_stack_config cfg;
	uint64_t now_us;
	uint16_t wait_us;		/* a packet may have waited so long to be seen now */
	uint64_t slow_until_us;		/* the engine does not look often enough for a short ring */
	struct mn_sharers senders;	/* of the RX ring */
	uint16_t backlog_turns;		/* until those that came while nobody looked are seen */
	struct mn_wheel wheel;

	struct mn_conn *conns;		/* max_conns of them, by slot */
	uint32_t fresh;			/* slots from here on were never used */
	uint32_t n_free;
	struct mn_list free;		/* used before, oldest first */
	struct mn_hash by_id;		/* own connection id -> slot */
	struct mn_hash by_peer;		/* peer's address, port and connection id -> slot */
	struct mn_hash by_path;		/* addresses and ports -> slot, known to the application */
	struct mn_list ready;		/* connections that may have something to send */
	struct mn_list unconfirmed;	/* accepted, the peer has not answered; oldest first */
	uint32_t n_unconfirmed;

	struct mn_stack_channel **channels;
	uint32_t n_channels, channels_size;
	uint32_t scan;			/* the channel to look at next, of all in turn */
	struct mn_list active;		/* channels with work not long ago */
	struct mn_list posted;		/* channels to be flushed */
	bool corrupt;			/* one of the channels is */
	struct mn_listeners listeners;
	struct mn_replies replies;
	bool reply_sent;		/* the last packet was one: connections are next */
	struct mn_cookies cookies;
	struct mn_held_pool held;
	struct mn_stack_stats stats;
};

/* conn_table.c: slots and how to find them */

/* A connection of the channel with a slot, an id and a handle, in no other table; NULL: no slot. */
struct mn_conn *mn_stack_conn_new(struct mn_stack *s, struct mn_stack_channel *sch);
/* The channel forgets it, for it goes away before the connection does. */
void mn_stack_conn_detach(struct mn_conn *c);
/* The slot and the handle may be used anew. */
void mn_stack_conn_free(struct mn_conn *c);
struct mn_conn *mn_stack_conn_by_id(struct mn_stack *s, uint64_t id);
struct mn_conn *mn_stack_conn_by_peer(struct mn_stack *s, const struct mn_path *path,
				      uint64_t remote_id);
/* Makes it known by its peer's id. 0, -EEXIST, -ENOSPC. */
int mn_stack_conn_set_peer(struct mn_conn *c, uint64_t remote_id);
/* The one with these addresses and ports that its application knows, NULL: none. */
struct mn_conn *mn_stack_conn_by_path(struct mn_stack *s, const struct mn_path *path);
/* There must be none yet. */
void mn_stack_conn_set_path(struct mn_conn *c);
void mn_stack_conn_forget_path(struct mn_conn *c);
/* The open connection with this handle in the channel, NULL: none. */
struct mn_conn *mn_stack_conn_by_flow(struct mn_stack *s, const struct mn_stack_channel *sch,
				      uint64_t flow);
/* So many connections do not lie in the near cache all at once: to prefetch them pays. */
#define MN_STACK_MANY	1024u

static inline bool mn_stack_has_many(const struct mn_stack *s)
{
	return s->fresh - s->n_free > MN_STACK_MANY;
}

/* It will be asked for soon; any number may be asked for. */
void mn_stack_prefetch_flow(const struct mn_stack *s, const struct mn_channel *ch, uint64_t flow);
/* Id and peer are not known any more. */
void mn_stack_conn_forget(struct mn_conn *c);

/* stack_leave.c; for a channel that is leaving */

/* Closes its connections once all that was sent is taken. */
void mn_stack_finish_channel(struct mn_stack *s, struct mn_stack_channel *sch);
/* Reports that it has left, if no connection remains. */
void mn_stack_check_left(struct mn_stack *s, struct mn_stack_channel *sch);

/* stack_channel.c */

struct mn_stack_channel *mn_stack_channel_find(struct mn_stack *s, const struct mn_channel *ch);

/* There is, or will soon be, something to do for the channel: it is looked at in each turn. */
void mn_stack_activate(struct mn_stack *s, struct mn_stack_channel *sch);
/* An mn_channel_*() function said -EPROTO: the channel is closed at the end of the call. */
void mn_stack_mark_corrupt(struct mn_stack *s, struct mn_stack_channel *sch);
/* Closes the channels that are marked. */
void mn_stack_close_corrupt(struct mn_stack *s);

#endif /* MN_TRANSPORT1_STACK_PRIV_H */
