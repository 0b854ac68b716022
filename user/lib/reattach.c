// SPDX-License-Identifier: MIT
/*
 * reattach.c - the next daemon takes the place of one that is gone
 *
 * The calls of the program do it in passing. A daemon that starts takes
 * connections long before it answers, so none of them waits for an answer that
 * is not about to come: the talk goes on with a later call. What the old link
 * has left is kept for the program when the new one is complete, and not before.
 */
#include <fcntl.h>
#include <poll.h>

#include "lib/priv.h"

#define NS_PER_MS	1000000
/* How long the calls wait for an answer: those that do not block, and those that do. */
#define PATIENCE_NS	(5 * NS_PER_MS)
#define LONG_PATIENCE_NS	(1000 * (int64_t)NS_PER_MS)

static int begin(struct mnc_channel *ch)
{
	struct mn_app_msg msg = { .type = MN_APP_ATTACH };
	struct mnc_next *next = &ch->next;

	next->link.sock = mnc_socket_connect(true);
	if (next->link.sock < 0)
		return next->link.sock;
	next->stage = MNC_ATTACHING;
	return mnc_socket_tell(next->link.sock, &msg, -1);
}

/* Asks for the port of next->listener, or of the next one that can be asked for. */
static int ask_listen(struct mnc_channel *ch)
{
	struct mnc_next *next = &ch->next;
	struct mn_app_msg msg;

	for (; next->listener; next->listener = next->listener->next) {
		next->listener->error = -mnc_listener_prepare(next->listener, next->link.control,
							      &msg);
		if (!next->listener->error)
			return mnc_socket_tell(next->link.sock, &msg, next->listener->fd);
	}
	next->stage = MNC_READY;
	return 0;
}

static int take_attached(struct mnc_channel *ch)
{
	struct mn_app_msg msg = { .type = MN_APP_ATTACH };
	struct mnc_next *next = &ch->next;
	int fds[MN_APP_ATTACH_FDS];
	int ret = mnc_socket_answer(next->link.sock, &msg, fds);

	if (!ret)
		ret = mnc_link_open(&next->link, fds, msg.control);
	if (ret)
		return ret;
	next->stage = MNC_LISTENING;
	next->listener = ch->listeners;
	return ask_listen(ch);
}

static int take_listening(struct mnc_channel *ch)
{
	struct mn_app_msg msg = { .type = MN_APP_LISTEN };
	struct mnc_next *next = &ch->next;
	int ret = mnc_socket_answer(next->link.sock, &msg, NULL);

	/* What it refuses is lost; when it does not answer it is the whole of it that failed. */
	if (ret && !msg.error)
		return ret;
	next->listener->error = msg.error;
	next->listener = next->listener->next;
	return ask_listen(ch);
}

/* No thread is in a system call on the link. With wait_lock and request_lock. */
static bool link_is_idle(const struct mnc_channel *ch)
{
	return !ch->wait_polls && !ch->request_reading && !ch->requests;
}

/* With all locks. */
static int replace_link(struct mnc_channel *ch, struct mnc_link *old)
{
	int ret;

	/* Whoever is in the way found the link's end and is on the way back. */
	if (!link_is_idle(ch) || !mnc_flows_clear(ch))
		return -EAGAIN;
	ret = mnc_fd_replace(ch, &ch->next.link);
	if (ret)
		return ret;
	*old = ch->link;
	ch->link = ch->next.link;
	mnc_link_init(&ch->next.link);
	mnc_kept_settle(ch);
	ch->next.stage = MNC_ABSENT;
	ch->epoch++;
	ch->idle_calls = 0;
	ch->tx_wanted = 0;
	__atomic_store_n(&ch->tx_starved, false, __ATOMIC_RELAXED);
	mnc_wait_next_turn(ch);
	__atomic_store_n(&ch->error, 0, __ATOMIC_RELEASE);
	return 0;
}

static int adopt(struct mnc_channel *ch)
{
	struct mnc_link old;
	int ret;

	mnc_link_init(&old);
	/* From now on it is for requests, and those wait. */
	fcntl(ch->next.link.sock, F_SETFL, 0);
	pthread_mutex_lock(&ch->recv_lock);
	ret = mnc_kept_fill(ch);
	if (!ret)
		ret = mnc_listeners_settle(ch);
	pthread_mutex_lock(&ch->send_lock);
	pthread_mutex_lock(&ch->flow_lock);
	pthread_mutex_lock(&ch->wait_lock);
	pthread_mutex_lock(&ch->request_lock);
	if (!ret)
		ret = replace_link(ch, &old);
	pthread_mutex_unlock(&ch->request_lock);
	pthread_mutex_unlock(&ch->wait_lock);
	pthread_mutex_unlock(&ch->flow_lock);
	pthread_mutex_unlock(&ch->send_lock);
	pthread_mutex_unlock(&ch->recv_lock);
	mnc_link_close(&old);
	return ret;
}

/* One step. -EAGAIN: not yet. */
static int advance(struct mnc_channel *ch)
{
	switch (ch->next.stage) {
	case MNC_ABSENT:
		return begin(ch);
	case MNC_ATTACHING:
		return take_attached(ch);
	case MNC_LISTENING:
		return take_listening(ch);
	default:
		return adopt(ch);
	}
}

/* Waits for what is not yet. False when it took too long. */
static bool await(const struct mnc_channel *ch, int64_t until_ns)
{
	/* Threads on their way back send no word. */
	bool ready = ch->next.stage == MNC_READY;
	struct pollfd p = { ready ? -1 : ch->next.link.sock, POLLIN, 0 };
	int64_t left = until_ns - mnc_now_ns();

	if (left <= 0)
		return false;
	poll(&p, 1, ready ? 1 : (int)(left / NS_PER_MS + 1));
	return true;
}

static void reattach(struct mnc_channel *ch, int64_t patience_ns)
{
	int64_t now = mnc_now_ns();
	int ret;

	__atomic_store_n(&ch->next_try_ns, now + MNC_RETRY_NS, __ATOMIC_RELAXED);
	while (mnc_channel_down(ch)) {
		ret = advance(ch);
		if (ret == -EAGAIN && !await(ch, now + patience_ns))
			return;
		if (ret && ret != -EAGAIN) {
			mnc_reattach_stop(ch);
			return;
		}
	}
}

void mnc_reattach_try(struct mnc_channel *ch)
{
	if (!mnc_channel_down(ch) ||
	    mnc_now_ns() < __atomic_load_n(&ch->next_try_ns, __ATOMIC_RELAXED) ||
	    pthread_mutex_trylock(&ch->port_lock))
		return;
	reattach(ch, PATIENCE_NS);
	pthread_mutex_unlock(&ch->port_lock);
}

int mnc_reattach_now(struct mnc_channel *ch)
{
	if (mnc_channel_down(ch))
		reattach(ch, LONG_PATIENCE_NS);
	return -mnc_channel_error(ch);
}

void mnc_reattach_stop(struct mnc_channel *ch)
{
	mnc_link_close(&ch->next.link);
	ch->next.stage = MNC_ABSENT;
}
