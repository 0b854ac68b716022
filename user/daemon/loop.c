// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/epoll.h>

#include "daemon/conn.h"
#include "daemon/loop.h"

int mnd_watch_add(struct mnd_daemon *d, int fd, struct mnd_watch *w)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = w };

	return epoll_ctl(d->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

void mnd_loop_run(struct mnd_daemon *d)
{
	struct epoll_event ev;

	while (!d->stop) {
		/* One at a time: handling one event may free what the next one is for. */
		if (epoll_wait(d->epfd, &ev, 1, -1) == 1) {
			struct mnd_watch *w = ev.data.ptr;

			w->fn(w->arg, ev.events);
			mnd_conn_settle(d);
		}
	}
}
