/* SPDX-License-Identifier: MIT */
/*
 * spin.h - how long to look again before the processor is given away
 *
 * To yield to another thread costs a switch, and one more to come back; not to
 * yield costs whoever shares the core the time that is spun away. Which is right
 * depends on where the one who is waited for runs, and that is learnt: a wait
 * that ended while it spun sets the budget to twice its length, one that did not
 * makes the budget smaller; now and then the longest is tried. (Competitive
 * spinning, after Karlin, Li, Manasse, Owicki: Empirical Studies of Competitive
 * Spinning for a Shared-Memory Multiprocessor, SOSP 1991.)
 */
#ifndef MN_CORE_SPIN_H
#define MN_CORE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Longer waits are not worth it. */
#define MN_SPIN_MAX_NS	10000u
/* The longest spin is tried once in so many; a power of two. */
#define MN_SPIN_TRY	64u

/* Of one situation: what the waiter did before, whether it has yielded since. */
struct mn_spin {
	uint32_t budget_ns;	/* learnt */
	uint32_t times;
};

/* How long to spin now. */
static inline uint32_t mn_spin_begin(struct mn_spin *s)
{
	return ++s->times % MN_SPIN_TRY ? s->budget_ns : MN_SPIN_MAX_NS;
}

/* It was worth it: what was waited for came after so long. */
static inline void mn_spin_hit(struct mn_spin *s, uint64_t waited_ns)
{
	uint64_t wish = 2 * waited_ns < MN_SPIN_MAX_NS ? 2 * waited_ns : MN_SPIN_MAX_NS;

	if (wish > s->budget_ns)
		s->budget_ns = wish;
	else
		s->budget_ns -= (s->budget_ns - wish) / 8;
}

/* It was not. */
static inline void mn_spin_miss(struct mn_spin *s)
{
	s->budget_ns -= s->budget_ns / 4;
}

#endif /* MN_CORE_SPIN_H */
