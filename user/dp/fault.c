// SPDX-License-Identifier: MIT
#include <rte_mbuf.h>

#include "dp/fault.h"

#define PPM	1000000u

void dp_fault_init(struct dp_fault *f, const struct machnet_dp_fault *cfg, unsigned int engine)
{
	f->state = cfg->seed + engine;
	f->loss = (uint64_t)cfg->loss_ppm * UINT32_MAX / PPM;
	f->dropped = 0;
}

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t fault_random(struct dp_fault *f)
{
	uint64_t z = f->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint16_t dp_fault_rx(struct dp_fault *f, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t left = 0;

	if (!f->loss)
		return n;
	for (uint16_t i = 0; i < n; i++) {
		if ((uint32_t)fault_random(f) < f->loss) {
			rte_pktmbuf_free(pkts[i]);
			f->dropped++;
		} else {
			pkts[left++] = pkts[i];
		}
	}
	return left;
}
