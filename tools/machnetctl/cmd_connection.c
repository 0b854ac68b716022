// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "connection.h"
#include "daemon.h"

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
	[MACHNET_A_CONNECTION_OWNER_CGROUP] = { .type = NLA_U64 },
	[MACHNET_A_CONNECTION_PATH] = { .type = NLA_U64 },
};

const char *const ctl_connection_states[] = {
	[MACHNET_CONNECTION_STATE_UNSPEC] = "unspec",
	[MACHNET_CONNECTION_STATE_CONNECTING] = "connecting",
	[MACHNET_CONNECTION_STATE_ESTABLISHED] = "established",
	[MACHNET_CONNECTION_STATE_CLOSING] = "closing",
	[__MACHNET_CONNECTION_STATE_MAX] = NULL,
};

static const struct ctl_filter_word words[] = {
	{ "dev", CTL_FILTER_DEV, MACHNET_A_CONNECTION_IFINDEX, NULL },
	{ "local", CTL_FILTER_ADDR, MACHNET_A_CONNECTION_LOCAL_ADDR, NULL },
	{ "local-port", CTL_FILTER_PORT, MACHNET_A_CONNECTION_LOCAL_PORT, NULL },
	{ "remote", CTL_FILTER_ADDR, MACHNET_A_CONNECTION_REMOTE_ADDR, NULL },
	{ "remote-port", CTL_FILTER_PORT, MACHNET_A_CONNECTION_REMOTE_PORT, NULL },
	{ "state", CTL_FILTER_NAME, MACHNET_A_CONNECTION_STATE, ctl_connection_states },
	{ "engine", CTL_FILTER_NUMBER, MACHNET_A_CONNECTION_ENGINE, NULL },
	{ "pid", CTL_FILTER_NUMBER, MACHNET_A_CONNECTION_OWNER_PID, NULL },
	{ "user", CTL_FILTER_USER, MACHNET_A_CONNECTION_OWNER_UID, NULL },
	{ "path", CTL_FILTER_ID, MACHNET_A_CONNECTION_PATH, NULL },
	{ 0 },
};

static void print_owner(struct out *o, struct nlattr **a)
{
	attr_print_string(o, "owner_comm", "Process", a[MACHNET_A_CONNECTION_OWNER_COMM]);
	attr_print_pid(o, "owner_pid", "PID", a[MACHNET_A_CONNECTION_OWNER_PID]);
	attr_print_u32(o, "owner_uid", "UID", a[MACHNET_A_CONNECTION_OWNER_UID]);
	attr_print_cgroup(o, a[MACHNET_A_CONNECTION_OWNER_CGROUP]);
}

/* What machnetd says of the connections that the module shows; NULL: it was not asked. */
static struct {
	struct mn_app_connection *list;
	size_t n;
} daemon_says;

static int by_id(const void *a, const void *b)
{
	const struct mn_app_connection *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void print_waits(struct out *o, const struct nlattr *id)
{
	struct mn_app_connection key = { .id = id ? nla_get_u64((struct nlattr *)id) : 0 };
	const struct mn_app_connection *c;

	if (!daemon_says.list)
		return;
	c = key.id ? bsearch(&key, daemon_says.list, daemon_says.n, sizeof(key), by_id) : NULL;
	if (c) {
		ctl_print_waits(o, c);
		return;
	}
	out_nothing(o, "Unsent");
	out_nothing(o, "Unread");
	out_nothing(o, "Credit");
	out_nothing(o, "Waits-for");
}

/* Without an answer the columns are missing. */
static void ask_daemon(const struct ctl *ctl)
{
	struct ctl_daemon d;

	if (ctl_daemon_open(&d, ctl->socket))
		return;
	if (ctl_daemon_connections(&d, &daemon_says.list, &daemon_says.n))
		daemon_says.list = NULL;
	ctl_daemon_close(&d);
	if (daemon_says.list)
		qsort(daemon_says.list, daemon_says.n, sizeof(*daemon_says.list), by_id);
}

int ctl_connection_print(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_CONNECTION_MAX + 1];
	int ret;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_CONNECTION_MAX, policy) < 0)
		return -EBADMSG;
	attr_print_enum(o, "state", "State", a[MACHNET_A_CONNECTION_STATE],
			ctl_connection_states, __MACHNET_CONNECTION_STATE_MAX);
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
	print_waits(o, a[MACHNET_A_CONNECTION_ID]);
	attr_print_id(o, "path", "Path", a[MACHNET_A_CONNECTION_PATH]);
	attr_print_id(o, "id", "ID", a[MACHNET_A_CONNECTION_ID]);
	attr_print_id(o, "remote_id", "Remote-ID", a[MACHNET_A_CONNECTION_REMOTE_ID]);
	attr_print_reason(o, a[MACHNET_A_CONNECTION_REASON]);
	return 0;
}

