/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_EVENTS_H
#define MACHNET_EVENTS_H

#include "priv.h"

int machnet_events_init(void);
void machnet_events_exit(void);

/*
 * Both under the lock. Each of rtnetlink's messages kicks the routes from now on, until the socket
 * is released: outside of the lock, which notifiers of released sockets take. NULL: there is none.
 */
int machnet_events_listen(struct machnet_net *mn);
struct socket *machnet_events_unlisten(struct machnet_net *mn);
/* Forgets the messages: only that there are any counts. By walk_work alone. */
void machnet_events_drain(struct machnet_net *mn);

#endif /* MACHNET_EVENTS_H */
