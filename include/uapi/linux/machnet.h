/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * machnet.h - generic netlink interface of the Machnet control plane
 *
 * The source of truth is netlink/machnet.yaml; a check in the build keeps this
 * header, that file and the policies of the module in step.
 *
 * Family "machnet", version 1, one instance per network namespace. Requests
 * are validated strictly: an attribute that an operation does not know is
 * refused, and every refusal carries an extended-ack sentence.
 *
 * Conventions
 *   Addresses are binary, in network byte order, 4 bytes (IPv4) or 16 bytes
 *   (IPv6). The all-zero address means "any". Port numbers are u16 in host
 *   byte order, 1..65535.
 *   "owner" is the netlink socket that created an object: when that socket
 *   closes, for whatever reason, the object goes and its end is announced.
 *   [admin] needs CAP_NET_ADMIN in the user namespace that owns the network
 *   namespace.
 *
 * Objects
 *   device      a datapath (machnetd) that serves one network device
 *   port        a UDP port reserved for Machnet by a bound socket, which its
 *               owner has lent to the module
 *   connection  one Machnet connection, as its datapath reports it
 *   path        what joins an engine of this host with one of a peer and carries
 *               connections, as its datapath reports it
 *   route       how a destination is reached, from the kernel's own routing
 *               and neighbour tables; a watched route is announced on change
 *
 * Operations (request attributes -> reply attributes)
 *   DEVICE_REGISTER [admin]    ifindex, mac, mtu, engines, rss-class, driver,
 *                              path-port-first, path-port-count -> the device.
 *                              One datapath per netdev (EBUSY). The path ports
 *                              are a block of UDP ports that the datapath
 *                              reserves at its addresses, by PORT_LEND.
 *   DEVICE_UNREGISTER [admin]  ifindex. Owner only (EPERM).
 *   DEVICE_GET                 ifindex -> the device; dump: all.
 *   PORT_LEND                  socket -> the port with its cookie. A file
 *                              descriptor of the caller: a UDP socket that is
 *                              bound, not connected, without SO_REUSEADDR, with
 *                              IPV6_V6ONLY (EINVAL, EISCONN), without user data
 *                              or encapsulation (EBUSY), of this network
 *                              namespace (EXDEV). Its address and number are
 *                              the port's. The module holds it until the port
 *                              ends; packets are absorbed meanwhile.
 *                              With sockets: all or none, without an answer.
 *                              The effective user must be the one who opened
 *                              the netlink socket (EPERM). A port that another
 *                              socket has lent is EADDRINUSE, unless both had
 *                              SO_REUSEPORT when they were bound; they, and a
 *                              socket that is lent again, share the port: each
 *                              time is an object with its own owner and cookie.
 *   PORT_RELEASE               addr, and number or numbers (all or none): what
 *                              the sender has lent; [admin]: of any owner
 *                              (EPERM). The socket is an ordinary one again.
 *   PORT_CLAIM [admin]         addr, number, cookie, owner-pid: the datapath
 *                              takes the port into service for the application
 *                              that showed it the cookie. EKEYREJECTED if it is
 *                              wrong, or if that application, when it is
 *                              named, is not the one that lent the port.
 *   PORT_GET                   addr, number -> the port without its cookie;
 *                              dump: all, or those that agree with any of
 *                              addr, number, owner-uid, owner-pid.
 *                              Pid, comm and cgroup of an owner are left out
 *                              for a reader that may not see the process: one
 *                              of another user without CAP_SYS_PTRACE, or of a
 *                              pid namespace that does not have it.
 *   CONNECTION_ADD [admin]     id, ifindex, local-addr, local-port,
 *                              remote-addr, remote-port, remote-id, state,
 *                              engine, remote-engine, owner-pid, path. The
 *                              sender must own the device (EPERM).
 *   CONNECTION_SET [admin]     id, then any of state, engine, remote-engine,
 *                              remote-id, local-port, remote-port, path. Owner
 *                              only.
 *   CONNECTION_DEL [admin]     id, reason. Owner only.
 *   CONNECTION_ADD_BATCH [admin]  up to MACHNET_BATCH_MAX entry, each with the
 *                              attributes of CONNECTION_ADD: all or none.
 *   CONNECTION_DEL_BATCH [admin]  up to MACHNET_BATCH_MAX end, each with id and
 *                              reason: all or none.
 *   CONNECTION_KILL [admin]    id: asks the datapath to end it, which it does
 *                              with the reason "admin"; ENOTCONN if the
 *                              datapath does not listen to such requests.
 *   CONNECTION_GET             id -> the connection; dump: all, or those that
 *                              agree with any of ifindex, local-addr,
 *                              local-port, remote-addr, remote-port, state,
 *                              engine, owner-uid, owner-pid, path. Ids of
 *                              connections are told to [admin] alone: who
 *                              knows one can speak for the peer.
 *   PATH_ADD [admin]           id, ifindex, local-addr, remote-addr,
 *                              tx-local-port, tx-remote-port, rx-local-port,
 *                              rx-remote-port, engine, remote-engine, mtu,
 *                              state; mac unless the peer is this host. The
 *                              sender must own the device (EPERM).
 *   PATH_SET [admin]           id, then any of tx-local-port, tx-remote-port,
 *                              rx-local-port, rx-remote-port, engine,
 *                              remote-engine, mac, mtu, state. Owner only.
 *   PATH_DEL [admin]           id, reason. Owner only. Connections that name it
 *                              stay until they are deleted.
 *   PATH_GET                   id -> the path; dump: all, or those that agree
 *                              with any of ifindex, local-addr, remote-addr,
 *                              engine, remote-engine, state.
 *   ROUTE_GET                  dst, and optionally from (the address to send
 *                              from, for policy routing), vrf, watch [admin]
 *                              -> the route. An unresolved neighbour is
 *                              resolved in the background; to learn the
 *                              answer, watch. No route: ENETUNREACH or what
 *                              the table says. A watch is known by dst, from
 *                              and vrf.
 *   ROUTE_UNWATCH [admin]      dst, from, vrf of a watch of this socket.
 *   ROUTE_CONFIRM [admin]      dst, from, vrf of a watch of this socket: the
 *                              destination has answered just now, so that the
 *                              kernel need not ask whether its next hop is
 *                              still there.
 *   ROUTE_DUMP                 dump: all watched routes.
 *   STATS_GET                  -> what there is now and has been since the
 *                              network namespace was made.
 *
 * Notifications carry the object's attributes, those of the groups "device",
 * "port" and "path", which anyone may join, nothing of processes but the owner's uid;
 * *_DEL_NTF also a reason. The
 * groups "connection" and "datapath" are for [admin]; "datapath" is where
 * datapaths listen for requests of administrators: CONNECTION_KILL_NTF.
 */
