// SPDX-License-Identifier: MIT
/* local_object.c - the device and the ports of a daemon that does without the module */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/machnet.h>

#include "attr.h"
#include "connection.h"
#include "daemon.h"
#include "local_object.h"
#include "rss.h"

static unsigned long number(const struct ctl_facts *facts, const char *key)
{
	return strtoul(ctl_fact(facts, key), NULL, 10);
}

/* A fact that is a number: JSON has it as one. */
static void print_number(struct out *o, const struct ctl_facts *facts, const char *key,
			 const char *label)
{
	out_number(o, key, label, number(facts, key));
}

static void print_device(struct out *o, const struct ctl_facts *facts, uint32_t ifindex)
{
	if (o->json)
		out_number(o, "ifindex", "Ifindex", ifindex);
	out_string(o, "ifname", "Dev", ctl_fact(facts, "netdev"));
	out_string(o, "mac", "MAC", ctl_fact(facts, "mac"));
	print_number(o, facts, "mtu", "MTU");
	print_number(o, facts, "engines", "Engines");
	ctl_rss_print(o, facts, "unknown");
	out_string(o, "driver", "Driver", ctl_fact(facts, "driver"));
	ctl_print_path_ports(o, number(facts, "path_port_first"),
			     number(facts, "path_port_count"));
	print_number(o, facts, "pid", "PID");
}

int ctl_local_device(struct ctl *ctl, const struct ctl_filter *filter)
{
	struct ctl_facts facts;
	struct ctl_daemon d;
	uint32_t ifindex;
	int ret;

	if (ctl_daemon_open_local(ctl, &d, &ifindex))
		return CTL_REFUSED;
	ret = ctl_daemon_facts(&d, &facts);
	ctl_daemon_close(&d);
	if (ret)
		return ctl_daemon_refused(ctl->socket, ret);
	if (filter->n && filter->values[0].number != ifindex)
		return ctl_refused("start one: machnetd -i IFACE",
				   "no datapath serves this device, but %s is served",
				   ctl_fact(&facts, "netdev"));
	out_table_begin(&ctl->out);
	out_row_begin(&ctl->out);
	print_device(&ctl->out, &facts, ifindex);
	out_row_end(&ctl->out);
	out_table_end(&ctl->out);
	return CTL_OK;
}

static bool port_matches(const struct ctl_port_entry *p, const struct ctl_filter *filter)
{
	const struct ctl_filter_value *v;

	for (v = filter->values; v < filter->values + filter->n; v++) {
		bool same = false;

		switch (v->word->attr) {
		case MACHNET_A_PORT_ADDR:
			same = mn_addr_equal(&v->addr, &p->addr);
			break;
		case MACHNET_A_PORT_NUMBER:
			same = v->number == p->number;
			break;
		case MACHNET_A_PORT_OWNER_PID:
			same = v->number == p->pid;
			break;
		case MACHNET_A_PORT_OWNER_UID:
			same = v->number == p->uid;
			break;
		}
		if (!same)
			return false;
	}
	return true;
}

static void print_port(struct out *o, const struct ctl_port_entry *p)
{
	struct mn_app_connection owner = { .owner_pid = p->pid };

	out_endpoint(o, "addr", "number", "Address", &p->addr, p->number);
	/* The daemon has the port because it serves it. */
	out_flag(o, "claimed", "Claimed", true);
	ctl_local_process(o, &owner);
	out_number(o, "owner_uid", "UID", p->uid);
}

struct show {
	struct ctl *ctl;
	const struct ctl_filter *filter;
};

static int show_port(void *ctx, const struct ctl_port_entry *p)
{
	struct show *show = ctx;
	struct out *o = &show->ctl->out;

	if (!port_matches(p, show->filter))
		return 0;
	out_row_begin(o);
	print_port(o, p);
	out_row_end(o);
	return o->error;
}

int ctl_local_port(struct ctl *ctl, const struct ctl_filter *filter)
{
	struct show show = { ctl, filter };
	struct ctl_daemon d;
	uint32_t ifindex;
	int ret;

	if (ctl_daemon_open_local(ctl, &d, &ifindex))
		return CTL_REFUSED;
	out_table_begin(&ctl->out);
	ret = ctl_daemon_ports(&d, show_port, &show);
	out_table_end(&ctl->out);
	ctl_daemon_close(&d);
	return ret && !ctl->out.error ? ctl_daemon_refused(ctl->socket, ret) : CTL_OK;
}

/* What a daemon without the module cannot do. */
static int refuse(struct ctl *ctl, const char *hint, const char *why)
{
	struct ctl_daemon d;
	uint32_t ifindex;

	if (ctl_daemon_open_local(ctl, &d, &ifindex))
		return CTL_REFUSED;
	ctl_daemon_close(&d);
	return ctl_refused(hint, "%s", why);
}

int ctl_local_release(struct ctl *ctl)
{
	return refuse(ctl, "end the process that machnetctl port shows",
		      "machnetd --control=local cannot take a port from its application");
}

int ctl_local_monitor(struct ctl *ctl)
{
	return refuse(ctl, "machnetctl top shows connections live; or: modprobe machnet",
		      "events come from the machnet module, which machnetd --control=local "
		      "does without");
}
