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

/*
 * Of one situation: what the waiter did before, whether it has yielded since. Threads that
 * wait at once may share it: what one of them has learnt may be lost, no more.
 */
struct mn_spin {
	uint32_t budget_ns;	/* learnt; atomic */
	uint32_t times;		/* atomic */
};

static inline uint32_t mn_spin_budget(const struct mn_spin *s)
{
	return __atomic_load_n(&s->budget_ns, __ATOMIC_RELAXED);
}

static inline void mn_spin_set(struct mn_spin *s, uint32_t budget_ns)
{
	__atomic_store_n(&s->budget_ns, budget_ns, __ATOMIC_RELAXED);
}

/* How long to spin now. */
static inline uint32_t mn_spin_begin(struct mn_spin *s)
{
	uint32_t times = __atomic_load_n(&s->times, __ATOMIC_RELAXED) + 1;

	__atomic_store_n(&s->times, times, __ATOMIC_RELAXED);
	return times % MN_SPIN_TRY ? mn_spin_budget(s) : MN_SPIN_MAX_NS;
}

/* It was worth it: what was waited for came after so long. */
static inline void mn_spin_hit(struct mn_spin *s, uint64_t waited_ns)
{
	uint32_t wish = 2 * waited_ns < MN_SPIN_MAX_NS ? 2 * waited_ns : MN_SPIN_MAX_NS;
	uint32_t budget = mn_spin_budget(s);

	mn_spin_set(s, wish > budget ? wish : budget - (budget - wish) / 8);
}

/* It was not. */
static inline void mn_spin_miss(struct mn_spin *s)
{
	uint32_t budget = mn_spin_budget(s);

	mn_spin_set(s, budget - budget / 4);
}

#endif /* MN_CORE_SPIN_H */
