// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/machnet.h>

#include "ctl.h"

static const struct group {
	const char *name;
	const char *alias;
	const char *mcgrp;
} groups[] = {
	{ "device", "dev", MACHNET_MCGRP_DEVICE },
	{ "port", NULL, MACHNET_MCGRP_PORT },
	{ "connection", "conn", MACHNET_MCGRP_CONNECTION },
	{ "route", NULL, MACHNET_MCGRP_ROUTE },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const struct event {
	uint8_t cmd;
	const char *object;
	const char *event;
	int (*print)(struct out *o, const struct nlmsghdr *nlh);
} events[] = {
	{ MACHNET_CMD_DEVICE_ADD_NTF, "device", "add", ctl_device_print },
	{ MACHNET_CMD_DEVICE_DEL_NTF, "device", "del", ctl_device_print },
	{ MACHNET_CMD_PORT_ADD_NTF, "port", "add", ctl_port_print },
	{ MACHNET_CMD_PORT_DEL_NTF, "port", "del", ctl_port_print },
	{ MACHNET_CMD_CONNECTION_ADD_NTF, "connection", "add", ctl_connection_print },
	{ MACHNET_CMD_CONNECTION_SET_NTF, "connection", "set", ctl_connection_print },
	{ MACHNET_CMD_CONNECTION_DEL_NTF, "connection", "del", ctl_connection_print },
	{ MACHNET_CMD_ROUTE_NTF, "route", "change", ctl_route_print },
};

/* Local time as in ISO 8601, with microseconds and the offset from UTC. */
static void print_time(struct out *o)
{
	char text[64], date[32], zone[8];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%FT%T", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(text, sizeof(text), "%s.%06ld%.3s:%s", date, now.tv_nsec / 1000, zone, zone + 3);
	out_string(o, "time", NULL, text);
}

static void begin_event(struct out *o, const char *object, const char *event)
{
	out_record_begin(o);
	print_time(o);
	out_string(o, "object", NULL, object);
	out_string(o, "event", NULL, event);
}

static int take_event(const struct nlmsghdr *nlh, void *data)
{
	uint8_t cmd = genlmsg_hdr((struct nlmsghdr *)nlh)->cmd;
	struct out *o = data;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i].cmd != cmd)
			continue;
		begin_event(o, events[i].object, events[i].event);
		ret = events[i].print(o, nlh);
		out_record_end(o);
		return ret ? ret : o->error;
	}
	return 0;
}

static const struct group *find_group(const char *name)
{
	unsigned int i;

	for (i = 0; i < GROUPS; i++)
		if (!strcmp(name, groups[i].name) ||
		    (groups[i].alias && !strcmp(name, groups[i].alias)))
			return &groups[i];
	return NULL;
}

/* The multicast groups of the objects that are named, of all if none is. */
static int parse_groups(int argc, char **argv, const char **wanted, unsigned int *n)
{
	bool named[GROUPS] = { false };
	const struct group *group;
	unsigned int i;
	int arg;

	*n = 0;
	for (arg = 0; arg < argc; arg++) {
		group = find_group(argv[arg]);
		if (!group)
			return ctl_usage("'%s' cannot be monitored", argv[arg]);
		named[group - groups] = true;
	}
	for (i = 0; i < GROUPS; i++)
		if (named[i] || !argc)
			wanted[(*n)++] = groups[i].mcgrp;
	return CTL_OK;
}

/* -errno; 0 when a signal has asked for the end. */
static int watch(struct ctl_genl *g, struct out *o, int signals)
{
	struct pollfd fds[] = {
		{ .fd = nl_socket_get_fd(g->sock), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int ret;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return -errno;
		if (fds[1].revents)
			return 0;
		ret = ctl_genl_read_events(g);
		if (ret == -ENOBUFS) {
			begin_event(o, "monitor", "lost");
			out_record_end(o);
			ret = o->error;
		}
		if (ret)
			return ret;
	}
}

/* A descriptor that becomes readable when somebody wants the end. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int monitor(struct ctl *ctl, int argc, char **argv)
{
	const char *wanted[GROUPS];
	struct ctl_genl g;
	unsigned int n;
	int signals, status, ret;

	if (parse_groups(argc, argv, wanted, &n))
		return CTL_USAGE;
	status = ctl_open(&g);
	if (status)
		return status;
	signals = open_signals();
	ret = signals < 0 ? signals : ctl_genl_listen(&g, wanted, n, take_event, &ctl->out);
	if (!ret)
		ret = watch(&g, &ctl->out, signals);
	/* What the output could not take is reported at the end, as always. */
	status = ctl->out.error ? CTL_OK : ctl_done(&g, ret);
	if (signals >= 0)
		close(signals);
	ctl_genl_close(&g);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ NULL, monitor },
};

const struct ctl_object ctl_monitor = {
	.name = "monitor",
	.summary = "what happens, as it happens",
	.help = "Usage: machnetctl monitor [device] [port] [connection] [route]\n\n"
		"Prints a line for each event of these objects, of all of them if none is\n"
		"named, with its time and, at the end of an object's life, the reason, until\n"
		"it is interrupted. With -j each line is one JSON object. 'monitor lost' says\n"
		"that events came faster than they could be printed. Connections are for root\n"
		"alone, since their ids are secret.\n",
	.verbs = verbs,
};
