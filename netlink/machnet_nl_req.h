/* SPDX-License-Identifier: MIT */
/* machnet_nl_req.h - what the files with the operations share */
#ifndef MACHNET_MACHNET_NL_REQ_H
#define MACHNET_MACHNET_NL_REQ_H

#include "machnet_nl.h"

void machnet_nl_put_addr(struct nlmsghdr *nlh, uint16_t type, const struct mn_addr *addr);
/* A request that is answered with an object: an ack alone is not enough. */
int machnet_nl_ask(struct nlclient *nl, struct nlmsghdr *nlh, nlclient_cb parse, void *out);
int machnet_nl_tell(struct nlclient *nl, struct nlmsghdr *nlh);

#endif /* MACHNET_MACHNET_NL_REQ_H */
