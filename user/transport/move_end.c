// SPDX-License-Identifier: MIT
/* move_end.c - moves of which nothing comes: a path ends, or an answer is missing */
#include "transport/stack_priv.h"

void mn_conn_move_cancel(struct mn_conn *c)
{
	const struct mn_move *m = c->move;

	if ((c->moving == MN_MOVE_ASKED || c->moving == MN_MOVE_READY) &&
	    !mn_path_say_move(c->lane->path, MN_WIRE_MOVE_VOID, c->st.remote, m->number, m->path))
		mn_conn_end(c, MN_END_RESET);
	else
		mn_conn_move_resume(c);
}

/* The new path has ended. */
static void give_up(struct mn_conn *c)
{
	struct mn_path *p = c->lane->path;
	const struct mn_move *m = c->move;
	uint8_t step = c->moving == MN_MOVE_ASKED ? MN_WIRE_MOVE_VOID : MN_WIRE_MOVE_REFUSED;

	if (c->moving == MN_MOVE_DRAIN ||
	    (c->moving != MN_MOVE_AWAIT &&
	     mn_path_say_move(p, step, c->st.remote, m->number, m->path)))
		mn_conn_move_resume(c);
	else
		/* The peer may be on the new path already. */
		mn_conn_end(c, MN_END_RESET);
}

void mn_path_drop_moves(struct mn_path *p)
{
	while (!mn_list_empty(&p->coming))
		give_up(mn_container(p->coming.next, struct mn_move, in_coming)->conn);
}

/* Once more: the answer to what was said may have found no record. */
static void repeat(struct mn_conn *c)
{
	c->move->said_us = c->stack->now_us;
	c->st.due |= MN_DUE_MOVE;
	mn_conn_ready(c);
}

static void look_at(struct mn_conn *c)
{
	uint64_t now_us = c->stack->now_us, age_us = now_us - c->move->since_us;

	if (c->moving != MN_MOVE_ASKED && c->moving != MN_MOVE_AWAIT)
		return;
	if (age_us >= (c->moving == MN_MOVE_ASKED ? MN_MOVE_ASKED_US : MN_MOVE_AWAIT_US))
		mn_conn_end(c, MN_END_TIMED_OUT);
	else if (now_us - c->move->said_us >= MN_MOVE_REPEAT_US)
		repeat(c);
}

void mn_stack_expire_moves(struct mn_stack *s)
{
	struct mn_list *next;

	for (struct mn_list *l = s->moves.next; l != &s->moves; l = next) {
		next = l->next;
		look_at(mn_container(l, struct mn_move, in_stack)->conn);
	}
}
