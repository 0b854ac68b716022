/* SPDX-License-Identifier: MIT */
/*
 * timer_wheel.h - timers in microseconds at a cost that does not depend on their number
 *
 * A hierarchy of wheels of 64 slots each: a timer is filed at the level of the
 * highest digit (base 64) in which its tick differs from the current one. So
 * every slot in use lies ahead in the present turn of its wheel, a bit per
 * slot finds the next one, and idle time is skipped. Eleven levels hold any
 * 64-bit tick.
 *
 * Lazy: a timer that is moved back or cleared stays where it is filed and is
 * looked at when that slot comes up. Most timers of a transport are moved back
 * with every packet, and this makes that a single store.
 */
#ifndef MN_BASE_TIMER_WHEEL_H
#define MN_BASE_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

#define MN_WHEEL_TICK_US	8u
#define MN_WHEEL_LEVELS		11
#define MN_WHEEL_SLOTS		64
#define MN_TIMER_NONE		UINT64_MAX
/* Timers that one call fires at most, so that it takes no long time; the next call goes on. */
#define MN_WHEEL_FIRES		256u

struct mn_timer {
	struct mn_list node;
	uint64_t deadline_us;	/* MN_TIMER_NONE: will not fire */
	uint64_t tick;		/* where it is filed; valid while it is in a list */
	void (*fire)(struct mn_timer *t, void *ctx);
};

struct mn_wheel {
	uint64_t tick;		/* all ticks up to this one are done, or in due */
	uint64_t until;		/* the present call's last tick */
	bool advancing;		/* in a call */
	struct mn_list due;	/* what the last call left */
	struct mn_list late;	/* set in this call to a time that has passed */
	uint32_t levels;	/* bit per level with a bit in slots */
	uint64_t slots[MN_WHEEL_LEVELS];
	struct mn_list lists[MN_WHEEL_LEVELS][MN_WHEEL_SLOTS];
};

void mn_wheel_init(struct mn_wheel *w, uint64_t now_us);
/*
 * Fires what is due: never early, at most one tick late unless more than MN_WHEEL_FIRES are due.
 * Each timer once: one that is set anew to a time that has passed fires in the next call. fire()
 * may do anything to any timer.
 */
void mn_wheel_advance(struct mn_wheel *w, uint64_t now_us, void *ctx);
/* No timer fires before; MN_TIMER_NONE when none is filed. */
uint64_t mn_wheel_next_us(const struct mn_wheel *w);

void mn_timer_init(struct mn_timer *t, void (*fire)(struct mn_timer *t, void *ctx));
/* Starts or moves it; fires once. */
void mn_timer_set(struct mn_wheel *w, struct mn_timer *t, uint64_t deadline_us);

static inline void mn_timer_clear(struct mn_timer *t)
{
	t->deadline_us = MN_TIMER_NONE;
}

static inline bool mn_timer_is_set(const struct mn_timer *t)
{
	return t->deadline_us != MN_TIMER_NONE;
}

/* Takes it out of the wheel: its memory may go away. */
void mn_timer_remove(struct mn_timer *t);

#endif /* MN_BASE_TIMER_WHEEL_H */
