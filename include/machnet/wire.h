/* SPDX-License-Identifier: MIT */
/*
 * wire.h - the Machnet packet, version 2, carried in UDP over IPv4 or IPv6
 *
 * A path joins one engine of a host with one engine of another; a connection is a stream of
 * messages on a path. A packet belongs to a path and carries frames of any of its connections.
 * All fields are in network byte order, packed, and reserved ones 0. The UDP checksum is always
 * present.
 *
 * A path is found by the id that its receiver chose, not by addresses and ports, for these may
 * change. Ids are random; which engine they belong to is the affair of the host that made them
 * (user/steer/owner.h). Each side numbers its packets from 1 on and uses no number twice: what a
 * lost packet carried is sent again in a new packet, so that no acknowledgement is ambiguous, and
 * a number can be the nonce of an AEAD. The header has room for its tag.
 *
 * In a connection's stream each message is a 4-byte length (1..MN_MSG_MAX) and its bytes. Offsets
 * count bytes of the stream from 0. A connection is named in a frame by the number that the
 * receiver of the frame gave it, in OPEN by the opener's.
 *
 * To add a frame or a field: take a new type or reserved bytes and raise MN_WIRE_VERSION, or ask
 * for the peer's consent in the handshake. A receiver drops what it does not know, counted.
 */
#ifndef MACHNET_WIRE_H
#define MACHNET_WIRE_H

#include <stdint.h>

#define MN_WIRE_VERSION		2
#define MN_WIRE_TAG_LEN		16

enum mn_wire_type {
	MN_WIRE_INIT = 1,	/* opens a path; path is 0; struct mn_wire_init */
	MN_WIRE_ANSWER,		/* accepts it; struct mn_wire_init */
	MN_WIRE_RETRY,		/* send that INIT again with this cookie; struct mn_wire_retry */
	MN_WIRE_FRAMES,		/* frames */
	MN_WIRE_RESET,		/* the path is over, or is none; struct mn_wire_reset */
};

/* 40 bytes. */
struct mn_wire_hdr {
	uint8_t version;	/* MN_WIRE_VERSION */
	uint8_t type;		/* enum mn_wire_type */
	uint8_t engine;		/* of the sender */
	uint8_t reserved;
	uint32_t behind;	/* FRAMES: numbers below number - behind matter no more */
	uint64_t path;		/* by its receiver's id */
	uint64_t number;	/* FRAMES: from 1 on; else 0 */
	uint8_t tag[MN_WIRE_TAG_LEN];	/* of an AEAD; 0: there is none */
} __attribute__((packed));

/* Any engine, or the one of the listener of the port. */
#define MN_WIRE_ENGINE_ANY	0xff

/* 48 bytes, so that no answer to an INIT is larger than it. */
struct mn_wire_init {
	uint64_t id;		/* the path, by the sender's id */
	uint64_t instance;	/* of the sender: another one after each start */
	uint64_t cookie;	/* INIT: of the last RETRY, 0: there was none; ANSWER: 0 */
	uint32_t ts;		/* INIT: any number; ANSWER: that of the INIT */
	uint16_t mss;		/* largest UDP payload that the sender can take */
	uint16_t window;	/* packets that the receiver of this may have under way */
	uint16_t port;		/* INIT: whose listener's engine is wanted; 0: any; ANSWER: 0 */
	uint16_t port_first;	/* the sender's block of path ports */
	uint16_t port_count;
	uint8_t wanted;		/* INIT: the engine that is wanted; ANSWER: 0 */
	uint8_t reserved[9];
} __attribute__((packed));

struct mn_wire_retry {
	uint64_t cookie;
} __attribute__((packed));

/*
 * The answer to a packet for an unknown path cannot carry the id that its receiver chose, for
 * it is unknown here: path is 0, and id the one that the packet was sent to. Else path names it
 * and id is 0. A RESET is never answered.
 */
struct mn_wire_reset {
	uint64_t id;
	uint32_t code;		/* enum mn_wire_code: UNKNOWN, BUSY, CLOSED, ABORTED */
	uint8_t to;		/* the engine that the packet for the unknown path came from */
	uint8_t reserved[3];
} __attribute__((packed));

