// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "ctl.h"

static struct nla_policy policy[MACHNET_A_CONNECTION_MAX + 1] = {
	[MACHNET_A_CONNECTION_ID] = { .type = NLA_U64 },
	[MACHNET_A_CONNECTION_IFINDEX] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_LOCAL_PORT] = { .type = NLA_U16 },
	[MACHNET_A_CONNECTION_REMOTE_PORT] = { .type = NLA_U16 },
	[MACHNET_A_CONNECTION_REMOTE_ID] = { .type = NLA_U64 },
	[MACHNET_A_CONNECTION_STATE] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_ENGINE] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_REMOTE_ENGINE] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_OWNER_PID] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_OWNER_UID] = { .type = NLA_U32 },
	[MACHNET_A_CONNECTION_OWNER_COMM] = { .type = NLA_STRING },
	[MACHNET_A_CONNECTION_AGE_MS] = { .type = NLA_U64 },
	[MACHNET_A_CONNECTION_REASON] = { .type = NLA_U32 },
};

static const char *const states[] = {
	[MACHNET_CONNECTION_STATE_UNSPEC] = "unspec",
	[MACHNET_CONNECTION_STATE_CONNECTING] = "connecting",
	[MACHNET_CONNECTION_STATE_ESTABLISHED] = "established",
	[MACHNET_CONNECTION_STATE_CLOSING] = "closing",
};

static void print_owner(struct out *o, struct nlattr **a)
{
	attr_print_string(o, "owner_comm", "Process", a[MACHNET_A_CONNECTION_OWNER_COMM]);
	attr_print_pid(o, "owner_pid", "PID", a[MACHNET_A_CONNECTION_OWNER_PID]);
	attr_print_u32(o, "owner_uid", "UID", a[MACHNET_A_CONNECTION_OWNER_UID]);
}

int ctl_connection_print(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_CONNECTION_MAX + 1];
	int ret;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_CONNECTION_MAX, policy) < 0 ||
	    !a[MACHNET_A_CONNECTION_ID])
		return -EBADMSG;
	attr_print_enum(o, "state", "State", a[MACHNET_A_CONNECTION_STATE], states,
			sizeof(states) / sizeof(states[0]));
	ret = attr_print_endpoint(o, "local_addr", "local_port", "Local",
				  a[MACHNET_A_CONNECTION_LOCAL_ADDR],
				  a[MACHNET_A_CONNECTION_LOCAL_PORT]);
	if (!ret)
		ret = attr_print_endpoint(o, "remote_addr", "remote_port", "Remote",
					  a[MACHNET_A_CONNECTION_REMOTE_ADDR],
					  a[MACHNET_A_CONNECTION_REMOTE_PORT]);
	if (ret)
		return ret;
	attr_print_ifindex(o, a[MACHNET_A_CONNECTION_IFINDEX]);
	attr_print_u32(o, "engine", "Engine", a[MACHNET_A_CONNECTION_ENGINE]);
	attr_print_u32(o, "remote_engine", "Remote-Engine", a[MACHNET_A_CONNECTION_REMOTE_ENGINE]);
	print_owner(o, a);
	attr_print_age(o, a[MACHNET_A_CONNECTION_AGE_MS]);
	attr_print_id(o, "id", "ID", a[MACHNET_A_CONNECTION_ID]);
	attr_print_id(o, "remote_id", "Remote-ID", a[MACHNET_A_CONNECTION_REMOTE_ID]);
	attr_print_reason(o, a[MACHNET_A_CONNECTION_REASON]);
	return 0;
}

static int parse_id(const char *text, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(text, &end, 16);
	if (errno || *end || strspn(text, "0123456789abcdefABCDEF") != strlen(text) || !*id)
		return ctl_usage("'%s' is no id of a connection (hexadecimal digits)", text);
	return CTL_OK;
}

static int show_id(struct ctl *ctl, uint64_t id)
{
	struct ctl_genl g;
	struct nl_msg *msg;
	int status;

	status = ctl_open(&g);
	if (status)
		return status;
	msg = ctl_genl_begin(&g, MACHNET_CMD_CONNECTION_GET);
	if (msg)
		nla_put_u64(msg, MACHNET_A_CONNECTION_ID, id);
	status = ctl_show_one(ctl, &g, msg, true, ctl_connection_print);
	ctl_genl_close(&g);
	return status;
}

static int connection_show(struct ctl *ctl, int argc, char **argv)
{
	uint64_t id;

	if (!argc)
		return ctl_show_all(ctl, MACHNET_CMD_CONNECTION_GET, ctl_connection_print);
	if (strcmp(argv[0], "id"))
		return ctl_unexpected(argv[0]);
	if (argc == 1)
		return ctl_usage("a connection's id is missing after 'id'");
	if (argc > 2)
		return ctl_unexpected(argv[2]);
	return parse_id(argv[1], &id) ? CTL_USAGE : show_id(ctl, id);
}

static const struct ctl_verb verbs[] = {
	{ "show", connection_show },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_connection = {
	.name = "connection",
	.alias = "conn",
	.summary = "connections, their ends, owners and engines",
	.help = "Usage: machnetctl connection [show [id ID]]\n\n"
		"Shows the connections that the datapaths of this host have reported, or the\n"
		"one of this ID (hexadecimal).\n",
	.verbs = verbs,
};
