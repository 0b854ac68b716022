// SPDX-License-Identifier: MIT
/*
 * fd.c - machnet_fd(): one descriptor that is readable whenever there is something to do
 *
 * An epoll set of the doorbell, the daemon's socket (for its end alone), and an
 * eventfd of our own for what the engine does not ring for: a message that was
 * there before the first machnet_fd(), a doorbell that a waiting thread took.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/priv.h"

static int watch(int epfd, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int make_set(struct mnc_channel *ch, int *epfd)
{
	int ret = 0;

	*epfd = epoll_create1(EPOLL_CLOEXEC);
	if (*epfd < 0)
		return -errno;
	ch->self_efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ch->self_efd < 0)
		ret = -errno;
	if (!ret)
		ret = watch(*epfd, ch->self_efd, EPOLLIN);
	if (!ret)
		ret = watch(*epfd, ch->bell_fd, EPOLLIN);
	if (!ret)
		ret = watch(*epfd, ch->sock, 0);
	if (!ret)
		return 0;
	if (ch->self_efd >= 0)
		close(ch->self_efd);
	ch->self_efd = -1;
	close(*epfd);
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

	while (read(ch->bell_fd, rings, sizeof(rings)) == sizeof(rings))
		;
}

static void clear_signal(struct mnc_channel *ch)
{
	uint64_t count;

	if (__atomic_exchange_n(&ch->self_signalled, false, __ATOMIC_ACQ_REL) &&
	    read(ch->self_efd, &count, sizeof(count)) < 0)
		__atomic_store_n(&ch->self_signalled, errno != EAGAIN, __ATOMIC_RELEASE);
}

bool mnc_fd_quiet(struct mnc_channel *ch)
{
	bool starved = __atomic_load_n(&ch->tx_wanted, __ATOMIC_RELAXED);
	uint32_t wake = MN_SHM_WAKE_RX | (starved ? MN_SHM_WAKE_TXC : 0);

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
	if (mn_ring_avail(&ch->rx))
		return false;
	/* What the doorbell said about sending was taken away with it: say it again. */
	if (starved && mnc_send_ready(ch) > 0)
		mnc_fd_signal(ch);
	return true;
}
