/* SPDX-License-Identifier: MIT */
/*
 * cookie.h - the proof of an address that needs no memory
 *
 * When many paths are half open, an INIT is answered with a cookie and forgotten. An INIT that
 * returns the cookie proves that its sender receives at its source address. A cookie is a keyed
 * hash of the addresses, ports and id of the INIT. Keys change; the last one is accepted as long
 * as its successor is in use.
 */
#ifndef MN_TRANSPORT_COOKIE_H
#define MN_TRANSPORT_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/stack.h"

/* A cookie is good for so long at least, and twice as long at most. */
#define MN_COOKIE_KEY_US	8000000u

/* All zero at first. */
struct mn_cookies {
	uint64_t key[2][2];	/* in use, and the one before */
	uint64_t since_us;	/* since when the first is in use; 0: there is none */
};

/* For the INIT of peer_id that came by tuple; never 0. */
uint64_t mn_cookie_make(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us,
			const struct mn_tuple *tuple, uint64_t peer_id);
bool mn_cookie_check(struct mn_cookies *ck, const struct mn_stack_config *cfg, uint64_t now_us,
		     const struct mn_tuple *tuple, uint64_t peer_id, uint64_t cookie);

#endif /* MN_TRANSPORT_COOKIE_H */
