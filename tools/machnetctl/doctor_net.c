// SPDX-License-Identifier: MIT
/* doctor_net.c - device, exception path, RSS, peers and ports */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>

#include "attr.h"
#include "blocks.h"
#include "doctor.h"

/* Findings of one kind; the rest is only counted. */
#define FINDINGS_MAX	8

static uint32_t get_u32(const struct nlmsghdr *nlh, int type)
{
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, type);

	return attr && nla_len(attr) == sizeof(uint32_t) ? nla_get_u32(attr) : 0;
}

static void get_addr(const struct nlmsghdr *nlh, int type, char text[MN_ADDR_STRLEN])
{
	struct mn_addr addr;

	if (attr_get_addr(nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, type), &addr))
		strcpy(text, "?");
	else
		mn_addr_format(&addr, text);
}

static void get_string(const struct nlmsghdr *nlh, int type, char *text, size_t size)
{
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, type);

	text[0] = '\0';
	if (attr)
		nla_strlcpy(text, attr, size);
}

/* True unless it failed, which has been said. */
static bool dump(struct doctor *d, const char *check, uint8_t cmd,
		 int (*handler)(const struct nlmsghdr *nlh, void *data), void *data)
{
	int ret = ctl_genl_dump(&d->genl, cmd, NULL, handler, data);

	if (!ret)
		return true;
	doctor_say(d, DOCTOR_PROBLEM, check, "modprobe -r machnet && modprobe machnet",
		   "the module does not answer: %s", strerror(-ret));
	return false;
}

/* --- device --- */

struct devices {
	struct doctor *d;
	unsigned int n;
};

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	struct devices *devices = data;
	char ifname[IF_NAMESIZE], driver[MACHNET_DRIVER_LEN + 1];

	get_string(nlh, MACHNET_A_DEVICE_IFNAME, ifname, sizeof(ifname));
	get_string(nlh, MACHNET_A_DEVICE_DRIVER, driver, sizeof(driver));
	doctor_say(devices->d, DOCTOR_OK, "device", NULL,
		   "%s is served by process %u: %u engine%s, MTU %u, %s", ifname,
		   get_u32(nlh, MACHNET_A_DEVICE_PID), get_u32(nlh, MACHNET_A_DEVICE_ENGINES),
		   get_u32(nlh, MACHNET_A_DEVICE_ENGINES) == 1 ? "" : "s",
		   get_u32(nlh, MACHNET_A_DEVICE_MTU), driver);
	devices->n++;
	return 0;
}

static void say_elsewhere(struct doctor *d)
{
	char fix[DOCTOR_COMMAND];

	snprintf(fix, sizeof(fix), "nsenter --net -t %s machnetctl -s %s doctor",
		 ctl_fact(&d->facts, "pid"), d->socket);
	doctor_say(d, DOCTOR_PROBLEM, "device", fix,
		   "machnetd serves no network device of this network namespace, but %s in "
		   "another one", d->iface);
}

void doctor_check_device(struct doctor *d)
{
	struct devices devices = { .d = d };

	if (d->local && !if_nametoindex(d->iface)) {
		say_elsewhere(d);
		return;
	}
	if (d->local) {
		doctor_say(d, DOCTOR_OK, "device", NULL,
			   "%s is served, and not registered with the kernel: --control=local",
			   d->iface);
		return;
	}
	if (d->has_module && !dump(d, "device", MACHNET_CMD_DEVICE_GET, on_device, &devices))
		return;
	/* Without a machnetd that has been said. */
	if (devices.n || !d->has_daemon)
		return;
	say_elsewhere(d);
}

/* --- exception path --- */

static void say_mtu(struct doctor *d, int mtu)
{
	long wanted = strtol(ctl_fact(&d->facts, "mtu"), NULL, 10);
	char fix[128];

	if (!wanted || mtu == wanted)
		return;
	snprintf(fix, sizeof(fix), "ip link set dev %s mtu %ld", d->iface, wanted);
	doctor_say(d, DOCTOR_NOTE, "exception path", fix,
		   "%s has an MTU of %d, machnetd one of %ld: the smaller one counts", d->iface,
		   mtu, wanted);
}

