// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/app_proto.h"
#include "daemon/fault_option.h"
#include "daemon/options.h"

#define OPTIONS_DONE	1	/* exit status 0, plus 1 */
#define DEFAULT_PATH_PORTS	"61440-61503"
#define DEFAULT_STATE	"/var/lib/machnet"
#define OPTIONS_USAGE	3	/* exit status 2, plus 1 */

enum {
	OPT_PCI = 256,
	OPT_VDEV,
	OPT_CONTROL,
	OPT_SOCKET,
	OPT_TAP,
	OPT_CORES,
	OPT_POLL,
	OPT_MTU,
	OPT_PATH_PORTS,
	OPT_PATHS,
	OPT_RSS,
	OPT_STATE,
	OPT_FAULT,
	OPT_DETACH,
	OPT_GIVE_BACK,
};

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "pci", required_argument, NULL, OPT_PCI },
	{ "vdev", required_argument, NULL, OPT_VDEV },
	{ "address", required_argument, NULL, 'a' },
	{ "engines", required_argument, NULL, 'e' },
	{ "cores", required_argument, NULL, OPT_CORES },
	{ "poll", required_argument, NULL, OPT_POLL },
	{ "mtu", required_argument, NULL, OPT_MTU },
	{ "path-ports", required_argument, NULL, OPT_PATH_PORTS },
	{ "paths", required_argument, NULL, OPT_PATHS },
	{ "rss", required_argument, NULL, OPT_RSS },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "tap", required_argument, NULL, OPT_TAP },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "detach", no_argument, NULL, OPT_DETACH },
	{ "give-back", no_argument, NULL, OPT_GIVE_BACK },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"Usage: machnetd (-i IFACE | --pci ADDR | --vdev ARGS) [OPTION]...\n"
"       machnetd --give-back\n"
"Moves messages between applications and one network device with DPDK.\n"
"\n"
"Device (exactly one):\n"
"  -i, --interface IFACE  a network interface: a virtio NIC is taken over and given\n"
"                         back on exit, any other is shared with the kernel (af_packet)\n"
"      --pci ADDR         a NIC by PCI address, e.g. 0000:00:04.0\n"
"      --vdev ARGS        a DPDK virtual device, e.g. net_memif0,role=server,...\n"
"\n"
"Options:\n"
"  -a, --address CIDR     address for the exception path's interface (with --pci, --vdev;\n"
"                         up to 16 times); with -i the interface's own are kept\n"
"  -e, --engines N        threads and queue pairs, 1 to 64 (default 1)\n"
"      --cores LIST       CPUs of the engines, e.g. 2,3 (default: the scheduler decides)\n"
"      --poll MODE        adaptive (default: sleeps when idle) or busy (dedicated cores)\n"
"      --mtu BYTES        576 to 9000 (default: the device's)\n"
"      --path-ports FIRST[-LAST]\n"
"                         UDP ports to reserve for packets between hosts, 1 to 1024 (default\n"
"                         " DEFAULT_PATH_PORTS "; FIRST alone: 64 of them)\n"
"      --paths N          paths to each engine of a peer, 1 to 16 (default 1), each with a UDP\n"
"                         port of its own: where a network limits what one flow may carry\n"
"      --rss MODE         device (default: its key and table are read, and believed when\n"
"                         packets confirm them) or opaque (they are not read)\n"
"      --state DIR        where what is learned of the device's RSS is kept for the next\n"
"                         start (default " DEFAULT_STATE ")\n"
"      --tap NAME         name of the exception path's interface (default mnet%d)\n"
"      --control MODE     kernel (default: machnet.ko) or local (no module)\n"
"      --socket PATH      where applications attach (default " MN_APP_SOCKET_DEFAULT ",\n"
"                         or the environment variable " MN_APP_SOCKET_ENV ")\n"
"      --fault FAULT[,FAULT]...\n"
"                         faults at the NIC to test with, the same ones for the same\n"
"                         seed=N: loss=SHARE, burst=SHARE:PACKETS,\n"
"                         reorder=SHARE:PLACES, duplicate=SHARE,\n"
"                         delay=[SHARE:]TIME[:JITTER], corrupt=SHARE, truncate=SHARE,\n"
"                         stall=SHARE:TIME (nothing is received), txfull=SHARE[:TIME]\n"
"                         (nothing is sent), e.g. loss=1%,stall=0.1%:5ms,seed=7\n"
"      --detach           leave the terminal when it serves; the log goes to syslog\n"
"      --give-back        give back the NICs and hugepages that a machnetd left that\n"
"                         died (systemd calls it; every start does the same)\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n"
"\n"
"SIGTERM, SIGINT, SIGHUP and SIGQUIT end it cleanly. Exit status: 0 after a\n"
"clean end, 1 when it could not start or failed, 2 for wrong usage.\n";

