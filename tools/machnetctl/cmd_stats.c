// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/app_proto.h"
#include "ctl.h"

#define ANSWER_SECONDS	5

/* A socket that talks to machnetd, or -errno. */
static int connect_daemon(const char *path)
{
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, ret;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

static int ask(int fd, uint32_t index, struct mn_app_msg *answer)
{
	struct mn_app_msg request = {
		.type = MN_APP_STATS, .version = MN_APP_VERSION, .tag = index + 1, .index = index,
	};
	ssize_t len;

	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return -errno;
	len = recv(fd, answer, sizeof(*answer), 0);
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (!len)
		return -ECONNRESET;
	if (len != sizeof(*answer) || answer->type != MN_APP_STATS || answer->tag != request.tag ||
	    !memchr(answer->name, 0, sizeof(answer->name)))
		return -EBADMSG;
	return -answer->error;
}

static int print_counters(struct out *o, int fd)
{
	struct mn_app_msg answer;
	uint32_t index = 0;
	int ret;

	do {
		ret = ask(fd, index, &answer);
		if (ret)
			return ret == -ENOENT ? 0 : ret;
		out_counter(o, answer.name, answer.value);
		/* A number that does not grow would never end. */
		if (answer.index && answer.index <= index)
			return -EBADMSG;
		index = answer.index;
	} while (index);
	return 0;
}

static int unanswered(const char *path, int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return ctl_refused("start it: machnetd -i IFACE; or name its socket with -s",
				   "machnetd is not running, nobody listens at %s", path);
	case -EACCES:
		return ctl_refused("run it as root", "access to %s is denied", path);
	case -EPROTO:
	case -EBADMSG:
		return ctl_refused("machnetd and machnetctl may be of different versions",
				   "machnetd gave an answer that makes no sense");
	}
	return ctl_refused(NULL, "machnetd at %s: %s", path, strerror(-error));
}

static int stats(struct ctl *ctl, int argc, char **argv)
{
	int fd, ret;

	if (argc)
		return ctl_unexpected(argv[0]);
	fd = connect_daemon(ctl->socket);
	if (fd < 0)
		return unanswered(ctl->socket, fd);
	out_counters_begin(&ctl->out);
	ret = print_counters(&ctl->out, fd);
	out_counters_end(&ctl->out);
	close(fd);
	return ret ? unanswered(ctl->socket, ret) : CTL_OK;
}

static const struct ctl_verb verbs[] = {
	{ "show", stats },
	{ NULL, stats },
};

const struct ctl_object ctl_stats = {
	.name = "stats",
	.summary = "all counters of the datapath",
	.help = "Usage: machnetctl stats\n\n"
		"Asks machnetd for its counters and prints all of them. They are never reset.\n",
	.verbs = verbs,
};
