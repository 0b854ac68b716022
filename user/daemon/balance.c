// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/balance.h"
#include "daemon/log.h"
#include "daemon/loop.h"

static void on_timer(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;
	uint64_t times;

	(void)events;
	if (read(d->balance_fd, &times, sizeof(times)) == sizeof(times))
		machnet_dp_balance(d->dp);
}

int mnd_balance_start(struct mnd_daemon *d)
{
	struct timespec every = { .tv_nsec = MACHNET_DP_BALANCE_MS * 1000000l };
	struct itimerspec when = { every, every };

	if (d->info.engines < 2)
		return 0;
	d->balance_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->balance_fd < 0 || timerfd_settime(d->balance_fd, 0, &when, NULL))
		return -errno;
	d->balance_watch = (struct mnd_watch){ on_timer, d };
	return mnd_watch_add(d, d->balance_fd, &d->balance_watch);
}

void mnd_balance_stop(struct mnd_daemon *d)
{
	if (d->balance_fd >= 0)
		close(d->balance_fd);
	d->balance_fd = -1;
}

int mnd_balance_use(struct mnd_daemon *d, uint64_t engines)
{
	int ret = engines > d->info.engines ? -EINVAL : machnet_dp_use_engines(d->dp, engines);

	if (!ret)
		mnd_info("%u of %u engines are used, by order of an administrator",
			 (unsigned int)engines, d->info.engines);
	return ret;
}
