/* SPDX-License-Identifier: MIT */
/*
 * toeplitz.h - the hash of RSS
 *
 * Microsoft, "RSS Hashing Functions". Source address, destination address, source port,
 * destination port, in network byte order; IPv4 addresses with 4 bytes.
 */
#ifndef MN_STEER_TOEPLITZ_H
#define MN_STEER_TOEPLITZ_H

#include "steer/steer.h"

#define MN_TOEPLITZ_KEY_MIN	40u	/* IPv6 with ports needs all of it */

/* key: at least MN_TOEPLITZ_KEY_MIN bytes. */
uint32_t mn_toeplitz(const uint8_t *key, const struct mn_steer_tuple *t);

/* The part of the ports alone: the hash is that with ports 0 and 0, xor this. */
uint32_t mn_toeplitz_ports(const uint8_t *key, const struct mn_steer_tuple *t);

#endif /* MN_STEER_TOEPLITZ_H */
