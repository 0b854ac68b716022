/* SPDX-License-Identifier: MIT */
/*
 * local_object.h - for when the module is not there: a daemon's own answers (--control=local)
 *
 * All return the exit status; that there is no such daemon either has been reported.
 */
#ifndef MACHNETCTL_LOCAL_OBJECT_H
#define MACHNETCTL_LOCAL_OBJECT_H

#include "ctl.h"

int ctl_local_device(struct ctl *ctl, const struct ctl_filter *filter);
int ctl_local_port(struct ctl *ctl, const struct ctl_filter *filter);
/* Refuses: the port is its application's. */
int ctl_local_release(struct ctl *ctl);
/* Refuses: there are no events. */
int ctl_local_monitor(struct ctl *ctl);

#endif /* MACHNETCTL_LOCAL_OBJECT_H */
