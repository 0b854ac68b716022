// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dp/lockfile.h"

#define WAIT_POLL_MS	5

/* False when the file was removed, and maybe replaced, before the lock was had. */
static bool is_current(const struct dp_lockfile *l)
{
	struct stat mine, there;

	return !fstat(l->fd, &mine) && !stat(l->path, &there) && mine.st_dev == there.st_dev &&
	       mine.st_ino == there.st_ino;
}

static int take(struct dp_lockfile *l, const char *name, int flags)
{
	int ret;

	l->fd = -1;
	if ((size_t)snprintf(l->path, sizeof(l->path), DP_RUN_DIR "/%s", name) >= sizeof(l->path))
		return -ENAMETOOLONG;
	for (;;) {
		l->fd = open(l->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
		if (l->fd < 0)
			return -errno;
		ret = flock(l->fd, LOCK_EX | LOCK_NB) ? -errno : 0;
		if (!ret && is_current(l))
			return 0;
		close(l->fd);
		l->fd = -1;
		if (ret)
			return ret == -EWOULDBLOCK ? -EBUSY : ret;
	}
}

int dp_lockfile_take(struct dp_lockfile *l, const char *name)
{
	mkdir(DP_RUN_DIR, 0755);
	return take(l, name, O_CREAT);
}

int dp_lockfile_take_existing(struct dp_lockfile *l, const char *name)
{
	return take(l, name, 0);
}

int dp_lockfile_wait(struct dp_lockfile *l, const char *name, unsigned int ms)
{
	int ret;

	for (unsigned int waited = 0;; waited += WAIT_POLL_MS) {
		ret = dp_lockfile_take(l, name);
		if (ret != -EBUSY)
			return ret;
		if (waited >= ms)
			return -ETIMEDOUT;
		poll(NULL, 0, WAIT_POLL_MS);
	}
}

void dp_lockfile_drop(struct dp_lockfile *l, bool remove)
{
	if (l->fd < 0)
		return;
	if (remove)
		unlink(l->path);
	close(l->fd);
	l->fd = -1;
}

int dp_lockfile_write(const struct dp_lockfile *l, const void *text, size_t len)
{
	ssize_t n;

	if (ftruncate(l->fd, 0))
		return -errno;
	n = pwrite(l->fd, text, len, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int dp_lockfile_each(const char *prefix, int (*each)(void *ctx, const char *name), void *ctx)
{
	DIR *d = opendir(DP_RUN_DIR);
	struct dirent *e;
	int ret = 0;

	while (d && !ret && (e = readdir(d)))
		if (!strncmp(e->d_name, prefix, strlen(prefix)))
			ret = each(ctx, e->d_name);
	if (d)
		closedir(d);
	return ret;
}

long dp_lockfile_number(const char *name)
{
	char path[96];
	long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), DP_RUN_DIR "/%s", name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%ld", &n) != 1 || n < 0)
		n = 0;
	fclose(f);
	return n;
}
