/* SPDX-License-Identifier: MIT */
/* rtnl.h - what the daemon asks of and tells rtnetlink about interfaces */
#ifndef MND_RTNL_H
#define MND_RTNL_H

#include <stdint.h>

#include <libmnl/libmnl.h>

#include <machnet/addr.h>

struct mnd_rtnl {
	struct mnl_socket *sock;
	uint32_t seq;
};

int mnd_rtnl_open(struct mnd_rtnl *r, uint32_t groups);
void mnd_rtnl_close(struct mnd_rtnl *r);

/* Sends a request, hands the answer to cb (may be NULL), waits for the ack; -errno. */
int mnd_rtnl_request(struct mnd_rtnl *r, struct nlmsghdr *nlh, mnl_cb_t cb, void *data);

/* Dumps type (RTM_GETADDR, RTM_GETROUTE) of a family; cb as in libmnl. */
int mnd_rtnl_dump(struct mnd_rtnl *r, uint16_t type, uint8_t family, mnl_cb_t cb, void *data);

int mnd_rtnl_link_up(struct mnd_rtnl *r, uint32_t ifindex);
int mnd_rtnl_link_rename(struct mnd_rtnl *r, uint32_t ifindex, const char *name);
int mnd_rtnl_link_mtu(struct mnd_rtnl *r, uint32_t ifindex, uint32_t mtu);
int mnd_rtnl_link_mac(struct mnd_rtnl *r, uint32_t ifindex, uint8_t mac[6]);
/* len: of the network, in bits. 0 also when the interface has it already. */
int mnd_rtnl_addr_add(struct mnd_rtnl *r, uint32_t ifindex, const struct mn_addr *addr,
		      uint8_t len);

/* The unicast addresses of an interface; returns how many, at most max. */
int mnd_rtnl_addrs(struct mnd_rtnl *r, uint32_t ifindex, struct mn_addr *addrs, unsigned int max);

#endif /* MND_RTNL_H */
