/* SPDX-License-Identifier: MIT */
/*
 * lockfile.h - files below DP_RUN_DIR whose lock says that their owner lives
 *
 * The lock is flock(2)'s: it ends with its process, however that ends, and is seen across network
 * and pid namespaces. The files are root's alone, so that no other user can hold a lock.
 */
#ifndef DP_LOCKFILE_H
#define DP_LOCKFILE_H

#include <stdbool.h>
#include <stddef.h>

#define DP_RUN_DIR	"/run/machnet"

struct dp_lockfile {
	int fd;			/* -1: not held */
	char path[96];
};

#define DP_LOCKFILE_NONE	{ .fd = -1 }

/* Makes the file if need be and locks it. -EBUSY: a living process holds it; -errno. */
int dp_lockfile_take(struct dp_lockfile *l, const char *name);
/* The same for a file that exists. -ENOENT. */
int dp_lockfile_take_existing(struct dp_lockfile *l, const char *name);
/* Waits for a lock that others hold for a moment. -ETIMEDOUT. */
int dp_lockfile_wait(struct dp_lockfile *l, const char *name, unsigned int ms);
/* Gives it up; remove: the file goes, too. Does nothing when it is not held. */
void dp_lockfile_drop(struct dp_lockfile *l, bool remove);

/* The file becomes text. -errno. */
int dp_lockfile_write(const struct dp_lockfile *l, const void *text, size_t len);
/* Calls each() with the names that begin so, until it returns other than 0, which is returned. */
int dp_lockfile_each(const char *prefix, int (*each)(void *ctx, const char *name), void *ctx);
/* The number at the beginning of a file that anybody may hold; 0: none. */
long dp_lockfile_number(const char *name);

#endif /* DP_LOCKFILE_H */
