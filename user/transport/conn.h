/* SPDX-License-Identifier: MIT */
/*
 * conn.h - a connection at its place in a stack: between a channel and a path
 *
 * The protocol's state is a value (stream.h); what is here are the bytes, the application's view
 * and the lists that it is in. A connection has no timer: what has to happen after a time is seen
 * by looking through lists in the order of time.
 */
#ifndef MN_TRANSPORT_CONN_H
#define MN_TRANSPORT_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "transport/inbox.h"
#include "transport/move.h"
#include "transport/reassembly.h"
#include "transport/sched.h"
#include "transport/sendq.h"
#include "transport/stack.h"
#include "transport/stream.h"

/*
 * A connection that is closed and whose peer accepts nothing more of what was sent for such a
 * time is aborted, and when it takes longer than that in all: as TCP does with orphans, by time.
 */
#define MN_FINISH_IDLE_US	60000000u
#define MN_FINISH_US		300000000u
/* A peer that has accepted all but does not end its stream is left after so long. */
#define MN_FINISH_PEER_US	5000000u
/* An opening that the peer's transport has received and does not answer. */
#define MN_OPEN_US		5000000u
/* It is redirected so many times at most: a peer must not make paths without end. */
#define MN_OPEN_REDIRECTS	4u

#define MN_POST_OPEN	0x1	/* the application gets the event of the connection */
#define MN_POST_END	0x2	/* and of its end */
#define MN_POST_FAILED	0x4	/* or the answer that its request has failed */

enum mn_conn_use {
	MN_CONN_FREE,
	MN_CONN_OPENING,	/* here, and not answered; without a peer the route is asked for */
	MN_CONN_UP,
	MN_CONN_CLOSING,	/* closed here: what was sent is delivered, what comes is dropped */
	MN_CONN_LEAVING,	/* closed by the peer; its own end is under way */
	MN_CONN_DEAD,		/* over: a reset or a word to the application is still due */
	MN_CONN_COMING,		/* no connection yet: the place of one of another engine */
};

struct mn_conn {
	struct mn_stream st;
	struct mn_stack *stack;
	struct mn_stack_channel *sch;	/* NULL: the channel is gone */
	struct mn_peer *peer;		/* NULL: not known yet */
	struct mn_lane *lane;		/* NULL: no path yet, or it is gone */
	uint64_t flow;			/* handle in the channel; MN_SHM_FLOW_NONE */
	uint32_t number;		/* generation and slot: what the peer calls it by */
	uint8_t use;			/* enum mn_conn_use */
	uint8_t post;			/* MN_POST_* that are still to be put on the ring */
	bool app_knows;			/* it gets the event of the end, unless it closed it */
	bool end_due;			/* the control thread gets the event of the end */
	bool has_ports;			/* they are in the table */
	union {
		uint8_t redirects;	/* of its opening */
		uint8_t asks;		/* later: moves that were asked for since the last one */
	};
	int16_t stalled;		/* why nothing can be taken now: -EAGAIN, -ENOBUFS */
	int16_t post_error;
	uint8_t moving;			/* enum mn_move_state */
	uint8_t home;			/* the engine where it began: part of its id */

	struct mn_list in_ready;	/* mn_lane.ready; mn_path.waiting */
	struct mn_list in_rooms, in_throttled, in_blocked;
	struct mn_list in_lane;		/* mn_lane.conns; mn_stack_channel.orphans; mn_stack.free */
	struct mn_list in_watch;	/* mn_stack.opening, .finishing */

	struct mn_sendq sendq;
	struct mn_inbox inbox;
	struct mn_reassembly held;

	uint32_t debt;			/* mn_sched_sent() */
	uint32_t credit_epoch;		/* mn_sharers_touch() */
	uint32_t local_port, remote_port;	/* logical */
	uint32_t first_number;		/* that it had at first: part of its id */
	uint32_t open_at;		/* index of the channel's rx, when the opening was posted */
	uint32_t channel_id;
	uint32_t unread_before;		/* what was unread of the slot, when it came up */
	uint64_t request;		/* of the application; 0: the peer opened it */
	union {
		/* Of its opening on its path, until that is answered; 0: none yet. */
		uint64_t serial;
		struct mn_move *move;	/* while mn_conn_has_move() */
	};
	uint64_t born_us;
	uint32_t watch_us;		/* since when it is in in_watch, modulo 2^32 */
	uint32_t moved_us;		/* finishing: when the peer accepted something last */
};

/* 512 bytes with its places in the tables: see bench-stack idle. */
_Static_assert(sizeof(struct mn_conn) <= 440, "a million of them are in memory");

/* conn.c: life */

