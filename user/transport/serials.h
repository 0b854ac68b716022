/* SPDX-License-Identifier: MIT */
/*
 * serials.h - which connections of a path have been served, by the serial of their opening
 *
 * The opener uses it to know which openings have been answered, and the acceptor to serve each
 * once: no serial is used before all that are MN_OPENS_MAX below have been answered.
 */
#ifndef MN_TRANSPORT_SERIALS_H
#define MN_TRANSPORT_SERIALS_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/wire.h>

struct mn_serials {
	uint64_t base;		/* all below are done */
	uint64_t done[MN_OPENS_MAX / 64];
};

static inline void mn_serials_init(struct mn_serials *s)
{
	*s = (struct mn_serials){ .base = 1 };
}

/* It may be in use now: neither done nor too far ahead. */
static inline bool mn_serials_is_open(const struct mn_serials *s, uint64_t serial)
{
	return serial >= s->base && serial < s->base + MN_OPENS_MAX &&
	       !(s->done[serial / 64 % (MN_OPENS_MAX / 64)] >> serial % 64 & 1);
}

/* It is done; it must have been open. */
static inline void mn_serials_set_done(struct mn_serials *s, uint64_t serial)
{
	s->done[serial / 64 % (MN_OPENS_MAX / 64)] |= UINT64_C(1) << serial % 64;
	for (;;) {
		uint64_t *word = &s->done[s->base / 64 % (MN_OPENS_MAX / 64)];
		uint64_t bit = UINT64_C(1) << s->base % 64;

		if (!(*word & bit))
			return;
		*word &= ~bit;
		s->base++;
	}
}

#endif /* MN_TRANSPORT_SERIALS_H */
