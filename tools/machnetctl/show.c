// SPDX-License-Identifier: MIT
/* show.c - what the commands for the module's objects have in common */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

int ctl_not_open(int error)
{
	if (error == -ENOENT)
		return ctl_refused("modprobe machnet", "the machnet module is not loaded");
	return ctl_refused(NULL, "cannot talk to the kernel: %s", strerror(-error));
}

int ctl_open(struct ctl_genl *g)
{
	int ret = ctl_genl_open(g);

	return ret ? ctl_not_open(ret) : CTL_OK;
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
	case -ENOTCONN:
		return "is it running? machnetctl doctor";
	case -EOPNOTSUPP:
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

int ctl_to_number(const char *text, uint32_t max, uint32_t *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value > max)
		return -EINVAL;
	*number = value;
	return 0;
}

int ctl_parse_port(const char *text, uint16_t *port)
{
	uint32_t number;

	if (ctl_to_number(text, UINT16_MAX, &number) || !number)
		return ctl_usage("'%s' is no port number (1 to 65535)", text);
	*port = number;
	return CTL_OK;
}

int ctl_parse_id(const char *text, const char *of, uint64_t *id)
{
	char *end;

	errno = 0;
	*id = strtoull(text, &end, 16);
	if (errno || *end || strspn(text, "0123456789abcdefABCDEF") != strlen(text) || !*id)
		return ctl_usage("'%s' is no id of a %s (hexadecimal digits)", text, of);
	return CTL_OK;
}

/* As in ISO 8601, with microseconds and the offset from UTC. */
void ctl_print_time(struct out *o)
{
	char text[64], date[32], zone[8];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%FT%T", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(text, sizeof(text), "%s.%06ld%.3s:%s", date, now.tv_nsec / 1000, zone, zone + 3);
	out_string(o, "time", NULL, text);
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

int ctl_show_all(struct ctl *ctl, struct ctl_genl *g, uint8_t cmd, const struct ctl_filter *filter,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh))
{
	struct show show = { .out = &ctl->out, .print = print };
	int ret;

	out_table_begin(&ctl->out);
	ret = ctl_genl_dump(g, cmd, filter, show_row, &show);
	out_table_end(&ctl->out);
	return ctl_done(g, ret);
}

int ctl_open_show_all(struct ctl *ctl, uint8_t cmd, const struct ctl_filter *filter,
		      int (*print)(struct out *o, const struct nlmsghdr *nlh))
{
	struct ctl_genl g;
	int status;

	status = ctl_open(&g);
	if (status)
		return status;
	status = ctl_show_all(ctl, &g, cmd, filter, print);
	ctl_genl_close(&g);
	return status;
}
