// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <linux/machnet.h>

#include "ctl.h"
#include "local_object.h"
#include "suggest.h"
#include "tick.h"

static const struct group {
	const char *name;
	const char *alias;
	const char *mcgrp;
} groups[] = {
	{ "device", "dev", MACHNET_MCGRP_DEVICE },
	{ "port", NULL, MACHNET_MCGRP_PORT },
	{ "connection", "conn", MACHNET_MCGRP_CONNECTION },
	{ "path", NULL, MACHNET_MCGRP_PATH },
	{ "route", NULL, MACHNET_MCGRP_ROUTE },
	{ "datapath", NULL, MACHNET_MCGRP_DATAPATH },
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
	{ MACHNET_CMD_PATH_ADD_NTF, "path", "add", ctl_path_print },
	{ MACHNET_CMD_PATH_SET_NTF, "path", "set", ctl_path_print },
	{ MACHNET_CMD_PATH_DEL_NTF, "path", "del", ctl_path_print },
	{ MACHNET_CMD_ROUTE_NTF, "route", "change", ctl_route_print },
	{ MACHNET_CMD_CONNECTION_KILL_NTF, "datapath", "kill", ctl_connection_print_id },
};

static void begin_event(struct out *o, const char *object, const char *event)
{
	out_record_begin(o);
	ctl_print_time(o);
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

static int no_group(const char *word)
{
	struct ctl_suggest s = { .word = word };
	unsigned int i;

	for (i = 0; i < GROUPS; i++)
		ctl_suggest(&s, groups[i].name);
	return ctl_usage("'%s' cannot be monitored%s", word, ctl_suggestion(&s));
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
			return no_group(argv[arg]);
		named[group - groups] = true;
	}
	for (i = 0; i < GROUPS; i++)
		if (named[i] || !argc)
			wanted[(*n)++] = groups[i].mcgrp;
	return CTL_OK;
}

/* -errno; 0 when a signal has asked for the end. */
static int watch(struct ctl_genl *g, struct out *o, struct ctl_tick *tick)
{
	int ret;

	for (;;) {
		ret = ctl_tick_wait(tick, nl_socket_get_fd(g->sock));
		if (ret < 0 || ret == CTL_TICK_END)
			return ret < 0 ? ret : 0;
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

static int monitor(struct ctl *ctl, int argc, char **argv)
{
	const char *wanted[GROUPS];
	struct ctl_genl g;
	struct ctl_tick tick;
	unsigned int n;
	int status, ret;

	if (parse_groups(argc, argv, wanted, &n))
		return CTL_USAGE;
	ret = ctl_genl_open(&g);
	if (ret)
		return ret == -ENOENT ? ctl_local_monitor(ctl) : ctl_not_open(ret);
	ret = ctl_tick_open(&tick, 0);
	if (!ret)
		ret = ctl_genl_listen(&g, wanted, n, take_event, &ctl->out);
	if (!ret)
		ret = watch(&g, &ctl->out, &tick);
	/* What the output could not take is reported at the end, as always. */
	status = ctl->out.error ? CTL_OK : ctl_done(&g, ret);
	ctl_tick_close(&tick);
	ctl_genl_close(&g);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ NULL, monitor },
};

const struct ctl_object ctl_monitor = {
	.name = "monitor",
	.summary = "what happens, as it happens",
	.help = "Usage: machnetctl monitor [device] [port] [connection] [path] [route]\n"
		"                          [datapath]\n\n"
		"Prints a line for each event of these objects, of all of them if none is\n"
		"named, with its time and, at the end of an object's life, the reason, until\n"
		"it is interrupted. 'datapath' are the requests of administrators to\n"
		"datapaths. With -j each line is one JSON object. 'monitor lost' says that\n"
		"events came faster than they could be printed. Connections and requests are\n"
		"for root alone, since the ids of connections are secret.\n",
	.verbs = verbs,
};
