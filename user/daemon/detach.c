// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/detach.h"
#include "daemon/log.h"

static int ready_fd = -1;

/* A byte says that the child serves; without one it has ended. */
static int wait_ready(int fd, pid_t child)
{
	char byte;
	ssize_t n;

	while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		return 2;
	mnd_info("in the background as process %d (log: %s)", child,
		 mnd_log_command());
	return 1;
}

int mnd_detach(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		goto failed;
	pid = fork();
	if (pid < 0)
		goto failed;
	if (pid) {
		close(fds[1]);
		return wait_ready(fds[0], pid);
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	mnd_log_detach();
	return 0;
failed:
	mnd_err("--detach: %s", strerror(errno));
	return 2;
}

void mnd_detach_done(void)
{
	if (ready_fd < 0)
		return;
	mnd_log_leave_terminal();
	/* The command may be gone, which is no reason to end. */
	if (write(ready_fd, "", 1) < 0)
		mnd_warn("the command that started this process is gone");
	close(ready_fd);
	ready_fd = -1;
}
