/* SPDX-License-Identifier: MIT */
/* app.h - applications on the unix socket: their requests, their end */
#ifndef MND_APP_H
#define MND_APP_H

#include <sys/types.h>

#include "core/app_proto.h"
#include "daemon/daemon.h"

struct mnd_app_port {
	struct mn_addr addr;
	uint16_t port;
	LIST_ENTRY(mnd_app_port) link;
};

struct mnd_app {
	struct mnd_daemon *d;
	struct mnd_watch watch;
	int fd;
	pid_t pid;		/* SO_PEERCRED */
	uid_t uid;
	bool attached;
	uint32_t channel;
	LIST_HEAD(, mnd_app_port) ports;
	LIST_ENTRY(mnd_app) link;
};

/* Opens the socket. -EADDRINUSE: another daemon serves it. */
int mnd_app_listen(struct mnd_daemon *d);

/* Answers a request; an application that does not read its answers is dropped. */
void mnd_app_answer(struct mnd_app *app, const struct mn_app_msg *msg);

/* The kernel says that a port's owner is gone. */
void mnd_app_port_gone(void *daemon, const struct mn_addr *addr, uint16_t port, uint32_t reason);

/* Drops all applications and removes the socket. */
void mnd_app_close_all(struct mnd_daemon *d);

#endif /* MND_APP_H */
