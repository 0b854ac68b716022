// SPDX-License-Identifier: MIT
/* stack_channel.c - a stack's channels: made known, looked at in turn, given up */
#include <errno.h>
#include <stdlib.h>

#include "transport/stack_priv.h"

#define CHANNELS_MAX	65536u
/* Of one channel in one call: the others must have their turn. */
#define MESSAGES_PER_CALL	64
#define UPDATES_PER_CALL	16
/*
 * Of thousands of channels few have work. Those are looked at in each turn, and of all
 * together some in turn, so that the first message of 256 channels waits for 16 turns at most.
 */
#define SCAN_PER_CALL		16
/* Turns without work after which a channel is one of the many. */
#define REST_TURNS		64

struct mn_stack_channel *mn_stack_channel_find(struct mn_stack *s, const struct mn_channel *ch)
{
	struct mn_stack_channel *sch = ch->owner;

	return sch && sch->stack == s ? sch : NULL;
}

static int grow(struct mn_stack *s)
{
	uint32_t size = s->channels_size ? 2 * s->channels_size : 16;
	struct mn_stack_channel **list;

	if (s->n_channels < s->channels_size)
		return 0;
	if (s->n_channels == CHANNELS_MAX)
		return -ENOSPC;
	list = realloc(s->channels, size * sizeof(struct mn_stack_channel *));
	if (!list)
		return -ENOSPC;
	s->channels = list;
	s->channels_size = size;
	return 0;
}

int mn_stack_add_channel(struct mn_stack *s, struct mn_channel *ch)
{
	struct mn_stack_channel *sch;

	if (grow(s))
		return -ENOSPC;
	sch = calloc(1, sizeof(*sch));
	if (!sch)
		return -ENOSPC;
	sch->ch = ch;
	sch->stack = s;
	mn_list_init(&sch->lanes);
	mn_list_init(&sch->orphans);
	mn_list_init(&sch->blocked);
	mn_list_init(&sch->throttled);
	mn_list_init(&sch->in_active);
	mn_list_init(&sch->in_leaving);
	sch->parked = MN_RECORD_NONE;
	ch->owner = sch;
	ch->posted_list = &s->posted;
	mn_stack_activate(s, sch);
	mn_credit_init(&sch->credit, ch->rx_bufs);
	s->channels[s->n_channels++] = sch;
	return 0;
}

static void remove_channel(struct mn_stack *s, const struct mn_stack_channel *sch)
{
	uint32_t i = 0;

	while (s->channels[i] != sch)
		i++;
	s->channels[i] = s->channels[--s->n_channels];
}

void mn_stack_drop_channel(struct mn_stack *s, struct mn_stack_channel *sch)
{
	remove_channel(s, sch);
	mn_list_del(&sch->in_active);
}

void mn_stack_channel_free(struct mn_stack_channel *sch)
{
	free(sch);
}

static void each_in(struct mn_list *list, void (*fn)(struct mn_conn *c, void *ctx), void *ctx)
{
	struct mn_list done;

	/* fn may take the connection out of its list, but no other one. */
	mn_list_init(&done);
	while (!mn_list_empty(list)) {
		struct mn_list *l = list->next;

		mn_list_del(l);
		mn_list_add_tail(&done, l);
		fn(mn_container(l, struct mn_conn, in_lane), ctx);
	}
	mn_list_splice(list, &done);
}

void mn_stack_each_conn(struct mn_stack_channel *sch, void (*fn)(struct mn_conn *c, void *ctx),
			void *ctx)
{
	struct mn_list *next;

	for (struct mn_list *l = sch->lanes.next; l != &sch->lanes; l = next) {
		struct mn_lane *lane = mn_container(l, struct mn_lane, in_channel);

		next = l->next;
		lane->n_conns++;
		each_in(&lane->conns, fn, ctx);
		lane->n_conns--;
		mn_lane_check(lane);
	}
	each_in(&sch->orphans, fn, ctx);
}

static void orphan(struct mn_conn *c, void *ctx)
{
	mn_conn_orphan(c, *(enum mn_end *)ctx);
}

