/* SPDX-License-Identifier: MIT */
/*
 * genl.h - requests to machnet.ko over libnl
 *
 * libnl's own error numbers lose the errno and, in the versions in use, the
 * kernel's sentence: both are taken from the messages here.
 */
#ifndef MACHNETCTL_GENL_H
#define MACHNETCTL_GENL_H

#include <stdbool.h>
#include <stdint.h>

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "filter.h"

#define CTL_GENL_GROUPS_MAX	8

struct ctl_genl {
	struct nl_sock *sock;
	struct nl_cb *cb;
	int family;
	int error;		/* negative errno of the request under way */
	bool done;
	bool interrupted;	/* the table changed during the dump */
	char sentence[256];	/* the kernel's, "" when it gave none */
	int (*handler)(const struct nlmsghdr *nlh, void *data);
	void *data;
};

/* -ENOENT: the kernel does not know the family. */
int ctl_genl_open(struct ctl_genl *g);
void ctl_genl_close(struct ctl_genl *g);

/* NULL when out of memory. */
struct nl_msg *ctl_genl_begin(struct ctl_genl *g, uint8_t cmd);
/* Sends and frees the message (NULL: -ENOMEM), hands answers to handler. 0, or -errno. */
int ctl_genl_request(struct ctl_genl *g, struct nl_msg *msg,
		     int (*handler)(const struct nlmsghdr *nlh, void *data), void *data);
/*
 * Hands over the objects that pass the filter (NULL: all), consistently: asks
 * again while the table changes under the dump.
 */
int ctl_genl_dump(struct ctl_genl *g, uint8_t cmd, const struct ctl_filter *filter,
		  int (*handler)(const struct nlmsghdr *nlh, void *data), void *data);

/*
 * Subscribes to n groups. From then on the socket is for events: readable when
 * there are any. -ENOENT: no such group.
 */
int ctl_genl_listen(struct ctl_genl *g, const char *const *groups, unsigned int n,
		    int (*handler)(const struct nlmsghdr *nlh, void *data), void *data);
/* Hands over the events that are there, without waiting. -ENOBUFS: some are lost. */
int ctl_genl_read_events(struct ctl_genl *g);

#endif /* MACHNETCTL_GENL_H */