void doctor_check_exception(struct doctor *d)
{
	unsigned int addrs = ctl_netdev_addrs(d->iface);
	struct ctl_netdev dev;
	char fix[128];

	if (!d->has_daemon)
		return;
	if (ctl_netdev_read(d->iface, &dev)) {
		doctor_say(d, DOCTOR_NOTE, "exception path", "ip link",
			   "%s is in another network namespace", d->iface);
	} else if (!(dev.flags & IFF_UP)) {
		snprintf(fix, sizeof(fix), "ip link set dev %s up", d->iface);
		doctor_say(d, DOCTOR_PROBLEM, "exception path", fix, "%s is down", d->iface);
	} else if (!addrs) {
		snprintf(fix, sizeof(fix), "ip address add ADDRESS/LENGTH dev %s", d->iface);
		doctor_say(d, DOCTOR_PROBLEM, "exception path", fix, "%s has no address",
			   d->iface);
	} else {
		doctor_say(d, DOCTOR_OK, "exception path", NULL, "%s%s is up and has %u address%s",
			   strcmp(ctl_fact(&d->facts, "tap"), d->iface) ? "" : "TAP ", d->iface,
			   addrs, addrs == 1 ? "" : "es");
		say_mtu(d, dev.mtu);
	}
}

/* --- RSS --- */

void doctor_check_rss(struct doctor *d)
{
	const char *class = ctl_fact(&d->facts, "rss_class");
	char fix[DOCTOR_COMMAND];

	if (!d->has_daemon)
		return;
	if (doctor_engines(d) == 1) {
		doctor_say(d, DOCTOR_OK, "rss", NULL,
			   "one engine: there is nothing to spread packets over");
	} else if (!strcmp(ctl_fact(&d->facts, "rss_ignores_ports"), "yes")) {
		doctor_restart(d, NULL, "--engines=1", fix);
		doctor_say(d, DOCTOR_NOTE, "rss", fix,
			   "the device does not spread packets by port: all come to one of the %u "
			   "engines, which hands them on", doctor_engines(d));
	} else if (!strcmp(class, "confined")) {
		doctor_say(d, DOCTOR_NOTE, "rss", "machnetctl path",
			   "no ports that would lead to the right engine get through to this host, "
			   "so packets are handed on: is there a firewall that does not admit all "
			   "path ports (see the check \"path ports\")?");
	} else if (!strcmp(class, "unknown")) {
		doctor_say(d, DOCTOR_NOTE, "rss", "machnetctl device",
			   "how the device spreads packets is not known yet: those that come to "
			   "the wrong engine are handed on");
	} else {
		doctor_say(d, DOCTOR_OK, "rss", NULL, "how the device spreads packets is %s",
			   class);
	}
}

/* --- peers --- */

struct peers {
	struct doctor *d;
	unsigned int n, bad;
};

static void say_peer(struct doctor *d, const struct nlmsghdr *nlh, uint32_t state)
{
	char dst[MN_ADDR_STRLEN], hop[MN_ADDR_STRLEN], ifname[IF_NAMESIZE];
	uint32_t error = get_u32(nlh, MACHNET_A_ROUTE_ERROR);
	char fix[128];

	get_addr(nlh, MACHNET_A_ROUTE_DST, dst);
	get_addr(nlh, MACHNET_A_ROUTE_NEXTHOP, hop);
	if (!if_indextoname(get_u32(nlh, MACHNET_A_ROUTE_IFINDEX), ifname))
		strcpy(ifname, d->iface);
	if (state == MACHNET_ROUTE_STATE_RESOLVING) {
		snprintf(fix, sizeof(fix), "ip neigh show to %s dev %s", hop, ifname);
		doctor_say(d, DOCTOR_WARNING, "peers", fix,
			   "%s: the next hop %s has not told its MAC address yet", dst, hop);
	} else if (error == EHOSTUNREACH) {
		snprintf(fix, sizeof(fix), "ip neigh flush to %s dev %s", hop, ifname);
		doctor_say(d, DOCTOR_PROBLEM, "peers", fix, "%s: the next hop does not answer",
			   dst);
	} else {
		snprintf(fix, sizeof(fix), "ip route get %s", dst);
		doctor_say(d, DOCTOR_PROBLEM, "peers", fix, "%s cannot be reached: %s", dst,
			   strerror(error));
	}
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	uint32_t state = get_u32(nlh, MACHNET_A_ROUTE_STATE);
	struct peers *peers = data;

	peers->n++;
	if (state != MACHNET_ROUTE_STATE_RESOLVING && state != MACHNET_ROUTE_STATE_UNREACHABLE)
		return 0;
	if (peers->bad++ < FINDINGS_MAX)
		say_peer(peers->d, nlh, state);
	return 0;
}

