// SPDX-License-Identifier: MIT
#include <errno.h>

#include <linux/machnet.h>

#include "attr.h"
#include "ctl.h"
#include "local_object.h"

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
	[MACHNET_RSS_CLASS_PROBED] = "probed",
	[MACHNET_RSS_CLASS_LEARNED] = "learned",
	[MACHNET_RSS_CLASS_COMPUTED] = "computed",
};

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
	attr_print_enum(o, "rss_class", "RSS", a[MACHNET_A_DEVICE_RSS_CLASS], rss_classes,
			sizeof(rss_classes) / sizeof(rss_classes[0]));
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
	status = kernel_show(ctl, &g, &filter);
	ctl_genl_close(&g);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "show", device_show },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_device = {
	.name = "device",
	.alias = "dev",
	.summary = "network devices that a datapath (machnetd) serves",
	.help = "Usage: machnetctl device [show [dev IFNAME]]\n\n"
		"Shows the network devices that a datapath serves, or that of machnetd\n"
		"--control=local where the module is not loaded. RSS says how packets are\n"
		"spread over its engines: unknown, single (one queue, or ports do not\n"
		"matter), probed, learned or computed. Path-ports is the block of UDP ports\n"
		"that is reserved for packets between hosts.\n",
	.verbs = verbs,
};
