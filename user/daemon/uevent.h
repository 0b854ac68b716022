/* SPDX-License-Identifier: MIT */
/* uevent.h - the kernel's messages about devices that come and go */
#ifndef MND_UEVENT_H
#define MND_UEVENT_H

/* A descriptor that is readable when there are some, or -errno. */
int mnd_uevent_open(void);
/* Reads all of them. What they say does not matter: some may be lost, and the caller looks anew. */
void mnd_uevent_drain(int fd);

#endif /* MND_UEVENT_H */
