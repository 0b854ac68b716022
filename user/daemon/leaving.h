/* SPDX-License-Identifier: MIT */
/*
 * leaving.h - channels whose applications have left, until what they sent is delivered
 *
 * They never count against attaching. What a user may leave behind is bounded: beyond it the
 * channel that was left first is ended with what it has not sent.
 */
#ifndef MND_LEAVING_H
#define MND_LEAVING_H

#include "daemon/app.h"

/* Of one user: channels, and bytes that the peers have not accepted. */
#define MND_LEAVING_CHANNELS	64
#define MND_LEAVING_BYTES	(UINT64_C(64) << 20)

struct mnd_leaving {
	struct mnd_daemon *d;
	pid_t pid;
	uid_t uid;
	uint32_t channel;
	uint64_t unsent;	/* bytes, when the application's ring had been taken */
	bool ended;		/* machnet_dp_channel_del() was called */
	struct mnd_app_ports ports;	/* kept until the connections on them have ended */
	TAILQ_ENTRY(mnd_leaving) link;
};

/* The application of the channel has left; takes over its ports. */
void mnd_leaving_add(struct mnd_app *app);

/* Something has happened to a channel. */
void mnd_leaving_event(struct mnd_daemon *d, const struct machnet_dp_event *ev);

/*
 * Gives up what overlaps with addr and port, for which an application of the user asks. -ENOENT:
 * nothing that the user has left does; root may have that of all users.
 */
int mnd_leaving_give_port(struct mnd_daemon *d, uid_t uid, const struct mn_addr *addr,
			  uint16_t port);

/* The daemon ends. */
void mnd_leaving_free_all(struct mnd_daemon *d);

#endif /* MND_LEAVING_H */
