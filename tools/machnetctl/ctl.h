/* SPDX-License-Identifier: MIT */
/* ctl.h - what the commands of machnetctl share */
#ifndef MACHNETCTL_CTL_H
#define MACHNETCTL_CTL_H

#include "genl.h"
#include "print.h"

/* Exit statuses. */
#define CTL_OK		0
#define CTL_REFUSED	1
#define CTL_USAGE	2

struct ctl {
	struct out out;
	const char *socket;	/* machnetd's */
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
	/* The first one is the default; the last one has no name and takes what is no verb. */
	const struct ctl_verb *verbs;
};

extern const struct ctl_object ctl_device, ctl_port, ctl_connection;
extern const struct ctl_object ctl_route, ctl_monitor, ctl_stats;

/* The objects, up to NULL. */
extern const struct ctl_object *const ctl_objects[];

/* "Error: TEXT (hint: HINT)."; hint may be NULL. Returns CTL_REFUSED. */
int ctl_refused(const char *hint, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Says what is wrong with the command line. Returns CTL_USAGE. */
int ctl_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int ctl_unexpected(const char *word);
/* The last verb of most objects. */
int ctl_no_verb(struct ctl *ctl, int argc, char **argv);

/* Opens the way to the module; on failure it has been reported. */
int ctl_open(struct ctl_genl *g);
/* Reports what a request came to; returns the exit status. */
int ctl_done(const struct ctl_genl *g, int error);

/* The arguments of commands. CTL_OK, or CTL_USAGE after having reported. */
int ctl_parse_addr(const char *text, struct mn_addr *addr);
int ctl_parse_port(const char *text, uint16_t *port);

/* Print the object of a message into the current row or record. -EBADMSG. */
int ctl_device_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_port_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_connection_print(struct out *o, const struct nlmsghdr *nlh);
int ctl_route_print(struct out *o, const struct nlmsghdr *nlh);

/* Asks for one object and prints it as a record or, with table, a row. Returns the exit status. */
int ctl_show_one(struct ctl *ctl, struct ctl_genl *g, struct nl_msg *msg, bool table,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh));
/* Dumps a table with one of these. Returns the exit status. */
int ctl_show_all(struct ctl *ctl, uint8_t cmd,
		 int (*print)(struct out *o, const struct nlmsghdr *nlh));

#endif /* MACHNETCTL_CTL_H */
