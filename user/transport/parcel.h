/* SPDX-License-Identifier: MIT */
/*
 * parcel.h - what passes between the stacks of a host when a channel moves from one to another
 *
 *   old engine   WANT --> new engine     a number for each connection, on a path to its peer
 *                <-- NUMBER
 *                (the peers agree: move.h)
 *                CHANNEL, LISTENER, CONN, DONE -->
 *                <-- TAKEN               connections can be redirected there
 *
 * Parcels are values: they hold no pointer into a stack. Those from one engine to another must
 * arrive in their order, and none may be lost.
 */
#ifndef MN_TRANSPORT_PARCEL_H
#define MN_TRANSPORT_PARCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/inbox.h"
#include "transport/sendq.h"
#include "transport/stack.h"
#include "transport/stream.h"

enum mn_parcel_kind {
	MN_PARCEL_WANT,		/* want */
	MN_PARCEL_NUMBER,	/* want: number, path; number 0: it cannot be */
	MN_PARCEL_LOST,		/* want: the path has ended */
	MN_PARCEL_FORGET,	/* want: the number is not needed any more */
	MN_PARCEL_CHANNEL,	/* channel, leaving, finishing */
	MN_PARCEL_LISTENER,	/* channel, listener */
	MN_PARCEL_CONN,		/* channel, conn */
	MN_PARCEL_DONE,		/* channel: it is complete */
	MN_PARCEL_TAKEN,	/* channel */
	MN_PARCEL_PORT,		/* port: a client port of the engine is free */
};

/* A connection without its place in a stack. */
struct mn_conn_value {
	struct mn_stream st;
	struct mn_sendq sendq;
	struct mn_inbox inbox;
	struct mn_tuple route;		/* of its peer */
	uint64_t flow, request, born_us;
	uint32_t number;		/* at the new engine; 0: it is over, without a path */
	uint32_t first_number, channel_id;
	uint32_t debt, open_at, unread_before;
	uint32_t local_port, remote_port;
	uint32_t watch_us, moved_us;
	uint8_t use, post, home;
	bool app_knows, end_due, has_ports, has_claim;
	int16_t stalled, post_error;
};

struct mn_parcel {
	uint8_t kind;		/* enum mn_parcel_kind */
	uint8_t from, to;	/* engines */
	bool leaving, finishing;
	struct mn_channel *channel;
	union {
		struct {
			struct mn_tuple route;
			uint8_t remote_engine;
			uint32_t conn;		/* number at the old engine */
			uint32_t number;	/* and at the new one */
			uint64_t path;		/* by the peer's id */
		} want;
		struct {
			struct mn_addr addr;
			uint16_t port;
		} listener;
		struct {
			struct mn_addr local, remote;
			uint16_t port;
			uint32_t client;
		} port;
		struct mn_conn_value conn;
	};
};

/* The next one for another engine; false: there is none now. */
bool mn_stack_parcel_out(struct mn_stack *s, struct mn_parcel *out);
/* One for this engine. */
void mn_stack_parcel_in(struct mn_stack *s, const struct mn_parcel *in);

#endif /* MN_TRANSPORT_PARCEL_H */
