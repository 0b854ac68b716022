/* SPDX-License-Identifier: MIT */
/*
 * closer.h - closes the sockets of applications that have passed descriptors
 *
 * The thread that drops the last reference of a passed descriptor closes it, which may take seconds
 * (SO_LINGER, socket(7)). Requests carry no descriptors, so a socket on which there are some is
 * closed by a thread of its own, unread, and counts as its user's until that is done.
 */
#ifndef MND_CLOSER_H
#define MND_CLOSER_H

#include "daemon/app.h"

/* Before the first application. 0 or -errno. */
int mnd_closer_open(struct mnd_daemon *d);

/* The next message on the socket has descriptors with it. */
bool mnd_closer_sees_descriptors(int fd);
/* Ends the conversation. Some message that is left on the socket has. */
bool mnd_closer_is_needed(int fd);

/* Closes app->fd elsewhere, then frees app, which is in no list. */
void mnd_closer_close(struct mnd_app *app);

#endif /* MND_CLOSER_H */
