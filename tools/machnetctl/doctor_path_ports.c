// SPDX-License-Identifier: MIT
/* doctor_path_ports.c - the block of path ports, and which others may be given one of them */
#include <stdio.h>
#include <stdlib.h>

#include <linux/machnet.h>

#include "blocks.h"
#include "doctor.h"

#define SYSCTL		"net.ipv4.ip_local_reserved_ports"
#define RANGE_FILE	"/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED_FILE	"/proc/sys/net/ipv4/ip_local_reserved_ports"

/* Ports from first to last; none if last is the smaller one. */
struct range {
	unsigned long first, last;
};

static struct range common(struct range a, struct range b)
{
	return (struct range){ a.first > b.first ? a.first : b.first,
			       a.last < b.last ? a.last : b.last };
}

static unsigned long size(struct range r)
{
	return r.first > r.last ? 0 : r.last - r.first + 1;
}

/* What the kernel gives to programs that ask for any port; none if that cannot be read. */
static struct range given_to_others(void)
{
	struct range none = { 1, 0 }, r;
	FILE *f = fopen(RANGE_FILE, "re");
	int n;

	if (!f)
		return none;
	n = fscanf(f, "%lu %lu", &r.first, &r.last);
	fclose(f);
	return n == 2 ? r : none;
}

/* How many of the ports are left out of that: a list "1-5,8080", whose ranges do not overlap. */
static unsigned long reserved_of(struct range ports, bool *any)
{
	FILE *f = fopen(RESERVED_FILE, "re");
	unsigned long n = 0;
	struct range r;
	int c = ',';

	*any = false;
	while (f && c == ',' && fscanf(f, "%lu", &r.first) == 1) {
		*any = true;
		r.last = r.first;
		c = fgetc(f);
		if (c == '-') {
			if (fscanf(f, "%lu", &r.last) != 1)
				break;
			c = fgetc(f);
		}
		n += size(common(ports, r));
	}
	if (f)
		fclose(f);
	return n;
}

static void check_range(struct doctor *d, const char *ifname, struct range block)
{
	struct range given = given_to_others(), both = common(block, given);
	char fix[DOCTOR_COMMAND];
	bool any;

	if (reserved_of(both, &any) >= size(both))
		return;
	snprintf(fix, sizeof(fix), any ? "sysctl -w " SYSCTL "=$(sysctl -n " SYSCTL "),%lu-%lu"
				       : "sysctl -w " SYSCTL "=%lu-%lu", block.first, block.last);
	doctor_say(d, DOCTOR_WARNING, "path ports", fix,
		   "%s: path ports %lu-%lu overlap net.ipv4.ip_local_port_range (%lu-%lu) and are "
		   "not reserved: the kernel may give them to other programs while machnetd does "
		   "not run", ifname, block.first, block.last, given.first, given.last);
}

static void check_block(struct doctor *d, const char *ifname, uint32_t first, uint32_t count)
{
	struct range block = { first, first + count - 1 };

	/* A datapath of another version has none. */
	if (!count)
		return;
	doctor_say(d, DOCTOR_OK, "path ports", NULL,
		   "%s: UDP ports %lu-%lu are reserved for packets between hosts; the rule of a "
		   "firewall for them is: nft add rule inet filter forward udp dport %lu-%lu "
		   "accept, or iptables -A FORWARD -p udp --dport %lu:%lu -j ACCEPT (and "
		   "ip6tables)", ifname, block.first, block.last, block.first, block.last,
		   block.first, block.last);
	check_range(d, ifname, block);
}

void doctor_check_path_ports(struct doctor *d)
{
	char ifname[IF_NAMESIZE];
	struct ctl_blocks blocks;

	/* In another network namespace the kernel's settings are other ones. */
	if (d->local && if_nametoindex(d->iface))
		check_block(d, d->iface, strtoul(ctl_fact(&d->facts, "path_port_first"), NULL, 10),
			    strtoul(ctl_fact(&d->facts, "path_port_count"), NULL, 10));
	/* Where the module does not answer, the check of the device has said so. */
	if (d->local || !d->has_module || ctl_blocks_read(&d->genl, &blocks))
		return;
	for (unsigned int i = 0; i < blocks.n; i++)
		if (if_indextoname(blocks.block[i].ifindex, ifname))
			check_block(d, ifname, blocks.block[i].first, blocks.block[i].count);
}
