/* SPDX-License-Identifier: MIT */
/*
 * nlclient.h - a generic netlink client over libmnl
 *
 * One client is one netlink socket bound to one family, with its own buffers:
 * after nlclient_open() nothing is allocated. It is not thread-safe; the caller
 * holds a lock around it or keeps it in one thread. Use one client for
 * requests and another one for events, so that a burst of events cannot crowd
 * out an answer.
 *
 * All functions return 0 (or a count) or -errno. After an error
 * nlclient_extack() has the kernel's sentence, or "".
 */
#ifndef MACHNET_NLCLIENT_H
#define MACHNET_NLCLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#define NLCLIENT_GROUPS_MAX	8
#define NLCLIENT_NAME_LEN	16	/* GENL_NAMSIZ */
#define NLCLIENT_REQ_LEN	36864	/* no request of ours is longer: a batch of connections */
#define NLCLIENT_RECV_LEN	32768	/* the kernel's largest dump datagram */

struct nlclient_group {
	char name[NLCLIENT_NAME_LEN];
	uint32_t id;
};

struct nlclient {
	struct mnl_socket *sock;
	uint32_t portid;
	uint32_t seq;		/* of the last request */
	uint16_t family;	/* message type of the family */
	uint8_t version;
	unsigned int n_groups;
	struct nlclient_group groups[NLCLIENT_GROUPS_MAX];
	char extack[256];
	_Alignas(8) char req[NLCLIENT_REQ_LEN];
	_Alignas(8) char recv[NLCLIENT_RECV_LEN];
};

/*
 * What is called for each message: nonzero ends the delivery (not the
 * request) and becomes the result. It must not use the client.
 */
typedef int (*nlclient_cb)(const struct nlmsghdr *nlh, void *data);

/*
 * Opens a socket and looks up the family, which makes the kernel load its
 * module. -ENOENT: the kernel does not have the family.
 */
int nlclient_open(struct nlclient *nl, const char *family);
/* Also for a zeroed or a closed client. */
void nlclient_close(struct nlclient *nl);

/* For poll(2). */
int nlclient_fd(const struct nlclient *nl);
const char *nlclient_extack(const struct nlclient *nl);

/* Begins a request in the client's buffer; the caller appends attributes. */
struct nlmsghdr *nlclient_begin(struct nlclient *nl, uint8_t cmd);

/*
 * Sends what was begun, delivers answers to cb (may be NULL), takes the ack.
 * -ENOBUFS: the answer was lost, as may happen to a client for events.
 */
int nlclient_request(struct nlclient *nl, struct nlmsghdr *nlh, nlclient_cb cb, void *data);

/*
 * The same for a dump. -EINTR: the table changed meanwhile, so that what was
 * delivered may miss or repeat objects: forget it and start again.
 */
int nlclient_dump(struct nlclient *nl, struct nlmsghdr *nlh, nlclient_cb cb, void *data);

/* Subscribes to a multicast group by name. -ENOENT: the family has none of that name. */
int nlclient_join(struct nlclient *nl, const char *group);

/*
 * Delivers the notifications that are there, without waiting; a bounded number
 * per call, so poll(2) again. Returns how many. -ENOBUFS: some were lost: dump
 * the tables anew.
 */
int nlclient_recv_events(struct nlclient *nl, nlclient_cb cb, void *data);

#endif /* MACHNET_NLCLIENT_H */
