/* SPDX-License-Identifier: MIT */
/* socket_path.h - the place where the daemon's socket is to be */
#ifndef MND_SOCKET_PATH_H
#define MND_SOCKET_PATH_H

#include <sys/un.h>

/*
 * Removes what a dead daemon left there. -ENOTDIR: the directory is missing, which has been
 * logged; -EADDRINUSE: a daemon listens there; or what unlink(2) says.
 */
int mnd_socket_path_prepare(const struct sockaddr_un *sa);

#endif /* MND_SOCKET_PATH_H */
