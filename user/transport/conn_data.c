// SPDX-License-Identifier: MIT
/* conn_data.c - bytes between a connection's streams and its channel */
#include <errno.h>

#include "transport/stack_priv.h"

void mn_conn_queued(struct mn_conn *c)
{
	mn_stream_queue(&c->st, c->sendq.end);
	mn_conn_ready(c);
}

void mn_conn_free_held(struct mn_conn *c)
{
	while (mn_reassembly_first(&c->held, &c->stack->held)) {
		c->stack->stats.drop_after_close++;
		mn_reassembly_pop(&c->held, &c->stack->held);
	}
}

uint32_t mn_conn_credit(struct mn_conn *c)
{
	struct mn_stack_channel *sch = c->sch;
	uint32_t bytes, unread, least, share;

	/* What comes after the close is dropped: it must not hold the peer up. */
	if (c->st.stopped || !sch || mn_stream_peer_finished(&c->st))
		return MN_CREDIT_MOST;
	if (c->stalled)
		return 0;
	least = c->lane ? 2 * c->lane->path->mss : 0;
	share = mn_credit_share(&sch->credit, sch->ch->rx_free_count,
				mn_channel_rx_ring_room(sch->ch), &c->inbox.cost, least);
	/* What its application has not consumed is its own affair. */
	unread = c->flow == MN_SHM_FLOW_NONE ? 0 : mn_channel_unread(sch->ch, c->flow);
	unread = unread > c->unread_before ? unread - c->unread_before : 0;
	bytes = share > unread ? share - unread : 0;
	bytes += mn_inbox_expects(&c->inbox);
	/*
	 * Given little, it is looked at again when there is more. That a message or two are unread
	 * is not little: the next report would follow each one that the application reads.
	 */
	if (2 * bytes >= least && 2 * bytes >= share)
		mn_list_del(&c->in_throttled);
	else if (mn_list_empty(&c->in_throttled))
		mn_list_add_tail(&sch->throttled, &c->in_throttled);
	return bytes;
}

void mn_conn_room_due(struct mn_conn *c, bool now)
{
	struct mn_path *p;

	c->st.due |= MN_DUE_ROOM;
	/* The peer may leave the path: it learns it on the next one. */
	if (c->moving == MN_MOVE_SETTLE || c->moving == MN_MOVE_AWAIT)
		return;
	if (!c->lane || !c->st.has_remote || c->st.state != MN_STREAM_OPEN)
		return;
	p = c->lane->path;
	if (mn_list_empty(&c->in_rooms))
		mn_list_add_tail(&p->rooms, &c->in_rooms);
	if (!now)
		return;
	p->ack_now = true;
	mn_path_ready(p);
}

static void stall(struct mn_conn *c, int why)
{
	c->stalled = why;
	mn_stream_stalls(&c->st);
	if (why == -EAGAIN)
		mn_conn_block(c);
}

/* The peer's stream cannot be. */
static void end_broken(struct mn_conn *c)
{
	c->stack->stats.drop_malformed++;
	mn_conn_end(c, MN_END_RESET);
}

uint32_t mn_conn_take(struct mn_conn *c, const uint8_t *data, uint32_t len)
{
	struct mn_stack *s = c->stack;
	uint64_t messages = c->inbox.messages;
	uint32_t taken = 0;
	int ret;

	if (c->stalled)
		return 0;
	ret = mn_inbox_take(&c->inbox, c->sch->ch, &c->sch->credit, c->flow, data, len, &taken);
	mn_stream_took(&c->st, taken);
	s->stats.rx_messages += c->inbox.messages - messages;
	mn_channel_worked(c->sch->ch, c->inbox.messages - messages + taken / 1024);
	if (ret == -EPROTO) {
		mn_stack_mark_corrupt(s, c->sch);
		ret = -ENOBUFS;
	}
	if (ret == -EBADMSG)
		end_broken(c);
	else if (ret)
		stall(c, ret);
	return taken;
}

/* It can be given bytes. */
static bool is_reading(const struct mn_conn *c)
{
	return c->use == MN_CONN_UP && c->st.state == MN_STREAM_OPEN && !c->st.stopped;
}