void mn_stack_del_channel(struct mn_stack *s, struct mn_channel *ch, enum mn_end why)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);

	if (!sch)
		return;
	mn_stack_cancel_move(s, sch);
	mn_listeners_del_owner(&s->listeners, sch);
	s->stats.finish_aborted += sch->leaving && !sch->left;
	sch->left = true;
	mn_stack_each_conn(sch, orphan, &why);
	mn_stack_drop_channel(s, sch);
	mn_list_del(&ch->in_posted);
	ch->posted_list = NULL;
	ch->owner = NULL;
	mn_stack_channel_free(sch);
}

void mn_stack_activate(struct mn_stack *s, struct mn_stack_channel *sch)
{
	sch->idle_turns = 0;
	if (mn_list_empty(&sch->in_active))
		mn_list_add_tail(&s->active, &sch->in_active);
}

void mn_stack_mark_corrupt(struct mn_stack *s, struct mn_stack_channel *sch)
{
	sch->corrupt = true;
	s->corrupt = true;
}

static void close_corrupt(struct mn_stack *s, struct mn_stack_channel *sch)
{
	enum mn_end why = MN_END_OWNER_DIED;

	sch->closed = true;
	mn_stack_cancel_move(s, sch);
	mn_list_del(&sch->in_active);
	mn_list_del(&sch->ch->in_posted);
	s->stats.channels_corrupt++;
	mn_channel_close(sch->ch, EPROTO);
	mn_stack_each_conn(sch, orphan, &why);
	if (sch->leaving)
		mn_stack_check_left(s, sch);
}

void mn_stack_close_corrupt(struct mn_stack *s)
{
	if (!s->corrupt)
		return;
	s->corrupt = false;
	for (uint32_t i = 0; i < s->n_channels; i++)
		if (s->channels[i]->corrupt && !s->channels[i]->closed)
			close_corrupt(s, s->channels[i]);
}

int mn_stack_listen(struct mn_stack *s, struct mn_channel *ch, const struct mn_addr *addr,
		    uint16_t port)
{
	struct mn_stack_channel *sch = mn_stack_channel_find(s, ch);

	if (!sch)
		return -ENOSPC;
	return mn_listeners_add(&s->listeners, addr, port, sch);
}

void mn_stack_unlisten(struct mn_stack *s, const struct mn_addr *addr, uint16_t port)
{
	mn_listeners_del(&s->listeners, addr, port);
}

/* Connections that waited for room. */
static void resume_blocked(struct mn_stack_channel *sch)
{
	while (!mn_list_empty(&sch->blocked)) {
		struct mn_conn *c = mn_container(sch->blocked.next, struct mn_conn, in_blocked);

		if (!mn_conn_post(c))
			return;
		mn_conn_resume(c);
	}
}

static struct mn_conn *conn_of_claim(struct mn_claim *cl)
{
	return mn_container(mn_container(cl, struct mn_inbox, claim), struct mn_conn, inbox);
}

static void resume_claims(struct mn_stack *s, struct mn_stack_channel *sch)
{
	struct mn_claim *cl;

	while ((cl = mn_credit_expired(&sch->credit, s->now_us))) {
		s->stats.claims_expired++;
		mn_conn_end(conn_of_claim(cl), MN_END_TIMED_OUT);
	}
	while ((cl = mn_credit_settle(&sch->credit, sch->ch->rx_free_count)))
		mn_conn_resume(conn_of_claim(cl));
}

/* Reports to peers that were kept short the room that there is now. */
static void update_credits(struct mn_stack_channel *sch)
{
	for (int i = 0; i < UPDATES_PER_CALL && !mn_list_empty(&sch->throttled); i++) {
		struct mn_conn *c = mn_container(sch->throttled.next, struct mn_conn, in_throttled);

		mn_list_del(&c->in_throttled);
		/* Too little still: it is the last one in the list again. */
		mn_conn_credit(c);
		if (mn_list_empty(&c->in_throttled))
			mn_conn_room_due(c, true);
	}
}

