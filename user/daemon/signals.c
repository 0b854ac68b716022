// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>

#include "daemon/signals.h"

static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ||
	       sig == SIGABRT || sig == SIGTRAP || sig == SIGSYS;
}

static bool is_end(int sig)
{
	return sig == SIGHUP || sig == SIGINT || sig == SIGQUIT || sig == SIGTERM || sig == SIGXCPU;
}

static void ignore(bool ends)
{
	/* The C library keeps two numbers for itself, and SIGKILL and SIGSTOP are refused. */
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (!is_fault(sig) && sig != SIGCHLD && sig != SIGCONT && (ends || !is_end(sig)))
			signal(sig, SIG_IGN);
}

void mnd_signals_ignore(void)
{
	ignore(true);
}

int mnd_signals_open(void)
{
	sigset_t set;
	int fd;

	ignore(false);
	sigemptyset(&set);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		if (is_end(sig))
			sigaddset(&set, sig);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}
