/* SPDX-License-Identifier: MIT */
/*
 * signals.h - what signals do to the daemon
 *
 * HUP, INT, QUIT, TERM and XCPU end it in order, unless they were ignored when it was started
 * (nohup). What stops a process (TSTP, TTIN, TTOU) would stop the machine's network, and is
 * ignored, as are the others, whose default is to kill. Faults keep their default: the guard gives
 * the NIC back.
 */
#ifndef MND_SIGNALS_H
#define MND_SIGNALS_H

/*
 * Before anything makes a thread, so that all of them leave the signals to the event loop.
 * A signalfd(2) for those that end the daemon, or -errno.
 */
int mnd_signals_open(void);
/* All but faults are ignored from now on. */
void mnd_signals_ignore(void);

#endif /* MND_SIGNALS_H */