/* A request that was held back can be answered now. */
static void resume_requests(struct mn_stack_channel *sch)
{
	if (!sch->answer_due || !mn_channel_rx_has_room(sch->ch))
		return;
	sch->answer_due = false;
	sch->ch->tx_held = false;
}

static bool poll_channel(struct mn_stack *s, struct mn_stack_channel *sch)
{
	uint32_t before = sch->ch->rx_free_count;
	bool work;

	if (sch->closed || sch->ch->dead || sch->incomplete)
		return false;
	if (mn_channel_rx_reclaim(sch->ch))
		mn_stack_mark_corrupt(s, sch);
	work = sch->ch->rx_free_count != before;
	if (!sch->corrupt) {
		resume_blocked(sch);
		resume_claims(s, sch);
		update_credits(sch);
		resume_requests(sch);
	}
	if (sch->moving >= MN_CHANNEL_ASKING)
		return work;
	if (!sch->corrupt)
		work |= mn_stack_take_messages(s, sch, MESSAGES_PER_CALL) > 0;
	if (!sch->corrupt && sch->leaving)
		mn_stack_finish_channel(s, sch);
	return work;
}

static bool poll_active(struct mn_stack *s)
{
	struct mn_list *next;
	bool work = false;

	for (struct mn_list *l = s->active.next; l != &s->active; l = next) {
		struct mn_stack_channel *sch =
			mn_container(l, struct mn_stack_channel, in_active);

		next = l->next;
		if (poll_channel(s, sch)) {
			sch->idle_turns = 0;
			work = true;
		} else if (mn_list_empty(&sch->blocked) && ++sch->idle_turns >= REST_TURNS) {
			mn_list_del(l);
		}
	}
	return work;
}

static bool poll_resting(struct mn_stack *s)
{
	bool work = false;

	for (uint32_t i = 0; i < SCAN_PER_CALL && i < s->n_channels; i++) {
		struct mn_stack_channel *sch = s->channels[s->scan++ % s->n_channels];

		if (!mn_list_empty(&sch->in_active) || !poll_channel(s, sch))
			continue;
		mn_stack_activate(s, sch);
		work = true;
	}
	return work;
}

bool mn_stack_poll_channels(struct mn_stack *s)
{
	bool work = poll_active(s);

	work |= poll_resting(s);
	mn_stack_close_corrupt(s);
	return work;
}

bool mn_stack_flush(struct mn_stack *s)
{
	bool received = false;

	while (!mn_list_empty(&s->posted)) {
		struct mn_channel *ch = mn_container(s->posted.next, struct mn_channel, in_posted);

		received |= (ch->posted & MN_SHM_WAKE_RX) != 0;
		mn_channel_flush(ch);
		/* An application that gets an event is likely to answer. */
		mn_stack_activate(s, ch->owner);
	}
	return received;
}

/* Peers wait for what the application gives back. */
static bool wants_room(const struct mn_stack_channel *sch)
{
	return sch->answer_due || !mn_list_empty(&sch->blocked) ||
	       !mn_list_empty(&sch->throttled) ||
	       !mn_list_empty(&sch->credit.small) || !mn_list_empty(&sch->credit.large);
}

bool mn_stack_arm(struct mn_stack *s)
{
	bool idle = mn_list_empty(&s->ready) && mn_replies_empty(&s->replies) &&
		    mn_list_empty(&s->parcels);

	for (uint32_t i = 0; idle && i < s->n_channels; i++) {
		struct mn_stack_channel *sch = s->channels[i];

		/* What is on the rings of one that moves is not for this engine. */
		if (sch->closed || sch->ch->dead || sch->incomplete ||
		    sch->moving >= MN_CHANNEL_ASKING)
			continue;
		idle = mn_channel_arm(sch->ch, wants_room(sch));
		if (!idle)
			mn_stack_activate(s, sch);
	}
	if (!idle)
		mn_stack_disarm(s);
	return idle;
}

void mn_stack_disarm(struct mn_stack *s)
{
	for (uint32_t i = 0; i < s->n_channels; i++)
		if (!s->channels[i]->closed)
			mn_channel_disarm(s->channels[i]->ch);
}
