/* SPDX-License-Identifier: MIT */
/*
 * swift.h - congestion control by delay
 *
 * After G. Kumar et al., "Swift: Delay is Simple and Effective for Congestion
 * Control in the Datacenter", SIGCOMM 2020: the window grows by a packet per
 * round trip while the delay is below a target, and shrinks in proportion to
 * the excess, once per round trip. The target is the least round trip seen, an
 * allowance for queues, and a part that grows for small windows and makes flows
 * converge. The window may fall below one packet; then packets go one by one, a
 * round trip divided by the window apart. Where this differs:
 *  - no hop counts are known, so the base of the target is measured;
 *  - Swift separates the delay of hosts from that of the network by the time stamps of NICs, and
 *    has a window for each. Here engines know for how long they did not look: that much of a
 *    round trip may have been a host's, and only what is left is held against the window. Hosts on
 *    which processors are shared delay packets by far more than any queue does, and no smaller
 *    window would make them quicker. What they cannot take is bounded by credit and by losses;
 *  - a round is judged by its least delay, for the same reason;
 *  - a new connection, and one that had collapsed, doubles its window per round
 *    until the delay or losses set in; after several good rounds the growth
 *    rises to some packets per round, as in Timely (SIGCOMM 2015);
 *  - small windows grow by an eighth, not by a packet: where many of them meet they would fill the
 *    queue in one round trip;
 *  - losses shrink the window by twice their share of the round, not by a half, and a few
 *    of them not at all where no queue is seen: a path that loses packets at random is
 *    still used;
 *  - no more is under way than 50 Gbit/s and the round trip need and one ring holds.
 */
#ifndef MN_TRANSPORT_SWIFT_H
#define MN_TRANSPORT_SWIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/rtt.h"

#define MN_SWIFT_CWND_INITIAL	16u	/* packets */
/* A packet; the window has 8 bits of fraction. */
#define MN_SWIFT_ONE		256u
/* Least window: 64 times as many connections as the path holds packets still share it. */
#define MN_SWIFT_CWND_MIN	(MN_SWIFT_ONE / 64)
/* A packet is sent so often at least, or once in a round trip that takes longer. */
#define MN_SWIFT_PACE_MAX_US	2000u

struct mn_swift {
	uint32_t cwnd;		/* in 1 / MN_SWIFT_ONE of a packet */
	uint32_t cwnd_undo;	/* before the last timeout */
	uint32_t cwnd_max;	/* packets */
	uint32_t good_rounds;	/* in a row */
	bool slow_start;

	uint64_t round_end_us;
	/* Least delays of the round; UINT32_MAX: none measured. */
	uint32_t round_min_us, round_network_us;
	uint32_t round_delivered, round_lost;
	bool round_limited;	/* the window was what limited the sender */
};

/* A round trip; 0: not measured. */
struct mn_swift_delay {
	uint32_t rtt_us;
	uint32_t network_us;	/* what is left of it without the time that hosts did not look */
};

void mn_swift_init(struct mn_swift *sw, uint32_t cwnd_max, uint64_t now_us);

/* Packets arrived. limited: the window was full. */
void mn_swift_acked(struct mn_swift *sw, const struct mn_rtt *rtt, struct mn_swift_delay delay,
		    uint32_t delivered, bool limited, uint64_t now_us);
void mn_swift_lost(struct mn_swift *sw, uint32_t packets);
/* A retransmission timeout, the nth in a row from 1 on. */
void mn_swift_timeout(struct mn_swift *sw, uint32_t nth);
/* The last timeout was needless. */
void mn_swift_undo(struct mn_swift *sw);

/* Packets that may be under way; 0: one at a time, mn_swift_pace_us() apart. */
static inline uint32_t mn_swift_cwnd(const struct mn_swift *sw)
{
	return sw->cwnd / MN_SWIFT_ONE;
}

/* Time from one packet to the next; 0: it is the window that counts. */
uint32_t mn_swift_pace_us(const struct mn_swift *sw, uint32_t srtt_us);

/* Delay that a connection with this window may cause; for those who want to look. */
uint32_t mn_swift_target_us(const struct mn_swift *sw, const struct mn_rtt *rtt);

#endif /* MN_TRANSPORT_SWIFT_H */