enum mn_wire_code {
	MN_WIRE_CODE_NONE,
	MN_WIRE_CODE_UNKNOWN,	/* RESET: no such path; the host has forgotten it */
	MN_WIRE_CODE_BUSY,	/* RESET, REFUSE: the host takes no more now */
	MN_WIRE_CODE_CLOSED,	/* RESET: the path had no connection */
	MN_WIRE_CODE_REFUSED,	/* REFUSE: no listener on the port */
	MN_WIRE_CODE_ELSEWHERE,	/* REFUSE: the listener is on the engine that the frame names */
	MN_WIRE_CODE_ABORTED,	/* ABORT: in any state, for any reason; RESET: given up */
};

enum mn_wire_frame_type {
	MN_FRAME_PAD,		/* one byte; nothing else follows in the packet */
	MN_FRAME_PING,		/* asks for an acknowledgement; 4 bytes */
	MN_FRAME_ACK,
	MN_FRAME_DATA,
	MN_FRAME_CREDIT,
	MN_FRAME_OPEN,
	MN_FRAME_ACCEPT,
	MN_FRAME_REFUSE,
	MN_FRAME_ABORT,
	MN_FRAME_STOP,
	MN_FRAME_MOVE,
	MN_FRAME_CHALLENGE,
	MN_FRAME_RESPONSE,
	MN_FRAME_CANDIDATE,
	MN_FRAME_ARRIVAL,
	MN_FRAME_ADVICE,
	MN_FRAME_TYPES
};

#define MN_FRAME_F_FIN		0x01	/* DATA, OPEN: the stream ends behind the payload */
/* DATA: a struct mn_wire_room lies in front of the payload. */
#define MN_FRAME_F_CREDIT	0x02

/* Ranges in one ACK at most. */
#define MN_WIRE_RANGES		32

/*
 * Packets that have arrived: largest and the run packets below it; then ranges, downwards: so many
 * missing, so many there. ACK alone does not ask for an acknowledgement.
 */
struct mn_wire_ack {
	uint8_t type;
	uint8_t ranges;		/* that follow: 0..MN_WIRE_RANGES - 1 */
	uint16_t window;	/* packets that the receiver of this may have under way */
	uint32_t delay;		/* microseconds since the largest was seen */
	uint64_t largest;
	uint32_t run;
	uint16_t wait;		/* microseconds for which it may have waited unseen; saturates */
	uint16_t reserved;
} __attribute__((packed));

struct mn_wire_range {
	uint32_t missing;	/* from 1 on */
	uint32_t there;		/* from 1 on */
} __attribute__((packed));

/*
 * How far the sender of this has taken the stream, and how much more of it the peer may send. What
 * arrived beyond accepted and found no room is not kept: then drops changes, and the peer sends
 * again what lies behind accepted, within its credit. The room in the packet with the highest
 * number counts.
 */
#define MN_CREDIT_BITS	24

struct mn_wire_room {
	uint64_t accepted;
	uint32_t drops_credit;	/* drops << MN_CREDIT_BITS | bytes beyond accepted */
} __attribute__((packed));

/* A part of a stream; len bytes follow. A FIN takes one offset behind the last byte. */
struct mn_wire_data {
	uint8_t type;
	uint8_t flags;		/* MN_FRAME_F_FIN, MN_FRAME_F_CREDIT */
	uint16_t len;
	uint32_t conn;
	uint64_t offset;
} __attribute__((packed));

struct mn_wire_credit {
	uint8_t type;
	uint8_t reserved[3];
	uint32_t conn;
	struct mn_wire_room room;
} __attribute__((packed));

/*
 * Each side of a path numbers its connections from 1 on; each serial is served once. No serial is
 * used before all that are MN_OPENS_MAX below have been answered. len bytes of the stream follow.
 */
#define MN_OPENS_MAX		1024

struct mn_wire_open {
	uint8_t type;
	uint8_t flags;		/* MN_FRAME_F_FIN */
	uint16_t len;
	uint32_t conn;		/* the opener's number */
	uint64_t serial;
	uint32_t client_port;	/* the opener's, logical */
	uint16_t port;		/* the listener's */
	uint16_t reserved;
	uint32_t credit;	/* bytes that the acceptor may send, of MN_CREDIT_BITS bits */
} __attribute__((packed));

/*
 * Other frames for the opener's number may overtake it: rooms and STOP among them count, and say
 * that the OPEN was served; DATA is dropped. Behind the first ACCEPT another one is a CREDIT.
 */
