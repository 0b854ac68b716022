// SPDX-License-Identifier: MIT
/* stack_leave.c - a channel whose application has left: what it sent is delivered first */
#include "transport/stack_priv.h"

/* Connections that the application did not know of can have nothing to be delivered. */
static bool app_knew(struct mn_conn *c)
{
	int ret;

	if (!c->st.accepted || c->sendq.messages)
		return true;
	if (c->post & MN_POST_OPEN)
		return false;
	ret = mn_channel_rx_received(c->sch->ch, c->open_at);
	if (ret < 0)
		mn_stack_mark_corrupt(c->stack, c->sch);
	return ret > 0;
}

static void finish_conn(struct mn_conn *c, void *ctx)
{
	(void)ctx;
	if (c->use == MN_CONN_OPENING || (c->use == MN_CONN_UP && !app_knew(c)))
		mn_conn_end(c, MN_END_OWNER_DIED);
	else if (c->use == MN_CONN_UP)
		mn_conn_close(c);
	if (c->use == MN_CONN_FREE)
		return;
	/* There is no application to report to. */
	mn_conn_mute(c);
	mn_conn_check(c);
}

static void add_unsent(struct mn_conn *c, void *ctx)
{
	if (c->st.snd_end > c->st.snd_una)
		*(uint64_t *)ctx += c->st.snd_end - c->st.snd_una;
}

void mn_stack_finish_channel(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_FINISHING, .channel = sch->ch->id };

	if (sch->finishing || !mn_channel_tx_empty(sch->ch))
		return;
	/* While they end none of them is the last one. */
	mn_stack_each_conn(sch, finish_conn, NULL);
	sch->finishing = true;
	mn_stack_each_conn(sch, add_unsent, &ev.unsent);
	mn_stack_event(s, &ev);
	mn_stack_check_left(s, sch);
}

void mn_stack_check_left(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_LEFT, .channel = sch->ch->id };

	if (sch->left || (!sch->finishing && !sch->closed) || sch->n_conns)
		return;
	sch->left = true;
	mn_stack_event(s, &ev);
}

void mn_stack_leave_channel(struct mn_stack *s, struct mn_channel *ch)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);
	struct mn_stack_event ev = { .type = MN_STACK_EVENT_LEFT, .channel = ch->id };

	if (!sch) {
		mn_stack_event(s, &ev);
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