int ctl_connection_print_id(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_CONNECTION_MAX + 1];

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_CONNECTION_MAX, policy) < 0)
		return -EBADMSG;
	attr_print_id(o, "id", "ID", a[MACHNET_A_CONNECTION_ID]);
	return 0;
}

/* "id ID", or a filter. */
static int parse_choice(struct ctl_choice *choice, int argc, char **argv)
{
	*choice = (struct ctl_choice){ 0 };
	if (!argc || strcmp(argv[0], "id"))
		return ctl_filter_parse(&choice->filter, words, argc, argv);
	if (argc == 1)
		return ctl_usage("a connection's id is missing after 'id'");
	if (argc > 2)
		return ctl_unexpected(argv[2]);
	return ctl_parse_id(argv[1], "connection", &choice->id);
}

static int kernel_show(struct ctl *ctl, struct ctl_genl *g, const struct ctl_choice *choice)
{
	struct nl_msg *msg;

	ask_daemon(ctl);
	if (!choice->id)
		return ctl_show_all(ctl, g, MACHNET_CMD_CONNECTION_GET, &choice->filter,
				    ctl_connection_print);
	msg = ctl_genl_begin(g, MACHNET_CMD_CONNECTION_GET);
	if (msg)
		nla_put_u64(msg, MACHNET_A_CONNECTION_ID, choice->id);
	return ctl_show_one(ctl, g, msg, true, ctl_connection_print);
}

/* By the module, or where there is none by a daemon that does without. */
static int with_either(struct ctl *ctl, const struct ctl_choice *choice,
		       int (*kernel)(struct ctl *ctl, struct ctl_genl *g,
				     const struct ctl_choice *choice),
		       int (*local)(struct ctl *ctl, const struct ctl_choice *choice))
{
	struct ctl_genl g;
	int status, ret = ctl_genl_open(&g);

	if (ret)
		return ret == -ENOENT ? local(ctl, choice) : ctl_not_open(ret);
	status = kernel(ctl, &g, choice);
	ctl_genl_close(&g);
	return status;
}

static int connection_show(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_choice choice;
	int status = parse_choice(&choice, argc, argv);

	return status ? status : with_either(ctl, &choice, kernel_show, ctl_local_show);
}

static int connection_kill(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_choice choice = { 0 };
	int status = CTL_OK;

	if (!argc)
		return ctl_usage("name what to kill; all of them: connection kill all");
	if (strcmp(argv[0], "all"))
		status = parse_choice(&choice, argc, argv);
	else if (argc > 1)
		return ctl_unexpected(argv[1]);
	return status ? status : with_either(ctl, &choice, ctl_kernel_kill, ctl_local_kill);
}

static const struct ctl_verb verbs[] = {
	{ "show", connection_show },
	{ "kill", connection_kill },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_connection = {
	.name = "connection",
	.alias = "conn",
	.summary = "connections, their ends, owners and engines",
	.help = "Usage: machnetctl connection [show [id ID | FILTER]]\n"
		"       machnetctl connection kill { id ID | FILTER | all }\n\n"
		"FILTER, of which all words must agree:\n"
		"  dev IFNAME          the network device\n"
		"  local ADDR          this end\n"
		"  local-port PORT\n"
		"  remote ADDR         the peer\n"
		"  remote-port PORT\n"
		"  state STATE         connecting, established or closing\n"
		"  engine NUMBER       the engine that serves it here\n"
		"  pid PID             the application\n"
		"  user USER           its user, by name or number\n"
		"  path ID             the path that it is on (see machnetctl path)\n\n"
		"Shows the connections that the datapaths of this host have reported, or those\n"
		"of machnetd --control=local where the module is not loaded; while machnetd\n"
		"answers, with the bytes that are unsent and unread, the peer's credit, and\n"
		"what each waits for: program, peer or network. 'kill' has the datapath end\n"
		"them, waits until it has, and says how many; their applications get\n"
		"ECONNABORTED. It needs CAP_NET_ADMIN. IDs are hexadecimal.\n",
	.verbs = verbs,
};
