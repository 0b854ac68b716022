/* SPDX-License-Identifier: MIT */
/*
 * fault.h - faults put in between the NIC and an engine, repeatable from a seed
 *
 * What befalls the n-th packet depends on the seed, the engine and n alone: each kind of fault
 * has draws of its own, so that one more kind changes nothing about the others.
 */
#ifndef DP_FAULT_H
#define DP_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>

#include <machnet/dp.h>

/* Packets that are kept at most, and how long one waits for others to overtake it. */
#define DP_FAULT_HELD		1024u
#define DP_FAULT_REORDER_US	100u

/* Free-running; printed by the stats command under these names. */
#define DP_FAULT_COUNTERS(X)	\
	X(fault_dropped) X(fault_burst_dropped) X(fault_reordered) X(fault_duplicated)	\
	X(fault_delayed) X(fault_corrupted) X(fault_truncated) X(fault_stalls) X(fault_tx_full)

struct dp_fault_stats {
#define DP_X(name) uint64_t name;
	DP_FAULT_COUNTERS(DP_X)
#undef DP_X
};

/* A packet that waits for its time. */
struct dp_fault_slot {
	struct rte_mbuf *m;
	uint64_t at_us;		/* it goes on then at the latest */
	uint64_t due;		/* held back: as soon as so many packets have passed in all */
	uint32_t wait_us;	/* held back: its delay afterwards */
};

struct dp_fault {
	bool on;		/* false: there is nothing else to look at */
	struct machnet_dp_fault cfg;
	uint64_t rx_state, tx_state;	/* of the two generators */
	uint32_t burst_left;	/* packets that are still to be lost */
	uint64_t stall_end_us;	/* 0: not stalled */
	uint64_t tx_full_end_us;
	uint64_t passed;	/* packets that were neither lost nor held before */

	struct dp_fault_slot *queue;	/* a ring: in the order in which they go on */
	uint32_t head, tail;		/* free-running */
	struct dp_fault_slot back[MACHNET_DP_REORDER_MAX];	/* to be overtaken; oldest first */
	uint32_t n_back;
	struct dp_fault_stats stats;
};

/* 0 or -ENOMEM. */
int dp_fault_init(struct dp_fault *f, const struct machnet_dp_fault *cfg, unsigned int engine);
/* Frees the packets that are held. */
void dp_fault_fini(struct dp_fault *f);

/* When the engine must look at the latest; UINT64_MAX: nothing waits. */
uint64_t dp_fault_deadline(const struct dp_fault *f);

/* Packets that wait; read by any thread. */
uint32_t dp_fault_held(const struct dp_fault *f);

/* How many of max packets may be received now. */
uint16_t dp_fault_rx_room(struct dp_fault *f, uint16_t max, uint64_t now_us);
/*
 * Takes the n packets that were received, dp_fault_rx_room() at most, and puts those into their
 * place, up to max, which the engine is to see now. Returns how many.
 */
uint16_t dp_fault_rx(struct dp_fault *f, struct rte_mbuf **pkts, uint16_t n, uint16_t max,
		     uint64_t now_us);
/* How many of n packets may be sent now. */
uint16_t dp_fault_tx(struct dp_fault *f, uint16_t n, uint64_t now_us);

/* rte_eth_rx_burst() and rte_eth_tx_burst() with the faults. */
static inline uint16_t dp_fault_rx_burst(struct dp_fault *f, uint16_t port, uint16_t queue,
					 struct rte_mbuf **pkts, uint16_t max, uint64_t now_us)
{
	uint16_t n;

	if (likely(!f->on))
		return rte_eth_rx_burst(port, queue, pkts, max);
	n = dp_fault_rx_room(f, max, now_us);
	if (n)
		n = rte_eth_rx_burst(port, queue, pkts, n);
	return dp_fault_rx(f, pkts, n, max, now_us);
}

static inline uint16_t dp_fault_tx_burst(struct dp_fault *f, uint16_t port, uint16_t queue,
					 struct rte_mbuf **pkts, uint16_t n, uint64_t now_us)
{
	if (unlikely(f->on))
		n = dp_fault_tx(f, n, now_us);
	return n ? rte_eth_tx_burst(port, queue, pkts, n) : 0;
}

#endif /* DP_FAULT_H */
