/* SPDX-License-Identifier: MIT */
/*
 * arrivals.h - the numbers of packets that have arrived, as ranges
 *
 * They find duplicates and make up acknowledgements. What the sender does not care about any more
 * is forgotten; when there are too many holes the lowest is, and packets that fill it later count
 * as duplicates: they were not acknowledged, so that what they carried is sent again.
 */
#ifndef MN_TRANSPORT_ARRIVALS_H
#define MN_TRANSPORT_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

/* More than an acknowledgement has: what is behind it now may be in front of it later. */
#define MN_ARRIVAL_RANGES	96u

struct mn_arrival_range {
	uint64_t first, end;	/* [first, end) */
};

struct mn_arrivals {
	uint64_t floor;		/* no number below is new */
	uint32_t n;
	struct mn_arrival_range r[MN_ARRIVAL_RANGES];	/* ascending, apart from each other */
};

void mn_arrivals_init(struct mn_arrivals *a);

/* False: it has been there before, or is below all that matters. */
bool mn_arrivals_add(struct mn_arrivals *a, uint64_t number);

/* Numbers below least matter no more. */
void mn_arrivals_forget(struct mn_arrivals *a, uint64_t least);

/* Range i from the highest on; i < n. */
static inline const struct mn_arrival_range *mn_arrivals_top(const struct mn_arrivals *a,
							     uint32_t i)
{
	return &a->r[a->n - 1 - i];
}

#endif /* MN_TRANSPORT_ARRIVALS_H */
