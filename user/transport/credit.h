/* SPDX-License-Identifier: MIT */
/*
 * credit.h - a channel's receive buffers, shared out between its connections
 *
 * Two promises. A message is begun only when all its buffers are set aside
 * (claimed), so that every message that was begun can be completed: messages
 * never block each other half-way. Beyond the message under assembly a sender is
 * given credit for what would fit into its share of the buffers that are
 * free, judged by what its messages have cost so far; that credit may turn
 * out too large, and then what does not fit is not taken and is sent again.
 *
 * Connections whose claim cannot be met wait in line: small messages in one,
 * large ones in another, of which the first gathers buffers step by step, so
 * that neither kind starves.
 *
 * Messages under assembly, complete or not, take no more than a part of the buffers: large ones
 * leave some for small ones, and all of them leave some for those that need no claim. A claim
 * that others wait for must be used: its sender has credit for all of the message.
 */
#ifndef MN_TRANSPORT_CREDIT_H
#define MN_TRANSPORT_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* Largest credit beyond the message under assembly, in bytes. */
#define MN_CREDIT_MAX	(2u << 20)

/* A peer that is silent for so long is dead; one that holds up others is no better. */
#define MN_CREDIT_CLAIM_US	5000000u

/* Buffers set aside for one message. */
struct mn_claim {
	struct mn_list node;	/* in line, or of those that are met */
	uint32_t need;		/* buffers of the message */
	uint32_t held;		/* set aside for it and not yet used */
	uint32_t used;		/* by the part of the message that is there */
	bool granted;		/* all that it needs was set aside */
	uint32_t checked;	/* the last check that saw it; 0: none */
	uint32_t used_before;	/* at that check */
};

/* What a byte of a connection's stream takes, times 16. */
struct mn_cost {
	uint32_t bufs16;	/* bytes of buffers */
	uint32_t ring16;	/* bytes of the ring */
};

/* How many connections share something now. */
struct mn_sharers {
	uint64_t epoch_end_us;
	uint32_t epoch;
	uint32_t active;	/* connections that received something in this epoch */
	uint32_t active_before;	/* and in the one before */
};

/* One of them received something; *epoch is its own, 0 at first. */
void mn_sharers_touch(struct mn_sharers *sh, uint32_t *epoch, uint64_t now_us);

static inline uint32_t mn_sharers_count(const struct mn_sharers *sh)
{
	return sh->active > sh->active_before ? sh->active : sh->active_before;
}

struct mn_credit {
	uint32_t total;		/* buffers of the channel */
	uint32_t claimed;	/* set aside and not yet used */
	uint32_t begun, begun_large;	/* set aside or used, for all messages under assembly */
	struct mn_list small, large;	/* claims in line */
	struct mn_list met;
	uint64_t check_us;		/* when to look again which of them go on */
	uint32_t check;			/* number of the present one */
	struct mn_sharers sharers;
};

void mn_credit_init(struct mn_credit *cr, uint32_t total);
void mn_claim_init(struct mn_claim *cl);

/* free: free buffers of the channel, in all these calls. */

/* Sets n buffers aside. False: the claim waits in line. */
bool mn_credit_claim(struct mn_credit *cr, struct mn_claim *cl, uint32_t n, uint32_t free);
/* Buffers have become free: returns the next claim that is met now, NULL: none. */
struct mn_claim *mn_credit_settle(struct mn_credit *cr, uint32_t free);
/*
 * A claim that others wait for, and of which a sixteenth was not used in MN_CREDIT_CLAIM_US: its
 * connection is to be ended, for what it holds cannot be sent anew. NULL: none.
 */
struct mn_claim *mn_credit_expired(struct mn_credit *cr, uint64_t now_us);
/* One that comes with its connection from another engine, as it was; it is in no list yet. */
void mn_credit_adopt(struct mn_credit *cr, struct mn_claim *cl);
/* n buffers of the claim were used. */
void mn_credit_use(struct mn_credit *cr, struct mn_claim *cl, uint32_t n);
/* The message was handed over, or given up with what was used of the claim. */
void mn_credit_end(struct mn_credit *cr, struct mn_claim *cl);

/* Free buffers that are not set aside. */
static inline uint32_t mn_credit_room(const struct mn_credit *cr, uint32_t free)
{
	return free > cr->claimed ? free - cr->claimed : 0;
}

/* Buffers are short: no new credit. */
static inline bool mn_credit_is_low(const struct mn_credit *cr, uint32_t free)
{
	return mn_credit_room(cr, free) <= cr->total / 32;
}

/*
 * Bytes of stream beyond the message under assembly: what would fit into a share of the free
 * buffers and of the ring, of which ring bytes are free. At least least, unless either is scarce.
 */
uint32_t mn_credit_share(const struct mn_credit *cr, uint32_t free, uint64_t ring,
			 const struct mn_cost *cost, uint32_t least);

#endif /* MN_TRANSPORT_CREDIT_H */
