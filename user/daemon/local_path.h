/* SPDX-License-Identifier: MIT */
/* local_path.h - the paths of the daemon's own control plane, checked as machnet.ko does */
#ifndef MND_LOCAL_PATH_H
#define MND_LOCAL_PATH_H

#include "machnet_nl.h"

struct mnd_local_paths {
	void *tree;	/* of struct mnd_local_path, by id */
};

void mnd_local_paths_close(struct mnd_local_paths *p);
/* The device takes its paths along. */
void mnd_local_paths_drop(struct mnd_local_paths *p, uint32_t ifindex);

/* 0 or -errno, *text being the sentence. engines: of the device; 0: nobody serves it. */
int mnd_local_path_add(struct mnd_local_paths *p, const struct machnet_nl_path *path,
		       uint32_t engines, const char **text);
int mnd_local_path_set(struct mnd_local_paths *p, const struct machnet_nl_path *path,
		       const char **text);
int mnd_local_path_del(struct mnd_local_paths *p, uint64_t id, uint32_t reason,
		       const char **text);

#endif /* MND_LOCAL_PATH_H */
