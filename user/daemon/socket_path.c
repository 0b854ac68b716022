// SPDX-License-Identifier: MIT
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel/app_proto.h"
#include "daemon/log.h"
#include "daemon/socket_path.h"

/* A socket that nobody answers on was left by a daemon that died. */
static int remove_stale(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0)
		ret = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		ret = unlink(sa->sun_path) ? -errno : 0;
	close(fd);
	return ret;
}

/* The default socket's own directory is made; any other name may be a typing error. */
static int check_directory(const char *path)
{
	char dir[PATH_MAX], own[] = MN_APP_SOCKET_DEFAULT;
	const char *name;
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", path);
	name = dirname(dir);
	if (!strcmp(name, dirname(own)))
		mkdir(name, 0755);
	if (!stat(name, &st) && S_ISDIR(st.st_mode))
		return 0;
	mnd_err("--socket %s: there is no directory %s (mkdir -p %s)", path, name, name);
	return -ENOTDIR;
}

int mnd_socket_path_prepare(const struct sockaddr_un *sa)
{
	int ret = check_directory(sa->sun_path);

	return ret ? ret : remove_stale(sa);
}
