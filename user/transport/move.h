/* SPDX-License-Identifier: MIT */
/*
 * move.h - a connection on its way to another path of the same peer
 *
 *   asks:      DRAIN --nothing under way--> ASKED --TAKEN--> HERE, on the new path
 *              HERE --any frame of the peer there--> NONE
 *   to another engine:   NUMBER --its number there--> DRAIN ... ASKED --TAKEN--> READY, to leave
 *                        this stack with its channel; the new one begins with HERE
 *                                             --REFUSED--> NONE, on the old path
 *   is asked:  SETTLE --nothing under way--> AWAIT --HERE on the new path--> NONE, there
 *                                             --VOID--> NONE, on the old path
 *
 * Either side sends nothing of the connection from its first state on, and both accept from the old
 * path until the move is done: no frame is under way on it when the new path takes over. When both
 * ask at once the host with the lower instance number goes first.
 */
#ifndef MN_TRANSPORT_MOVE_H
#define MN_TRANSPORT_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* A peer that does not answer, or agrees and is not asked any more. */
#define MN_MOVE_ASKED_US	5000000u
#define MN_MOVE_AWAIT_US	20000000u
/* Until then both say what they have said again. */
#define MN_MOVE_REPEAT_US	1000000u

struct mn_conn;
struct mn_frame;
struct mn_path;
struct mn_stack;

enum mn_move_state {
	MN_MOVE_NONE,
	MN_MOVE_NUMBER,		/* the other engine is asked for its number; nothing else yet */
	MN_MOVE_DRAIN,
	MN_MOVE_ASKED,
	MN_MOVE_READY,		/* the peer has agreed: it can leave this engine */
	MN_MOVE_HERE,		/* it has no struct mn_move any more */
	MN_MOVE_SETTLE,
	MN_MOVE_AWAIT,
};

struct mn_move {
	struct mn_conn *conn;
	struct mn_list in_stack;	/* mn_stack.moves, oldest first */
	struct mn_list in_settling;	/* mn_path.settling of the old path, by mark */
	struct mn_list in_coming;	/* mn_path.coming of the new path */
	struct mn_path *to;		/* NULL: one of another engine */
	uint8_t engine;			/* that */
	uint64_t path;		/* the new one, by the id of the side that is asked */
	uint64_t mark;		/* the old path's packets below it carry the last frames */
	uint64_t since_us, said_us;
	uint32_t number;	/* that the connection gets at the side that asks */
};

/* Asks the peer. 0; -EBUSY: it is moving, or not open; -EINVAL: not to this path. */
int mn_conn_move(struct mn_conn *c, struct mn_path *to);
/* With its channel to another engine, which is asked first; then its answer; and it is here. */
void mn_conn_move_want(struct mn_conn *c, uint8_t engine);
void mn_conn_move_numbered(struct mn_conn *c, uint32_t number, uint64_t path);
void mn_conn_move_here(struct mn_conn *c);
/* It stays, whatever has been said to the peer. */
void mn_conn_move_cancel(struct mn_conn *c);
/* It has left this stack. */
void mn_conn_move_left(struct mn_conn *c);
/* It ends, or its channel or path does: nothing comes of the move. */
void mn_conn_move_drop(struct mn_conn *c);
/* An ACCEPT was sent again meanwhile. */
void mn_conn_move_sent(struct mn_conn *c);
/* The peer says something of it on its new path. */
void mn_conn_move_seen(struct mn_conn *c);
/* What a MOVE of its says now; false: nothing. */
bool mn_conn_move_frame(const struct mn_conn *c, struct mn_frame *f);
void mn_conn_receive_move(struct mn_path *p, const struct mn_frame *f);

/*
 * A MOVE that belongs to no connection of here any more, or to none. False: no record, and it is
 * not said; the peer asks again, or answers again.
 */
bool mn_path_say_move(struct mn_path *p, uint8_t step, uint32_t conn, uint32_t mine,
		      uint64_t path);
/* The connection stays where it is. */
void mn_conn_move_resume(struct mn_conn *c);

/* Some of the path's packets have arrived or are lost. */
void mn_path_check_moves(struct mn_path *p);
/* It ends, and connections were to come to it. */
void mn_path_drop_moves(struct mn_path *p);
/* Those that have waited for too long. */
void mn_stack_expire_moves(struct mn_stack *s);

#endif /* MN_TRANSPORT_MOVE_H */
