/* SPDX-License-Identifier: MIT */
/*
 * app_proto.h - what libmachnet, machnetctl and machnetd say over the unix socket
 *
 * SOCK_SEQPACKET; one message is one struct mn_app_msg, host byte order. The
 * client asks, the daemon answers each request once, with the same type and
 * tag; several requests may be under way. One application has one socket per
 * channel: when it closes, the channel and all that belongs to it goes.
 *
 * ATTACH is answered with three descriptors (SCM_RIGHTS): the channel's memfd,
 * the eventfd that wakes the engine, the pipe that wakes the application.
 */
#ifndef MN_CORE_APP_PROTO_H
#define MN_CORE_APP_PROTO_H

#include <stdint.h>

#include <machnet/addr.h>

#define MN_APP_VERSION		1
/* Where the daemon listens; the environment variable overrides it. */
#define MN_APP_SOCKET_DEFAULT	"/run/machnet/machnetd.sock"
#define MN_APP_SOCKET_ENV	"MACHNET_SOCKET"
#define MN_APP_STAT_NAME	48
#define MN_APP_ATTACH_FDS	3

enum mn_app_type {
	MN_APP_ATTACH = 1,	/* version, tx_bufs, rx_bufs -> control, fds */
	MN_APP_LISTEN,		/* local, local_port, cookie -> local_port */
	MN_APP_UNLISTEN,	/* local, local_port */
	MN_APP_CONNECT,		/* local (any: as routed), remote{,_port} -> flow, local{,_port} */
	MN_APP_CLOSE,		/* flow */
	MN_APP_STATS,		/* index, from 0 to ENOENT -> name, value, index of the next one */
	MN_APP_INFO,		/* -> control, engines, local (address), name (netdev) */
};

/* Who keeps the ports (answer to ATTACH and INFO). */
enum mn_app_control {
	MN_APP_CONTROL_KERNEL = 1,	/* machnet.ko: reserve first, show the cookie */
	MN_APP_CONTROL_LOCAL,		/* the daemon: cookie is 0 */
};

/* 136 bytes; fields that a type does not use are 0. */
struct mn_app_msg {
	uint16_t type;		/* enum mn_app_type */
	uint16_t version;	/* MN_APP_VERSION */
	uint32_t tag;		/* chosen by the client */
	int32_t error;		/* answers: 0 or an errno (positive) */
	uint32_t control;	/* enum mn_app_control */
	uint32_t tx_bufs, rx_bufs;	/* 0: the default */
	uint32_t flow;
	uint32_t index;
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t engines;
	uint64_t cookie;
	uint64_t value;
	char name[MN_APP_STAT_NAME];	/* NUL-terminated */
};

_Static_assert(sizeof(struct mn_app_msg) == 136, "size of the protocol's message");

#endif /* MN_CORE_APP_PROTO_H */
