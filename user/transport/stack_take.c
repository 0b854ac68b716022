// SPDX-License-Identifier: MIT
/* stack_take.c - messages and requests of applications, from their channels */
#include <errno.h>

#include "transport/stack_priv.h"

/* A message of a connection that has ended, while it was on its way here or before. */
static int drop_message(struct mn_stack *s, struct mn_channel *ch, const struct mn_desc *d)
{
	uint8_t nowhere[MN_SHM_INLINE_MAX];
	struct mn_txmsg *m;

	s->stats.tx_stale++;
	if (d->type == MN_DESC_INLINE) {
		mn_channel_tx_read(ch, d, nowhere);
		mn_channel_tx_inline_done(ch, d->flow, MN_SHM_INLINE_COST(d->len));
		return 0;
	}
	if (mn_channel_tx_take(ch, d, &m))
		return -EPROTO;
	return mn_channel_tx_done(ch, m);
}

/* 0, -EPROTO, -ENOBUFS: it has to wait for chunks that others use. */
static int take_message(struct mn_stack *s, struct mn_stack_channel *sch, const struct mn_desc *d)
{
	struct mn_conn *c = mn_stack_conn_by_flow(s, sch, d->flow);
	struct mn_txmsg *m;
	int ret;

	/* To a peer that reads no more nothing is sent. */
	if (!c || c->use != MN_CONN_UP || c->st.peer_stopped)
		return drop_message(s, sch->ch, d);
	if (d->type == MN_DESC_INLINE) {
		ret = mn_sendq_read(&c->sendq, sch->ch, d);
		if (ret)
			return ret;
	} else {
		if (mn_channel_tx_take(sch->ch, d, &m))
			return -EPROTO;
		mn_sendq_push(&c->sendq, sch->ch, m);
	}
	s->stats.tx_messages++;
	mn_channel_worked(sch->ch, 1 + d->len / 1024);
	mn_conn_queued(c);
	return 0;
}

/* 0, -ENOBUFS: it has to wait for room to be answered. */
static int take_connect(struct mn_stack_channel *sch, const struct mn_desc *d)
{
	struct mn_shm_connect want;

	/* It is asked for by the engine that the channel moves to. */
	if (sch->moving && sch->moving != MN_CHANNEL_STAYS)
		return -ENOBUFS;
	if (!mn_channel_rx_has_room(sch->ch)) {
		sch->answer_due = true;
		return -ENOBUFS;
	}
	mn_channel_tx_read(sch->ch, d, &want);
	/* Of an application that has left nothing is opened. */
	if (!sch->leaving)
		mn_conn_request(sch, d->flow, &want);
	return 0;
}

/* All that came before it on the ring was taken. */
static int take_close(struct mn_stack *s, struct mn_stack_channel *sch, const struct mn_desc *d)
{
	struct mn_conn *c = mn_stack_conn_by_flow(s, sch, d->flow);

	mn_channel_tx_skip(sch->ch);
	if (c && c->use == MN_CONN_UP)
		mn_conn_close(c);
	return 0;
}

static int take(struct mn_stack *s, struct mn_stack_channel *sch, const struct mn_desc *d)
{
	switch (d->type) {
	case MN_DESC_CONNECT:
		return take_connect(sch, d);
	case MN_DESC_CLOSE:
		return take_close(s, sch, d);
	default:
		return take_message(s, sch, d);
	}
}

uint32_t mn_stack_take_messages(struct mn_stack *s, struct mn_stack_channel *sch, uint32_t max)
{
	struct mn_channel *ch = sch->ch;
	struct mn_desc d;
	uint32_t n = 0;
	int ret = 0;

	while (n < max && !ch->tx_held && (ret = mn_channel_tx_peek(ch, &d)) > 0) {
		ret = take(s, sch, &d);
		ch->tx_held = ret == -ENOBUFS;
		if (ret)
			break;
		n++;
	}
	if (n)
		mn_channel_tx_release(ch);
	if (ret == -EPROTO)
		mn_stack_mark_corrupt(s, sch);
	return n;
}
