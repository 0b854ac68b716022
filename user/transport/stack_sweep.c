// SPDX-License-Identifier: MIT
/*
 * stack_sweep.c - connections that are limited in time
 *
 * They have no timers: those for which a time runs are in lists, oldest first, and these are
 * looked through four times a second while they are not empty.
 */
#include "transport/stack_priv.h"

#define SWEEP_US	250000u

/* Modulo 2^32: an hour, where minutes are limited. */
static uint32_t since_us(const struct mn_stack *s, uint32_t then_us)
{
	return (uint32_t)s->now_us - then_us;
}

static void open_too_old(struct mn_stack *s)
{
	while (!mn_list_empty(&s->opening)) {
		struct mn_conn *c = mn_container(s->opening.next, struct mn_conn, in_watch);

		if (since_us(s, c->watch_us) < MN_OPEN_US)
			return;
		mn_conn_end(c, c->peer->unreachable ? MN_END_UNREACHABLE : MN_END_TIMED_OUT);
	}
}

/* The peer accepts nothing, or too slowly, of what was sent; or does not end its stream. */
static bool cannot_finish(const struct mn_stack *s, const struct mn_conn *c)
{
	uint64_t idle_us = since_us(s, c->moved_us);

	if (mn_stream_finished(&c->st) || c->use == MN_CONN_LEAVING)
		return idle_us >= MN_FINISH_PEER_US;
	return idle_us >= MN_FINISH_IDLE_US || since_us(s, c->watch_us) >= MN_FINISH_US;
}

static void finish_too_long(struct mn_stack *s)
{
	struct mn_list *next;

	for (struct mn_list *l = s->finishing.next; l != &s->finishing; l = next) {
		struct mn_conn *c = mn_container(l, struct mn_conn, in_watch);
		bool done = mn_stream_finished(&c->st);

		next = l->next;
		if (!cannot_finish(s, c))
			continue;
		if (c->use == MN_CONN_LEAVING) {
			mn_conn_end(c, MN_END_PEER_CLOSED);
		} else {
			s->stats.finish_timeouts += !done;
			mn_conn_end(c, done ? MN_END_CLOSED : MN_END_TIMED_OUT);
		}
	}
}

void mn_stack_arm_sweep(struct mn_stack *s)
{
	if (mn_list_empty(&s->opening) && mn_list_empty(&s->finishing) &&
	    mn_list_empty(&s->moves) && mn_list_empty(&s->leaving))
		return;
	if (!mn_timer_is_set(&s->sweep))
		mn_timer_set(&s->wheel, &s->sweep, s->now_us + SWEEP_US);
}

static void sweep_fire(struct mn_timer *t, void *ctx)
{
	struct mn_stack *s = mn_container(t, struct mn_stack, sweep);

	(void)ctx;
	open_too_old(s);
	finish_too_long(s);
	mn_stack_expire_moves(s);
	mn_stack_arm_sweep(s);
}

void mn_stack_sweep_init(struct mn_stack *s)
{
	mn_list_init(&s->opening);
	mn_list_init(&s->finishing);
	mn_list_init(&s->moves);
	mn_list_init(&s->leaving);
	mn_list_init(&s->reserved);
	mn_list_init(&s->parcels);
	mn_list_init(&s->free_parcels);
	mn_timer_init(&s->sweep, sweep_fire);
}

void mn_stack_watch(struct mn_conn *c, struct mn_list *list)
{
	c->watch_us = c->stack->now_us;
	mn_list_del(&c->in_watch);
	mn_list_add_tail(list, &c->in_watch);
	mn_stack_arm_sweep(c->stack);
}
