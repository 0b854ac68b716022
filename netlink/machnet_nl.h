/* SPDX-License-Identifier: MIT */
/*
 * machnet_nl.h - the operations of the "machnet" family as typed calls
 *
 * <linux/machnet.h> says what each operation does. The calls work on a client
 * opened with machnet_nl_open() and follow the rules of nlclient.h. Where an
 * out parameter may be NULL the answer is not wanted.
 *
 * What the kernel says is checked before it gets into these structs: a message
 * with a missing, short or long attribute is -EBADMSG. Enumerations with a value
 * newer than this code read as 0, the unspecified one.
 */
#ifndef MACHNET_MACHNET_NL_H
#define MACHNET_MACHNET_NL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/machnet.h>
#include <machnet/addr.h>

#include "nlclient.h"

#define MACHNET_NL_MAC_LEN	6

struct machnet_nl_device {
	uint32_t ifindex;
	uint32_t mtu;		/* bytes of IP packet */
	uint32_t engines;
	uint32_t rss_class;	/* enum machnet_rss_class */
	uint16_t path_port_first;
	uint32_t path_port_count;
	uint32_t pid;		/* read-only */
	uint32_t reason;	/* enum machnet_reason, in an event */
	uint8_t mac[MACHNET_NL_MAC_LEN];
	char ifname[IF_NAMESIZE];	/* read-only */
	char driver[MACHNET_DRIVER_LEN + 1];
};

struct machnet_nl_port {
	struct mn_addr addr;
	uint16_t number;
	bool claimed;
	uint64_t cookie;	/* only in the answer to its lender, else 0 */
	uint64_t stray;		/* packets that came by the kernel's stack */
	uint32_t owner_uid;
	uint32_t owner_pid;	/* 0: gone, or the reader may not see the process */
	uint64_t owner_cgroup;	/* cgroup v2 id, 0: none, or as above */
	uint32_t reason;	/* enum machnet_reason, in an event */
	char owner_comm[MACHNET_COMM_LEN + 1];
};

struct machnet_nl_connection {
	uint64_t id;
	uint64_t remote_id;	/* 0: not known yet */
	uint64_t path;		/* its path's id; 0: none */
	uint64_t age_ms;	/* read-only */
	struct mn_addr local_addr;
	struct mn_addr remote_addr;
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t ifindex;
	uint32_t state;		/* enum machnet_connection_state */
	uint32_t engine;
	uint32_t remote_engine;
	uint32_t owner_pid;	/* when adding, 0: the sender itself */
	uint32_t owner_uid;	/* read-only */
	uint64_t owner_cgroup;	/* read-only; cgroup v2 id, 0: none */
	uint32_t reason;	/* enum machnet_reason, in an event */
	char owner_comm[MACHNET_COMM_LEN + 1];	/* read-only */
};

struct machnet_nl_path {
	uint64_t id;
	uint64_t age_ms;	/* read-only */
	struct mn_addr local_addr;
	struct mn_addr remote_addr;
	uint16_t tx_local_port, tx_remote_port;	/* packets to the peer: from, to */
	uint16_t rx_local_port, rx_remote_port;	/* packets from the peer: to, from */
	uint32_t ifindex;
	uint32_t engine;
	uint32_t remote_engine;
	uint32_t mtu;		/* bytes of IP packet */
	uint32_t state;		/* enum machnet_path_state */
	uint32_t reason;	/* enum machnet_reason, in an event */
	uint8_t mac[MACHNET_NL_MAC_LEN];	/* the next hop's; zeros: within the host */
};

/* An element of machnet_nl_connection_del_batch(). */
struct machnet_nl_end {
	uint64_t id;
	uint32_t reason;	/* enum machnet_reason */
};

/* What machnet_nl_connection_set() changes. */
#define MACHNET_NL_SET_STATE		0x01
#define MACHNET_NL_SET_ENGINE		0x02
#define MACHNET_NL_SET_REMOTE_ENGINE	0x04
#define MACHNET_NL_SET_REMOTE_ID	0x08
#define MACHNET_NL_SET_LOCAL_PORT	0x10
#define MACHNET_NL_SET_REMOTE_PORT	0x20
#define MACHNET_NL_SET_PATH		0x40

/* What a route and its watch are known by. No byte of it is padding. */
struct machnet_nl_route_key {
	struct mn_addr dst;
	struct mn_addr from;	/* the address that is sent from; the any address of dst's family */
	uint32_t vrf;		/* a VRF device, or a device that may belong to one; 0: no VRF */
};

struct machnet_nl_route {
	struct mn_addr dst;
	struct mn_addr from;	/* from and vrf as they were asked for; any and 0 when not */
	uint32_t vrf;
	struct mn_addr src;	/* the any address when there is none */
	struct mn_addr nexthop;	/* likewise */
	uint32_t state;		/* enum machnet_route_state */
	uint32_t ifindex;
	uint32_t mtu;		/* bytes of IP packet */
	uint32_t error;		/* errno when unreachable */
	bool has_mac;
	uint8_t mac[MACHNET_NL_MAC_LEN];
};

static inline struct machnet_nl_route_key machnet_nl_route_key(const struct machnet_nl_route *r)
{
	return (struct machnet_nl_route_key){ .dst = r->dst, .from = r->from, .vrf = r->vrf };
}

/* Numbers of now, and counts since the network namespace was made: enum machnet_a_stats. */
struct machnet_nl_stats {
	uint64_t devices, ports, connections, routes;	/* now */
	uint64_t ports_reserved, ports_refused, ports_claimed, claims_refused, stray_packets;
	uint64_t connections_added, connections_ended, connections_killed;
	uint64_t route_changes, confirmations, events_lost;
	uint64_t paths;		/* now */
	uint64_t paths_added, paths_ended;
};

