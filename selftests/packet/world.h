/* SPDX-License-Identifier: MIT */
/*
 * world.h - the stack under test, its applications, a virtual clock, and what the stack has sent
 *
 * There is no network: what comes out waits until the script has looked at it, and what comes in
 * is the script's. Every packet that comes out is checked against what is known of its path and
 * connections: ids, addresses, numbers, sizes, and each byte of payload.
 */
#ifndef PACKET_WORLD_H
#define PACKET_WORLD_H

#include "transport/frame.h"
#include "transport/packet.h"
#include "transport/sim.h"

#include "script.h"

#define WORLD_CONNS	2048
#define WORLD_PATHS	64
#define WORLD_PORT	31580
/* Name of a path that the script gives none. */
#define WORLD_FIRST_PATH	"p"
#define WORLD_BLOCK	61440
#define WORLD_PORTS	64
#define WORLD_ENGINE	3
/* A timer is late by a tick of the timing wheel at most. */
#define WORLD_TICK_US	8u
#define WORLD_FRAMES	512
/* Packet numbers of the script that are kept in mind. */
#define WORLD_SENT	4096

/* Messages in a row, as a stream. */
struct stream {
	uint32_t *lens;
	uint32_t n;
	uint64_t end;
};

/* A path as the script knows it. */
struct path {
	char name[SCRIPT_NAME];		/* "": none yet */
	struct mn_tuple way;		/* local: the stack's side */
	uint64_t id, peer_id;		/* chosen by the stack, by the script; 0: not known yet */
	uint64_t instance;
	uint16_t peer_mss;

	/* What the peer's next packet says unless the script says otherwise. */
	uint8_t engine;
	uint16_t window;
	uint32_t ts;			/* of the stack's last INIT */
	uint64_t cookie;		/* of the stack's last RETRY */
	uint64_t nonce;			/* of its last CHALLENGE */
	uint64_t next, next_serial;

	/* Of the stack's packets. */
	uint64_t top, least;
	uint8_t sent[WORLD_SENT / 8];	/* numbers that the script has used */
};

/* A connection as the script knows it. */
struct conn {
	char name[SCRIPT_NAME];
	struct sim_app *app;
	struct path *path;		/* NULL: not known yet */
	struct mn_tuple way;		/* for connect: where to */
	bool opened_here;
	uint32_t number, peer_number;	/* chosen by the stack (0: not known), by the script */
	uint32_t next_number, next_peer_number;	/* those in the last MOVE ASK of either */
	uint32_t client;		/* port of the opener; 0: not known yet */
	uint16_t port;
	uint64_t id, flow, serial;
	uint64_t asked;			/* the id whose route is to be answered; 0: none */
	struct stream ours, theirs;	/* what the application sends, what the peer sends */

	/* What the peer's next room says unless the script says otherwise. */
	uint64_t accepted;
	uint32_t credit;
	uint8_t drops;
	uint64_t seq;			/* the peer's next offset */
	uint64_t sent_end;		/* one behind the highest offset that the stack has sent */

	/* What the control thread was told, and what the script has asked of all that is told. */
	unsigned int ups, ends;
	enum mn_end why;
	uint64_t messages_seen, bytes_seen;
	bool app_end_seen, gone_seen;
};

struct sent_frame {
	struct mn_frame f;
	struct conn *conn;		/* NULL: of none that is known */
};

/* A packet that the stack has sent. */
struct outgoing {
	struct mn_list node;
	uint64_t at_us;
	struct mn_tuple way;
	struct path *path;		/* NULL: of none that is known */
	struct mn_packet packet;
	struct sent_frame *frames;
	unsigned int n_frames;
	uint32_t len;
	bool moved;			/* it comes from another port than those before */
	uint8_t data[];
};

/* Sizes of the stack. */
struct world_config {
	uint64_t conns, paths, held, records, ring, spread, queues;
};

struct world {
	struct script *script;		/* for complaints */
	struct sim sim;			/* for its applications: host[0] */
	struct mn_stack *stack;
	struct mn_steer *steer;		/* of its NIC; NULL: one queue */
	uint8_t queue;			/* of the NIC, to which the next packet comes */
	uint64_t now_us;		/* the stack's clock */
	uint64_t random;
	uint32_t handles;		/* received packets that the stack keeps */
	bool ignore_acks;
	uint16_t engine_port;		/* a listener of another engine */
	int engine_of_port;
	struct mn_list out;
	struct path paths[WORLD_PATHS];
	unsigned int n_paths;
	struct conn conns[WORLD_CONNS];
	unsigned int n_conns;
};

/* NULL when out of memory. */
struct world *world_new(struct script *s, const struct world_config *cfg);
/* Complains when the stack kept a packet. */
void world_free(struct world *w);

/* The applications' channels and buffers. */
struct sim_app *world_app(struct world *w, uint64_t number);
bool world_kill_app(struct world *w, struct sim_app *app);

/* By name; "": the last one. NULL: none. */
struct conn *world_find(struct world *w, const char *name);
struct path *world_path(struct world *w, const char *name);
/* One more, with IPv4 addresses. Complains and returns NULL when the name is taken. */
struct conn *world_add(struct world *w, const char *name);
struct path *world_add_path(struct world *w, const char *name);

bool stream_append(struct stream *st, uint32_t len);
/* Copies bytes [off, off + len) of the stream; false when it is not so long. */
bool stream_copy(const struct stream *st, uint64_t off, uint8_t *dst, uint32_t len);

/* output.c: takes a packet of the stack apart, learns from it, checks it. */
bool world_put_out(struct world *w, const uint8_t *data, uint32_t len,
		   const struct mn_tuple *way);

/* The script has sent a packet with this number on the path; of large ones the last few alone. */
bool world_has_sent(const void *path, uint64_t n);

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
void world_input(struct world *w, const struct mn_tuple *way, const uint8_t *data, uint32_t len);

#endif /* PACKET_WORLD_H */
