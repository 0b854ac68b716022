/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line per change of state, on stderr, with priorities that systemd understands
 *
 * A reader that is gone, or has stopped reading, costs lines and not the daemon. A daemon that
 * leaves its terminal logs to syslog (the journal), or where there is none to MND_LOG_FILE.
 */
#ifndef MND_LOG_H
#define MND_LOG_H

#include <syslog.h>

#define MND_LOG_FILE	"/var/log/machnetd.log"

/* priority: syslog(3). Under systemd (JOURNAL_STREAM) the line begins with <priority>. */
void mnd_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define mnd_err(...)	mnd_log(LOG_ERR, __VA_ARGS__)
#define mnd_warn(...)	mnd_log(LOG_WARNING, __VA_ARGS__)
#define mnd_info(...)	mnd_log(LOG_INFO, __VA_ARGS__)

/* Lines go to both places from now on. */
void mnd_log_detach(void);
/* What shows the lines of a daemon that has left its terminal. */
const char *mnd_log_command(void);
/* And no more to stderr: standard input and outputs become /dev/null. Not before a detach. */
void mnd_log_leave_terminal(void);

#endif /* MND_LOG_H */
