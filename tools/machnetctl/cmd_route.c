// SPDX-License-Identifier: MIT
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "ctl.h"

static struct nla_policy policy[MACHNET_A_ROUTE_MAX + 1] = {
	[MACHNET_A_ROUTE_STATE] = { .type = NLA_U32 },
	[MACHNET_A_ROUTE_IFINDEX] = { .type = NLA_U32 },
	[MACHNET_A_ROUTE_MTU] = { .type = NLA_U32 },
	[MACHNET_A_ROUTE_ERROR] = { .type = NLA_U32 },
	[MACHNET_A_ROUTE_VRF] = { .type = NLA_U32 },
};

/* After the destination. */
static const struct ctl_filter_word words[] = {
	{ "from", CTL_FILTER_ADDR, MACHNET_A_ROUTE_FROM, NULL },
	{ "vrf", CTL_FILTER_DEV, MACHNET_A_ROUTE_VRF, NULL },
	{ 0 },
};

static const char *const states[] = {
	[MACHNET_ROUTE_STATE_UNSPEC] = "unspec",
	[MACHNET_ROUTE_STATE_RESOLVING] = "resolving",
	[MACHNET_ROUTE_STATE_REACHABLE] = "reachable",
	[MACHNET_ROUTE_STATE_LOCAL] = "local",
	[MACHNET_ROUTE_STATE_UNREACHABLE] = "unreachable",
};

static void print_error(struct out *o, const struct nlattr *attr)
{
	const char *name;

	if (!attr) {
		out_nothing(o, "Error");
		return;
	}
	if (o->json)
		attr_print_u32(o, "error", "Error", attr);
	name = strerrorname_np(nla_get_u32(attr));
	out_string(o, "error_name", "Error", name ? name : "unknown");
}

static void print_vrf(struct out *o, const struct nlattr *attr)
{
	char name[IF_NAMESIZE];

	if (!attr || !if_indextoname(nla_get_u32(attr), name))
		out_nothing(o, "VRF");
	else
		out_string(o, "vrf", "VRF", name);
}

int ctl_route_print(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_ROUTE_MAX + 1];
	struct mn_addr dst;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_ROUTE_MAX, policy) < 0 ||
	    attr_get_addr(a[MACHNET_A_ROUTE_DST], &dst))
		return -EBADMSG;
	out_addr(o, "dst", "Destination", &dst);
	attr_print_addr(o, "from", "From", a[MACHNET_A_ROUTE_FROM]);
	print_vrf(o, a[MACHNET_A_ROUTE_VRF]);
	attr_print_enum(o, "state", "State", a[MACHNET_A_ROUTE_STATE], states,
			sizeof(states) / sizeof(states[0]));
	attr_print_ifindex(o, a[MACHNET_A_ROUTE_IFINDEX]);
	attr_print_addr(o, "src", "Src", a[MACHNET_A_ROUTE_SRC]);
	attr_print_addr(o, "nexthop", "Nexthop", a[MACHNET_A_ROUTE_NEXTHOP]);
	attr_print_mac(o, "mac", "MAC", a[MACHNET_A_ROUTE_MAC]);
	attr_print_u32(o, "mtu", "MTU", a[MACHNET_A_ROUTE_MTU]);
	print_error(o, a[MACHNET_A_ROUTE_ERROR]);
	return 0;
}

static int route_show(struct ctl *ctl, int argc, char **argv)
{
	if (argc)
		return ctl_unexpected(argv[0]);
	return ctl_open_show_all(ctl, MACHNET_CMD_ROUTE_DUMP, NULL, ctl_route_print);
}

static int route_get(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_filter where;
	struct mn_addr dst;
	struct ctl_genl g;
	struct nl_msg *msg;
	int status;

	if (!argc)
		return ctl_usage("an address is missing after 'get'");
	if (ctl_parse_addr(argv[0], &dst))
		return CTL_USAGE;
	status = ctl_filter_parse(&where, words, argc - 1, argv + 1);
	if (status)
		return status;
	status = ctl_open(&g);
	if (status)
		return status;
	msg = ctl_genl_begin(&g, MACHNET_CMD_ROUTE_GET);
	if (msg) {
		attr_put_addr(msg, MACHNET_A_ROUTE_DST, &dst);
		ctl_filter_put(&where, msg);
	}
	status = ctl_show_one(ctl, &g, msg, false, ctl_route_print);
	ctl_genl_close(&g);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "show", route_show },
	{ "get", route_get },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_route = {
	.name = "route",
	.summary = "how destinations are reached",
	.help = "Usage: machnetctl route get ADDR [from ADDR] [vrf IFNAME]\n"
		"       machnetctl route [show]\n\n"
		"'get' asks the kernel how ADDR is reached: by which device, from which\n"
		"source address, by which next hop and its MAC address, with which MTU. With\n"
		"'from' as a connection from that address would be, which matters where there\n"
		"is policy routing; with 'vrf' by that VRF, or the one that IFNAME belongs to.\n"
		"A next hop that is 'resolving' is being asked for its MAC address: try again\n"
		"in a moment. 'show' lists the destinations that datapaths watch.\n",
	.verbs = verbs,
};
