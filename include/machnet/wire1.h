/* SPDX-License-Identifier: MIT */
/*
 * wire1.h - the Machnet packet, version 1, carried in UDP over IPv4 or IPv6
 *
 * All fields are in network byte order. A packet is one header, and after it,
 * by type: nothing, a struct mn_wire_syn, or payload. The UDP checksum is
 * always present.
 *
 * A connection is two streams of bytes, one each way. In the stream each
 * message is a 4-byte length (1..MN_MSG_MAX) and its bytes; packets may carry
 * parts of messages and several small ones. Sequence numbers count bytes of the
 * stream from 0 and have 64 bits, so that they never wrap and an old packet can
 * never be taken for a new one. A FIN occupies one number behind the last byte.
 *
 * A connection is found by the id that its receiver chose, not by addresses
 * and ports: it may move to other ports and engines. Ids are random; their
 * lowest byte is the engine that owns the connection.
 *
 * To add a field: take it from the reserved bytes and give it a meaning for 0,
 * or raise MN_WIRE_VERSION. A receiver drops what it does not know, counted.
 */
#ifndef MACHNET_WIRE1_H
#define MACHNET_WIRE1_H

#include <stdint.h>

#define MN_WIRE_VERSION		1
/* Ranges that a packet can carry as selectively acknowledged. */
#define MN_WIRE_SACK_MAX	4
/* A message's length in front of its bytes. */
#define MN_WIRE_FRAME_LEN	4

enum mn_wire_type {
	MN_WIRE_SYN = 1,	/* id is 0; struct mn_wire_syn follows */
	MN_WIRE_SYN_ACK,	/* struct mn_wire_syn follows */
	MN_WIRE_DATA,		/* SACK ranges, then payload from seq on; also acknowledges */
	MN_WIRE_ACK,		/* SACK ranges; acknowledges only; seq is the sender's next */
	MN_WIRE_RST,		/* the connection is gone or was refused */
	MN_WIRE_RETRY,		/* id is the SYN's; send that SYN again with this cookie */
};

#define MN_WIRE_F_FIN		0x01	/* DATA, ACK: the stream ends behind the payload */
#define MN_WIRE_F_PROBE		0x02	/* DATA, ACK: answer at once (keepalive, closed window) */
#define MN_WIRE_F_MASK		0x03

/* 48 bytes. */
struct mn_wire_hdr {
	uint8_t version;	/* MN_WIRE_VERSION */
	uint8_t type;		/* enum mn_wire_type */
	uint8_t flags;		/* MN_WIRE_F_*; other bits are 0 */
	uint8_t n_sack;		/* 0..MN_WIRE_SACK_MAX ranges follow; 0 unless DATA, ACK */
	uint32_t credit;	/* bytes beyond ack that the sender of this packet can take */
	uint64_t id;		/* the connection, by its receiver's id */
	uint64_t seq;		/* first byte of the payload */
	uint64_t ack;		/* next byte expected: all before have arrived */
	uint32_t ts;		/* sender's clock in microseconds */
	uint32_t ts_echo;	/* ts of the packet that caused this one; 0: none */
	uint32_t ack_delay;	/* microseconds between that packet's arrival and this one */
	uint16_t wait;		/* and that it may have waited before, unseen; saturates */
	uint16_t reserved;	/* 0 */
};

/* A received range [start, end) above ack. */
struct mn_wire_sack {
	uint64_t start;
	uint64_t end;
};

/*
 * Body of SYN and SYN_ACK; of RST: code, and for MN_WIRE_CODE_UNKNOWN id; of RETRY: cookie alone.
 * 24 bytes, so that no answer to a SYN is larger than the SYN.
 *
 * The answer to a packet for an unknown connection cannot carry the id that
 * its receiver chose, for nobody here knows it. So the header's id is 0, and the body's
 * is the one that the packet was sent to: whoever sent it finds the connection
 * by its peer's address, port and id. It goes to the address and port that the packet
 * came from, and may reach any engine there. An RST is never answered.
 */
struct mn_wire_syn {
	uint64_t id;		/* SYN, SYN_ACK: the sender's id, for the answers */
	uint16_t mss;		/* largest UDP payload that the sender can take */
	uint16_t engine;	/* that the sender wants answers on */
	uint32_t code;		/* RST: enum mn_wire_code; else 0 */
	uint64_t cookie;	/* RETRY; SYN: of the last RETRY, 0: there was none; else 0 */
};

/* Why a RST was sent. */
enum mn_wire_code {
	MN_WIRE_CODE_NONE,
	MN_WIRE_CODE_REFUSED,	/* nobody listens on the port */
	MN_WIRE_CODE_UNKNOWN,	/* no such connection: the host forgot it */
	MN_WIRE_CODE_ABORTED,	/* the application went away */
	MN_WIRE_CODE_BUSY,	/* the host takes no more connections now */
};

_Static_assert(sizeof(struct mn_wire_hdr) == 48, "wire header");
_Static_assert(sizeof(struct mn_wire_sack) == 16, "wire sack");
_Static_assert(sizeof(struct mn_wire_syn) == 24, "wire syn");

#endif /* MACHNET_WIRE1_H */