void doctor_check_peers(struct doctor *d)
{
	struct peers peers = { .d = d };

	if (!d->has_module || d->local)
		return;
	if (!dump(d, "peers", MACHNET_CMD_ROUTE_DUMP, on_route, &peers))
		return;
	if (peers.bad > FINDINGS_MAX)
		doctor_say(d, DOCTOR_PROBLEM, "peers", "machnetctl route",
			   "%u more cannot be reached", peers.bad - FINDINGS_MAX);
	if (!peers.bad)
		doctor_say(d, DOCTOR_OK, "peers", NULL, "%u in use, all of them can be reached",
			   peers.n);
}

/* --- ports --- */

struct ports {
	struct doctor *d;
	unsigned int n, bad;
	struct ctl_blocks blocks;
};

static void say_unclaimed(struct doctor *d, const struct nlmsghdr *nlh, uint16_t number)
{
	char addr[MN_ADDR_STRLEN], comm[MACHNET_COMM_LEN + 1], fix[DOCTOR_COMMAND];
	uint32_t pid = get_u32(nlh, MACHNET_A_PORT_OWNER_PID);

	get_addr(nlh, MACHNET_A_PORT_ADDR, addr);
	get_string(nlh, MACHNET_A_PORT_OWNER_COMM, comm, sizeof(comm));
	if (d->has_daemon)
		snprintf(fix, sizeof(fix), "machnetctl port release addr %s number %u", addr,
			 number);
	else
		doctor_start(d, fix);
	doctor_say(d, DOCTOR_WARNING, "ports", fix,
		   "port %u of %s (process %u, %s) is not served: %s", number, addr,
		   pid, comm, d->has_daemon ? "it has not come back to this machnetd" :
		   "its machnetd is gone");
}

static int on_port(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *number = nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN,
						MACHNET_A_PORT_NUMBER);
	uint32_t pid = get_u32(nlh, MACHNET_A_PORT_OWNER_PID);
	struct ports *ports = data;

	if (ctl_blocks_have(&ports->blocks, nlh))
		return 0;
	ports->n++;
	if (!number || nla_len(number) != sizeof(uint16_t) || !pid ||
	    nlmsg_find_attr((struct nlmsghdr *)nlh, GENL_HDRLEN, MACHNET_A_PORT_CLAIMED))
		return 0;
	if (ports->bad++ < FINDINGS_MAX)
		say_unclaimed(ports->d, nlh, nla_get_u16(number));
	return 0;
}

void doctor_check_ports(struct doctor *d)
{
	struct ports ports = { .d = d };
	bool read;

	if (!d->has_module || d->local)
		return;
	read = !ctl_blocks_read(&d->genl, &ports.blocks) &&
	       dump(d, "ports", MACHNET_CMD_PORT_GET, on_port, &ports);
	if (ports.bad > FINDINGS_MAX)
		doctor_say(d, DOCTOR_WARNING, "ports", "machnetctl port",
			   "%u more are not served", ports.bad - FINDINGS_MAX);
	if (read && !ports.bad)
		doctor_say(d, DOCTOR_OK, "ports", NULL, "%u lent, each of them is served",
			   ports.n);
}
