// SPDX-License-Identifier: MIT
/* timer_wheel.c - hierarchical timing wheel with lazy timers */
#include "base/timer_wheel.h"

#define DIGIT_BITS	6
#define DIGIT_MASK	(MN_WHEEL_SLOTS - 1)

void mn_wheel_init(struct mn_wheel *w, uint64_t now_us)
{
	w->tick = now_us / MN_WHEEL_TICK_US;
	w->levels = 0;
	w->advancing = false;
	mn_list_init(&w->due);
	mn_list_init(&w->late);
	for (int l = 0; l < MN_WHEEL_LEVELS; l++) {
		w->slots[l] = 0;
		for (int s = 0; s < MN_WHEEL_SLOTS; s++)
			mn_list_init(&w->lists[l][s]);
	}
}

void mn_timer_init(struct mn_timer *t, void (*fire)(struct mn_timer *t, void *ctx))
{
	mn_list_init(&t->node);
	t->deadline_us = MN_TIMER_NONE;
	t->fire = fire;
}

/* Rounded up: a timer is never early. */
static uint64_t deadline_tick(const struct mn_timer *t)
{
	return t->deadline_us / MN_WHEEL_TICK_US + (t->deadline_us % MN_WHEEL_TICK_US != 0);
}

static void file_timer(struct mn_wheel *w, struct mn_timer *t)
{
	int level, slot;

	t->tick = deadline_tick(t);
	if (t->tick <= w->tick)
		t->tick = w->tick + 1;
	level = (63 - __builtin_clzll(t->tick ^ w->tick)) / DIGIT_BITS;
	slot = (t->tick >> (level * DIGIT_BITS)) & DIGIT_MASK;
	mn_list_add_tail(&w->lists[level][slot], &t->node);
	w->slots[level] |= UINT64_C(1) << slot;
	w->levels |= 1u << level;
}

void mn_timer_set(struct mn_wheel *w, struct mn_timer *t, uint64_t deadline_us)
{
	bool filed = !mn_list_empty(&t->node);

	t->deadline_us = deadline_us;
	if (filed && t->tick <= deadline_tick(t))
		return;
	mn_list_del(&t->node);
	/* Due again at once: in the next call, or a timer could keep this one from its end. */
	if (w->advancing && deadline_tick(t) <= w->until) {
		t->tick = w->until + 1;
		mn_list_add_tail(&w->late, &t->node);
	} else {
		file_timer(w, t);
	}
}

void mn_timer_remove(struct mn_timer *t)
{
	t->deadline_us = MN_TIMER_NONE;
	mn_list_del(&t->node);
}

/* The next slot in use and the tick at which it begins. */
static bool next_slot(const struct mn_wheel *w, int *level, int *slot, uint64_t *start)
{
	int shift;

	if (!w->levels)
		return false;
	*level = __builtin_ctz(w->levels);
	*slot = __builtin_ctzll(w->slots[*level]);
	shift = *level * DIGIT_BITS;
	*start = (uint64_t)*slot << shift;
	if (shift + DIGIT_BITS < 64)
		*start |= w->tick >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
	return true;
}

/* Fires what is due, up to the bound; the rest stays in the list. Returns how many were fired. */
static uint32_t run_due(struct mn_wheel *w, uint32_t max, void *ctx)
{
	uint32_t n = 0;

	while (n < max && !mn_list_empty(&w->due)) {
		struct mn_timer *t = mn_container(w->due.next, struct mn_timer, node);

		mn_list_del(&t->node);
		if (!mn_timer_is_set(t))
			continue;
		if (deadline_tick(t) > w->tick) {
			file_timer(w, t);
			continue;
		}
		t->deadline_us = MN_TIMER_NONE;
		t->fire(t, ctx);
		n++;
	}
	return n;
}

static void file_late(struct mn_wheel *w)
{
	while (!mn_list_empty(&w->late)) {
		struct mn_timer *t = mn_container(w->late.next, struct mn_timer, node);

		mn_list_del(&t->node);
		file_timer(w, t);
	}
}

void mn_wheel_advance(struct mn_wheel *w, uint64_t now_us, void *ctx)
{
	uint64_t now = now_us / MN_WHEEL_TICK_US, start;
	uint32_t left = MN_WHEEL_FIRES;
	int level, slot;

	w->advancing = true;
	w->until = now;
	left -= run_due(w, left, ctx);
	while (left && next_slot(w, &level, &slot, &start) && start <= now) {
		w->tick = start;
		w->slots[level] &= ~(UINT64_C(1) << slot);
		if (!w->slots[level])
			w->levels &= ~(1u << level);
		mn_list_splice(&w->due, &w->lists[level][slot]);
		left -= run_due(w, left, ctx);
	}
	if (left && w->tick < now)
		w->tick = now;
	w->advancing = false;
	file_late(w);
}

uint64_t mn_wheel_next_us(const struct mn_wheel *w)
{
	uint64_t start;
	int level, slot;

	if (!mn_list_empty(&w->due))
		return w->tick * MN_WHEEL_TICK_US;
	if (!next_slot(w, &level, &slot, &start))
		return MN_TIMER_NONE;
	return start * MN_WHEEL_TICK_US;
}
