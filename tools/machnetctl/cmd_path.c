// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "daemon.h"
#include "path.h"

static struct nla_policy policy[MACHNET_A_PATH_MAX + 1] = {
	[MACHNET_A_PATH_ID] = { .type = NLA_U64 },
	[MACHNET_A_PATH_IFINDEX] = { .type = NLA_U32 },
	[MACHNET_A_PATH_TX_LOCAL_PORT] = { .type = NLA_U16 },
	[MACHNET_A_PATH_TX_REMOTE_PORT] = { .type = NLA_U16 },
	[MACHNET_A_PATH_RX_LOCAL_PORT] = { .type = NLA_U16 },
	[MACHNET_A_PATH_RX_REMOTE_PORT] = { .type = NLA_U16 },
	[MACHNET_A_PATH_ENGINE] = { .type = NLA_U32 },
	[MACHNET_A_PATH_REMOTE_ENGINE] = { .type = NLA_U32 },
	[MACHNET_A_PATH_MTU] = { .type = NLA_U32 },
	[MACHNET_A_PATH_STATE] = { .type = NLA_U32 },
	[MACHNET_A_PATH_AGE_MS] = { .type = NLA_U64 },
	[MACHNET_A_PATH_REASON] = { .type = NLA_U32 },
};

const char *const ctl_path_states[] = {
	[MACHNET_PATH_STATE_UNSPEC] = "unspec",
	[MACHNET_PATH_STATE_OPENING] = "opening",
	[MACHNET_PATH_STATE_OPEN] = "open",
	[__MACHNET_PATH_STATE_MAX] = NULL,
};

static const struct ctl_filter_word words[] = {
	{ "dev", CTL_FILTER_DEV, MACHNET_A_PATH_IFINDEX, NULL },
	{ "local", CTL_FILTER_ADDR, MACHNET_A_PATH_LOCAL_ADDR, NULL },
	{ "remote", CTL_FILTER_ADDR, MACHNET_A_PATH_REMOTE_ADDR, NULL },
	{ "engine", CTL_FILTER_NUMBER, MACHNET_A_PATH_ENGINE, NULL },
	{ "remote-engine", CTL_FILTER_NUMBER, MACHNET_A_PATH_REMOTE_ENGINE, NULL },
	{ "state", CTL_FILTER_NAME, MACHNET_A_PATH_STATE, ctl_path_states },
	{ 0 },
};

/* What machnetd says of the paths that the module shows; NULL: it was not asked. */
static struct {
	struct mn_app_path *list;
	size_t n;
} daemon_says;

static int by_id(const void *a, const void *b)
{
	const struct mn_app_path *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Without an answer the columns are missing. */
static void ask_daemon(const struct ctl *ctl)
{
	struct ctl_daemon d;

	if (ctl_daemon_open(&d, ctl->socket))
		return;
	if (ctl_daemon_paths(&d, &daemon_says.list, &daemon_says.n))
		daemon_says.list = NULL;
	ctl_daemon_close(&d);
	if (daemon_says.list)
		qsort(daemon_says.list, daemon_says.n, sizeof(*daemon_says.list), by_id);
}

static void print_frames(struct out *o, const struct mn_app_path *p)
{
	if (!p->tx_packets) {
		out_nothing(o, "Frames/packet");
		return;
	}
	out_real(o, "tx_frames_per_packet", "Frames/packet", (double)p->tx_frames / p->tx_packets);
}

static void print_nothing(struct out *o)
{
	static const char *const labels[] = {
		"Connections", "SRTT-us", "Cwnd", "Window", "Inflight", "Sent", "Lost",
		"Frames/packet", "Misplaced",
	};

	for (unsigned int i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		out_nothing(o, labels[i]);
}

void ctl_path_print_live(struct out *o, const struct mn_app_path *p)
{
	if (!p) {
		print_nothing(o);
		return;
	}
	out_number(o, "connections", "Connections", p->connections);
	out_number(o, "srtt_us", "SRTT-us", p->srtt_us);
	if (o->json) {
		out_number(o, "rttvar_us", "", p->rttvar_us);
		out_number(o, "rto_us", "", p->rto_us);
		out_number(o, "packet_bytes", "", p->packet_bytes);
		out_number(o, "rx_packets", "", p->rx_packets);
		out_number(o, "tx_frames", "", p->tx_frames);
		out_number(o, "rx_frames", "", p->rx_frames);
	}
	out_number(o, "cwnd_packets", "Cwnd", p->cwnd_packets);
	out_number(o, "window_packets", "Window", p->window_packets);
	out_number(o, "inflight_packets", "Inflight", p->inflight_packets);
	out_number(o, "tx_packets", "Sent", p->tx_packets);
	out_number(o, "tx_lost", "Lost", p->tx_lost);
	print_frames(o, p);
	out_number(o, "rx_misplaced", "Misplaced", p->rx_misplaced);
	if (o->json) {
		out_flag(o, "steered", "", p->steered);
		out_flag(o, "confined", "", p->confined);
	}
}

static void print_live(struct out *o, const struct nlattr *id)
{
	struct mn_app_path key = { .id = id ? nla_get_u64((struct nlattr *)id) : 0 };

	if (daemon_says.list)
		ctl_path_print_live(o, bsearch(&key, daemon_says.list, daemon_says.n, sizeof(key),
					       by_id));
}

int ctl_path_print(struct out *o, const struct nlmsghdr *nlh)
{
	struct nlattr *a[MACHNET_A_PATH_MAX + 1];
	int ret;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, MACHNET_A_PATH_MAX, policy) < 0)
		return -EBADMSG;
	attr_print_enum(o, "state", "State", a[MACHNET_A_PATH_STATE], ctl_path_states,
			__MACHNET_PATH_STATE_MAX);
	ret = attr_print_endpoint(o, "local_addr", "tx_local_port", "Local",
				  a[MACHNET_A_PATH_LOCAL_ADDR], a[MACHNET_A_PATH_TX_LOCAL_PORT]);
	if (!ret)
		ret = attr_print_endpoint(o, "remote_addr", "tx_remote_port", "Remote",
					  a[MACHNET_A_PATH_REMOTE_ADDR],
					  a[MACHNET_A_PATH_TX_REMOTE_PORT]);
	if (ret || !a[MACHNET_A_PATH_RX_LOCAL_PORT] || !a[MACHNET_A_PATH_RX_REMOTE_PORT])
		return -EBADMSG;
	if (o->json) {
		out_number(o, "rx_local_port", "", nla_get_u16(a[MACHNET_A_PATH_RX_LOCAL_PORT]));
		out_number(o, "rx_remote_port", "", nla_get_u16(a[MACHNET_A_PATH_RX_REMOTE_PORT]));
	}
	attr_print_ifindex(o, a[MACHNET_A_PATH_IFINDEX]);
	attr_print_u32(o, "engine", "Engine", a[MACHNET_A_PATH_ENGINE]);
	attr_print_u32(o, "remote_engine", "Remote-Engine", a[MACHNET_A_PATH_REMOTE_ENGINE]);
	attr_print_mac(o, "mac", "Next-hop", a[MACHNET_A_PATH_MAC]);
	attr_print_u32(o, "mtu", "MTU", a[MACHNET_A_PATH_MTU]);
	print_live(o, a[MACHNET_A_PATH_ID]);
	attr_print_age(o, a[MACHNET_A_PATH_AGE_MS]);
	attr_print_id(o, "id", "ID", a[MACHNET_A_PATH_ID]);
	attr_print_reason(o, a[MACHNET_A_PATH_REASON]);
	return 0;
}