#ifndef _UAPI_LINUX_MACHNET_H
#define _UAPI_LINUX_MACHNET_H

#define MACHNET_GENL_NAME		"machnet"
#define MACHNET_GENL_VERSION		1

#define MACHNET_MCGRP_DEVICE		"device"
#define MACHNET_MCGRP_PORT		"port"
#define MACHNET_MCGRP_CONNECTION	"connection"
#define MACHNET_MCGRP_ROUTE		"route"
#define MACHNET_MCGRP_DATAPATH		"datapath"
#define MACHNET_MCGRP_PATH		"path"

/* Longest owner name and driver name on the wire, without the final NUL. */
#define MACHNET_COMM_LEN		15
#define MACHNET_DRIVER_LEN		31
/* A device has 1..MACHNET_ENGINES_MAX engines, numbered from 0. */
#define MACHNET_ENGINES_MAX		128
/* Most ports of one PORT_LEND or PORT_RELEASE, and of the block of a device. */
#define MACHNET_PORTS_MAX		1024
/* Most connections of one CONNECTION_ADD_BATCH or CONNECTION_DEL_BATCH. */
#define MACHNET_BATCH_MAX		256

enum machnet_cmd {
	MACHNET_CMD_UNSPEC,
	MACHNET_CMD_DEVICE_REGISTER,
	MACHNET_CMD_DEVICE_UNREGISTER,
	MACHNET_CMD_DEVICE_GET,
	MACHNET_CMD_DEVICE_ADD_NTF,
	MACHNET_CMD_DEVICE_DEL_NTF,
	MACHNET_CMD_PORT_LEND,
	MACHNET_CMD_PORT_RELEASE,
	MACHNET_CMD_PORT_CLAIM,
	MACHNET_CMD_PORT_GET,
	MACHNET_CMD_PORT_ADD_NTF,
	MACHNET_CMD_PORT_DEL_NTF,
	MACHNET_CMD_CONNECTION_ADD,
	MACHNET_CMD_CONNECTION_SET,
	MACHNET_CMD_CONNECTION_DEL,
	MACHNET_CMD_CONNECTION_GET,
	MACHNET_CMD_CONNECTION_ADD_NTF,
	MACHNET_CMD_CONNECTION_SET_NTF,
	MACHNET_CMD_CONNECTION_DEL_NTF,
	MACHNET_CMD_ROUTE_GET,
	MACHNET_CMD_ROUTE_UNWATCH,
	MACHNET_CMD_ROUTE_DUMP,
	MACHNET_CMD_ROUTE_NTF,
	MACHNET_CMD_CONNECTION_ADD_BATCH,
	MACHNET_CMD_CONNECTION_DEL_BATCH,
	MACHNET_CMD_CONNECTION_KILL,
	MACHNET_CMD_CONNECTION_KILL_NTF,
	MACHNET_CMD_ROUTE_CONFIRM,
	MACHNET_CMD_STATS_GET,
	MACHNET_CMD_PATH_ADD,
	MACHNET_CMD_PATH_SET,
	MACHNET_CMD_PATH_DEL,
	MACHNET_CMD_PATH_GET,
	MACHNET_CMD_PATH_ADD_NTF,
	MACHNET_CMD_PATH_SET_NTF,
	MACHNET_CMD_PATH_DEL_NTF,

