/* SPDX-License-Identifier: MIT */
/*
 * nltest_pair.h - two namespaces on one wire, for tests of routes
 *
 *   this namespace            a child's namespace
 *   mnt0 10.9.0.1/24  <---->  mnt1 10.9.0.2/24, 10.9.0.3/24
 *        2001:db8:9::1/64          2001:db8:9::2/64
 */
#ifndef MACHNET_NLTEST_PAIR_H
#define MACHNET_NLTEST_PAIR_H

#include "nltest.h"

#define NT_TIMEOUT_MS	10000

extern const unsigned char nt_peer_mac[6];

struct nt_pair {
	struct nt path;		/* asks and watches */
	struct nt events;	/* listens to routes */
	int peer;		/* process in the other namespace */
	uint32_t ifindex;	/* of mnt0 */
};

/* 0 or -errno. */
int nt_pair_up(struct nt_pair *pair);
void nt_pair_down(struct nt_pair *pair);
/* Runs a shell command in the other namespace. */
int nt_pair_sh(struct nt_pair *pair, const char *command);

bool nt_is_mac(const struct nt *nt, const unsigned char *mac);
/* The destination's next notification with this state; skips all others. */
bool nt_wait_route(struct nt *nt, const char *dst, uint32_t state);
/* Within the time. */
bool nt_wait_route_ms(struct nt *nt, const char *dst, uint32_t state, int timeout_ms);
/* Watches and waits until it is reachable. */
bool nt_pair_watch(struct nt_pair *pair, const struct nt_route *route);
bool nt_pair_watch_dst(struct nt_pair *pair, const char *dst);

#endif /* MACHNET_NLTEST_PAIR_H */
