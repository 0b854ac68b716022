/* SPDX-License-Identifier: MIT */
/* path.h - the paths of the module's registry, and those of a daemon */
#ifndef MACHNETCTL_PATH_H
#define MACHNETCTL_PATH_H

#include "channel/app_proto.h"
#include "ctl.h"

/* Which paths are meant. */
struct ctl_path_choice {
	uint64_t id;		/* this one; 0: those that pass the filter */
	struct ctl_filter filter;
};

/* The names of enum machnet_path_state, up to NULL. */
extern const char *const ctl_path_states[];

/* What the daemon alone knows of a path; NULL: it does not know the path. */
void ctl_path_print_live(struct out *o, const struct mn_app_path *p);

/* Shows through the daemon at ctl->socket. Returns the exit status. */
int ctl_local_paths(struct ctl *ctl, const struct ctl_path_choice *choice);

#endif /* MACHNETCTL_PATH_H */
