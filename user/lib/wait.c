// SPDX-License-Identifier: MIT
/*
 * wait.c - machnet_wait(), machnet_recv_timeout()
 *
 * A waiting thread first yields for a while: an engine on the same processor
 * gets its turn, and one on another processor answers sooner than a sleeper
 * wakes. Then it sleeps on the doorbell. Where others compute, who yields waits
 * for the end of their time slices, and who sleeps is woken at once: a yield
 * that took long puts an end to yielding for a while.
 *
 * Of several threads one sleeps on the doorbell and the others behind it: a
 * doorbell that each of them could empty would be lost to the rest. The others
 * sleep on a futex, not on a condition variable: a signal ends the wait of the
 * thread that handles it, whichever of them that is.
 */
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/priv.h"

#define YIELD_NS	50000
#define NS_PER_S	1000000000
#define NS_PER_MS	1000000

static struct timespec to_timespec(int64_t ns)
{
	return (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
}

/* Those of events that have come, or -errno. */
static int events_ready(struct mnc_channel *ch, void *arg)
{
	const int events = *(const int *)arg;
	int came = 0;
	int ret;

	mnc_reattach_try(ch);
	if (events & MACHNET_WAIT_RECV) {
		ret = mnc_recv_ready(ch);
		if (ret < 0)
			return ret;
		came |= ret ? MACHNET_WAIT_RECV : 0;
	}
	if (events & MACHNET_WAIT_SEND) {
		ret = mnc_send_ready(ch);
		if (ret < 0)
			return ret;
		came |= ret ? MACHNET_WAIT_SEND : 0;
	}
	return came;
}

/* Looks again for as long as that is likely to be enough. *at: the time, before and after. */
static int spin(struct mnc_channel *ch, const struct mnc_wait *w, struct mn_spin *sp,
		int64_t deadline, int64_t *at)
{
	uint32_t hits = __atomic_load_n(&ch->spin_hits, __ATOMIC_RELAXED);
	int64_t from = *at, now, until = from + mn_spin_begin(sp, hits);
	int ret;

	if (until > deadline)
		until = deadline;
	do {
		__builtin_ia32_pause();
		ret = w->ready(ch, w->arg);
		now = mnc_now_ns();
	} while (!ret && now < until);
	if (ret)
		mn_spin_hit(sp, now - from);
	else
		mn_spin_miss(sp, hits);
	__atomic_store_n(&ch->spin_hits, ret ? hits + 1 : 0, __ATOMIC_RELAXED);
	*at = now;
	return ret;
}

/* Yields until an event comes, until_ns, or a yield that shows that it is no use. */
static int yield_until(struct mnc_channel *ch, const struct mnc_wait *w, int64_t until_ns,
		       int64_t now)
{
	int64_t before;
	int ret;

	do {
		before = now;
		sched_yield();
		now = mnc_now_ns();
		mn_crowd_yielded(&ch->crowd, before, now);
		if (mn_crowd_is(&ch->crowd, now))
			return w->ready(ch, w->arg);
		ret = spin(ch, w, &ch->spin[1], until_ns, &now);
	} while (!ret && now < until_ns);
	return ret;
}

static int poll_bell(struct mnc_channel *ch, int64_t deadline)
{
	struct pollfd p[2] = { { ch->link.bell_fd, POLLIN, 0 }, { ch->link.sock, 0, 0 } };
	int64_t left = deadline - mnc_now_ns();
	struct timespec ts = to_timespec(left > 0 ? left : 0);

	if (ppoll(p, 2, deadline == INT64_MAX ? NULL : &ts, NULL) < 0)
		return -errno;
	if (p[0].revents & POLLIN) {
		mnc_bell_drain(ch);
		if (mnc_fd_used(ch))
			mnc_fd_signal(ch);
	} else if (p[0].revents || p[1].revents) {
		mnc_channel_fail(ch, ENETDOWN);
	}
	return 0;
}

/* While the link is down there is nothing to poll for but the next daemon. */
static int doze(int64_t deadline)
{
	int64_t left = deadline - mnc_now_ns();
	struct timespec ts = to_timespec(left < 0 ? 0 : left > MNC_RETRY_NS ? MNC_RETRY_NS : left);

	return ppoll(NULL, 0, &ts, NULL) < 0 ? -errno : 0;
}

void mnc_wait_next_turn(struct mnc_channel *ch)
{
	__atomic_store_n(&ch->wait_turns, ch->wait_turns + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &ch->wait_turns, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Until the next turn or the deadline. 0, -EINTR. */
static int sleep_behind(struct mnc_channel *ch, uint32_t turn, int64_t deadline)
{
	/* With a deadline, however far: without one SA_RESTART restarts it, futex(2), signal(7). */
	struct timespec ts = to_timespec(deadline);
	long ret = syscall(SYS_futex, &ch->wait_turns, FUTEX_WAIT_BITSET_PRIVATE, turn, &ts, NULL,
			   FUTEX_BITSET_MATCH_ANY);

	return ret < 0 && errno == EINTR ? -EINTR : 0;
}

/* On the doorbell; polls: the link lives. */
static int sleep_in_front(struct mnc_channel *ch, bool polls, int64_t deadline)
{
	int ret = polls ? poll_bell(ch, deadline) : doze(deadline);

	pthread_mutex_lock(&ch->wait_lock);
	ch->wait_busy = ch->wait_polls = false;
	mnc_wait_next_turn(ch);
	pthread_mutex_unlock(&ch->wait_lock);
	return ret;
}

/* Sleeps until something happened after turn, or the deadline. 0, -EINTR. */
static int sleep_after(struct mnc_channel *ch, uint32_t turn, int64_t deadline)
{
	bool first = false, polls = false;

	pthread_mutex_lock(&ch->wait_lock);
	if (!ch->wait_busy && ch->wait_turns == turn) {
		ch->wait_busy = first = true;
		ch->wait_polls = polls = !mnc_channel_error(ch);
	}
	pthread_mutex_unlock(&ch->wait_lock);
	return first ? sleep_in_front(ch, polls, deadline) : sleep_behind(ch, turn, deadline);
}

static uint32_t wait_turn(struct mnc_channel *ch)
{
	return __atomic_load_n(&ch->wait_turns, __ATOMIC_ACQUIRE);
}

static int sleep_until(struct mnc_channel *ch, const struct mnc_wait *w, int64_t deadline)
{
	int ret;

	for (;;) {
		uint32_t turn = wait_turn(ch);

		pthread_mutex_lock(&ch->recv_lock);
		mnc_arm(ch, w->wake);
		pthread_mutex_unlock(&ch->recv_lock);
		ret = w->ready(ch, w->arg);
		if (ret || mnc_now_ns() >= deadline)
			return ret;
		ret = sleep_after(ch, turn, deadline);
		if (ret)
			return ret;
	}
}

int mnc_wait_until(struct mnc_channel *ch, const struct mnc_wait *w, int64_t deadline)
{
	int64_t from = mnc_now_ns(), now = from;
	int ret = w->ready(ch, w->arg);

	if (ret || now >= deadline)
		return ret;
	ret = spin(ch, w, &ch->spin[0], deadline, &now);
	if (!ret && !mn_crowd_is(&ch->crowd, from))
		ret = yield_until(ch, w, deadline - from > YIELD_NS ? from + YIELD_NS : deadline,
				  now);
	return ret ? ret : sleep_until(ch, w, deadline);
}

static int wait_for_events(struct mnc_channel *ch, int events, int64_t deadline)
{
	const struct mnc_wait w = {
		.ready = events_ready,
		.arg = &events,
		.wake = (events & MACHNET_WAIT_RECV ? MN_SHM_WAKE_RX : 0) |
			(events & MACHNET_WAIT_SEND ? MN_SHM_WAKE_TX : 0),
	};

	return mnc_wait_until(ch, &w, deadline);
}

static int64_t deadline_of(int timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : mnc_now_ns() + (int64_t)timeout_ms * NS_PER_MS;
}

int machnet_wait(const void *channel_ctx, int events, int timeout_ms)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	int ret = -EINVAL;

	if (ch && events && !(events & ~(MACHNET_WAIT_RECV | MACHNET_WAIT_SEND)))
		ret = wait_for_events(ch, events, deadline_of(timeout_ms));
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

ssize_t machnet_recv_timeout(const void *channel_ctx, void *buf, size_t len, MachnetFlow_t *flow,
			     int timeout_ms)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	int64_t deadline;
	ssize_t got = machnet_recv(ch, buf, len, flow);
	int ret;

	if (got || !timeout_ms)
		return got;
	deadline = deadline_of(timeout_ms);
	do {
		ret = wait_for_events(ch, MACHNET_WAIT_RECV, deadline);
		if (ret <= 0)
			break;
		/* Another thread may have been faster. */
		got = machnet_recv(ch, buf, len, flow);
	} while (!got);
	if (ret >= 0)
		return got;
	errno = -ret;
	return -1;
}
