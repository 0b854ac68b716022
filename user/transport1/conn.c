// SPDX-License-Identifier: MIT
/* conn.c - life of a connection */
#include <string.h>

#include "transport1/stack_priv.h"

/* In front of the UDP payload in a packet. */
#define HEADERS_V4	28u
#define HEADERS_V6	48u

static uint32_t path_mss(const struct mn_path *path)
{
	uint32_t mtu = path->mtu > MN_MTU_MIN ? path->mtu : MN_MTU_MIN;

	return mtu - (mn_addr_is_v4(&path->remote) ? HEADERS_V4 : HEADERS_V6);
}

static void update_mss(struct mn_conn *c)
{
	uint32_t least = MN_MTU_MIN - HEADERS_V6;

	c->mss = path_mss(&c->path);
	if (c->peer_mss && c->peer_mss < c->mss)
		c->mss = c->peer_mss > least ? c->peer_mss : least;
}

struct mn_conn *mn_conn_new(struct mn_stack *s, struct mn_stack_channel *sch,
			    const struct mn_path *path, enum mn_conn_state state)
{
	struct mn_conn *c = mn_stack_conn_new(s, sch);

	if (!c)
		return NULL;
	c->channel_id = sch->ch->id;
	c->path = *path;
	c->state = state;
	c->born_us = c->since_us = c->heard_us = s->now_us;
	c->rcv_fin = MN_SEQ_NONE;
	mn_list_add_tail(&sch->conns, &c->in_channel);
	mn_list_init(&c->in_ready);
	mn_list_init(&c->in_blocked);
	mn_list_init(&c->in_throttled);
	mn_list_init(&c->in_unconfirmed);
	mn_list_init(&c->in_closing);
	mn_conn_timers_init(c);
	mn_sendq_init(&c->sendq);
	mn_reassembly_init(&c->held);
	mn_inbox_init(&c->inbox);
	mn_recovery_init(&c->rec, s->now_us);
	update_mss(c);
	return c;
}

void mn_conn_ready(struct mn_conn *c)
{
	if (mn_list_empty(&c->in_ready))
		mn_list_add_tail(&c->stack->ready, &c->in_ready);
}

static void tell_control(struct mn_conn *c, enum mn_stack_event_type type, enum mn_end why)
{
	const struct mn_stack_config *cfg = &c->stack->cfg;
	struct mn_stack_event ev = {
		.type = type,
		.why = why,
		.accepted = c->accepted,
		.channel = c->channel_id,
		.flow = c->flow,
		.id = c->id,
		.remote_id = c->remote_id,
		.remote_engine = c->remote_engine,
		.request = c->request,
		.path = c->path,
	};

	if (type == MN_STACK_EVENT_END) {
		if (!c->end_due)
			return;
		c->end_due = false;
		c->stack->stats.ends++;
	}
	cfg->ops->event(cfg->ops_ctx, &ev);
}

void mn_conn_heard(struct mn_conn *c)
{
	c->told_us = c->stack->now_us;
	tell_control(c, MN_STACK_EVENT_HEARD, MN_END_NONE);
}

static void confirm(struct mn_conn *c)
{
	if (mn_list_empty(&c->in_unconfirmed))
		return;
	mn_list_del(&c->in_unconfirmed);
	c->stack->n_unconfirmed--;
}

/* A peer whose ports are these again has nothing left of the connection that had them. */
static void replace_old(struct mn_conn *c)
{
	struct mn_conn *old = mn_stack_conn_by_path(c->stack, &c->path);

	if (!old)
		return;
	c->stack->stats.replaced++;
	mn_conn_end(old, MN_END_RESET, 0);
}

int mn_conn_establish(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	int ret = mn_recovery_reserve(&c->rec);

	if (ret)
		return ret;
	confirm(c);
	mn_swift_init(&c->swift, MN_SENT_MAX, s->now_us);
	update_mss(c);
	/* The application knows them by their ports: first the end of one, then the next. */
	replace_old(c);
	c->state = MN_CONN_OPEN;
	c->app_knows = true;
	mn_stack_conn_set_path(c);
	c->post = MN_POST_OPEN;
	c->end_due = true;
	mn_timer_clear(&c->rtx);
	c->answered = c->accepted;
	c->syn_tries = 0;
	mn_timer_set(&s->wheel, &c->idle,
		     s->now_us + (c->answered ? MN_KEEPALIVE_US : MN_SYN_RETRY_US));
	if (c->accepted)
		s->stats.accepts++;
	else
		s->stats.connects++;
	/* That it is up says that the peer is there. */
	c->told_us = s->now_us;
	tell_control(c, MN_STACK_EVENT_UP, MN_END_NONE);
	/* Nothing is delivered before the opening is told. */
	if (!mn_conn_post(c))
		c->stalled = -EAGAIN;
	return 0;
}