struct mn_wire_accept {
	uint8_t type;
	uint8_t reserved[3];
	uint32_t conn;		/* the opener's number */
	uint32_t mine;		/* the acceptor's number */
	struct mn_wire_room room;
} __attribute__((packed));

/* Ends a connection: REFUSE an OPEN (conn: the opener's number), ABORT any. STOP: code 0. */
struct mn_wire_end {
	uint8_t type;
	uint8_t engine;		/* REFUSE with ELSEWHERE; else 0 */
	uint16_t code;		/* enum mn_wire_code */
	uint32_t conn;
} __attribute__((packed));

/*
 * A connection is to go on, on another path of the two hosts that ends at the same engine of the
 * one that is asked. path is that host's id of it, and mine the number that the asking side gives
 * the connection there; both come back in the answer and make it belong to the question.
 */
enum mn_wire_move_step {
	MN_WIRE_MOVE_ASK,	/* on the old path; nothing of the sender is under way there */
	MN_WIRE_MOVE_TAKEN,	/* the answer: nor of the other side; it waits for HERE */
	MN_WIRE_MOVE_REFUSED,	/* the other answer, and that to HERE for an unknown connection */
	MN_WIRE_MOVE_VOID,	/* the side that asked stays on the old path */
	/* On the new path, in each packet until the peer says something there. */
	MN_WIRE_MOVE_HERE,
	MN_WIRE_MOVE_STEPS
};

struct mn_wire_move {
	uint8_t type;
	uint8_t step;		/* enum mn_wire_move_step */
	uint16_t reserved;
	uint32_t conn;
	uint32_t mine;
	uint64_t path;
} __attribute__((packed));

/*
 * CHALLENGE: whether the host is there that sends from this port; RESPONSE: has its number, and
 * takes the same ports back. A packet with one of them does not say where its sender is.
 */
struct mn_wire_challenge {
	uint8_t type;
	uint8_t reserved[7];
	uint64_t nonce;
} __attribute__((packed));

/*
 * Steering of a path's packets to the queue of its engine. ADVICE: which ports the receiver of this
 * should send with, or try; it comes from and to these ports the other way round, so that it opens
 * what lies in between. CANDIDATE: tries them. ARRIVAL: at which engine's queue a CANDIDATE
 * arrived, and with which ports. No answer is larger than what it answers, and none of the three
 * is acknowledged or says where its sender is.
 */
struct mn_wire_advice {
	uint8_t type;
	uint8_t reserved[3];
	uint32_t token;		/* of the question; CANDIDATE and ARRIVAL return it */
	uint16_t src_port, dst_port;
	uint32_t reserved2;
} __attribute__((packed));

struct mn_wire_candidate {
	uint8_t type;
	uint8_t reserved[3];
	uint32_t token;
	uint64_t reserved2;
} __attribute__((packed));

struct mn_wire_arrival {
	uint8_t type;
	uint8_t engine;
	uint16_t reserved;
	uint32_t token;
	uint16_t src_port, dst_port;
	uint32_t reserved2;
} __attribute__((packed));

_Static_assert(sizeof(struct mn_wire_hdr) == 40, "wire header");
_Static_assert(sizeof(struct mn_wire_init) == 48, "wire init");
_Static_assert(sizeof(struct mn_wire_reset) == 16, "wire reset");
_Static_assert(sizeof(struct mn_wire_ack) == 24, "wire ack");
_Static_assert(sizeof(struct mn_wire_room) == 12, "wire room");
_Static_assert(sizeof(struct mn_wire_data) == 16, "wire data");
_Static_assert(sizeof(struct mn_wire_credit) == 20, "wire credit");
_Static_assert(sizeof(struct mn_wire_open) == 28, "wire open");
_Static_assert(sizeof(struct mn_wire_accept) == 24, "wire accept");
_Static_assert(sizeof(struct mn_wire_end) == 8, "wire end");
_Static_assert(sizeof(struct mn_wire_move) == 20, "wire move");
_Static_assert(sizeof(struct mn_wire_challenge) == 16, "wire challenge");
_Static_assert(sizeof(struct mn_wire_candidate) == 16, "wire candidate");
_Static_assert(sizeof(struct mn_wire_arrival) == 16, "wire arrival");
_Static_assert(sizeof(struct mn_wire_advice) == 16, "wire advice");

#endif /* MACHNET_WIRE_H */
