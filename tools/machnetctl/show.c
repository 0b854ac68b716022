// SPDX-License-Identifier: MIT
/* show.c - what the commands for the module's objects have in common */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

int ctl_open(struct ctl_genl *g)
{
	int ret = ctl_genl_open(g);

	if (!ret)
		return CTL_OK;
	if (ret == -ENOENT)
		return ctl_refused("modprobe machnet", "the machnet module is not loaded");
	return ctl_refused(NULL, "cannot talk to the kernel: %s", strerror(-ret));
}

static const char *hint_for(int error)
{
	switch (error) {
	case -EPERM:
		return "run it as root";
	case -ENODEV:
		return "start one: machnetd -i IFACE";
	case -ENETUNREACH:
		return "no route leads there: see ip route";
	case -EHOSTUNREACH:
		return "the next hop does not answer: see ip neigh";
	case -EACCES:
		return "a route prohibits it: see ip route";
	case -EBADMSG:
		return "module and machnetctl may be of different versions";
	}
	return NULL;
}

int ctl_done(const struct ctl_genl *g, int error)
{
	if (!error)
		return CTL_OK;
	return ctl_refused(hint_for(error), "%s", g->sentence[0] ? g->sentence : strerror(-error));
}

int ctl_parse_addr(const char *text, struct mn_addr *addr)
{
	if (!mn_addr_parse(addr, text))
		return CTL_OK;
	return ctl_usage("'%s' is no IPv4 or IPv6 address", text);
}

int ctl_parse_port(const char *text, uint16_t *port)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || !number || number > UINT16_MAX)
		return ctl_usage("'%s' is no port number (1 to 65535)", text);
	*port = number;
	return CTL_OK;
}

struct show {
	struct out *out;
	int (*print)(struct out *o, const struct nlmsghdr *nlh);
};

static int show_row(const struct nlmsghdr *nlh, void *data)
{
	const struct show *show = data;
	int ret;

	out_row_begin(show->out);
	ret = show->print(show->out, nlh);
	out_row_end(show->out);
	return ret;
}

static int show_record(const struct nlmsghdr *nlh, void *data)
{
	const struct show *show = data;
	int ret;

	out_record_begin(show->out);
	ret = show->print(show->out, nlh);
	out_record_end(show->out);
	return ret;
}

int ctl_show_one(struct ctl *ctl, struct ctl_genl *g, struct nl_msg *msg, bool table,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh))
{
	struct show show = { .out = &ctl->out, .print = print };
	int ret;

	if (!table)
		return ctl_done(g, ctl_genl_request(g, msg, show_record, &show));
	out_table_begin(&ctl->out);
	ret = ctl_genl_request(g, msg, show_row, &show);
	out_table_end(&ctl->out);
	return ctl_done(g, ret);
}

int ctl_show_all(struct ctl *ctl, uint8_t cmd,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh))
{
	struct show show = { .out = &ctl->out, .print = print };
	struct ctl_genl g;
	int ret, status;

	status = ctl_open(&g);
	if (status)
		return status;
	out_table_begin(&ctl->out);
	ret = ctl_genl_dump(&g, cmd, show_row, &show);
	out_table_end(&ctl->out);
	status = ctl_done(&g, ret);
	ctl_genl_close(&g);
	return status;
}