	/* private: */
	__MACHNET_CMD_MAX,
	MACHNET_CMD_MAX = __MACHNET_CMD_MAX - 1
};

enum machnet_a_device {
	MACHNET_A_DEVICE_UNSPEC,
	MACHNET_A_DEVICE_IFINDEX,	/* u32, > 0 */
	MACHNET_A_DEVICE_IFNAME,	/* string, read-only */
	MACHNET_A_DEVICE_MAC,		/* 6 bytes */
	MACHNET_A_DEVICE_MTU,		/* u32, 576..65535 bytes of IP packet */
	MACHNET_A_DEVICE_ENGINES,	/* u32, 1..MACHNET_ENGINES_MAX */
	MACHNET_A_DEVICE_RSS_CLASS,	/* u32, enum machnet_rss_class */
	MACHNET_A_DEVICE_DRIVER,	/* string, at most MACHNET_DRIVER_LEN */
	MACHNET_A_DEVICE_PID,		/* u32, read-only: the datapath's process */
	MACHNET_A_DEVICE_REASON,	/* u32, enum machnet_reason, in DEL_NTF */
	MACHNET_A_DEVICE_PATH_PORT_FIRST,	/* u16, 1..65535 */
	MACHNET_A_DEVICE_PATH_PORT_COUNT,	/* u32, 1..MACHNET_PORTS_MAX */

	/* private: */
	__MACHNET_A_DEVICE_MAX,
	MACHNET_A_DEVICE_MAX = __MACHNET_A_DEVICE_MAX - 1
};

