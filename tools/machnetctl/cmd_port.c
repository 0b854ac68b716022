// SPDX-License-Identifier: MIT
#include <errno.h>

#include <linux/machnet.h>

#include "attr.h"
#include "ctl.h"

static struct nla_policy policy[MACHNET_A_PORT_MAX + 1] = {
	[MACHNET_A_PORT_NUMBER] = { .type = NLA_U16 },
	[MACHNET_A_PORT_OWNER_UID] = { .type = NLA_U32 },
	[MACHNET_A_PORT_OWNER_PID] = { .type = NLA_U32 },
	[MACHNET_A_PORT_OWNER_COMM] = { .type = NLA_STRING },
	[MACHNET_A_PORT_STRAY] = { .type = NLA_U64 },
	[MACHNET_A_PORT_REASON] = { .type = NLA_U32 },
};

int ctl_port_print(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_PORT_MAX + 1];
	int ret;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_PORT_MAX, policy) < 0)
		return -EBADMSG;
	ret = attr_print_endpoint(o, "addr", "number", "Address", a[MACHNET_A_PORT_ADDR],
				  a[MACHNET_A_PORT_NUMBER]);
	if (ret)
		return ret;
	out_flag(o, "claimed", "Claimed", a[MACHNET_A_PORT_CLAIMED]);
	attr_print_string(o, "owner_comm", "Process", a[MACHNET_A_PORT_OWNER_COMM]);
	attr_print_pid(o, "owner_pid", "PID", a[MACHNET_A_PORT_OWNER_PID]);
	attr_print_u32(o, "owner_uid", "UID", a[MACHNET_A_PORT_OWNER_UID]);
	attr_print_u64(o, "stray", "Stray", a[MACHNET_A_PORT_STRAY]);
	attr_print_reason(o, a[MACHNET_A_PORT_REASON]);
	return 0;
}

static int port_show(struct ctl *ctl, int argc, char **argv)
{
	if (argc)
		return ctl_unexpected(argv[0]);
	return ctl_show_all(ctl, MACHNET_CMD_PORT_GET, ctl_port_print);
}

static int port_release(struct ctl *ctl, int argc, char **argv)
{
	struct mn_addr addr;
	struct ctl_genl g;
	struct nl_msg *msg;
	uint16_t number;
	int status;

	(void)ctl;
	if (argc < 2)
		return ctl_usage("an address and a port number are missing after 'release'");
	if (argc > 2)
		return ctl_unexpected(argv[2]);
	if (ctl_parse_addr(argv[0], &addr) || ctl_parse_port(argv[1], &number))
		return CTL_USAGE;
	status = ctl_open(&g);
	if (status)
		return status;
	msg = ctl_genl_begin(&g, MACHNET_CMD_PORT_RELEASE);
	if (msg) {
		attr_put_addr(msg, MACHNET_A_PORT_ADDR, &addr);
		nla_put_u16(msg, MACHNET_A_PORT_NUMBER, number);
	}
	status = ctl_done(&g, ctl_genl_request(&g, msg, NULL, NULL));
	ctl_genl_close(&g);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "show", port_show },
	{ "release", port_release },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_port = {
	.name = "port",
	.summary = "UDP ports reserved for Machnet, and who holds them",
	.help = "Usage: machnetctl port [show]\n"
		"       machnetctl port release ADDR PORT\n\n"
		"Shows the UDP ports that are reserved for Machnet. A port is claimed when a\n"
		"datapath serves it. Stray counts packets that the kernel absorbed because no\n"
		"datapath took them. 'release' takes a port away from its owner and needs\n"
		"CAP_NET_ADMIN; ADDR is the address that 'show' prints, 0.0.0.0 or :: for\n"
		"any.\n",
	.verbs = verbs,
};
