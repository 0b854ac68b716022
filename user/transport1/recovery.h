/* SPDX-License-Identifier: MIT */
/*
 * recovery.h - what was sent, what has arrived, what is lost
 *
 * One record per packet with payload or FIN under way, contiguous in sequence
 * numbers. Loss is found by time, not by counting: RACK (RFC 8985) declares a packet
 * lost when one that was sent later has arrived and a reordering window has
 * passed; a tail-loss probe makes the last packet of a burst be heard of; the
 * retransmission timeout is the last resort. Retransmissions that turn out to be
 * needless (the echoed timestamp is older than they are, as in Eifel, RFC 3522)
 * widen the reordering window.
 */
#ifndef MN_TRANSPORT1_RECOVERY_H
#define MN_TRANSPORT1_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/wire1.h>
#include "transport/rtt.h"

/* Packets under way at most; the records of so many begin small and grow when they are needed. */
#define MN_SENT_MAX	2048u
#define MN_SENT_INITIAL	16u

#define MN_SENT_SACKED	0x1
#define MN_SENT_LOST	0x2
#define MN_SENT_FIN	0x4
#define MN_SENT_PROBE	0x8	/* the last transmission was a tail-loss probe */

struct mn_sent {
	uint64_t seq;
	uint64_t sent_us;	/* last transmission */
	uint32_t len;		/* of the payload */
	uint32_t msg;		/* the message that holds seq: the sender's affair */
	uint8_t flags;		/* MN_SENT_* */
	uint8_t resent;		/* retransmitted at least once */
};

struct mn_recovery {
	struct mn_sent *ring;
	uint32_t size;		/* of the ring, a power of two; 0: none */
	uint32_t head, tail;	/* free-running: oldest, one behind the newest */
	uint32_t inflight;	/* records believed to be in the network */
	uint32_t lost, sacked, resent;	/* records by flag */
	uint32_t lost_from;	/* no lost record before this index */

	uint64_t rack_sent_us, rack_end;	/* the latest sent packet that has arrived */
	uint32_t rack_rtt_us;
	uint64_t fack;		/* highest end that has arrived */
	uint32_t reo_mult;	/* reordering window, in quarters of a round trip or 20 us */
	uint32_t reo_keep;	/* recoveries until it shrinks again */
	uint64_t reo_end;	/* it grows at most once until this arrives */
	uint64_t reo_deadline_us;	/* when to look for losses again; 0: no need */

	uint64_t sent_us;	/* last transmission of all */
	uint64_t progress_us;	/* last time that the oldest packet was acknowledged */
	uint32_t backoff;	/* doublings of the timeout */
	bool probing;		/* a tail-loss probe is unanswered */
	bool timed_out;		/* losses come from a timeout that may have been needless */
	struct mn_rtt rtt;
};

/* What an acknowledgement brought. */
struct mn_acked {
	uint32_t delivered;	/* packets heard of for the first time */
	uint32_t repaired;	/* lost packets that a tail-loss probe has replaced */
	bool progress;		/* the cumulative acknowledgement moved */
	bool spurious;		/* something had been declared lost, or sent twice, needlessly */
};

/* Without memory for any record yet. */
void mn_recovery_init(struct mn_recovery *r, uint64_t now_us);
/* Makes room for one more record. 0, -ENOSPC (MN_SENT_MAX are under way), -ENOMEM. */
int mn_recovery_reserve(struct mn_recovery *r);
/* While it is empty: gives memory back that a busier time has left. */
void mn_recovery_trim(struct mn_recovery *r);
void mn_recovery_fini(struct mn_recovery *r);
/* Forgets all records; keeps what was measured. */
void mn_recovery_clear(struct mn_recovery *r);

static inline bool mn_recovery_empty(const struct mn_recovery *r)
{
	return r->head == r->tail;
}

static inline struct mn_sent *mn_recovery_at(const struct mn_recovery *r, uint32_t index)
{
	return &r->ring[index & (r->size - 1)];
}

/* One number behind the record, the FIN's included. */
static inline uint64_t mn_sent_end(const struct mn_sent *s)
{
	return s->seq + s->len + ((s->flags & MN_SENT_FIN) != 0);
}

/* A new packet was sent; room was made for it. */
struct mn_sent *mn_recovery_sent(struct mn_recovery *r, uint64_t seq, uint32_t len,
				 uint64_t now_us);
/* An old one was sent again. */
void mn_recovery_resent(struct mn_recovery *r, struct mn_sent *s, uint64_t now_us);

/* All before ack and the ranges have arrived; ts_echo: of the packet that it answers. */
void mn_recovery_ack(struct mn_recovery *r, uint64_t ack, const struct mn_wire_sack *sack,
		     int n_sack, uint32_t ts_echo, uint64_t now_us, struct mn_acked *out);
/* Marks what is lost by now; returns how many. Sets reo_deadline_us. */
uint32_t mn_recovery_detect(struct mn_recovery *r, uint64_t now_us);
/* The timeout has passed: nothing unacknowledged is believed to be in the network. */
void mn_recovery_timeout(struct mn_recovery *r, uint64_t now_us);

/* The first lost record, NULL when there is none. */
struct mn_sent *mn_recovery_first_lost(struct mn_recovery *r);

/* When to send a tail-loss probe; 0: not now. */
uint64_t mn_recovery_probe_us(const struct mn_recovery *r);
/* When the retransmission timeout passes; not empty. */
uint64_t mn_recovery_timeout_us(const struct mn_recovery *r);

#endif /* MN_TRANSPORT1_RECOVERY_H */
