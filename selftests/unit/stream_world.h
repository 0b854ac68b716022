/* SPDX-License-Identifier: MIT */
/*
 * stream_world.h - two streams, the connections around them, and a network with few packets
 *
 * What conn_*.c does with a struct mn_stream is here in its least form: no bytes, no lists, no
 * time. Everything that can happen next is a choice of the search (test_stream_model.c): what the
 * applications do, how much of a stream goes into a packet, and what becomes of packets. The path
 * below delivers each packet once at most, in any order, and may declare one lost that arrives.
 */
#ifndef STREAM_WORLD_H
#define STREAM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/stream.h"

#define WORLD_PACKETS	3
#define WORLD_FRAMES	4
#define WORLD_LOST	4	/* pieces of a stream that are to be sent again */
/* Credit where nothing holds it back. */
#define WORLD_CREDIT	2u

enum world_mode {
	WORLD_NONE,		/* the acceptor, before it receives an OPEN */
	WORLD_CONN,
	WORLD_REFUSED,
	WORLD_GONE,
};

struct world_side {
	struct mn_stream st;
	uint8_t mode;		/* enum world_mode */
	bool stalled;		/* no room for the next bytes */
	bool in_rooms;		/* a CREDIT is due */
	bool refuse_due;
	uint8_t held;		/* bytes ahead of their turn, a bit each */
	uint8_t taken;		/* by the application */
	uint8_t more;		/* bytes that the application may still queue */
};

struct world_record {
	uint8_t kind, flags, offset, len;
};

struct world_frame {
	uint8_t type, flags, offset, len, accepted, drops, credit;
};

struct world_packet {
	uint8_t to;		/* side */
	uint8_t number;		/* for its receiver; 0: delivered */
	bool settled;		/* declared lost: its sender has the records back */
	uint8_t n_frames, n_records;
	struct world_frame frames[WORLD_FRAMES];
	struct world_record records[WORLD_FRAMES];
};

struct world {
	struct world_side side[2];	/* opener, acceptor */
	struct world_packet packets[WORLD_PACKETS];
	uint8_t n;
	const char *wrong;		/* what must not be */
};

enum world_action {
	WORLD_QUEUE,		/* arg: side */
	WORLD_FINISH,
	WORLD_CLOSE,
	WORLD_ABORT,
	WORLD_RESUME,
	WORLD_GROW,
	WORLD_SEND,		/* how: WORLD_LITTLE | WORLD_SPARSE */
	WORLD_SEND_ROOM,	/* how: WORLD_SPARSE */
	WORLD_DELIVER,		/* arg: packet; how: WORLD_NO_ROOM, ... */
	WORLD_ACKNOWLEDGE,
	WORLD_DECLARE_LOST,
	WORLD_VANISH,
	WORLD_ACTIONS
};

#define WORLD_LITTLE	0x1	/* one frame, one byte */
#define WORLD_SPARSE	0x2	/* no credit */
#define WORLD_NO_ROOM	0x1	/* nothing is taken or kept */
#define WORLD_LAST_ROOM	0x2	/* all is taken, and nothing more for now */
#define WORLD_REFUSE	0x4

struct world_step {
	uint8_t action, arg, how;
};

/* more: bytes that each side's application may send. */
void world_init(struct world *w, uint8_t more0, uint8_t more1);
/* False: it cannot happen now. */
bool world_step(struct world *w, const struct world_step *step);
/* Does what comes next when nothing is lost any more and receivers have room. False: nothing. */
bool world_calm_step(struct world *w, struct world_step *step);
/* It may stay so for ever. NULL, or what is missing. */
const char *world_is_at_rest(const struct world *w);

/* stream_world_code.c: its canonical form, equal for worlds that differ only in names */
#define WORLD_CODE	192
void world_encode(struct world *w, uint8_t code[WORLD_CODE]);
void world_decode(struct world *w, const uint8_t code[WORLD_CODE]);

#endif /* STREAM_WORLD_H */
