// SPDX-License-Identifier: MIT
/*
 * fd.c - machnet_fd(): one descriptor that is readable whenever there is something to do
 *
 * An epoll set of the doorbell, the daemon's socket (for its end alone), an
 * eventfd of our own for what the engine does not ring for: a message that was
 * there before the first machnet_fd(), a doorbell that a waiting thread took; and
 * a timer that makes the program look for the next daemon while the link is down.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lib/priv.h"

static int watch(int epfd, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void unwatch_link(int epfd, const struct mnc_link *link)
{
	epoll_ctl(epfd, EPOLL_CTL_DEL, link->bell_fd, NULL);
	epoll_ctl(epfd, EPOLL_CTL_DEL, link->sock, NULL);
}

static int watch_link(int epfd, const struct mnc_link *link)
{
	int ret = watch(epfd, link->bell_fd, EPOLLIN);

	if (!ret)
		ret = watch(epfd, link->sock, 0);
	if (ret)
		unwatch_link(epfd, link);
	return ret;
}

static int make_set(struct mnc_channel *ch, int *epfd)
{
	int ret = 0;

	*epfd = epoll_create1(EPOLL_CLOEXEC);
	ch->self_efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*epfd < 0 || ch->self_efd < 0 || ch->timer_fd < 0)
		ret = -errno;
	if (!ret)
		ret = watch(*epfd, ch->self_efd, EPOLLIN);
	if (!ret)
		ret = watch(*epfd, ch->timer_fd, EPOLLIN);
	if (!ret)
		ret = watch_link(*epfd, &ch->link);
	if (!ret)
		return 0;
	if (*epfd >= 0)
		close(*epfd);
	if (ch->self_efd >= 0)
		close(ch->self_efd);
	if (ch->timer_fd >= 0)
		close(ch->timer_fd);
	ch->self_efd = ch->timer_fd = -1;
	return ret;
}

int machnet_fd(const void *channel_ctx)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	int ret = 0;
	int epfd;

	if (!ch) {
		errno = EINVAL;
		return -1;
	}
	pthread_mutex_lock(&ch->recv_lock);
	epfd = ch->epfd;
	if (epfd < 0)
		ret = make_set(ch, &epfd);
	if (!ret && ch->epfd < 0) {
		__atomic_store_n(&ch->epfd, epfd, __ATOMIC_RELEASE);
		/* Until a first receive in vain has asked the engine to ring. */
		mnc_fd_signal(ch);
	}
	pthread_mutex_unlock(&ch->recv_lock);
	if (!ret)
		return epfd;
	errno = -ret;
	return -1;
}

void mnc_fd_signal(struct mnc_channel *ch)
{
	const uint64_t one = 1;

	/* A full counter is readable, which is all that is wanted. */
	if (write(ch->self_efd, &one, sizeof(one)) > 0 || errno == EAGAIN)
		__atomic_store_n(&ch->self_signalled, true, __ATOMIC_RELEASE);
}

void mnc_bell_drain(struct mnc_channel *ch)
{
	char rings[64];

	while (read(ch->link.bell_fd, rings, sizeof(rings)) == sizeof(rings))
		;
}

static void clear_signal(struct mnc_channel *ch)
{
	uint64_t count;

	if (__atomic_exchange_n(&ch->self_signalled, false, __ATOMIC_ACQ_REL) &&
	    read(ch->self_efd, &count, sizeof(count)) < 0)
		__atomic_store_n(&ch->self_signalled, errno != EAGAIN, __ATOMIC_RELEASE);
}

static void set_timer(struct mnc_channel *ch, long interval_ns)
{
	const struct itimerspec it = { { 0, interval_ns }, { 0, interval_ns } };

	timerfd_settime(ch->timer_fd, 0, &it, NULL);
}

/* A dead daemon's descriptors would be readable for ever: the timer takes their place. */
static void quiet_while_down(struct mnc_channel *ch)
{
	uint64_t ticks;

	if (!ch->fd_cut) {
		unwatch_link(ch->epfd, &ch->link);
		set_timer(ch, MNC_RETRY_NS);
		ch->fd_cut = true;
	}
	clear_signal(ch);
	if (read(ch->timer_fd, &ticks, sizeof(ticks)) < 0)
		return;
}

int mnc_fd_replace(struct mnc_channel *ch, const struct mnc_link *link)
{
	int ret;

	if (!mnc_fd_used(ch))
		return 0;
	ret = watch_link(ch->epfd, link);
	if (ret)
		return ret;
	if (!ch->fd_cut)
		unwatch_link(ch->epfd, &ch->link);
	ch->fd_cut = false;
	set_timer(ch, 0);
	/* Until a receive in vain has asked the new engine to ring. */
	mnc_fd_signal(ch);
	return 0;
}

bool mnc_fd_quiet(struct mnc_channel *ch)
{
	bool starved = __atomic_load_n(&ch->tx_starved, __ATOMIC_RELAXED);
	uint32_t wake = MN_SHM_WAKE_RX | (starved ? MN_SHM_WAKE_TX : 0);

	if (mnc_channel_down(ch)) {
		quiet_while_down(ch);
		return true;
	}
	/* Those who watch edges hear once of the daemon's end: it must not be missed. */
	if (mnc_channel_probe(ch))
		return false;
	/* Still armed: the engine has not rung, so there is nothing to take away. */
	if (mnc_armed(ch, wake) && !__atomic_load_n(&ch->self_signalled, __ATOMIC_ACQUIRE))
		return true;
	clear_signal(ch);
	pthread_mutex_lock(&ch->wait_lock);
	/* A thread in machnet_wait() needs the doorbell, and then signals us. */
	if (!ch->wait_busy)
		mnc_bell_drain(ch);
	pthread_mutex_unlock(&ch->wait_lock);
	mnc_arm(ch, wake);
	if (mn_ring_avail(&ch->link.rx))
		return false;
	/* What the doorbell said about sending was taken away with it: say it again. */
	if (starved && mnc_send_ready(ch) > 0)
		mnc_fd_signal(ch);
	return true;
}
