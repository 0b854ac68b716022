/* SPDX-License-Identifier: MIT */
/*
 * closer.h - closes the sockets of applications that have passed descriptors
 *
 * The thread that drops the last reference of a passed descriptor closes it, which may take seconds
 * (SO_LINGER, socket(7)). The UDP socket of a LISTEN is the only descriptor that a request has, so
 * a socket on which there are others is closed by a thread of its own, and counts as its user's
 * until that is done.
 */
#ifndef MND_CLOSER_H
#define MND_CLOSER_H

#include "daemon/app.h"

/* Before the first application. 0 or -errno. */
int mnd_closer_open(struct mnd_daemon *d);

#define MND_CLOSER_NONE	(-1)
#define MND_CLOSER_MANY	(-2)
/*
 * Looks at the next message: its length, or -errno. *fd is a duplicate of the descriptor that it
 * has, MND_CLOSER_NONE, or MND_CLOSER_MANY when there are several or too many are open.
 */
ssize_t mnd_closer_peek(int sock, void *msg, size_t size, int *fd);

/* Ends the conversation. Some message that is left on the socket has. */
bool mnd_closer_is_needed(int fd);

/* Closes app->fd and app->passed_fd elsewhere, then frees app, which is in no list. */
void mnd_closer_close(struct mnd_app *app);

#endif /* MND_CLOSER_H */
