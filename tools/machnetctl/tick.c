// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "tick.h"

uint64_t ctl_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

int ctl_tick_open(struct ctl_tick *t, uint64_t interval_us)
{
	sigset_t set;

	t->signals = -1;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	t->interval_us = interval_us;
	t->next_us = ctl_now_us() + interval_us;
	t->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return t->signals < 0 ? -errno : 0;
}

void ctl_tick_close(struct ctl_tick *t)
{
	if (t->signals >= 0)
		close(t->signals);
}

/* Intervals that have been missed are left out. */
static void next_interval(struct ctl_tick *t, uint64_t now)
{
	t->next_us += t->interval_us;
	if (t->next_us <= now)
		t->next_us = now + t->interval_us;
}

int ctl_tick_wait(struct ctl_tick *t, int fd)
{
	struct pollfd fds[] = {
		{ .fd = t->signals, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	uint64_t now = ctl_now_us(), left = t->next_us > now ? t->next_us - now : 0;
	struct timespec timeout = { left / 1000000, left % 1000000 * 1000 };

	if (ppoll(fds, 2, t->interval_us ? &timeout : NULL, NULL) < 0)
		return -errno;
	if (fds[0].revents)
		return CTL_TICK_END;
	if (fds[1].revents)
		return CTL_TICK_INPUT;
	next_interval(t, ctl_now_us());
	return CTL_TICK_DUE;
}
