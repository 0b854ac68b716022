// SPDX-License-Identifier: MIT
/*
 * path_mtu.c - the size of a path's packets
 *
 * The control plane knows the route's MTU, and the handshake the peer's. Where packets of that size
 * vanish without a word, smaller ones are sent: several losses in a row while smaller packets
 * arrive are taken for a black hole (RFC 8899, 4.3).
 */
#include "transport/stack_priv.h"

/* In front of the UDP payload in a packet. */
#define HEADERS_V4	28u
#define HEADERS_V6	48u
/* Losses in a row, and arrivals of smaller packets meanwhile, that make a black hole. */
#define LARGE_LOST	8u
#define SMALL_ARRIVED	3u
/* Nothing was delivered for so long, and so many packets. */
#define CARRIERS_LOST	20u
#define NO_PROGRESS_US	12000000u
/* The size is tried anew after so long (RFC 8899, 5.1.1: PMTU_RAISE_TIMER). */
#define RETRY_US	600000000u

/* UDP payloads: what Ethernet carries over IPv6, the base of RFC 8899, what every path carries. */
static const uint32_t sizes[] = { 1452, 1200, MN_MTU_MIN - HEADERS_V6 };

void mn_path_update_mss(struct mn_path *p)
{
	const struct mn_tuple *route = &p->peer->route;
	uint32_t mtu = route->mtu > MN_MTU_MIN ? route->mtu : MN_MTU_MIN;
	uint32_t least = MN_MTU_MIN - HEADERS_V6;

	p->mss = mtu - (mn_addr_is_v4(&route->remote) ? HEADERS_V4 : HEADERS_V6);
	if (p->peer_mss && p->peer_mss < p->mss)
		p->mss = p->peer_mss > least ? p->peer_mss : least;
	if (p->mss_cap && p->mss_cap < p->mss)
		p->mss = p->mss_cap;
}

/* The next size that is much smaller; 0: there is none. */
static uint32_t smaller(const struct mn_path *p)
{
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] < p->mss - p->mss / 16)
			return sizes[i];
	return 0;
}

static void learn_large(struct mn_path *p, bool lost)
{
	struct mn_black_hole *h = &p->hole;

	if (!lost) {
		h->large = 0;
		return;
	}
	if (!h->large++)
		h->small = 0;
	if (h->large < LARGE_LOST || h->small < SMALL_ARRIVED)
		return;
	p->mss_cap = smaller(p);
	h->large = 0;
	h->capped_us = p->stack->now_us;
	mn_path_update_mss(p);
}

static void learn_carrier(struct mn_path *p, bool lost)
{
	struct mn_black_hole *h = &p->hole;

	if (!lost)
		h->carriers = 0;
	else if (!h->carriers++)
		h->since_us = p->stack->now_us;
}

void mn_path_learn_size(struct mn_path *p, const struct mn_sent *s, bool lost)
{
	uint32_t less = smaller(p);

	if (less && s->len > less)
		learn_large(p, lost);
	else if (!lost)
		p->hole.small++;
	if (s->records != MN_RECORD_NONE)
		learn_carrier(p, lost);
}

bool mn_path_suspects_size(const struct mn_path *p)
{
	return p->hole.large > 1;
}

bool mn_path_is_hole(const struct mn_path *p)
{
	return p->hole.carriers >= CARRIERS_LOST &&
	       p->stack->now_us - p->hole.since_us >= NO_PROGRESS_US;
}

void mn_path_retry_size(struct mn_path *p)
{
	if (!p->mss_cap || p->stack->now_us - p->hole.capped_us < RETRY_US)
		return;
	p->mss_cap = 0;
	mn_path_update_mss(p);
}
