/* SPDX-License-Identifier: MIT */
/*
 * machnet_nl_parse.h - the kernel's messages, checked and read into structs
 *
 * Pure functions; the message must have passed mnl_nlmsg_ok(). Each returns 0
 * or -EBADMSG and then leaves the struct undefined.
 */
#ifndef MACHNET_MACHNET_NL_PARSE_H
#define MACHNET_MACHNET_NL_PARSE_H

#include "machnet_nl.h"

int machnet_nl_parse_device(const struct nlmsghdr *nlh, struct machnet_nl_device *dev);
int machnet_nl_parse_port(const struct nlmsghdr *nlh, struct machnet_nl_port *port);
int machnet_nl_parse_connection(const struct nlmsghdr *nlh, struct machnet_nl_connection *conn);
int machnet_nl_parse_path(const struct nlmsghdr *nlh, struct machnet_nl_path *path);
int machnet_nl_parse_route(const struct nlmsghdr *nlh, struct machnet_nl_route *route);
int machnet_nl_parse_stats(const struct nlmsghdr *nlh, struct machnet_nl_stats *stats);

#endif /* MACHNET_MACHNET_NL_PARSE_H */