/* Those that came before may be about to tell the end of a connection with the same ports. */
static bool others_come_first(const struct mn_conn *c)
{
	const struct mn_list *blocked = &c->sch->blocked;

	return !mn_list_empty(blocked) && blocked->next != &c->in_blocked;
}

static int post_open(struct mn_conn *c)
{
	struct mn_channel *ch = c->sch->ch;
	struct mn_shm_flow info = {
		.local_port = c->path.local_port,
		.remote_port = c->path.remote_port,
	};

	c->open_at = ch->rx.self;
	/* It takes a buffer, which must not be one that a message was promised. */
	if (others_come_first(c) || !mn_credit_room(&c->sch->credit, ch->rx_free_count))
		return -EAGAIN;
	memcpy(info.local_addr, c->path.local.b, sizeof(info.local_addr));
	memcpy(info.remote_addr, c->path.remote.b, sizeof(info.remote_addr));
	return mn_channel_post_open(ch, c->flow, &info);
}

/* In the order in which the application must see it: the opening, a message, the end. */
static int post_all(struct mn_conn *c)
{
	int ret = 0;

	if (c->post & MN_POST_OPEN) {
		ret = post_open(c);
		if (ret)
			return ret;
		c->post &= ~MN_POST_OPEN;
	}
	if (c->stalled == -EAGAIN) {
		if (!mn_channel_rx_has_room(c->sch->ch))
			return -EAGAIN;
		c->stalled = 0;
		mn_conn_take(c, NULL, 0);
		if (c->stalled)
			return c->stalled;
	}
	if (c->post & MN_POST_END) {
		ret = mn_channel_post_end(c->sch->ch, c->flow, c->post_error);
		if (ret)
			return ret;
		c->post &= ~MN_POST_END;
	}
	return 0;
}

void mn_conn_block(struct mn_conn *c)
{
	if (!mn_list_empty(&c->in_blocked))
		return;
	mn_list_add_tail(&c->sch->blocked, &c->in_blocked);
	mn_stack_activate(c->stack, c->sch);
}

bool mn_conn_post(struct mn_conn *c)
{
	int ret;

	if (!c->post && c->stalled != -EAGAIN)
		return true;
	ret = post_all(c);
	if (ret == -EPROTO)
		mn_stack_mark_corrupt(c->stack, c->sch);
	if (!ret)
		mn_list_del(&c->in_blocked);
	else
		mn_conn_block(c);
	return !ret;
}

/* What was to be sent goes back to the application unsent. */
static void drop_sendq(struct mn_conn *c)
{
	if (c->sch && !c->sch->ch->dead && mn_sendq_ack(&c->sendq, c->sch->ch, MN_SEQ_NONE))
		mn_stack_mark_corrupt(c->stack, c->sch);
	c->sendq.head = c->sendq.tail = c->sendq.next = MN_SHM_BUF_NONE;
}

/* A complete message that only waits for a slot is still delivered. */
static void drop_receiver(struct mn_conn *c, bool keep_complete)
{
	mn_conn_free_held(c);
	mn_list_del(&c->in_throttled);
	if (keep_complete && c->stalled == -EAGAIN)
		return;
	if (c->sch && !c->sch->ch->dead)
		mn_inbox_drop(&c->inbox, c->sch->ch, &c->sch->credit);
	c->stalled = 0;
}

static void app_forgets(struct mn_conn *c)
{
	if (c->app_knows)
		mn_stack_conn_forget_path(c);
	c->app_knows = false;
}

void mn_conn_mute(struct mn_conn *c)
{
	app_forgets(c);
	c->post = 0;
	mn_list_del(&c->in_blocked);
	drop_receiver(c, false);
}

void mn_conn_close(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	c->state = MN_CONN_CLOSING;
	c->since_us = c->closed_us = c->finish_us = s->now_us;
	c->finish_una = c->snd_una;
	mn_conn_mute(c);
	c->fin_queued = true;
	if (c->rcv_fin != MN_SEQ_NONE)
		c->rcv_nxt = c->rcv_fin + 1;
	mn_conn_ready(c);
}

static void tell_app_end(struct mn_conn *c, int error)
{
	if (!c->app_knows)
		return;
	app_forgets(c);
	c->post |= MN_POST_END;
	c->post_error = error;
}

void mn_conn_peer_closed(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;

	c->state = MN_CONN_LAST_ACK;
	c->rcv_nxt = c->rcv_fin + 1;
	mn_list_del(&c->in_closing);
	tell_app_end(c, 0);
	drop_receiver(c, true);
	drop_sendq(c);
	mn_recovery_clear(&c->rec);
	/* The peer wants nothing more: the stream ends behind what it may have seen of it. */
	c->snd_end = c->snd_nxt = c->snd_max;
	c->fin_queued = true;
	c->ack_now = true;
	mn_conn_post(c);
	mn_timer_set(&s->wheel, &c->idle, s->now_us + MN_LAST_ACK_US);
	mn_conn_ready(c);
}

