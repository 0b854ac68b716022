/* SPDX-License-Identifier: MIT */
/* fault.h - faults put in between the NIC and an engine, repeatable from a seed */
#ifndef DP_FAULT_H
#define DP_FAULT_H

#include <stdint.h>

#include <machnet/dp.h>

struct rte_mbuf;

struct dp_fault {
	uint64_t state;		/* of the generator: one per engine */
	uint32_t loss;		/* dropped when 32 random bits are below; 0: no faults */
	uint64_t dropped;
};

void dp_fault_init(struct dp_fault *f, const struct machnet_dp_fault *cfg, unsigned int engine);

/* Drops some of the n received packets; returns how many are left, in order. */
uint16_t dp_fault_rx(struct dp_fault *f, struct rte_mbuf **pkts, uint16_t n);

#endif /* DP_FAULT_H */
