// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"

#define LINE_MAX_LEN	640
/* A terminal that was stopped (^S), or a full pipe, gets no more time. */
#define STDERR_MS	100

static bool detached, left_terminal;

static bool has_syslog(void)
{
	return access("/dev/log", W_OK) == 0;
}

static void write_line(int fd, const char *prefix, const char *text)
{
	char line[LINE_MAX_LEN + 32];
	int len = snprintf(line, sizeof(line), "%s%s\n", prefix, text);

	/* One call, so that the lines of several processes do not mix. */
	if (write(fd, line, len) < 0)
		return;
}

static void to_stderr(int priority, const char *text)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	char prefix[16] = "machnetd: ";

	if (getenv("JOURNAL_STREAM") && !detached)
		snprintf(prefix, sizeof(prefix), "<%d>", priority);
	if (poll(&p, 1, STDERR_MS) == 1)
		write_line(STDERR_FILENO, prefix, text);
}

static void to_file(const char *text)
{
	int fd = open(MND_LOG_FILE, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return;
	write_line(fd, "", text);
	close(fd);
}

void mnd_log(int priority, const char *fmt, ...)
{
	char text[LINE_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!left_terminal)
		to_stderr(priority, text);
	if (detached && has_syslog())
		syslog(priority, "%s", text);
	else if (detached)
		to_file(text);
}

void mnd_log_detach(void)
{
	detached = true;
	openlog("machnetd", LOG_PID, LOG_DAEMON);
}

const char *mnd_log_command(void)
{
	return has_syslog() ? "journalctl -t machnetd" : "tail " MND_LOG_FILE;
}

void mnd_log_leave_terminal(void)
{
	int fd;

	/* Its descriptor may be closed behind its back: it is opened anew with the next line. */
	closelog();
	openlog("machnetd", LOG_PID, LOG_DAEMON);
	if (!detached)
		return;
	left_terminal = true;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}