enum machnet_a_port {
	MACHNET_A_PORT_UNSPEC,
	MACHNET_A_PORT_ADDR,		/* 4 or 16 bytes; all zero: any */
	MACHNET_A_PORT_NUMBER,		/* u16 */
	MACHNET_A_PORT_COOKIE,		/* u64, random; told to the owner only */
	MACHNET_A_PORT_CLAIMED,		/* flag, read-only: a datapath serves it */
	MACHNET_A_PORT_OWNER_UID,	/* u32, read-only */
	MACHNET_A_PORT_OWNER_PID,	/* u32, read-only */
	MACHNET_A_PORT_OWNER_COMM,	/* string, read-only */
	MACHNET_A_PORT_STRAY,		/* u64, read-only: packets absorbed */
	MACHNET_A_PORT_REASON,		/* u32, enum machnet_reason, in DEL_NTF */
	MACHNET_A_PORT_PAD,
	MACHNET_A_PORT_OWNER_CGROUP,	/* u64, read-only: cgroup v2 id, 0: none */
	MACHNET_A_PORT_SOCKET,		/* u32, a file descriptor of the sender */
	MACHNET_A_PORT_NUMBERS,		/* u16 each, at most MACHNET_PORTS_MAX */
	MACHNET_A_PORT_SOCKETS,		/* u32 each, at most MACHNET_PORTS_MAX */

	/* private: */
	__MACHNET_A_PORT_MAX,
	MACHNET_A_PORT_MAX = __MACHNET_A_PORT_MAX - 1
};

enum machnet_a_connection {
	MACHNET_A_CONNECTION_UNSPEC,
	MACHNET_A_CONNECTION_ID,		/* u64, not 0 */
	MACHNET_A_CONNECTION_IFINDEX,		/* u32, the device's */
	MACHNET_A_CONNECTION_LOCAL_ADDR,	/* 4 or 16 bytes */
	MACHNET_A_CONNECTION_LOCAL_PORT,	/* u16, 1..65535 */
	MACHNET_A_CONNECTION_REMOTE_ADDR,	/* same family as local */
	MACHNET_A_CONNECTION_REMOTE_PORT,	/* u16, 1..65535 */
	MACHNET_A_CONNECTION_REMOTE_ID,		/* u64, the peer's id */
	MACHNET_A_CONNECTION_STATE,		/* u32, enum machnet_connection_state */
	MACHNET_A_CONNECTION_ENGINE,		/* u32, below the device's engines */
	MACHNET_A_CONNECTION_REMOTE_ENGINE,	/* u32, below MACHNET_ENGINES_MAX */
	MACHNET_A_CONNECTION_OWNER_PID,		/* u32, in the sender's pid namespace */
	MACHNET_A_CONNECTION_OWNER_UID,		/* u32, read-only */
	MACHNET_A_CONNECTION_OWNER_COMM,	/* string, read-only */
	MACHNET_A_CONNECTION_AGE_MS,		/* u64, read-only, since it was added */
	MACHNET_A_CONNECTION_REASON,		/* u32, enum machnet_reason */
	MACHNET_A_CONNECTION_PAD,
	MACHNET_A_CONNECTION_OWNER_CGROUP,	/* u64, read-only: cgroup v2 id, 0: none */
	MACHNET_A_CONNECTION_ENTRY,		/* nest: to be added; several */
	MACHNET_A_CONNECTION_END,		/* nest: to be deleted; several */
	MACHNET_A_CONNECTION_PATH,		/* u64, id of its path, 0: none */

	/* private: */
	__MACHNET_A_CONNECTION_MAX,
	MACHNET_A_CONNECTION_MAX = __MACHNET_A_CONNECTION_MAX - 1
};

