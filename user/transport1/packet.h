/* SPDX-License-Identifier: MIT */
/* packet.h - the packet of machnet/wire1.h taken apart and put together */
#ifndef MN_TRANSPORT1_PACKET_H
#define MN_TRANSPORT1_PACKET_H

#include <stdint.h>

#include <machnet/wire1.h>

/* A packet in host byte order. */
struct mn_seg {
	uint8_t type;			/* enum mn_wire_type */
	uint8_t flags;			/* MN_WIRE_F_* */
	uint8_t n_sack;
	uint32_t credit;
	uint64_t id, seq, ack;
	uint32_t ts, ts_echo, ack_delay;
	uint16_t wait;
	struct mn_wire_sack sack[MN_WIRE_SACK_MAX];	/* each start < end */
	struct mn_wire_syn syn;		/* SYN, SYN_ACK, RST, RETRY */
	const uint8_t *payload;
	uint32_t len;			/* of the payload */
};

/* Bytes in front of the payload. */
#define MN_PACKET_HDR(n_sack)                                                                      \
	((uint32_t)(sizeof(struct mn_wire_hdr) + (n_sack) * sizeof(struct mn_wire_sack)))
#define MN_PACKET_SYN ((uint32_t)(sizeof(struct mn_wire_hdr) + sizeof(struct mn_wire_syn)))

/*
 * Takes a UDP payload apart; *seg points into it. 0, -EMSGSIZE (shorter than
 * its headers), -EPROTONOSUPPORT (version, reserved bits, type), -EBADMSG
 * (what it says cannot be).
 */
int mn_packet_parse(const uint8_t *data, uint32_t len, struct mn_seg *seg);

/*
 * Writes the headers, SACK ranges or SYN body of *seg; payload is not looked at.
 * Returns their length: where the payload goes.
 */
uint32_t mn_packet_write(uint8_t *buf, const struct mn_seg *seg);

#endif /* MN_TRANSPORT1_PACKET_H */