/* Held pieces whose turn has come. */
static void drain_held(struct mn_conn *c)
{
	struct mn_held_pool *pool = &c->stack->held;
	struct mn_held *h;

	while (is_reading(c) && !c->stalled && (h = mn_reassembly_first(&c->held, pool)) &&
	       (h->offset <= c->st.rcv_nxt || mn_stream_peer_finished(&c->st))) {
		uint64_t skip = c->st.rcv_nxt - h->offset, end = h->offset + h->len;

		/* It came before the end was known, and lies behind it. */
		if (mn_stream_peer_finished(&c->st) && end > c->st.rcv_fin) {
			end_broken(c);
			return;
		}
		if (skip < h->len) {
			mn_conn_take(c, h->data + skip, h->len - skip);
			if (!is_reading(c) || c->st.rcv_nxt < end)
				return;
		}
		mn_reassembly_pop(&c->held, pool);
	}
}

static void receive_next(struct mn_conn *c, const struct mn_frame *f, uint32_t skip)
{
	uint32_t len = f->len - skip;

	if (!len)
		mn_stream_took(&c->st, 0);
	else if (mn_conn_take(c, f->payload + skip, len) < len && is_reading(c)) {
		c->stack->stats.drop_no_room++;
		mn_stream_dropped(&c->st);
	}
	if (c->held.count)
		drain_held(c);
}

static void hold(struct mn_conn *c, const struct mn_frame *f, void *handle, uint32_t *kept)
{
	struct mn_stack_stats *st = &c->stack->stats;
	int ret = -ENOSPC;

	if (!f->len)
		return;
	if (kept)
		ret = mn_reassembly_add(&c->held, &c->stack->held, f->offset, f->payload, f->len,
					handle, kept);
	if (!ret) {
		st->rx_held++;
	} else if (ret == -EEXIST) {
		st->rx_duplicates++;
	} else {
		st->drop_no_memory++;
		mn_stream_dropped(&c->st);
	}
}

static void place(struct mn_conn *c, const struct mn_frame *f, void *handle, uint32_t *kept)
{
	struct mn_stack_stats *st = &c->stack->stats;
	uint32_t skip;

	switch (mn_stream_place(&c->st, f, &skip)) {
	case MN_PLACE_OLD:
		break;
	case MN_PLACE_NEXT:
		receive_next(c, f, skip);
		break;
	case MN_PLACE_AHEAD:
		hold(c, f, handle, kept);
		break;
	case MN_PLACE_BEYOND:
		st->drop_beyond_credit++;
		mn_stream_dropped(&c->st);
		break;
	case MN_PLACE_BROKEN:
		end_broken(c);
		break;
	}
}

void mn_conn_receive_data(struct mn_conn *c, const struct mn_frame *f, void *handle,
			  uint32_t *kept)
{
	struct mn_stack *s = c->stack;

	/* Before the answer to its opening: the peer sends it again. */
	if (c->st.state == MN_STREAM_OPENING) {
		mn_stream_dropped(&c->st);
		return;
	}
	if (c->st.state != MN_STREAM_OPEN) {
		s->stats.drop_after_close++;
		return;
	}
	if (c->sch)
		mn_sharers_touch(&c->sch->credit.sharers, &c->credit_epoch, s->now_us);
	place(c, f, handle, kept);
	if (c->use == MN_CONN_FREE || c->st.state != MN_STREAM_OPEN)
		return;
	mn_conn_room_due(c, c->st.stopped && (f->flags & MN_FRAME_F_FIN));
	mn_conn_check_peer(c);
}

void mn_conn_receive_room(struct mn_conn *c, const struct mn_frame *f, uint64_t number)
{
	struct mn_stack *s = c->stack;
	int ret;

	/* One that overtakes ACCEPT counts: it is not sent once more. */
	if (c->st.state > MN_STREAM_OPEN)
		return;
	ret = mn_stream_room(&c->st, &s->records, f, number);
	if (ret < 0) {
		end_broken(c);
		return;
	}
	if (ret && c->sch && c->sendq.head != MN_SHM_BUF_NONE &&
	    mn_sendq_ack(&c->sendq, c->sch->ch, c->st.snd_una))
		mn_stack_mark_corrupt(s, c->sch);
	if (ret)
		c->moved_us = s->now_us;
	if (c->st.state == MN_STREAM_OVER)
		mn_conn_check(c);
	else
		mn_conn_ready(c);
}

void mn_conn_resume(struct mn_conn *c)
{
	if (!mn_conn_post(c))
		return;
	mn_conn_check(c);
	if (!is_reading(c))
		return;
	if (c->stalled == -ENOBUFS) {
		c->stalled = 0;
		mn_conn_take(c, NULL, 0);
	}
	drain_held(c);
	if (c->use == MN_CONN_FREE)
		return;
	/* The peer waits for credit. */
	if (is_reading(c) && !c->stalled)
		mn_conn_room_due(c, true);
	mn_conn_check_peer(c);
}
