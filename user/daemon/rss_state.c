// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/rss_state.h"

#define SAVE_EVERY_S	60

static void file_name(const struct mnd_daemon *d, char *name, size_t size)
{
	const uint8_t *mac = d->info.mac;

	snprintf(name, size, "%s/rss-%02x%02x%02x%02x%02x%02x", d->opt.state, mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
}

void mnd_rss_state_load(struct mnd_daemon *d)
{
	uint8_t buf[MACHNET_DP_RSS_SAVE_MAX];
	char name[PATH_MAX];
	ssize_t n;
	int fd, ret;

	if (d->info.engines < 2)
		return;
	file_name(d, name, sizeof(name));
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	ret = n < 0 ? -errno : machnet_dp_rss_load(d->dp, buf, n);
	if (ret)
		mnd_warn("%s is not used: %s (of another number of engines, or damaged); the RSS "
			 "of %s is learned anew", name, strerror(-ret), d->ifname);
}

/* Whole, or not at all. */
static int replace(const char *name, const uint8_t *buf, size_t len)
{
	char temp[PATH_MAX];
	int fd, ret = 0;

	if (snprintf(temp, sizeof(temp), "%s.new", name) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	errno = 0;
	if (write(fd, buf, len) != (ssize_t)len)
		ret = errno ? -errno : -ENOSPC;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(temp, name))
		ret = -errno;
	if (ret)
		unlink(temp);
	return ret;
}

static bool is_time(struct mnd_daemon *d)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (ts.tv_sec - d->rss_saved_s < SAVE_EVERY_S)
		return false;
	d->rss_saved_s = ts.tv_sec;
	return true;
}

void mnd_rss_state_save(struct mnd_daemon *d, bool now)
{
	uint8_t buf[MACHNET_DP_RSS_SAVE_MAX];
	char name[PATH_MAX];
	size_t len;
	int ret;

	if (d->info.engines < 2 || (!is_time(d) && !now))
		return;
	len = machnet_dp_rss_save(d->dp, buf, sizeof(buf));
	if (!len)
		return;
	if (mkdir(d->opt.state, 0755) && errno != EEXIST) {
		mnd_warn("cannot make %s: %s (what is learned of RSS is not kept; another "
			 "directory: --state)", d->opt.state, strerror(errno));
		return;
	}
	file_name(d, name, sizeof(name));
	ret = replace(name, buf, len);
	if (ret)
		mnd_warn("cannot write %s: %s (what is learned of RSS is not kept)", name,
			 strerror(-ret));
}
