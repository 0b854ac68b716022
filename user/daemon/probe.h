/* SPDX-License-Identifier: MIT */
/* probe.h - does a peer answer? Asked by machnetctl doctor */
#ifndef MND_PROBE_H
#define MND_PROBE_H

#include "daemon/app.h"

/* Answered now with an error, or when the peer has answered or has not. */
void mnd_probe_ask(struct mnd_app *app, const struct mn_app_msg *req);
/* The datapath's events. */
void mnd_probe_event(struct mnd_daemon *d, const struct machnet_dp_event *ev);
/* The application does not wait any more. */
void mnd_probe_forget_app(struct mnd_daemon *d, const struct mnd_app *app);
/* At the end of the daemon. */
void mnd_probe_free_all(struct mnd_daemon *d);

#endif /* MND_PROBE_H */
