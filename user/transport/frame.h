/* SPDX-License-Identifier: MIT */
/* frame.h - the frames of machnet/wire.h taken apart and put together */
#ifndef MN_TRANSPORT_FRAME_H
#define MN_TRANSPORT_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/wire.h>

/* A frame in host byte order; which members it has: see its struct in wire.h. */
struct mn_frame {
	uint8_t type;		/* enum mn_wire_frame_type */
	uint8_t flags;		/* MN_FRAME_F_* */
	uint8_t engine;		/* REFUSE, ARRIVAL */
	uint16_t code;		/* enum mn_wire_code; REFUSE, ABORT; MOVE: its step */
	uint32_t conn;
	uint32_t len;		/* DATA, OPEN: of the payload */
	const uint8_t *payload;
	uint64_t offset;	/* DATA */
	uint64_t accepted;	/* DATA with CREDIT, CREDIT, ACCEPT */
	uint8_t drops;		/* those */
	uint32_t credit;	/* those, and OPEN; of MN_CREDIT_BITS bits */
	uint32_t mine;		/* ACCEPT, MOVE */
	uint32_t client_port;	/* OPEN */
	uint16_t port;		/* OPEN */
	uint16_t src_port, dst_port;	/* ARRIVAL, ADVICE */
	/* OPEN: serial; MOVE: path; CHALLENGE: nonce; ADVICE, CANDIDATE, ARRIVAL: token. */
	uint64_t value;
	struct mn_wire_ack ack;	/* ACK */
	const uint8_t *ranges;	/* ACK: for mn_frame_range() */
};

/*
 * The frame at *at, which goes behind it. 1; 0 at the end of the packet; -EMSGSIZE (the packet
 * ends in it), -EPROTONOSUPPORT (type, a reserved bit), -EBADMSG (what it says cannot be).
 */
int mn_frame_next(const uint8_t **at, const uint8_t *end, struct mn_frame *f);

/* Range i of an ACK. */
struct mn_wire_range mn_frame_range(const struct mn_frame *f, uint32_t i);

/* Bytes in front of the payload. */
uint32_t mn_frame_size(uint8_t type, uint8_t flags);

/* Writes what lies in front of the payload, for ACK without its ranges; returns its size. */
uint32_t mn_frame_write(uint8_t *at, const struct mn_frame *f);

/* Writes one range of an ACK. */
uint32_t mn_frame_write_range(uint8_t *at, uint32_t missing, uint32_t there);

#endif /* MN_TRANSPORT_FRAME_H */
