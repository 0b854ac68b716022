/* SPDX-License-Identifier: MIT */
/* log.h - one line per change of state, on stderr, with priorities that systemd understands */
#ifndef MND_LOG_H
#define MND_LOG_H

#include <syslog.h>

/* priority: syslog(3). Under systemd (JOURNAL_STREAM) the line begins with <priority>. */
void mnd_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define mnd_err(...)	mnd_log(LOG_ERR, __VA_ARGS__)
#define mnd_warn(...)	mnd_log(LOG_WARNING, __VA_ARGS__)
#define mnd_info(...)	mnd_log(LOG_INFO, __VA_ARGS__)

#endif /* MND_LOG_H */
