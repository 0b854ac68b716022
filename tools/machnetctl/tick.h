/* SPDX-License-Identifier: MIT */
/* tick.h - doing something at intervals, until somebody wants the end */
#ifndef MACHNETCTL_TICK_H
#define MACHNETCTL_TICK_H

#include <stdint.h>

struct ctl_tick {
	int signals;		/* readable when SIGINT or SIGTERM has come */
	uint64_t interval_us;
	uint64_t next_us;
};

/* What it was that ended a wait. */
enum ctl_tick_event {
	CTL_TICK_DUE,
	CTL_TICK_INPUT,
	CTL_TICK_END,
};

/* interval_us 0: there are none. From here on SIGINT and SIGTERM are events. 0 or -errno. */
int ctl_tick_open(struct ctl_tick *t, uint64_t interval_us);
void ctl_tick_close(struct ctl_tick *t);
/* Until the interval is over, or fd (-1: none) is readable. enum ctl_tick_event, or -errno. */
int ctl_tick_wait(struct ctl_tick *t, int fd);
/* A clock that is never set. */
uint64_t ctl_now_us(void);

#endif /* MACHNETCTL_TICK_H */
