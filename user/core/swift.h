/* SPDX-License-Identifier: MIT */
/*
 * swift.h - congestion control by delay
 *
 * After G. Kumar et al., "Swift: Delay is Simple and Effective for Congestion
 * Control in the Datacenter", SIGCOMM 2020: the window grows by a packet per
 * round trip while the delay is below a target, and shrinks in proportion to
 * the excess, once per round trip. The target is the least round trip seen, an
 * allowance for queues, and a part that grows for small windows and makes flows
 * converge. Where this differs:
 *  - no hop counts are known, so the base of the target is measured;
 *  - a round is judged by its least delay: a virtual machine that was not
 *    scheduled for a while delays everything without any queue;
 *  - a new connection, and one that had collapsed, doubles its window per round
 *    until the delay or losses tell; after several good rounds the growth
 *    rises to some packets per round, as in Timely (SIGCOMM 2015);
 *  - delay alone shrinks a window to some packets, not to one: hosts on which
 *    processors are shared delay packets by far more than any queue does;
 *  - losses shrink the window by twice their share of the round: a path that loses
 *    packets at random is still used.
 */
#ifndef MN_CORE_SWIFT_H
#define MN_CORE_SWIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/rtt.h"

#define MN_SWIFT_CWND_INITIAL	16u	/* packets */

struct mn_swift {
	uint32_t cwnd;		/* packets, 8 bits of fraction; at least one packet */
	uint32_t cwnd_undo;	/* before the last timeout */
	uint32_t cwnd_max;	/* packets */
	uint32_t good_rounds;	/* in a row */
	bool slow_start;

	uint64_t round_end_us;
	uint32_t round_min_us;	/* least delay of the round; UINT32_MAX: none measured */
	uint32_t round_delivered, round_lost;
	bool round_limited;	/* the window was what limited the sender */
};

void mn_swift_init(struct mn_swift *sw, uint32_t cwnd_max, uint64_t now_us);

/* Packets arrived; rtt_us: 0 when it was not measured. limited: the window was full. */
void mn_swift_acked(struct mn_swift *sw, const struct mn_rtt *rtt, uint32_t rtt_us,
		    uint32_t delivered, bool limited, uint64_t now_us);
void mn_swift_lost(struct mn_swift *sw, uint32_t packets);
/* A retransmission timeout, the nth in a row from 1 on. */
void mn_swift_timeout(struct mn_swift *sw, uint32_t nth);
/* The last timeout was needless. */
void mn_swift_undo(struct mn_swift *sw);

static inline uint32_t mn_swift_cwnd(const struct mn_swift *sw)
{
	return sw->cwnd >> 8;
}

/* Delay that a connection with this window may cause; for those who want to look. */
uint32_t mn_swift_target_us(const struct mn_swift *sw, const struct mn_rtt *rtt);

#endif /* MN_CORE_SWIFT_H */