/* In the channel, on no path. NULL: no slot. */
struct mn_conn *mn_conn_new(struct mn_stack_channel *sch, enum mn_conn_use use);
/* In no channel, on no path. */
struct mn_conn *mn_conn_blank(struct mn_stack *s);
/* Its first path, and with it its peer. False: no memory, nothing has changed. */
bool mn_conn_join(struct mn_conn *c, struct mn_path *p);
/* Both sides know of it: events for the application and the control thread. False: no handle. */
bool mn_conn_up(struct mn_conn *c);
/* It ends now. */
void mn_conn_end(struct mn_conn *c, enum mn_end why);
/* An opening that leads nowhere: error is for the application. */
void mn_conn_fail(struct mn_conn *c, int error);
/* It never was: there is no event of it. */
void mn_conn_discard(struct mn_conn *c);
/* Its stream may be over, or have nothing left to do: it is given back. */
void mn_conn_check(struct mn_conn *c);
/* The end becomes an event for the application, if that knew of the connection. */
void mn_conn_post_end(struct mn_conn *c, int error);
/* Nothing more is sent of what the application gave. */
void mn_conn_drop_sendq(struct mn_conn *c);
/* The path goes away. It stays as long as events for the application wait. */
void mn_conn_lose_path(struct mn_conn *c, enum mn_end why);
/* The channel goes away: no event for the application any more, the control thread has its now. */
void mn_conn_orphan(struct mn_conn *c, enum mn_end why);
/* It is between two paths, and this side knows which. */
static inline bool mn_conn_has_move(const struct mn_conn *c)
{
	return c->moving != MN_MOVE_NONE && c->moving != MN_MOVE_HERE;
}
/* It is on its way to another engine. */
static inline bool mn_conn_is_leaving(const struct mn_conn *c)
{
	return mn_conn_has_move(c) && !c->move->to;
}
/* Its data waits until it is elsewhere. */
static inline bool mn_conn_is_held(const struct mn_conn *c)
{
	return mn_conn_has_move(c) && c->moving != MN_MOVE_NUMBER;
}
/* Control frames that are to be sent now: of those that the stream wants. */
static inline uint8_t mn_conn_control(const struct mn_conn *c)
{
	uint8_t due = mn_stream_control(&c->st);

	switch (c->moving) {
	case MN_MOVE_NONE:
	case MN_MOVE_NUMBER:
	case MN_MOVE_HERE:
		return due;
	case MN_MOVE_DRAIN:
		return due & (MN_DUE_ACCEPT | MN_DUE_ABORT);
	default:
		return due & (MN_DUE_MOVE | MN_DUE_ABORT);
	}
}
/* It has something to send that does not wait. */
static inline bool mn_conn_wants_packet(const struct mn_conn *c)
{
	return mn_conn_is_held(c) ? mn_conn_control(c) : mn_stream_wants_packet(&c->st);
}
/* It may have something to send. */
static inline void mn_conn_ready(struct mn_conn *c)
{
	if (mn_conn_wants_packet(c))
		mn_sched_ready(c);
}

/* conn_value.c: out of its stack; all but its slot's number, which is void */
struct mn_conn_value;
void mn_conn_save(struct mn_conn *c, struct mn_conn_value *v);
void mn_conn_leave(struct mn_conn *c);

/* conn_open.c: how it begins */

/*
 * A request of the application, for whose answer there is room: to a peer to which a path exists it
 * begins at once, else the control thread is asked for the route.
 */
void mn_conn_request(struct mn_stack_channel *sch, uint64_t request,
		     const struct mn_shm_connect *want);
/* An OPEN of the peer, on its path, which is proven. */
void mn_conn_receive_open(struct mn_path *p, const struct mn_frame *f, uint64_t number);
/* Its OPEN is due, and cannot be sent before others have been answered: it waits for that. */
bool mn_conn_must_wait(struct mn_conn *c);
/* It is asked for on another path. False: no memory, nothing has changed. */
bool mn_conn_move_opening(struct mn_conn *c, struct mn_path *p);
/* Its serial is answered, if it was not before: others may be used. */
void mn_conn_answered(struct mn_conn *c);
void mn_conn_receive_accept(struct mn_conn *c, const struct mn_frame *f, uint64_t number);
void mn_conn_receive_refuse(struct mn_conn *c, const struct mn_frame *f);

/* conn_data.c: bytes in and out */

/* There are new bytes in the sendq. */
void mn_conn_queued(struct mn_conn *c);
/* A DATA frame. kept: mn_reassembly_add(). */
void mn_conn_receive_data(struct mn_conn *c, const struct mn_frame *f, void *handle,
			  uint32_t *kept);
void mn_conn_receive_room(struct mn_conn *c, const struct mn_frame *f, uint64_t number);
/* Takes the next bytes of the stream; returns how many. */
uint32_t mn_conn_take(struct mn_conn *c, const uint8_t *data, uint32_t len);
/* There may be room now for what could not be taken. */
void mn_conn_resume(struct mn_conn *c);
/* Bytes beyond what is accepted that the peer may send. */
uint32_t mn_conn_credit(struct mn_conn *c);
/* The peer has to learn how far it may send, with the next acknowledgement or now. */
void mn_conn_room_due(struct mn_conn *c, bool now);
void mn_conn_free_held(struct mn_conn *c);

/* conn_output.c: its frames in a packet */

struct mn_build;
/* Puts frames into the packet as far as they fit; false: there is no room for the next one. */
bool mn_conn_output(struct mn_conn *c, struct mn_build *b);
/* A CREDIT; false: no room for it. */
bool mn_conn_output_room(struct mn_conn *c, struct mn_build *b);
/* A record of a packet that has arrived, or was lost. */
void mn_conn_record(struct mn_conn *c, uint32_t rec, bool lost);

/* conn_close.c: how it ends */

/* The application closes it, in order. */
void mn_conn_close(struct mn_conn *c);
/* The peer stops reading. */
void mn_conn_receive_stop(struct mn_conn *c);
void mn_conn_receive_abort(struct mn_conn *c);
/* All of the peer's stream was delivered, and it may read no more. */
void mn_conn_check_peer(struct mn_conn *c);
/* The application receives nothing of it any more. */
void mn_conn_mute(struct mn_conn *c);

/* conn_post.c: events for the application */

/* It waits for room on its channel. */
void mn_conn_block(struct mn_conn *c);
/* Puts the words that are due on the application's ring. False: there is no room yet. */
bool mn_conn_post(struct mn_conn *c);

#endif /* MN_TRANSPORT_CONN_H */