static int usage(const char *fmt, const char *what)
{
	fprintf(stderr, "machnetd: ");
	fprintf(stderr, fmt, what);
	fprintf(stderr, " (see machnetd --help)\n");
	return OPTIONS_USAGE;
}

/* A whole number within [min, max]. */
static int parse_number(const char *text, unsigned long min, unsigned long max, unsigned long *n)
{
	char *end;

	errno = 0;
	*n = strtoul(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text) || *end || *n < min || *n > max)
		return -EINVAL;
	return 0;
}

static int parse_address(struct mnd_options *o, const char *text)
{
	struct mnd_prefix *p = &o->addresses[o->n_addresses];
	char addr[MN_ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	unsigned long len;

	if (o->n_addresses == MND_ADDRESSES_MAX || !slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, slash - text);
	addr[slash - text] = '\0';
	if (mn_addr_parse(&p->addr, addr) || mn_addr_is_any(&p->addr))
		return -EINVAL;
	if (parse_number(slash + 1, 1, mn_addr_is_v4(&p->addr) ? 32 : 128, &len))
		return -EINVAL;
	p->len = len;
	o->n_addresses++;
	return 0;
}

/* "FIRST" or "FIRST-LAST" */
static int parse_path_ports(struct mnd_options *o, const char *text)
{
	const char *dash = strchr(text, '-');
	unsigned long first, last;
	size_t len = dash ? (size_t)(dash - text) : strlen(text);
	char number[8] = "";

	if (len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	if (parse_number(number, 1, 65535, &first))
		return -EINVAL;
	last = first + MACHNET_DP_PATH_PORTS - 1;
	if (dash && parse_number(dash + 1, first, 65535, &last))
		return -EINVAL;
	if (last > 65535 || last - first >= MACHNET_DP_PATH_PORTS_MAX)
		return -EINVAL;
	o->path_port_first = first;
	o->path_ports = last - first + 1;
	return 0;
}

static int parse_fault(struct mnd_options *o, const char *text)
{
	char error[256];

	return mnd_fault_parse(&o->fault, text, error, sizeof(error)) ? usage("--fault %s", error)
								      : 0;
}

static int parse_poll(struct mnd_options *o, const char *text)
{
	if (!strcmp(text, "adaptive"))
		o->poll = MACHNET_DP_POLL_ADAPTIVE;
	else if (!strcmp(text, "busy"))
		o->poll = MACHNET_DP_POLL_BUSY;
	else
		return -EINVAL;
	return 0;
}

static int parse_option(struct mnd_options *o, int opt, char *arg)
{
	unsigned long n;

	switch (opt) {
	case 'i':
		o->ifname = arg;
		return strlen(arg) < IF_NAMESIZE
			       ? 0
			       : usage("%s: the name of an interface is shorter", arg);
	case OPT_PCI:
		o->pci = arg;
		return 0;
	case OPT_VDEV:
		o->vdev = arg;
		return 0;
	case 'a':
		return parse_address(o, arg)
			       ? usage("--address %s: want ADDRESS/LENGTH, at most 16 of them", arg)
			       : 0;
	case 'e':
		if (parse_number(arg, 1, MACHNET_DP_ENGINES_MAX, &n))
			return usage("--engines %s: want a number from 1 to 64", arg);
		o->engines = n;
		return 0;
	case OPT_CORES:
		o->cores = arg;
		return 0;
	case OPT_POLL:
		return parse_poll(o, arg) ? usage("--poll %s: want adaptive or busy", arg) : 0;
	case OPT_MTU:
		if (parse_number(arg, 576, 9000, &n))
			return usage("--mtu %s: want a number from 576 to 9000", arg);
		o->mtu = n;
		return 0;
	case OPT_PATH_PORTS:
		return parse_path_ports(o, arg)
			       ? usage("--path-ports %s: want FIRST or FIRST-LAST, 1 to 1024 "
				       "ports up to 65535", arg)
			       : 0;
	case OPT_PATHS:
		if (parse_number(arg, 1, MACHNET_DP_PATHS_MAX, &n))
			return usage("--paths %s: want a number from 1 to 16", arg);
		o->paths = n;
		return 0;
	case OPT_RSS:
		o->rss_opaque = !strcmp(arg, "opaque");
		return o->rss_opaque || !strcmp(arg, "device") ? 0 :
		       usage("--rss %s: want device or opaque", arg);
	case OPT_STATE:
		o->state = arg;
		return strlen(arg) < PATH_MAX - 32 ? 0 : usage("--state: %s", "too long");
	case OPT_TAP:
		o->tap = arg;
		return strlen(arg) < IF_NAMESIZE
			       ? 0
			       : usage("%s: the name of an interface is shorter", arg);
	case OPT_CONTROL:
		o->control = arg;
		return strcmp(arg, "kernel") && strcmp(arg, "local") ?
		       usage("--control %s: want kernel or local", arg) : 0;
	case OPT_SOCKET:
		o->socket = arg;
		return 0;
	case OPT_FAULT:
		return parse_fault(o, arg);
	case OPT_DETACH:
		o->detach = true;
		return 0;
	case OPT_GIVE_BACK:
		o->give_back = true;
		return 0;
	case 'h':
		fputs(help, stdout);
		return OPTIONS_DONE;
	case 'V':
		puts("machnetd " MACHNET_VERSION);
		return OPTIONS_DONE;
	default:
		return OPTIONS_USAGE;	/* getopt_long() has said what is wrong */
	}
}

int mnd_options_parse(struct mnd_options *o, int argc, char **argv)
{
	int opt, ret;

	*o = (struct mnd_options){
		.engines = 1, .control = "kernel", .tap = "mnet%d",
		.path_port_first = MACHNET_DP_PATH_PORT_FIRST, .path_ports = MACHNET_DP_PATH_PORTS,
		.paths = 1, .state = DEFAULT_STATE,
	};
	o->socket = getenv(MN_APP_SOCKET_ENV);
	if (!o->socket || !*o->socket)
		o->socket = MN_APP_SOCKET_DEFAULT;
	while ((opt = getopt_long(argc, argv, "i:a:e:hV", long_options, NULL)) != -1) {
		ret = parse_option(o, opt, optarg);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return usage("unexpected argument %s", argv[optind]);
	if (o->give_back)
		return argc == 2 ? 0 : usage("%s stands alone", "--give-back");
	if (!!o->ifname + !!o->pci + !!o->vdev != 1)
		return usage("want exactly one of %s", "-i IFACE, --pci ADDR, --vdev ARGS");
	if (o->paths > o->path_ports)
		return usage("--paths: want at least as many ports in %s", "--path-ports");
	if (o->ifname && o->n_addresses)
		return usage("--address does not go with -i: %s keeps its addresses", o->ifname);
	return 0;
}
