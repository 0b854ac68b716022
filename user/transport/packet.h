/* SPDX-License-Identifier: MIT */
/* packet.h - the packet of machnet/wire.h taken apart and put together */
#ifndef MN_TRANSPORT_PACKET_H
#define MN_TRANSPORT_PACKET_H

#include <stdint.h>

#include <machnet/wire.h>

/* A packet in host byte order. */
struct mn_packet {
	uint8_t type;			/* enum mn_wire_type */
	uint8_t engine;			/* of the sender */
	uint64_t path, number;
	uint64_t least;			/* FRAMES: numbers below matter to the sender no more */
	struct mn_wire_init init;	/* INIT, ANSWER */
	uint64_t cookie;		/* RETRY */
	struct mn_wire_reset reset;	/* RESET */
	const uint8_t *frames;		/* FRAMES */
	uint32_t len;			/* of the frames */
};

/* The header of packets with frames. */
#define MN_PACKET_HDR	((uint32_t)sizeof(struct mn_wire_hdr))

/*
 * Takes a UDP payload apart; *p points into it. Frames are not looked at. 0, -EMSGSIZE (shorter
 * than its type wants), -EPROTONOSUPPORT (version, type, a reserved bit), -EBADMSG (what it says
 * cannot be).
 */
int mn_packet_parse(const uint8_t *data, uint32_t len, struct mn_packet *p);

/* Writes the packet but for its frames; returns the length: where the frames go. */
uint32_t mn_packet_write(uint8_t *buf, const struct mn_packet *p);

#endif /* MN_TRANSPORT_PACKET_H */
