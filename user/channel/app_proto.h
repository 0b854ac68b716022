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
 * the eventfd that wakes the engine, the pipe that wakes the application. EDQUOT:
 * the user has as many channels as one may have.
 *
 * LISTEN comes with one descriptor, of the UDP socket that the application has bound to the port
 * (base/udp_port.h), and takes with it the right to the port: the daemon keeps it for as long as
 * the listener or a connection of a channel that was left needs the number. With control "kernel"
 * the application has lent the socket to machnet.ko, and shows the cookie. Refused, besides what
 * is wrong with the socket: EXDEV, it is of another network namespace than the daemon; EDQUOT, the
 * user has as many ports as one may have. FREE is for a port whose bind(2) has failed: the daemon
 * gives up what it keeps for channels of this user that were left (ENOENT: nothing). An application
 * that passes any other descriptor is dropped.
 *
 * CONNECTIONS is answered with one descriptor, of a sealed memfd (F_SEAL_WRITE, _SHRINK,
 * _GROW) that holds value times a struct mn_app_connection and nothing else; with value 0 it
 * is empty. The answer takes as long as the engines need to look at all connections. PATHS is
 * answered in the same way, with struct mn_app_path. PROBE is answered when the peer has answered
 * at the port where hosts are contacted first, or with ETIMEDOUT after a second; EBUSY: the socket
 * has asked already.
 *
 * FACTS are "key=value", see below. KILL is for root (EPERM); it says that the connection was
 * there (ENOENT) and is being ended: its application gets ECONNABORTED.
 */
#ifndef MN_CHANNEL_APP_PROTO_H
#define MN_CHANNEL_APP_PROTO_H

#include <stdint.h>

#include <machnet/addr.h>

#define MN_APP_VERSION		6
/* Where the daemon listens; the environment variable overrides it. */
#define MN_APP_SOCKET_DEFAULT	"/run/machnet/machnetd.sock"
#define MN_APP_SOCKET_ENV	"MACHNET_SOCKET"
#define MN_APP_STAT_NAME	48
#define MN_APP_ATTACH_FDS	3

enum mn_app_type {
	MN_APP_ATTACH = 1,	/* version, tx_bufs, rx_bufs -> control, fds */
	MN_APP_LISTEN,		/* local, local_port, cookie, fd -> local_port */
	MN_APP_UNLISTEN,	/* local, local_port */
	MN_APP_STATS,		/* index, from 0 to ENOENT -> name, value, index of the next one */
	MN_APP_INFO,		/* -> control, engines, local (address), name (netdev) */
	MN_APP_FACTS,		/* index, from 0 to ENOENT -> name, index of the next one */
	MN_APP_CONNECTIONS,	/* -> value (number of connections), one descriptor */
	MN_APP_KILL,		/* value (id of the connection) */
	MN_APP_PORTS,		/* index, from 0 to ENOENT -> local, local_port, value (pid of its
				 * application << 32 | uid), index of the next one
				 */
	MN_APP_FREE,		/* local, local_port */
	MN_APP_PATHS,		/* -> value (number of paths), one descriptor */
	MN_APP_PROBE,		/* remote */
	MN_APP_ENGINES,		/* value: how many are to be used */
};

/* Who keeps the ports (answer to ATTACH and INFO). */
enum mn_app_control {
	MN_APP_CONTROL_KERNEL = 1,	/* machnet.ko: lend first, show the cookie */
	MN_APP_CONTROL_LOCAL,		/* the sockets alone: cookie is 0 */
};

/*
 * The keys of FACTS, in this order:
 *   version, pid, control (kernel|local)
 *   device (PCI address or arguments of the vdev, cut to what fits), netdev (whose routes lead
 *   here), tap (name of the exception path's interface, or none), driver, mac, mtu
 *   engines, used_engines, cores (the engines' CPUs, "2,3", or any), poll (adaptive|busy),
 *   memory (hugepages|pages), rx_wakeup (yes|no: packets wake a sleeping engine),
 *   rss_class (unknown|single|labelled|learned|computed|confined), rss_ignores_ports (yes|no),
 *   rss_rank, rss_rank_full, rss_observations, rss_contradictions, rss_candidates, rss_refused,
 *   rss_handoffs, rss_confined, rss_moves
 *   uptime_s, channels, connections (established ones), registered (those of them that the control
 *   plane has)
 */

