/* SPDX-License-Identifier: MIT */
/*
 * cookie.h - numbers that only those know who were told: the proof of an address
 *
 * When many have asked to connect and not yet proved their address, a SYN is answered with a
 * cookie and forgotten. Who sends it again with the cookie has received it, so that the address
 * is his. The cookie is a keyed hash of the addresses, ports and id of the SYN. Keys
 * change; the last one is believed as long as its successor is used.
 */
#ifndef MN_TRANSPORT1_COOKIE_H
#define MN_TRANSPORT1_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport1/stack.h"

/* A cookie is good for so long at least, and twice as long at most. */
#define MN_COOKIE_KEY_US	8000000u

/* All zero at first. */
struct mn_cookies {
	uint64_t key[2][2];	/* in use, and the one before */
	uint64_t since_us;	/* since when the first is in use; 0: there is none */
};

/* For the SYN of peer_id that came by path; never 0. */
uint64_t mn_cookie_make(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us,
			const struct mn_path *path, uint64_t peer_id);
bool mn_cookie_check(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us,
		     const struct mn_path *path, uint64_t peer_id, uint64_t cookie);

#endif /* MN_TRANSPORT1_COOKIE_H */