enum machnet_a_route {
	MACHNET_A_ROUTE_UNSPEC,
	MACHNET_A_ROUTE_DST,		/* 4 or 16 bytes, unicast */
	MACHNET_A_ROUTE_WATCH,		/* flag: announce changes until unwatched */
	MACHNET_A_ROUTE_STATE,		/* u32, enum machnet_route_state */
	MACHNET_A_ROUTE_IFINDEX,	/* u32, device the packets leave by */
	MACHNET_A_ROUTE_SRC,		/* address the kernel would send from */
	MACHNET_A_ROUTE_NEXTHOP,	/* gateway, or the destination on-link */
	MACHNET_A_ROUTE_MAC,		/* 6 bytes, only when resolved */
	MACHNET_A_ROUTE_MTU,		/* u32, bytes of IP packet */
	MACHNET_A_ROUTE_ERROR,		/* u32, errno of a route that is unreachable */
	MACHNET_A_ROUTE_FROM,		/* unicast address of the family of dst */
	MACHNET_A_ROUTE_VRF,		/* u32, a VRF device, or a device: its VRF, if any */

	/* private: */
	__MACHNET_A_ROUTE_MAX,
	MACHNET_A_ROUTE_MAX = __MACHNET_A_ROUTE_MAX - 1
};

enum machnet_a_path {
	MACHNET_A_PATH_UNSPEC,
	MACHNET_A_PATH_ID,		/* u64, not 0; not what packets are known by */
	MACHNET_A_PATH_IFINDEX,		/* u32, the device's */
	MACHNET_A_PATH_LOCAL_ADDR,	/* 4 or 16 bytes */
	MACHNET_A_PATH_REMOTE_ADDR,	/* same family as local */
	MACHNET_A_PATH_TX_LOCAL_PORT,	/* u16, 1..65535: from, of packets to the peer */
	MACHNET_A_PATH_TX_REMOTE_PORT,	/* u16, 1..65535: to */
	MACHNET_A_PATH_RX_LOCAL_PORT,	/* u16, 1..65535: to, of packets from the peer */
	MACHNET_A_PATH_RX_REMOTE_PORT,	/* u16, 1..65535: from */
	MACHNET_A_PATH_ENGINE,		/* u32, below the device's engines */
	MACHNET_A_PATH_REMOTE_ENGINE,	/* u32, below MACHNET_ENGINES_MAX */
	MACHNET_A_PATH_MAC,		/* 6 bytes, the next hop's; zeros: within the host */
	MACHNET_A_PATH_MTU,		/* u32, 576..65535 bytes of IP packet */
	MACHNET_A_PATH_STATE,		/* u32, enum machnet_path_state */
	MACHNET_A_PATH_AGE_MS,		/* u64, read-only, since it was added */
	MACHNET_A_PATH_REASON,		/* u32, enum machnet_reason */
	MACHNET_A_PATH_PAD,

	/* private: */
	__MACHNET_A_PATH_MAX,
	MACHNET_A_PATH_MAX = __MACHNET_A_PATH_MAX - 1
};

/* All u64. What is not said to be a number of now is a count since the beginning. */
enum machnet_a_stats {
	MACHNET_A_STATS_UNSPEC,
	MACHNET_A_STATS_DEVICES,	/* now */
	MACHNET_A_STATS_PORTS,		/* now */
	MACHNET_A_STATS_CONNECTIONS,	/* now */
	MACHNET_A_STATS_ROUTES,		/* watched now */
	MACHNET_A_STATS_PORTS_RESERVED,
	MACHNET_A_STATS_PORTS_REFUSED,	/* in use, not fit to be lent, ... */
	MACHNET_A_STATS_PORTS_CLAIMED,
	MACHNET_A_STATS_CLAIMS_REFUSED,	/* wrong cookie or application */
	MACHNET_A_STATS_STRAY_PACKETS,	/* absorbed, at all ports */
	MACHNET_A_STATS_CONNECTIONS_ADDED,
	MACHNET_A_STATS_CONNECTIONS_ENDED,
	MACHNET_A_STATS_CONNECTIONS_KILLED,	/* requests passed on to datapaths */
	MACHNET_A_STATS_ROUTE_CHANGES,	/* announced */
	MACHNET_A_STATS_CONFIRMATIONS,
	MACHNET_A_STATS_EVENTS_LOST,	/* for want of memory; listeners got ENOBUFS */
	MACHNET_A_STATS_PAD,
	MACHNET_A_STATS_PATHS,		/* now */
	MACHNET_A_STATS_PATHS_ADDED,
	MACHNET_A_STATS_PATHS_ENDED,

