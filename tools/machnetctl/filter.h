/* SPDX-License-Identifier: MIT */
/*
 * filter.h - which objects are meant: "local 10.0.0.1 state established"
 *
 * Each word is followed by one value and stands at most once; all of them must
 * agree. The kernel does the choosing: a filter becomes attributes of the dump.
 */
#ifndef MACHNETCTL_FILTER_H
#define MACHNETCTL_FILTER_H

#include <stdint.h>

#include <machnet/addr.h>
#include <netlink/msg.h>

#define CTL_FILTER_MAX	10

enum ctl_filter_kind {
	CTL_FILTER_ADDR,
	CTL_FILTER_PORT,
	CTL_FILTER_NUMBER,
	CTL_FILTER_DEV,		/* the name of a netdev; becomes its index */
	CTL_FILTER_USER,	/* name or number; becomes the number */
	CTL_FILTER_NAME,	/* one of names; becomes its place among them */
	CTL_FILTER_ID,		/* hexadecimal digits */
};

struct ctl_filter_word {
	const char *word;	/* NULL: the end of the list */
	enum ctl_filter_kind kind;
	int attr;
	const char *const *names;	/* from 1 on, up to NULL */
};

struct ctl_filter_value {
	const struct ctl_filter_word *word;
	struct mn_addr addr;
	uint32_t number;
	uint64_t id;
};

struct ctl_filter {
	unsigned int n;
	struct ctl_filter_value values[CTL_FILTER_MAX];
};

/* CTL_OK, or the exit status after having reported. */
int ctl_filter_parse(struct ctl_filter *f, const struct ctl_filter_word *words, int argc,
		     char **argv);
/* Negative when the message is full. */
int ctl_filter_put(const struct ctl_filter *f, struct nl_msg *msg);

#endif /* MACHNETCTL_FILTER_H */