struct machnet_nl_event {
	/* MACHNET_CMD_*_NTF: says which one is valid; of a CONNECTION_KILL_NTF only the id. */
	uint8_t cmd;
	union {
		struct machnet_nl_device device;
		struct machnet_nl_port port;
		struct machnet_nl_connection connection;
		struct machnet_nl_path path;
		struct machnet_nl_route route;
	};
};

/* -ENOENT: the module is not loaded. */
int machnet_nl_open(struct nlclient *nl);

int machnet_nl_device_register(struct nlclient *nl, const struct machnet_nl_device *dev,
			       struct machnet_nl_device *out);
int machnet_nl_device_unregister(struct nlclient *nl, uint32_t ifindex);
int machnet_nl_device_get(struct nlclient *nl, uint32_t ifindex, struct machnet_nl_device *out);

/* The caller's bound socket becomes a port; out has the cookie. */
int machnet_nl_port_lend(struct nlclient *nl, int fd, struct machnet_nl_port *out);
int machnet_nl_port_release(struct nlclient *nl, const struct mn_addr *addr, uint16_t number);
/* Several at once, 1..MACHNET_PORTS_MAX (-EINVAL), all or none. */
int machnet_nl_ports_lend(struct nlclient *nl, const int *fds, unsigned int count);
int machnet_nl_ports_release(struct nlclient *nl, const struct mn_addr *addr,
			     const uint16_t *numbers, unsigned int count);
/* owner_pid: the process that must have lent it; 0: any that knows the cookie. */
int machnet_nl_port_claim(struct nlclient *nl, const struct mn_addr *addr, uint16_t number,
			  uint64_t cookie, uint32_t owner_pid);
int machnet_nl_port_get(struct nlclient *nl, const struct mn_addr *addr, uint16_t number,
			struct machnet_nl_port *out);

int machnet_nl_connection_add(struct nlclient *nl, const struct machnet_nl_connection *conn);
int machnet_nl_connection_set(struct nlclient *nl, const struct machnet_nl_connection *conn,
			      unsigned int what);
int machnet_nl_connection_del(struct nlclient *nl, uint64_t id, uint32_t reason);
/* 1..MACHNET_BATCH_MAX of them (-EINVAL), all or none. */
int machnet_nl_connection_add_batch(struct nlclient *nl, const struct machnet_nl_connection *conns,
				    unsigned int n);
int machnet_nl_connection_del_batch(struct nlclient *nl, const struct machnet_nl_end *ends,
				    unsigned int n);
/* Asks its datapath to end it: a CONNECTION_KILL_NTF on the group "datapath". */
int machnet_nl_connection_kill(struct nlclient *nl, uint64_t id);
int machnet_nl_connection_get(struct nlclient *nl, uint64_t id,
			      struct machnet_nl_connection *out);

int machnet_nl_path_add(struct nlclient *nl, const struct machnet_nl_path *path);
/* What may change: ports, engines, next hop, MTU and state are as in *path afterwards. */
int machnet_nl_path_set(struct nlclient *nl, const struct machnet_nl_path *path);
int machnet_nl_path_del(struct nlclient *nl, uint64_t id, uint32_t reason);
int machnet_nl_path_get(struct nlclient *nl, uint64_t id, struct machnet_nl_path *out);

/* watch: changes are announced to the group "route" from now on. */
int machnet_nl_route_get(struct nlclient *nl, const struct machnet_nl_route_key *key, bool watch,
			 struct machnet_nl_route *out);
int machnet_nl_route_unwatch(struct nlclient *nl, const struct machnet_nl_route_key *key);
/* The destination of a watched route has answered just now. */
int machnet_nl_route_confirm(struct nlclient *nl, const struct machnet_nl_route_key *key);

int machnet_nl_stats_get(struct nlclient *nl, struct machnet_nl_stats *out);

/* Dumps: nonzero from the callback ends the delivery and becomes the result. */
int machnet_nl_device_dump(struct nlclient *nl,
			   int (*cb)(const struct machnet_nl_device *dev, void *data), void *data);
/*
 * Those that agree with *like in what the bits of what name, which are 1 << MACHNET_A_PORT_ADDR,
 * _NUMBER, _OWNER_UID, _OWNER_PID; 0: all (like is not looked at).
 */
int machnet_nl_port_dump(struct nlclient *nl, const struct machnet_nl_port *like, uint32_t what,
			 int (*cb)(const struct machnet_nl_port *port, void *data), void *data);
/*
 * Likewise: 1 << MACHNET_A_CONNECTION_IFINDEX, _LOCAL_ADDR, _LOCAL_PORT, _REMOTE_ADDR,
 * _REMOTE_PORT, _STATE, _ENGINE, _OWNER_UID, _OWNER_PID, _PATH.
 */
int machnet_nl_connection_dump(struct nlclient *nl, const struct machnet_nl_connection *like,
			       uint32_t what,
			       int (*cb)(const struct machnet_nl_connection *conn, void *data),
			       void *data);
int machnet_nl_path_dump(struct nlclient *nl,
			 int (*cb)(const struct machnet_nl_path *path, void *data), void *data);
int machnet_nl_route_dump(struct nlclient *nl,
			  int (*cb)(const struct machnet_nl_route *route, void *data), void *data);

/*
 * Reads a notification, which must have passed mnl_nlmsg_ok(). -EBADMSG when
 * it is malformed, -ENOMSG when it is not a notification that this code knows.
 */
int machnet_nl_parse_event(const struct nlmsghdr *nlh, struct machnet_nl_event *event);

#endif /* MACHNET_MACHNET_NL_H */
