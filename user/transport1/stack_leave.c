// SPDX-License-Identifier: MIT
/* stack_leave.c - a channel whose application has left: what it sent is delivered first */
#include "transport1/stack_priv.h"

static bool is_half_open(const struct mn_conn *c)
{
	return c->state == MN_CONN_SYN_SENT || c->state == MN_CONN_SYN_RCVD;
}

/* Connections that the application did not know of can have nothing to be delivered. */
static bool app_knew(struct mn_stack *s, struct mn_stack_channel *sch, const struct mn_conn *c)
{
	int ret;

	if (!c->accepted || c->sendq.messages)
		return true;
	if (c->post & MN_POST_OPEN)
		return false;
	ret = mn_channel_rx_received(sch->ch, c->open_at);
	if (ret < 0)
		mn_stack_mark_corrupt(s, sch);
	return ret > 0;
}

static void finish_conn(struct mn_stack *s, struct mn_stack_channel *sch, struct mn_conn *c)
{
	if (is_half_open(c) || (c->state == MN_CONN_OPEN && !app_knew(s, sch, c))) {
		mn_conn_end(c, MN_END_OWNER_DIED, MN_WIRE_CODE_ABORTED);
		/* There is no application to report it to. */
		if (c->state == MN_CONN_DEAD) {
			mn_conn_mute(c);
			mn_conn_reap(c);
		}
	} else if (c->state == MN_CONN_OPEN) {
		mn_conn_close(c);
	} else {
		mn_conn_mute(c);
		mn_conn_reap(c);
	}
}

static uint64_t unsent(const struct mn_stack_channel *sch)
{
	uint64_t sum = 0;

	for (const struct mn_list *l = sch->conns.next; l != &sch->conns; l = l->next) {
		const struct mn_conn *c = mn_container(l, struct mn_conn, in_channel);

		sum += c->snd_end > c->snd_una ? c->snd_end - c->snd_una : 0;
	}
	return sum;
}

void mn_stack_finish_channel(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_FINISHING, .channel = sch->ch->id };
	struct mn_list *next;

	if (sch->finishing || !mn_channel_tx_empty(sch->ch))
		return;
	/* While they end none of them is the last one. */
	for (struct mn_list *l = sch->conns.next; l != &sch->conns; l = next) {
		next = l->next;
		finish_conn(s, sch, mn_container(l, struct mn_conn, in_channel));
	}
	sch->finishing = true;
	ev.unsent = unsent(sch);
	s->cfg.ops->event(s->cfg.ops_ctx, &ev);
	mn_stack_check_left(s, sch);
}

void mn_stack_check_left(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_LEFT, .channel = sch->ch->id };

	if (sch->left || (!sch->finishing && !sch->closed) || !mn_list_empty(&sch->conns))
		return;
	sch->left = true;
	s->cfg.ops->event(s->cfg.ops_ctx, &ev);
}

void mn_stack_leave_channel(struct mn_stack *s, struct mn_channel *ch)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_LEFT, .channel = ch->id };

	if (!sch) {
		s->cfg.ops->event(s->cfg.ops_ctx, &ev);
		return;
	}
	mn_listeners_del_owner(&s->listeners, sch);
	sch->leaving = true;
	if (!sch->closed && mn_channel_tx_end(ch))
		mn_stack_mark_corrupt(s, sch);
	if (sch->closed)
		mn_stack_check_left(s, sch);
	else
		mn_stack_activate(s, sch);
	mn_stack_close_corrupt(s);
}
