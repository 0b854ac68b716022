/* SPDX-License-Identifier: MIT */
/*
 * owner.h - which engine a packet belongs to
 *
 * The receiver of packets chooses the id that they carry, and puts the number of its engine into
 * it: no table is needed to steer them. Nothing else reads or writes that number.
 */
#ifndef MN_STEER_OWNER_H
#define MN_STEER_OWNER_H

#include <stdint.h>

#define MN_OWNER_NONE	(-1)

/* The id of this engine that is made of these 64 random bits. 0: of others, please. */
uint64_t mn_owner_make_id(uint8_t engine, uint64_t random);

/* The engine that has made the id. */
uint8_t mn_owner_of_id(uint64_t id);

/*
 * The engine whose stack must get this UDP payload. MN_OWNER_NONE: any, or that of the listener of
 * *port, if it is not 0; what is no Machnet packet, too.
 */
int mn_owner_of_packet(const uint8_t *udp_payload, uint32_t len, uint16_t *port);

#endif /* MN_STEER_OWNER_H */
