// SPDX-License-Identifier: MIT
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "ctl.h"
#include "daemon.h"
#include "local_object.h"
#include "rss.h"

static struct nla_policy policy[MACHNET_A_DEVICE_MAX + 1] = {
	[MACHNET_A_DEVICE_IFINDEX] = { .type = NLA_U32 },
	[MACHNET_A_DEVICE_IFNAME] = { .type = NLA_STRING },
	[MACHNET_A_DEVICE_MTU] = { .type = NLA_U32 },
	[MACHNET_A_DEVICE_ENGINES] = { .type = NLA_U32 },
	[MACHNET_A_DEVICE_RSS_CLASS] = { .type = NLA_U32 },
	[MACHNET_A_DEVICE_DRIVER] = { .type = NLA_STRING },
	[MACHNET_A_DEVICE_PID] = { .type = NLA_U32 },
	[MACHNET_A_DEVICE_REASON] = { .type = NLA_U32 },
	[MACHNET_A_DEVICE_PATH_PORT_FIRST] = { .type = NLA_U16 },
	[MACHNET_A_DEVICE_PATH_PORT_COUNT] = { .type = NLA_U32 },
};

static const char *const rss_classes[] = {
	[MACHNET_RSS_CLASS_UNKNOWN] = "unknown",
	[MACHNET_RSS_CLASS_SINGLE] = "single",
	[MACHNET_RSS_CLASS_LABELLED] = "labelled",
	[MACHNET_RSS_CLASS_LEARNED] = "learned",
	[MACHNET_RSS_CLASS_COMPUTED] = "computed",
	[MACHNET_RSS_CLASS_CONFINED] = "confined",
};

/* What machnetd says of the device that it serves. */
static struct {
	bool answered;
	uint32_t ifindex;
	struct ctl_facts facts;
} daemon_says;

/* The registry has what was known when the device was added. */
static void ask_daemon(const struct ctl *ctl)
{
	struct ctl_daemon d;

	if (ctl_daemon_open(&d, ctl->socket))
		return;
	daemon_says.answered = !ctl_daemon_facts(&d, &daemon_says.facts);
	ctl_daemon_close(&d);
	if (daemon_says.answered)
		daemon_says.ifindex = if_nametoindex(ctl_fact(&daemon_says.facts, "netdev"));
}

static void print_rss(struct out *o, struct nlattr **a)
{
	struct nlattr *attr = a[MACHNET_A_DEVICE_RSS_CLASS];
	uint32_t class = attr ? nla_get_u32(attr) : MACHNET_RSS_CLASS_UNKNOWN;
	bool known = class < sizeof(rss_classes) / sizeof(rss_classes[0]);
	bool served = daemon_says.answered &&
		    daemon_says.ifindex == nla_get_u32(a[MACHNET_A_DEVICE_IFINDEX]);

	ctl_rss_print(o, served ? &daemon_says.facts : NULL,
		      rss_classes[known ? class : MACHNET_RSS_CLASS_UNKNOWN]);
}

int ctl_device_print(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_DEVICE_MAX + 1];

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_DEVICE_MAX, policy) < 0 ||
	    !a[MACHNET_A_DEVICE_IFINDEX])
		return -EBADMSG;
	if (o->json)
		attr_print_u32(o, "ifindex", "Ifindex", a[MACHNET_A_DEVICE_IFINDEX]);
	attr_print_string(o, "ifname", "Dev", a[MACHNET_A_DEVICE_IFNAME]);
	attr_print_mac(o, "mac", "MAC", a[MACHNET_A_DEVICE_MAC]);
	attr_print_u32(o, "mtu", "MTU", a[MACHNET_A_DEVICE_MTU]);
	attr_print_u32(o, "engines", "Engines", a[MACHNET_A_DEVICE_ENGINES]);
	print_rss(o, a);
	attr_print_string(o, "driver", "Driver", a[MACHNET_A_DEVICE_DRIVER]);
	attr_print_path_ports(o, a[MACHNET_A_DEVICE_PATH_PORT_FIRST],
			      a[MACHNET_A_DEVICE_PATH_PORT_COUNT]);
	attr_print_pid(o, "pid", "PID", a[MACHNET_A_DEVICE_PID]);
	attr_print_reason(o, a[MACHNET_A_DEVICE_REASON]);
	return 0;
}

