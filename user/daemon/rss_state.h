/* SPDX-License-Identifier: MIT */
/*
 * rss_state.h - what was learned of a device's RSS outlives the daemon: a file per MAC address
 *
 * The datapath believes it when packets confirm it. Without the file, or the right to write it,
 * the hash is learned anew.
 */
#ifndef MND_RSS_STATE_H
#define MND_RSS_STATE_H

#include "daemon/daemon.h"

/* Of the device that was just opened. */
void mnd_rss_state_load(struct mnd_daemon *d);
/* If it has changed; not more often than once a minute unless now is set. */
void mnd_rss_state_save(struct mnd_daemon *d, bool now);

#endif /* MND_RSS_STATE_H */
