/* SPDX-License-Identifier: MIT */
/* detach.h - the daemon leaves the terminal that it was started from */
#ifndef MND_DETACH_H
#define MND_DETACH_H

/*
 * Goes on in a child that has a session of its own. 0: this is the child. Otherwise the exit status
 * of the command + 1: the child serves (1), or it could not start (2), which it has logged.
 */
int mnd_detach(void);
/* The child serves: the command ends, the terminal is left. Does nothing when not detached. */
void mnd_detach_done(void);

#endif /* MND_DETACH_H */
