/* SPDX-License-Identifier: MIT */
/*
 * spin.h - how long to look again before the processor is given away
 *
 * To yield to another thread costs a switch, and one more to come back; not to
 * yield costs whoever shares the core the time that is spun away. Which is right
 * depends on where the one who is waited for runs, and that is learnt: a wait
 * that ended while it spun sets the budget to twice its length, one that did not
 * makes the budget smaller; now and then the longest is tried, the less often the
 * more often that was in vain. (Competitive spinning, after Karlin, Li, Manasse,
 * Owicki: Empirical Studies of Competitive Spinning for a Shared-Memory
 * Multiprocessor, SOSP 1991.)
 */
#ifndef MN_BASE_SPIN_H
#define MN_BASE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Longer waits are not worth it. */
#define MN_SPIN_MAX_NS	10000u
/* The longest spin is tried once in so many; each try in vain doubles that, up to some. */
#define MN_SPIN_TRY	64u
#define MN_SPIN_VAIN_MAX	6u
/* What came after so short a while was there at the first look. */
#define MN_SPIN_LOOK_NS	500u
/*
 * Waits in a row that may end well without a yield: what comes bit by bit must not keep the
 * processor from whoever has to deal with it.
 */
#define MN_SPIN_HITS	2u

/*
 * Of one situation: what the waiter did before, whether it has yielded since. Threads that
 * wait at once may share it: what one of them has learnt may be lost, no more.
 */
struct mn_spin {
	uint32_t budget_ns;	/* learnt; atomic */
	uint32_t times;		/* atomic */
	uint32_t vain;		/* tries in vain since one was worth it; atomic */
};

static inline uint32_t mn_spin_budget(const struct mn_spin *s)
{
	return __atomic_load_n(&s->budget_ns, __ATOMIC_RELAXED);
}

static inline void mn_spin_set(struct mn_spin *s, uint32_t budget_ns)
{
	__atomic_store_n(&s->budget_ns, budget_ns, __ATOMIC_RELAXED);
}

static inline bool mn_spin_is_try(const struct mn_spin *s, uint32_t times)
{
	return !(times % (MN_SPIN_TRY << __atomic_load_n(&s->vain, __ATOMIC_RELAXED)));
}

/* How long to spin now, after so many hits in a row. */
static inline uint32_t mn_spin_begin(struct mn_spin *s, uint32_t hits)
{
	uint32_t times = __atomic_load_n(&s->times, __ATOMIC_RELAXED) + 1;

	if (hits >= MN_SPIN_HITS)
		return 0;
	__atomic_store_n(&s->times, times, __ATOMIC_RELAXED);
	return mn_spin_is_try(s, times) ? MN_SPIN_MAX_NS : mn_spin_budget(s);
}

/* It was worth it: what was waited for came after so long. */
static inline void mn_spin_hit(struct mn_spin *s, uint64_t waited_ns)
{
	uint32_t wish = 2 * waited_ns < MN_SPIN_MAX_NS ? 2 * waited_ns : MN_SPIN_MAX_NS;
	uint32_t budget = mn_spin_budget(s);

	mn_spin_set(s, wish > budget ? wish : budget - (budget - wish) / 8);
	if (waited_ns > budget + MN_SPIN_LOOK_NS)
		__atomic_store_n(&s->vain, 0, __ATOMIC_RELAXED);
}

/* It was not; hits as above. */
static inline void mn_spin_miss(struct mn_spin *s, uint32_t hits)
{
	uint32_t times = __atomic_load_n(&s->times, __ATOMIC_RELAXED);
	uint32_t vain = __atomic_load_n(&s->vain, __ATOMIC_RELAXED);
	uint32_t budget = mn_spin_budget(s);

	if (hits >= MN_SPIN_HITS)
		return;
	mn_spin_set(s, budget - budget / 4);
	if (mn_spin_is_try(s, times) && vain < MN_SPIN_VAIN_MAX)
		__atomic_store_n(&s->vain, vain + 1, __ATOMIC_RELAXED);
}

/*
 * A yield that took so long went to somebody who does not give way, or to one who had much to do
 * just then. Who sleeps gets the processor back sooner than who yields, so when it happens
 * again at once it is better to sleep for a while: as long as the yield took, and twice as long
 * each time that it happens once more.
 */
#define MN_CROWD_YIELD_NS	200000u
#define MN_CROWD_FACTOR_MAX	32u
/* Who is away for longer was stopped itself, by a signal or with its machine. */
#define MN_CROWD_TOOK_MAX_NS	20000000u

/* Written by any thread; no more than a hint. */
struct mn_crowd {
	uint64_t until_ns;	/* no use to yield before; at least the last long one's end */
	uint32_t factor;
};

static inline bool mn_crowd_is(const struct mn_crowd *c, uint64_t now_ns)
{
	return now_ns < __atomic_load_n(&c->until_ns, __ATOMIC_RELAXED);
}

/* A yield has taken from before to after. */
static inline void mn_crowd_yielded(struct mn_crowd *c, uint64_t before_ns, uint64_t after_ns)
{
	uint64_t until = __atomic_load_n(&c->until_ns, __ATOMIC_RELAXED);
	uint64_t took = after_ns - before_ns;
	uint32_t factor = __atomic_load_n(&c->factor, __ATOMIC_RELAXED);

	if (took <= MN_CROWD_YIELD_NS)
		return;
	if (took > MN_CROWD_TOOK_MAX_NS)
		took = MN_CROWD_TOOK_MAX_NS;
	if (before_ns > until + took * (factor + 1))
		factor = 0;
	else if (factor < MN_CROWD_FACTOR_MAX)
		factor = factor ? 2 * factor : 1;
	__atomic_store_n(&c->factor, factor, __ATOMIC_RELAXED);
	__atomic_store_n(&c->until_ns, after_ns + took * factor, __ATOMIC_RELAXED);
}

#endif /* MN_BASE_SPIN_H */
