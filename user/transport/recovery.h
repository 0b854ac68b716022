/* SPDX-License-Identifier: MIT */
/*
 * recovery.h - packets that were sent: which have arrived, which are lost
 *
 * One entry per packet number, in a ring. Loss is found by time: RACK (RFC 8985) declares a packet
 * lost when one with a higher number has arrived and a reordering window has passed; a tail-loss
 * probe gets the end of a burst acknowledged; the retransmission timeout (RFC 6298) is the last
 * resort. As no number is used twice, an acknowledgement of a packet that had been declared lost
 * says beyond doubt that this was needless; then the reordering window widens.
 *
 * What a packet carried are records (record.h), which the caller takes back by the callbacks.
 */
#ifndef MN_TRANSPORT_RECOVERY_H
#define MN_TRANSPORT_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/rtt.h"

/* Entries of the ring: at first, and at most. */
#define MN_SENT_INITIAL	64u
#define MN_SENT_MAX	4096u

enum mn_sent_state {
	MN_SENT_DONE,		/* acknowledged, or nothing that is to be acknowledged */
	MN_SENT_FLYING,		/* counted by the window */
	MN_SENT_LAZY,		/* carries what can wait for the peer's next packet; not counted */
	MN_SENT_LOST,		/* its records have been taken back */
};

struct mn_sent {
	uint64_t sent_us;
	uint32_t records;	/* first of a list */
	uint16_t len;		/* UDP payload */
	uint8_t state;		/* enum mn_sent_state */
	bool probed;		/* given up for a tail-loss probe, which may arrive in its place */
};

/* A packet has arrived (lost: false) or is given up: the records are the caller's again. */
typedef void mn_recovery_fn(void *ctx, struct mn_sent *s, bool lost);

struct mn_recovery {
	struct mn_sent *ring;
	uint32_t size;		/* a power of two; 0: none yet */
	uint64_t head, next;	/* lowest number that matters; the next to be used */
	uint64_t look_from;	/* no flying or lazy packet is below, but for moved ones */
	uint32_t inflight;	/* flying */
	uint32_t lazy;

	uint64_t top;		/* highest number that has arrived */
	uint32_t top_rtt_us;
	uint32_t reo_mult;	/* reordering window, in quarters of a round trip or 20 us */
	uint32_t reo_keep;	/* recoveries until it shrinks again */
	uint64_t reo_end;	/* it grows at most once until this number arrives */
	uint64_t reo_deadline_us;	/* when to look for losses again; 0: no need */

	/* Sent before mn_recovery_moved(), perhaps under way; none unless from is below end. */
	uint64_t moved_from, moved_end;
	uint32_t moved_wait_us;		/* until they are lost, when a later one has arrived */
	uint64_t moved_deadline_us;	/* when to look for them again; 0: no need */

	uint64_t sent_us;	/* last packet that was counted */
	uint64_t progress_us;	/* when something was acknowledged last */
	uint32_t backoff;	/* doublings of the timeout */
	bool probing;		/* a tail-loss probe is unanswered */
	bool timed_out;		/* losses come from a timeout that may have been needless */
	uint64_t timed_out_end;	/* of packets below this number */
	struct mn_rtt rtt;
	mn_recovery_fn *fn;
	void *ctx;
};

/* What an acknowledgement brought. */
struct mn_acked {
	uint32_t delivered;	/* counted packets acknowledged for the first time */
	uint32_t repaired;	/* packets that a tail-loss probe has replaced: lost after all */
	uint32_t rtt_us;	/* of the largest, its delay included; 0: it was known already */
	bool any;		/* something was new */
	bool spurious;		/* a packet had been given up needlessly */
	bool undo;		/* and by a timeout */
};

void mn_recovery_init(struct mn_recovery *r, mn_recovery_fn *fn, void *ctx, uint64_t now_us);
/* The records go back by fn, as lost. */
void mn_recovery_fini(struct mn_recovery *r);

/* Makes room for one more packet. 0, -ENOSPC, -ENOMEM. */
int mn_recovery_reserve(struct mn_recovery *r, uint64_t now_us);
/* Gives memory back that a busier time has left. */
void mn_recovery_trim(struct mn_recovery *r);

static inline struct mn_sent *mn_recovery_at(const struct mn_recovery *r, uint64_t number)
{
	return &r->ring[number & (r->size - 1)];
}

static inline bool mn_recovery_idle(const struct mn_recovery *r)
{
	return !r->inflight && !r->lazy;
}

/* The packet with number next was sent; room was made for it. */
void mn_recovery_sent(struct mn_recovery *r, enum mn_sent_state state, uint32_t records,
		      uint32_t len, uint64_t now_us);

/* Numbers [first, end) have arrived; end is at most next. */
void mn_recovery_ack(struct mn_recovery *r, uint64_t first, uint64_t end, uint64_t now_us,
		     struct mn_acked *out);
/* After all ranges: what follows from what has arrived. Returns how many are lost now. */
uint32_t mn_recovery_acked(struct mn_recovery *r, uint64_t now_us, struct mn_acked *out);
/* Gives up what is lost by now; returns how many. */
uint32_t mn_recovery_detect(struct mn_recovery *r, uint64_t now_us);
/* When to do so again; 0: no need. */
uint64_t mn_recovery_detect_us(const struct mn_recovery *r);

/* A tail-loss probe is due: the last packet's records come back, to be sent again. */
void mn_recovery_probe(struct mn_recovery *r);
/*
 * The timeout has passed: nothing is believed to be in the network. False: only lazy packets were,
 * whose loss says nothing of the path.
 */
bool mn_recovery_timeout(struct mn_recovery *r, uint64_t now_us);

/* When to send a tail-loss probe; 0: not now. */
uint64_t mn_recovery_probe_us(const struct mn_recovery *r);
/* When the timeout passes; something is flying or lazy. */
uint64_t mn_recovery_timeout_us(const struct mn_recovery *r);

/*
 * Nothing below end is under way any more. *from, 0 at first, is kept by the caller: nothing below
 * it was when this was called last.
 */
bool mn_recovery_is_settled(const struct mn_recovery *r, uint64_t *from, uint64_t end);
/*
 * Packets take another way from here on. A comparison across the change takes as long as a timeout.
 */
void mn_recovery_moved(struct mn_recovery *r);

#endif /* MN_TRANSPORT_RECOVERY_H */
