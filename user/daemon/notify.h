/* SPDX-License-Identifier: MIT */
/* notify.h - tells systemd about the state of the service, if it asked (sd_notify(3)) */
#ifndef MND_NOTIFY_H
#define MND_NOTIFY_H

void mnd_notify(const char *state);

#endif /* MND_NOTIFY_H */
