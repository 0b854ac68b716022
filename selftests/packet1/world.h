/* SPDX-License-Identifier: MIT */
/*
 * world.h - the stack under test, its applications, a virtual clock, and what the stack has sent
 *
 * There is no network: what comes out waits until the script has looked at it, and what comes in
 * is the script's. Every packet that comes out is checked against what is known of its connection:
 * ids, addresses, size, and each byte of payload.
 */
#ifndef PACKET_WORLD_H
#define PACKET_WORLD_H

#include "transport1/packet.h"
#include "transport1/sim.h"

#include "packet/script.h"

#define WORLD_CONNS	128
#define WORLD_PORT	31580
/* A timer is late by a tick of the timing wheel at most. */
#define WORLD_TICK_US	8u

/* Messages in a row, as a stream. */
struct stream {
	uint32_t *lens;
	uint32_t n;
	uint64_t end;
};

/* A connection as the script knows it. */
struct conn {
	char name[SCRIPT_NAME];
	struct sim_app *app;
	struct mn_path path;		/* local: the stack's side */
	uint64_t id, peer_id;		/* chosen by the stack, by the script; 0: not known yet */
	uint64_t flow;
	struct stream ours, theirs;	/* what the application sends, what the peer sends */
	uint16_t peer_mss;

	/* What the peer's next packet says unless the script says otherwise. */
	uint64_t seq, ack;
	uint32_t credit, echo;
	uint64_t cookie;		/* of the stack's last RETRY */
	uint64_t sent_end;		/* one behind the highest number that the stack has sent */

	/* What the control thread was told, and what the script has asked of all that is told. */
	unsigned int ups, ends;
	enum mn_end why;
	uint64_t messages_seen, bytes_seen;
	bool app_end_seen, gone_seen;
};

/* A packet that the stack has sent. */
struct outgoing {
	struct mn_list node;
	uint64_t at_us;
	struct mn_path path;
	struct conn *conn;		/* NULL: of none that is known */
	struct mn_seg seg;
	uint32_t len;
	uint8_t data[];
};

struct world {
	struct script *script;		/* for complaints */
	struct sim sim;			/* for its applications: host[0] */
	struct mn_stack *stack;
	uint64_t now_us;		/* the stack's clock */
	uint64_t random;
	uint32_t handles;		/* received packets that the stack keeps */
	bool ignore_acks;
	struct mn_list out;
	struct conn conns[WORLD_CONNS];
	unsigned int n_conns;
};

/* NULL when out of memory. */
struct world *world_new(struct script *s, uint32_t max_conns, uint32_t max_held);
/* Complains when the stack kept a packet. */
void world_free(struct world *w);

/* The applications' channels and buffers. */
struct sim_app *world_app(struct world *w, uint64_t number);
bool world_kill_app(struct world *w, struct sim_app *app);

struct conn *world_find(struct world *w, const char *name);
/* One more, with IPv4 addresses. Complains and returns NULL when the name is taken. */
struct conn *world_add(struct world *w, const char *name);

bool stream_append(struct stream *st, uint32_t len);
/* Copies bytes [off, off + len) of the stream; false when it is not so long. */
bool stream_copy(const struct stream *st, uint64_t off, uint8_t *dst, uint32_t len);

/* Lets the stack do all that there is to do now. */
void world_turn(struct world *w);
/* The time passes, with all timers on the way. */
void world_run(struct world *w, uint64_t until_us);
/* The first packet that nobody has looked at, waiting for one as long as that; NULL: none. */
struct outgoing *world_wait(struct world *w, uint64_t until_us);
/* The first packet that nobody has looked at; NULL: none. */
struct outgoing *world_first(struct world *w);
void world_drop_first(struct world *w);
/* A packet from the network; then a turn. */
void world_input(struct world *w, const struct mn_path *path, const uint8_t *data, uint32_t len);

#endif /* PACKET_WORLD_H */
