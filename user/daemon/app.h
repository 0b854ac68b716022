/* SPDX-License-Identifier: MIT */
/* app.h - applications on the unix socket: their requests, their end */
#ifndef MND_APP_H
#define MND_APP_H

#include <sys/types.h>

#include "channel/app_proto.h"
#include "daemon/daemon.h"

struct mnd_app_port;
LIST_HEAD(mnd_app_ports, mnd_app_port);

/* What a user other than root may have at once; a channel is 64 MiB of address space. */
#define MND_CHANNELS_PER_USER	256
/* Sockets: one per channel, and some for questions. */
#define MND_SOCKETS_PER_USER	(MND_CHANNELS_PER_USER + 64)

/*
 * To make a channel costs the daemon a hundred microseconds or two. Whoever attaches more often
 * than this, and has had his burst, waits for the answer: programs that are thrown out and come
 * back all the time must not hold up the engine beside them.
 */
#define MND_ATTACH_INTERVAL_US	50000
#define MND_ATTACH_BURST	32

/* What can be listed. */
enum mnd_list {
	MND_LIST_CONNECTIONS,
	MND_LIST_PATHS,
	MND_LISTS
};

/* How far the answer to CONNECTIONS or PATHS is. */
enum mnd_listing {
	MND_LISTING_NONE,
	MND_LISTING_WAITS,	/* for the next snapshot */
	MND_LISTING_ASKED,	/* for the one that is under way */
};

struct mnd_app {
	struct mnd_daemon *d;
	struct mnd_watch watch;
	int fd;
	int passed_fd;		/* what it has passed and must be closed with fd; -1: nothing */
	pid_t pid;		/* SO_PEERCRED */
	uid_t uid;
	bool attached;
	int timer_fd;		/* its ATTACH waits for its turn; -1: none does */
	struct mnd_watch timer_watch;
	struct mn_app_msg attach;
	uint32_t channel;
	enum mnd_listing listing[MND_LISTS];
	uint32_t listing_tag[MND_LISTS];
	struct mnd_app_ports ports;
	LIST_ENTRY(mnd_app) link;
};

/* Opens the socket. -EADDRINUSE: another daemon serves it. */
int mnd_app_listen(struct mnd_daemon *d);

/* Answers a request; an application that does not read its answers is dropped. */
void mnd_app_answer(struct mnd_app *app, const struct mn_app_msg *msg);
/* With up to MN_APP_ATTACH_FDS descriptors, which stay the caller's. */
void mnd_app_send(struct mnd_app *app, const struct mn_app_msg *msg, const int *fds,
		  unsigned int n_fds);

/* Drops all applications and removes the socket. */
void mnd_app_close_all(struct mnd_daemon *d);

#endif /* MND_APP_H */