static const struct ctl_filter_word words[] = {
	{ "dev", CTL_FILTER_DEV, MACHNET_A_DEVICE_IFINDEX, NULL },
	{ 0 },
};

static int kernel_show(struct ctl *ctl, struct ctl_genl *g, const struct ctl_filter *filter)
{
	struct nl_msg *msg;

	if (!filter->n)
		return ctl_show_all(ctl, g, MACHNET_CMD_DEVICE_GET, NULL, ctl_device_print);
	msg = ctl_genl_begin(g, MACHNET_CMD_DEVICE_GET);
	if (msg)
		ctl_filter_put(filter, msg);
	return ctl_show_one(ctl, g, msg, true, ctl_device_print);
}

static int device_show(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_filter filter;
	struct ctl_genl g;
	int status, ret;

	status = ctl_filter_parse(&filter, words, argc, argv);
	if (status)
		return status;
	ret = ctl_genl_open(&g);
	if (ret)
		return ret == -ENOENT ? ctl_local_device(ctl, &filter) : ctl_not_open(ret);
	ask_daemon(ctl);
	status = kernel_show(ctl, &g, &filter);
	ctl_genl_close(&g);
	return status;
}

/* A number from 1 on; 0: it is none. */
static uint64_t parse_engines(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	return errno || *end || *text < '0' || *text > '9' ? 0 : n;
}

static int use_engines(struct ctl *ctl, const char *ifname, uint64_t n)
{
	struct ctl_facts facts;
	struct ctl_daemon d;
	int ret = ctl_daemon_open(&d, ctl->socket);

	if (ret)
		return ctl_daemon_refused(ctl->socket, ret);
	ret = ctl_daemon_facts(&d, &facts);
	if (!ret && strcmp(ctl_fact(&facts, "netdev"), ifname)) {
		ctl_daemon_close(&d);
		return ctl_refused("see machnetctl --help for --socket",
				   "this daemon serves %s, not %s", ctl_fact(&facts, "netdev"),
				   ifname);
	}
	if (!ret)
		ret = ctl_daemon_use_engines(&d, n);
	ctl_daemon_close(&d);
	if (ret == -EINVAL)
		return ctl_refused("machnetd -e N starts more", "%s has %s engines", ifname,
				   ctl_fact(&facts, "engines"));
	return ret ? ctl_daemon_refused(ctl->socket, ret) : CTL_OK;
}

static int device_set(struct ctl *ctl, int argc, char **argv)
{
	uint64_t n;

	if (argc != 3 || strcmp(argv[1], "engines"))
		return ctl_usage("want: device set IFNAME engines N");
	n = parse_engines(argv[2]);
	if (!n)
		return ctl_usage("engines: want a number from 1 on, not %s", argv[2]);
	return use_engines(ctl, argv[0], n);
}

static const struct ctl_verb verbs[] = {
	{ "show", device_show },
	{ "set", device_set },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_device = {
	.name = "device",
	.alias = "dev",
	.summary = "network devices that a datapath (machnetd) serves",
	.help = "Usage: machnetctl device [show [dev IFNAME]]\n"
		"       machnetctl device set IFNAME engines N\n\n"
		"Shows the network devices that a datapath serves, or that of machnetd\n"
		"--control=local where the module is not loaded. RSS says how packets are\n"
		"spread over its engines: unknown yet, single (one queue, or ports do not\n"
		"matter), labelled (the queue of each pair of ports is seen), learned or\n"
		"computed (it is foreseen), or confined (no ports that would fit get\n"
		"through). While machnetd answers,\n"
		"Rank is how much of the hash is learned, Candidates how many ports were\n"
		"tried, Hand-offs how many packets came to another engine than theirs, and\n"
		"Moves how often a path took the ports that a peer asked for. Path-ports is\n"
		"the block of UDP ports that is reserved for packets between hosts.\n\n"
		"set has programs use the first N of the engines that machnetd has; those\n"
		"that others have move with their connections, and notice nothing.\n",
	.verbs = verbs,
};
