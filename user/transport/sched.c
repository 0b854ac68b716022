// SPDX-License-Identifier: MIT
/* sched.c - deficit round robin over channels, and over their connections */
#include <stdlib.h>

#include "transport/conn.h"
#include "transport/path.h"
#include "transport/sched.h"
#include "transport/stack_priv.h"

/* Turns that pass at once at most: what many connections owe is not settled in one call. */
#define PASSED_MAX	32u

/* A path has the channels of one engine, few of which have connections to the same peer. */
static struct mn_lane *find(const struct mn_path *p, const struct mn_stack_channel *sch)
{
	for (struct mn_list *l = p->lanes.next; l != &p->lanes; l = l->next) {
		struct mn_lane *lane = mn_container(l, struct mn_lane, in_path);

		if (lane->sch == sch)
			return lane;
	}
	return NULL;
}

struct mn_lane *mn_lane_get(struct mn_path *p, struct mn_stack_channel *sch)
{
	struct mn_lane *l = find(p, sch);

	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->path = p;
	l->sch = sch;
	mn_list_init(&l->in_ready);
	mn_list_init(&l->conns);
	mn_list_init(&l->ready);
	mn_list_init(&l->in_channel);
	mn_list_add_tail(&p->lanes, &l->in_path);
	if (sch)
		mn_list_add_tail(&sch->lanes, &l->in_channel);
	return l;
}

void mn_lane_add(struct mn_lane *l, struct mn_conn *c)
{
	c->lane = l;
	l->n_conns++;
	l->path->n_conns++;
	l->path->empty_us = 0;
	mn_list_add_tail(&l->conns, &c->in_lane);
}

void mn_lane_check(struct mn_lane *l)
{
	if (l->n_conns)
		return;
	mn_list_del(&l->in_path);
	mn_list_del(&l->in_ready);
	mn_list_del(&l->in_channel);
	free(l);
}

void mn_lane_del(struct mn_conn *c)
{
	struct mn_lane *l = c->lane;

	if (!l)
		return;
	mn_list_del(&c->in_lane);
	mn_list_del(&c->in_ready);
	mn_list_del(&c->in_rooms);
	c->lane = NULL;
	if (mn_list_empty(&l->ready))
		mn_list_del(&l->in_ready);
	mn_path_conn_left(l->path);
	l->n_conns--;
	mn_lane_check(l);
}

void mn_lane_orphan(struct mn_conn *c)
{
	struct mn_lane *l = c->lane ? mn_lane_get(c->lane->path, NULL) : NULL;

	mn_lane_del(c);
	mn_list_del(&c->in_lane);
	if (!l) {
		mn_stream_end(&c->st, &c->stack->records);
		return;
	}
	mn_lane_add(l, c);
	if (c->st.due & MN_DUE_ROOM)
		mn_conn_room_due(c, false);
	mn_conn_ready(c);
}

void mn_sched_wait(struct mn_conn *c)
{
	struct mn_lane *l = c->lane;

	mn_list_del(&c->in_ready);
	mn_list_add_tail(&l->path->waiting, &c->in_ready);
	if (mn_list_empty(&l->ready))
		mn_list_del(&l->in_ready);
}

void mn_sched_resume(struct mn_path *p, uint64_t n)
{
	for (; n && !mn_list_empty(&p->waiting); n--) {
		struct mn_conn *c = mn_container(p->waiting.next, struct mn_conn, in_ready);

		mn_list_del(&c->in_ready);
		mn_conn_ready(c);
	}
}

void mn_sched_ready(struct mn_conn *c)
{
	struct mn_lane *l = c->lane;

	if (!l || !mn_list_empty(&c->in_ready))
		return;
	mn_list_add_tail(&l->ready, &c->in_ready);
	if (mn_list_empty(&l->in_ready))
		mn_list_add_tail(&l->path->ready, &l->in_ready);
	mn_path_ready(l->path);
}

/* It sent more than a quantum in an earlier turn, and lets this one pass. */
static bool pays(struct mn_lane *l, struct mn_conn *c)
{
	if (c->debt < MN_CONN_QUANTUM)
		return false;
	c->debt -= MN_CONN_QUANTUM;
	mn_list_del(&c->in_ready);
	mn_list_add_tail(&l->ready, &c->in_ready);
	return true;
}

struct mn_conn *mn_sched_next(struct mn_path *p)
{
	uint32_t passed = 0;
	struct mn_conn *c;
	struct mn_lane *l;

	if (mn_list_empty(&p->ready))
		return NULL;
	l = mn_container(p->ready.next, struct mn_lane, in_ready);
	do {
		c = mn_container(l->ready.next, struct mn_conn, in_ready);
	} while (passed++ < PASSED_MAX && pays(l, c));
	return c;
}

/* More than its quantum was sent: the next one's turn. */
static bool is_over(uint32_t *debt, uint32_t quantum, uint32_t bytes)
{
	*debt += bytes;
	if (*debt < quantum)
		return false;
	*debt -= quantum;
	return true;
}

void mn_sched_sent(struct mn_conn *c, uint32_t bytes, bool more)
{
	struct mn_lane *l = c->lane;
	bool conn_over = is_over(&c->debt, MN_CONN_QUANTUM, bytes);
	bool lane_over = is_over(&l->debt, MN_LANE_QUANTUM, bytes);

	if (!more) {
		c->debt = 0;
		mn_list_del(&c->in_ready);
	} else if (conn_over) {
		mn_list_del(&c->in_ready);
		mn_list_add_tail(&l->ready, &c->in_ready);
	}
	if (mn_list_empty(&l->ready)) {
		l->debt = 0;
		mn_list_del(&l->in_ready);
	} else if (lane_over) {
		mn_list_del(&l->in_ready);
		mn_list_add_tail(&l->path->ready, &l->in_ready);
	}
}
