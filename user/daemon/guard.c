// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/give_back.h"
#include "daemon/guard.h"
#include "daemon/log.h"
#include "daemon/signals.h"

/* Not the daemon's name, by which operators kill. */
#define GUARD_NAME	"mnet-guard"
#define GUARD_PIDFD	3	/* the first descriptor behind the standard ones */

/* ps(1) shows the arguments, which are the daemon's, from this memory. */
static void rename_process(int argc, char **argv)
{
	char *last = argv[argc - 1];
	size_t size = last + strlen(last) + 1 - argv[0];

	prctl(PR_SET_NAME, GUARD_NAME);
	memset(argv[0], 0, size);
	snprintf(argv[0], size, GUARD_NAME);
}

static void wait_for_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

static void __attribute__((noreturn)) guard_main(int pidfd, int argc, char **argv)
{
	setsid();
	mnd_signals_ignore();
	rename_process(argc, argv);
	mnd_log_leave_terminal();
	if (dup2(pidfd, GUARD_PIDFD) < 0 || chdir("/"))
		_exit(1);
	close_range(GUARD_PIDFD + 1, ~0u, 0);
	wait_for_end(GUARD_PIDFD);
	_exit(mnd_give_back() ? 1 : 0);
}

pid_t mnd_guard_start(int argc, char **argv)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	pid_t pid;

	if (pidfd < 0)
		return -errno;
	pid = fork();
	if (!pid)
		guard_main(pidfd, argc, argv);
	if (pid < 0)
		pid = -errno;
	close(pidfd);
	return pid;
}

void mnd_guard_stop(pid_t guard)
{
	if (guard <= 0)
		return;
	kill(guard, SIGKILL);
	while (waitpid(guard, NULL, 0) < 0 && errno == EINTR)
		;
}