/* 136 bytes; fields that a type does not use are 0. */
struct mn_app_msg {
	uint16_t type;		/* enum mn_app_type */
	uint16_t version;	/* MN_APP_VERSION */
	uint32_t tag;		/* chosen by the client */
	int32_t error;		/* answers: 0 or an errno (positive) */
	uint32_t control;	/* enum mn_app_control */
	uint32_t tx_bufs, rx_bufs;	/* 0: the default */
	uint32_t index;
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t engines;
	uint32_t reserved;
	uint64_t cookie;
	uint64_t value;
	char name[MN_APP_STAT_NAME];	/* NUL-terminated */
};

_Static_assert(sizeof(struct mn_app_msg) == 136, "size of the protocol's message");

/* An element of the answer to CONNECTIONS: 160 bytes. Counters begin with the connection. */
struct mn_app_connection {
	uint64_t id;		/* 0: the asker is not root, or it is not established yet */
	uint64_t path;		/* id of its path; 0: it has none */
	uint64_t age_us;	/* since the first packet */
	uint64_t tx_messages, rx_messages;
	uint64_t tx_bytes, rx_bytes;	/* accepted by the peer; received in order */
	uint64_t retransmits;	/* packets of its path */
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t engine, channel;
	uint32_t owner_pid;	/* 0: not visible in the daemon's pid namespace, or gone */
	uint32_t owner_uid;	/* UINT32_MAX: gone */
	uint32_t state;		/* enum machnet_connection_state of <linux/machnet.h> */
	uint32_t srtt_us, rttvar_us, rto_us;	/* of its path; 0: not measured yet */
	uint32_t cwnd_bytes;	/* congestion window of its path */
	uint32_t inflight_bytes;	/* sent, not accepted by the peer */
	uint32_t credit_bytes;	/* what the peer would still take */
	uint64_t unsent_bytes;	/* taken from the application, never sent */
	uint32_t unread_bytes;	/* handed to the application, which has not consumed them */
	uint32_t reserved;
};

_Static_assert(sizeof(struct mn_app_connection) == 160, "size of the protocol's connection");

/* An element of the answer to PATHS: 160 bytes. Counters begin with the path. */
struct mn_app_path {
	uint64_t id;		/* as in the registry: no secret */
	uint64_t age_us;
	uint64_t tx_packets, rx_packets, tx_lost;
	uint64_t tx_frames, rx_frames;	/* pieces of messages and the like */
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;	/* of packets to the peer */
	uint32_t engine;
	uint32_t remote_engine;	/* MACHNET_ENGINES_MAX: not known yet */
	uint32_t state;		/* enum machnet_path_state of <linux/machnet.h> */
	uint32_t mtu;		/* bytes of IP packet; 0: not known */
	uint32_t packet_bytes;	/* the largest UDP payload of its packets */
	uint32_t connections;
	uint32_t srtt_us, rttvar_us, rto_us;	/* 0: not measured yet */
	uint32_t cwnd_packets, window_packets, inflight_packets;
	uint8_t mac[6];		/* next hop; zeros: within the host */
	uint8_t steered;	/* 1: packets to the peer have ports that it asked for */
	uint8_t confined;	/* 1: no ports are left for those from it, and they are misplaced */
	uint16_t rx_local_port, rx_remote_port;	/* of packets from the peer; 0: not known */
	uint64_t rx_misplaced;	/* of those: arrived at the queue of another engine */
};

_Static_assert(sizeof(struct mn_app_path) == 160, "size of the protocol's path");

#endif /* MN_CHANNEL_APP_PROTO_H */
