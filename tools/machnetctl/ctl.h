/* SPDX-License-Identifier: MIT */
/* ctl.h - what the commands of machnetctl share */
#ifndef MACHNETCTL_CTL_H
#define MACHNETCTL_CTL_H

#include "filter.h"
#include "genl.h"
#include "print.h"

/* Exit statuses. */
#define CTL_OK		0
#define CTL_REFUSED	1
#define CTL_USAGE	2

struct ctl {
	struct out out;
	const char *socket;	/* machnetd's */
	uint64_t interval_us;	/* -i, 0: not given */
	uint32_t count;		/* -c, 0: not given */
	bool all;		/* -a */
	bool batch;		/* -b */
};

/* A verb of an object; argv[0] is its first argument. */
struct ctl_verb {
	const char *name;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

struct ctl_object {
	const char *name;
	const char *alias;	/* or NULL */
	const char *summary;	/* one line */
	const char *help;	/* usage, then explanations */
	const char *options;	/* letters of options that not every object takes, or NULL */
	/* The first one is the default; the last one has no name and takes what is no verb. */
	const struct ctl_verb *verbs;
};

extern const struct ctl_object ctl_device, ctl_port, ctl_connection;
extern const struct ctl_object ctl_route, ctl_monitor, ctl_stats;
extern const struct ctl_object ctl_doctor, ctl_path, ctl_top;

extern const char ctl_version[];
/* The objects, up to NULL. */
extern const struct ctl_object *const ctl_objects[];

/* "Error: TEXT (hint: HINT)."; hint may be NULL. Returns CTL_REFUSED. */
int ctl_refused(const char *hint, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Says what is wrong with the command line. Returns CTL_USAGE. */
int ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int ctl_unexpected(const char *word);
/* The last verb of most objects. */
int ctl_no_verb(struct ctl *ctl, int argc, char **argv);

/* Reports that ctl_genl_open() failed. Returns CTL_REFUSED. */
int ctl_not_open(int error);
/* Opens the way to the module; on failure it has been reported. */
int ctl_open(struct ctl_genl *g);
/* Reports what a request came to; returns the exit status. */
int ctl_done(const struct ctl_genl *g, int error);

/* A number in decimal digits, up to max. -EINVAL. */
int ctl_to_number(const char *text, uint32_t max, uint32_t *number);
/* The arguments of commands. CTL_OK, or CTL_USAGE after having reported. */
int ctl_parse_addr(const char *text, struct mn_addr *addr);
int ctl_parse_port(const char *text, uint16_t *port);
/* Hexadecimal digits, not 0; of: what it is the id of. */
int ctl_parse_id(const char *text, const char *of, uint64_t *id);

/* The local time as field "time" of a record. */
void ctl_print_time(struct out *o);

/* Print the object of a message into the current row or record. -EBADMSG. */
int ctl_device_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_port_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_connection_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_connection_print_id(struct out *o, const struct nlmsghdr *nlh);
int ctl_path_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_route_print(struct out *o, const struct nlmsghdr *nlh);

/* Asks for one object and prints it as a record or, with table, a row. Returns the exit status. */
int ctl_show_one(struct ctl *ctl, struct ctl_genl *g, struct nl_msg *msg, bool table,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh));
/* Dumps what passes the filter as a table with one of these. Returns the exit status. */
int ctl_show_all(struct ctl *ctl, struct ctl_genl *g, uint8_t cmd, const struct ctl_filter *filter,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh));

/* The same for an object whose module is not open yet. */
int ctl_open_show_all(struct ctl *ctl, uint8_t cmd, const struct ctl_filter *filter,
		      int (*print)(struct out *o, const struct nlmsghdr *nlh));

#endif /* MACHNETCTL_CTL_H */