/* "id ID", or a filter. */
static int parse_choice(struct ctl_path_choice *choice, int argc, char **argv)
{
	*choice = (struct ctl_path_choice){ 0 };
	if (!argc || strcmp(argv[0], "id"))
		return ctl_filter_parse(&choice->filter, words, argc, argv);
	if (argc == 1)
		return ctl_usage("a path's id is missing after 'id'");
	if (argc > 2)
		return ctl_unexpected(argv[2]);
	return ctl_parse_id(argv[1], "path", &choice->id);
}

static int kernel_show(struct ctl *ctl, struct ctl_genl *g, const struct ctl_path_choice *choice)
{
	struct nl_msg *msg;

	ask_daemon(ctl);
	if (!choice->id)
		return ctl_show_all(ctl, g, MACHNET_CMD_PATH_GET, &choice->filter, ctl_path_print);
	msg = ctl_genl_begin(g, MACHNET_CMD_PATH_GET);
	if (msg)
		nla_put_u64(msg, MACHNET_A_PATH_ID, choice->id);
	return ctl_show_one(ctl, g, msg, true, ctl_path_print);
}

static int path_show(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_path_choice choice;
	struct ctl_genl g;
	int ret, status = parse_choice(&choice, argc, argv);

	if (status)
		return status;
	ret = ctl_genl_open(&g);
	if (ret)
		return ret == -ENOENT ? ctl_local_paths(ctl, &choice) : ctl_not_open(ret);
	status = kernel_show(ctl, &g, &choice);
	ctl_genl_close(&g);
	return status;
}

static const struct ctl_verb verbs[] = {
	{ "show", path_show },
	{ NULL, ctl_no_verb },
};

const struct ctl_object ctl_path = {
	.name = "path",
	.summary = "paths, which carry connections: engines, next hops, windows, loss",
	.help = "Usage: machnetctl path [show [id ID | FILTER]]\n\n"
		"FILTER, of which all words must agree:\n"
		"  dev IFNAME            the network device\n"
		"  local ADDR            this end\n"
		"  remote ADDR           the peer\n"
		"  engine NUMBER         the engine that serves it here\n"
		"  remote-engine NUMBER  the peer's engine\n"
		"  state STATE           opening or open\n\n"
		"A path joins an engine of this host with one of a peer; connections ride on\n"
		"it. Shows the paths that the datapaths of this host have reported, or those of\n"
		"machnetd --control=local where the module is not loaded, with the UDP ports of\n"
		"the packets to the peer, the next hop's MAC and the route's MTU; while machnetd\n"
		"answers, with the connections on it, the smoothed round-trip time, the windows\n"
		"of congestion control and of the peer in packets, what is in flight, packets\n"
		"sent and lost, how many frames (messages, pieces of them and the like) a\n"
		"packet has carried, and how many packets of the peer came to another engine.\n"
		"IDs are hexadecimal and no secret.\n",
	.verbs = verbs,
};
