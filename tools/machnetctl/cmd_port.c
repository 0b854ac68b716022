// SPDX-License-Identifier: MIT
#include <errno.h>

#include <linux/machnet.h>

#include "attr.h"
#include "blocks.h"
#include "ctl.h"
#include "local_object.h"

static struct nla_policy policy[MACHNET_A_PORT_MAX + 1] = {
	[MACHNET_A_PORT_NUMBER] = { .type = NLA_U16 },
	[MACHNET_A_PORT_OWNER_UID] = { .type = NLA_U32 },
	[MACHNET_A_PORT_OWNER_PID] = { .type = NLA_U32 },
	[MACHNET_A_PORT_OWNER_COMM] = { .type = NLA_STRING },
	[MACHNET_A_PORT_STRAY] = { .type = NLA_U64 },
	[MACHNET_A_PORT_REASON] = { .type = NLA_U32 },
	[MACHNET_A_PORT_OWNER_CGROUP] = { .type = NLA_U64 },
};

static const struct ctl_filter_word words[] = {
	{ "addr", CTL_FILTER_ADDR, MACHNET_A_PORT_ADDR, NULL },
	{ "number", CTL_FILTER_PORT, MACHNET_A_PORT_NUMBER, NULL },
	{ "pid", CTL_FILTER_NUMBER, MACHNET_A_PORT_OWNER_PID, NULL },
	{ "user", CTL_FILTER_USER, MACHNET_A_PORT_OWNER_UID, NULL },
	{ 0 },
};

/* What names one port. */
static const struct ctl_filter_word release_words[] = {
	{ "addr", CTL_FILTER_ADDR, MACHNET_A_PORT_ADDR, NULL },
	{ "number", CTL_FILTER_PORT, MACHNET_A_PORT_NUMBER, NULL },
	{ 0 },
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
	attr_print_cgroup(o, a[MACHNET_A_PORT_OWNER_CGROUP]);
	attr_print_u64(o, "stray", "Stray", a[MACHNET_A_PORT_STRAY]);
	attr_print_reason(o, a[MACHNET_A_PORT_REASON]);
	return 0;
}

struct show {
	struct out *out;
	struct ctl_blocks blocks;
};

static int show_row(const struct nlmsghdr *nlh, void *data)
{
	struct show *show = data;
	int ret;

	if (ctl_blocks_have(&show->blocks, nlh))
		return 0;
	out_row_begin(show->out);
	ret = ctl_port_print(show->out, nlh);
	out_row_end(show->out);
	return ret;
}

/* Without the path ports, between which the others would be lost; machnetctl device has them. */
static int show_programs(struct ctl *ctl, struct ctl_genl *g)
{
	struct show show = { .out = &ctl->out };
	int ret = ctl_blocks_read(g, &show.blocks);

	if (ret)
		return ctl_done(g, ret);
	out_table_begin(&ctl->out);
	ret = ctl_genl_dump(g, MACHNET_CMD_PORT_GET, NULL, show_row, &show);
	out_table_end(&ctl->out);
	return ctl_done(g, ret);
}

static int port_show(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_filter filter;
	struct ctl_genl g;
	int status, ret;

	status = ctl_filter_parse(&filter, words, argc, argv);
	if (status)
		return status;
	ret = ctl_genl_open(&g);
	if (ret)
		return ret == -ENOENT ? ctl_local_port(ctl, &filter) : ctl_not_open(ret);
	status = filter.n ? ctl_show_all(ctl, &g, MACHNET_CMD_PORT_GET, &filter, ctl_port_print)
			  : show_programs(ctl, &g);
	ctl_genl_close(&g);
	return status;
}

static int port_release(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_filter filter;
	struct ctl_genl g;
	struct nl_msg *msg;
	int status, ret;

	status = ctl_filter_parse(&filter, release_words, argc, argv);
	if (status)
		return status;
	if (filter.n < 2)
		return ctl_usage("which port? port release addr ADDR number PORT");
	ret = ctl_genl_open(&g);
	if (ret)
		return ret == -ENOENT ? ctl_local_release(ctl) : ctl_not_open(ret);
	msg = ctl_genl_begin(&g, MACHNET_CMD_PORT_RELEASE);
	if (msg)
		ctl_filter_put(&filter, msg);
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
	.summary = "UDP ports of Machnet, and the processes that hold them",
	.help = "Usage: machnetctl port [show [FILTER]]\n"
		"       machnetctl port release addr ADDR number PORT\n\n"
		"FILTER, of which all words must agree:\n"
		"  addr ADDR           the address; 0.0.0.0 or :: for any\n"
		"  number PORT         the port\n"
		"  pid PID             the process that lent it to the module\n"
		"  user USER           its user, by name or number\n\n"
		"Shows the UDP ports that have been lent to the module, or those that machnetd\n"
		"--control=local serves where the module is not loaded. A port is claimed when\n"
		"a datapath serves it. Stray counts packets that the kernel absorbed because no\n"
		"datapath took them. Process and PID are empty where the reader may not see the\n"
		"process. The path ports of datapaths, which 'machnetctl device' shows as a\n"
		"block, are listed with a FILTER only. 'release' ends what a process has lent and\n"
		"needs CAP_NET_ADMIN; the process keeps its socket.\n",
	.verbs = verbs,
};
