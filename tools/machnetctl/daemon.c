// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

#define ANSWER_SECONDS	5
/* More than a daemon has: 64 engines with 16384 connections each. */
#define ELEMENTS_MAX	(1u << 20)

int ctl_daemon_open(struct ctl_daemon *d, const char *path)
{
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int ret;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	d->tag = 0;
	d->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return -errno;
	if (setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(d->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(d->fd, (struct sockaddr *)&sun, sizeof(sun))) {
		ret = -errno;
		close(d->fd);
		return ret;
	}
	return 0;
}

void ctl_daemon_close(struct ctl_daemon *d)
{
	close(d->fd);
}

/* The descriptor of a message, -1 if there is none. There is no room for more than one. */
static int take_fd(struct msghdr *mh)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(mh);
	int fd;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int receive(struct ctl_daemon *d, struct mn_app_msg *answer, int *fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { answer, sizeof(*answer) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t len = recvmsg(d->fd, &mh, MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (!len)
		return -ECONNRESET;
	*fd = take_fd(&mh);
	return len != sizeof(*answer) || mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : 0;
}

/* fd: -1, or the answer's descriptor; it may be NULL when none is wanted. */
static int ask(struct ctl_daemon *d, struct mn_app_msg *request, struct mn_app_msg *answer,
	       int *fd_out)
{
	int fd, ret;

	request->version = MN_APP_VERSION;
	request->tag = ++d->tag;
	if (send(d->fd, request, sizeof(*request), MSG_NOSIGNAL) < 0)
		return -errno;
	ret = receive(d, answer, &fd);
	if (!ret && (answer->type != request->type || answer->tag != request->tag ||
		     !memchr(answer->name, 0, sizeof(answer->name)) || answer->error < 0))
		ret = -EBADMSG;
	if (!ret)
		ret = -answer->error;
	if (fd >= 0 && (ret || !fd_out)) {
		close(fd);
		fd = -1;
	}
	if (fd_out)
		*fd_out = fd;
	return ret;
}

/* Asks for number 0 and all that follow it. */
static int ask_all(struct ctl_daemon *d, uint16_t type,
		   int (*each)(void *ctx, const struct mn_app_msg *answer), void *ctx)
{
	struct mn_app_msg request = { .type = type }, answer;
	int ret;

	for (;;) {
		ret = ask(d, &request, &answer, NULL);
		if (ret)
			return ret == -ENOENT ? 0 : ret;
		ret = each(ctx, &answer);
		if (ret || !answer.index)
			return ret;
		/* A number that does not grow would never end. */
		if (answer.index <= request.index)
			return -EBADMSG;
		request.index = answer.index;
	}
}

struct stats {
	int (*each)(void *ctx, const char *name, uint64_t value);
	void *ctx;
};

static int on_stat(void *ctx, const struct mn_app_msg *answer)
{
	const struct stats *stats = ctx;

	return stats->each(stats->ctx, answer->name, answer->value);
}

int ctl_daemon_stats(struct ctl_daemon *d,
		     int (*each)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	struct stats stats = { each, ctx };

	return ask_all(d, MN_APP_STATS, on_stat, &stats);
}

struct ports {
	int (*each)(void *ctx, const struct ctl_port_entry *p);
	void *ctx;
};

static int on_port(void *ctx, const struct mn_app_msg *answer)
{
	const struct ports *ports = ctx;
	struct ctl_port_entry p = {
		.addr = answer->local,
		.number = answer->local_port,
		.pid = answer->value >> 32,
		.uid = answer->value,
	};

	return ports->each(ports->ctx, &p);
}

int ctl_daemon_ports(struct ctl_daemon *d, int (*each)(void *ctx, const struct ctl_port_entry *p),
		     void *ctx)
{
	struct ports ports = { each, ctx };

	return ask_all(d, MN_APP_PORTS, on_port, &ports);
}

static int add_fact(void *ctx, const struct mn_app_msg *answer)
{
	struct ctl_facts *facts = ctx;

	if (facts->n == CTL_FACTS_MAX || !strchr(answer->name, '='))
		return -EBADMSG;
	strcpy(facts->text[facts->n++], answer->name);
	return 0;
}

int ctl_daemon_facts(struct ctl_daemon *d, struct ctl_facts *facts)
{
	facts->n = 0;
	return ask_all(d, MN_APP_FACTS, add_fact, facts);
}

const char *ctl_fact(const struct ctl_facts *facts, const char *key)
{
	size_t len = strlen(key);
	unsigned int i;

	for (i = 0; i < facts->n; i++)
		if (!strncmp(facts->text[i], key, len) && facts->text[i][len] == '=')
			return facts->text[i] + len + 1;
	return "";
}

/* A file that can be neither changed nor shortened, of just this length. */
static int check_memfd(int fd, size_t size)
{
	const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat st;

	if ((fcntl(fd, F_GET_SEALS) & wanted) != wanted || fcntl(fd, F_GET_SEALS) < 0)
		return -EBADMSG;
	if (fstat(fd, &st))
		return -errno;
	return (size_t)st.st_size == size ? 0 : -EBADMSG;
}

static int read_memfd(int fd, void *buf, size_t size)
{
	ssize_t n;
	int ret = check_memfd(fd, size);
	size_t got;

	for (got = 0; !ret && got < size; got += n) {
		n = pread(fd, (char *)buf + got, size - got, got);
		if (n <= 0)
			ret = n ? -errno : -EBADMSG;
	}
	return ret;
}

/* A list of elements of a size, the caller's to free. */
static int ask_list(struct ctl_daemon *d, uint16_t type, size_t size, void **list, size_t *n)
{
	struct mn_app_msg request = { .type = type }, answer;
	int fd, ret;

	ret = ask(d, &request, &answer, &fd);
	*list = NULL;
	if (ret)
		return ret;
	if (fd < 0 || answer.value > ELEMENTS_MAX) {
		ret = -EBADMSG;
	} else {
		*n = answer.value;
		*list = calloc(*n + 1, size);
		ret = *list ? read_memfd(fd, *list, *n * size) : -ENOMEM;
	}
	if (fd >= 0)
		close(fd);
	if (ret) {
		free(*list);
		*list = NULL;
	}
	return ret;
}

int ctl_daemon_connections(struct ctl_daemon *d, struct mn_app_connection **list, size_t *n)
{
	return ask_list(d, MN_APP_CONNECTIONS, sizeof(**list), (void **)list, n);
}

int ctl_daemon_paths(struct ctl_daemon *d, struct mn_app_path **list, size_t *n)
{
	return ask_list(d, MN_APP_PATHS, sizeof(**list), (void **)list, n);
}

int ctl_daemon_probe(struct ctl_daemon *d, const struct mn_addr *peer)
{
	struct mn_app_msg request = { .type = MN_APP_PROBE, .remote = *peer }, answer;

	return ask(d, &request, &answer, NULL);
}

int ctl_daemon_kill(struct ctl_daemon *d, uint64_t id)
{
	struct mn_app_msg request = { .type = MN_APP_KILL, .value = id }, answer;

	return ask(d, &request, &answer, NULL);
}

int ctl_daemon_use_engines(struct ctl_daemon *d, uint64_t n)
{
	struct mn_app_msg request = { .type = MN_APP_ENGINES, .value = n }, answer;

	return ask(d, &request, &answer, NULL);
}

bool ctl_daemon_is_local(struct ctl_daemon *d)
{
	struct mn_app_msg request = { .type = MN_APP_INFO }, answer;

	return !ask(d, &request, &answer, NULL) && answer.control == MN_APP_CONTROL_LOCAL;
}

int ctl_daemon_open_local(struct ctl *ctl, struct ctl_daemon *d, uint32_t *ifindex)
{
	struct mn_app_msg request = { .type = MN_APP_INFO }, answer;

	if (!ctl_daemon_open(d, ctl->socket)) {
		if (!ask(d, &request, &answer, NULL) && answer.control == MN_APP_CONTROL_LOCAL) {
			*ifindex = if_nametoindex(answer.name);
			return CTL_OK;
		}
		ctl_daemon_close(d);
	}
	return ctl_not_open(-ENOENT);
}

int ctl_daemon_refused(const char *path, int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return ctl_refused("start it: machnetd -i IFACE; or name its socket with -s",
				   "machnetd is not running, nobody listens at %s", path);
	case -EACCES:
		return ctl_refused("run it as root", "access to %s is denied", path);
	case -EPERM:
		return ctl_refused("run it as root", "machnetd does this for root alone");
	case -EPROTO:
	case -EOPNOTSUPP:
	case -EBADMSG:
		return ctl_refused("machnetd and machnetctl may be of different versions",
				   "machnetd gave an answer that makes no sense");
	}
	return ctl_refused(NULL, "machnetd at %s: %s", path, strerror(-error));
}