static bool peer_fin_taken(const struct mn_conn *c)
{
	return c->rcv_fin != MN_SEQ_NONE && c->rcv_nxt > c->rcv_fin;
}

void mn_conn_check_closed(struct mn_conn *c)
{
	struct mn_stack *s = c->stack;
	uint64_t linger_us = 4 * mn_rtt_rto_us(&c->rec.rtt, 0);

	if (!c->fin_acked || !peer_fin_taken(c))
		return;
	if (c->state == MN_CONN_LAST_ACK) {
		mn_conn_end(c, MN_END_PEER_CLOSED, 0);
		return;
	}
	if (c->state != MN_CONN_CLOSING)
		return;
	c->state = MN_CONN_LINGER;
	mn_timer_clear(&c->rtx);
	/* Later repetitions find nobody, and the peer takes that for an answer, too. */
	mn_timer_set(&s->wheel, &c->idle,
		     s->now_us + (linger_us > MN_LINGER_US ? linger_us : MN_LINGER_US));
}

int mn_end_errno(enum mn_end why)
{
	switch (why) {
	case MN_END_NONE:
	case MN_END_CLOSED:
	case MN_END_PEER_CLOSED:
		return 0;
	case MN_END_REFUSED:
		return ECONNREFUSED;
	case MN_END_RESET:
	case MN_END_OWNER_DIED:
		return ECONNRESET;
	case MN_END_TIMED_OUT:
		return ETIMEDOUT;
	case MN_END_UNREACHABLE:
		return EHOSTUNREACH;
	case MN_END_ADMIN:
		return ECONNABORTED;
	}
	return ECONNRESET;
}

void mn_conn_end(struct mn_conn *c, enum mn_end why, uint32_t rst_code)
{
	if (c->state == MN_CONN_DEAD)
		return;
	confirm(c);
	mn_timer_remove(&c->rtx);
	mn_timer_remove(&c->ack);
	mn_timer_remove(&c->idle);
	tell_app_end(c, mn_end_errno(why));
	mn_list_del(&c->in_closing);
	drop_receiver(c, c->post & MN_POST_END);
	drop_sendq(c);
	mn_stack_conn_forget(c);
	mn_recovery_fini(&c->rec);
	c->state = MN_CONN_DEAD;
	c->rst_code = c->remote_id ? rst_code : 0;
	tell_control(c, MN_STACK_EVENT_END, why);
	mn_conn_post(c);
	if (c->rst_code)
		mn_conn_ready(c);
	mn_conn_reap(c);
}

void mn_conn_reap(struct mn_conn *c)
{
	struct mn_stack_channel *sch = c->sch;

	if (c->state != MN_CONN_DEAD || c->post || c->stalled == -EAGAIN || c->rst_code)
		return;
	mn_list_del(&c->in_channel);
	mn_list_del(&c->in_ready);
	mn_list_del(&c->in_blocked);
	mn_stack_conn_free(c);
	if (sch && sch->leaving)
		mn_stack_check_left(c->stack, sch);
}

/* All is said and done but for the exchange of FINs, which needs no channel. */
static bool only_fins_left(const struct mn_conn *c)
{
	return c->state == MN_CONN_LAST_ACK || c->state == MN_CONN_LINGER ||
	       (c->state == MN_CONN_CLOSING && c->sendq.head == MN_SHM_BUF_NONE);
}

void mn_conn_orphan(struct mn_conn *c, enum mn_end why)
{
	app_forgets(c);
	if (c->state == MN_CONN_LAST_ACK)
		tell_control(c, MN_STACK_EVENT_END, MN_END_PEER_CLOSED);
	else if (only_fins_left(c))
		tell_control(c, MN_STACK_EVENT_END, MN_END_CLOSED);
	else
		mn_conn_end(c, why, MN_WIRE_CODE_ABORTED);
	if (c->state == MN_CONN_FREE)
		return;
	mn_conn_mute(c);
	mn_list_del(&c->in_channel);
	mn_stack_conn_detach(c);
	mn_conn_reap(c);
}

void mn_conn_recut(struct mn_conn *c)
{
	mn_recovery_clear(&c->rec);
	c->snd_nxt = c->snd_una;
	c->fin_sent = false;
	mn_sendq_rewind(&c->sendq);
	mn_conn_ready(c);
}

void mn_conn_set_path(struct mn_conn *c, const uint8_t mac[6], uint16_t mtu)
{
	if (!memcmp(c->path.mac, mac, sizeof(c->path.mac)) && c->path.mtu == mtu)
		return;
	memcpy(c->path.mac, mac, sizeof(c->path.mac));
	c->path.mtu = mtu;
	update_mss(c);
	if (!mn_conn_has_stream(c))
		return;
	/* What was lost on the old path: our packets, and our word on what has arrived. */
	c->rec.backoff = 0;
	mn_conn_rearm(c);
	c->ack_now = true;
	mn_conn_ready(c);
}