	/* private: */
	__MACHNET_A_STATS_MAX,
	MACHNET_A_STATS_MAX = __MACHNET_A_STATS_MAX - 1
};

/* How the packets of a device are spread over its engines. */
enum machnet_rss_class {
	MACHNET_RSS_CLASS_UNKNOWN,	/* not known yet */
	MACHNET_RSS_CLASS_SINGLE,	/* one queue, or ports do not matter */
	MACHNET_RSS_CLASS_LABELLED,	/* the queue of each tuple is seen, not foreseen */
	MACHNET_RSS_CLASS_LEARNED,	/* hash learned from observations */
	MACHNET_RSS_CLASS_COMPUTED,	/* key and table known and verified */
	MACHNET_RSS_CLASS_CONFINED,	/* no ports that would fit get through */

	/* private: */
	__MACHNET_RSS_CLASS_MAX,
	MACHNET_RSS_CLASS_MAX = __MACHNET_RSS_CLASS_MAX - 1
};

enum machnet_connection_state {
	MACHNET_CONNECTION_STATE_UNSPEC,
	MACHNET_CONNECTION_STATE_CONNECTING,	/* request sent, no answer yet */
	MACHNET_CONNECTION_STATE_ESTABLISHED,
	MACHNET_CONNECTION_STATE_CLOSING,	/* one side has finished sending */

	/* private: */
	__MACHNET_CONNECTION_STATE_MAX,
	MACHNET_CONNECTION_STATE_MAX = __MACHNET_CONNECTION_STATE_MAX - 1
};

enum machnet_path_state {
	MACHNET_PATH_STATE_UNSPEC,
	MACHNET_PATH_STATE_OPENING,	/* the peer has not answered yet */
	MACHNET_PATH_STATE_OPEN,

	/* private: */
	__MACHNET_PATH_STATE_MAX,
	MACHNET_PATH_STATE_MAX = __MACHNET_PATH_STATE_MAX - 1
};

/* Why an object came to its end. */
enum machnet_reason {
	MACHNET_REASON_UNSPEC,
	MACHNET_REASON_CLOSED,		/* by its owner, in order */
	MACHNET_REASON_PEER_CLOSED,	/* by the peer, in order */
	MACHNET_REASON_RESET,		/* the peer refused or lost it */
	MACHNET_REASON_TIMED_OUT,	/* the peer stopped answering */
	MACHNET_REASON_UNREACHABLE,	/* the route or the neighbour went away */
	MACHNET_REASON_OWNER_DIED,	/* the owner's socket closed */
	MACHNET_REASON_DATAPATH_DIED,	/* the datapath's socket closed */
	MACHNET_REASON_ADMIN,		/* an administrator's request */

	/* private: */
	__MACHNET_REASON_MAX,
	MACHNET_REASON_MAX = __MACHNET_REASON_MAX - 1
};

enum machnet_route_state {
	MACHNET_ROUTE_STATE_UNSPEC,
	MACHNET_ROUTE_STATE_RESOLVING,	/* the neighbour is being asked */
	MACHNET_ROUTE_STATE_REACHABLE,	/* mac is valid */
	MACHNET_ROUTE_STATE_LOCAL,	/* an address of this host */
	MACHNET_ROUTE_STATE_UNREACHABLE,/* error says why */

	/* private: */
	__MACHNET_ROUTE_STATE_MAX,
	MACHNET_ROUTE_STATE_MAX = __MACHNET_ROUTE_STATE_MAX - 1
};

#endif /* _UAPI_LINUX_MACHNET_H */
