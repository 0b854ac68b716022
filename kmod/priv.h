/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * priv.h - the state of a network namespace, and how it is locked
 *
 * Locking
 * =======
 *
 * Writers. All changes to the tables of a namespace happen under the mutex machnet_net.lock. It
 * is taken inside the RTNL, never around it. Nothing that holds it waits for another process.
 * Walks over many objects give it up every MACHNET_BATCH objects (machnet_net_relax()). A request
 * for many objects, which are few hundred at most, is all or nothing, without giving it up.
 *
 * Readers. Lookups for GET and dumps run under RCU alone, dumps in pieces. Objects are freed after
 * a grace period. What changes while an object is published is a single word or protected by the
 * object's spinlock, a leaf lock that is taken in process context only, that of a route without BH.
 *
 * Dumps. Each table has an XArray beside its hash table. A dump walks it by index, so an object
 * that exists during the whole dump is in it exactly once, whatever is added and deleted meanwhile.
 *
 * Owners. An object belongs to a netlink socket: struct machnet_owner while it owns something.
 * When the socket closes the netlink core calls a blocking notifier, in process context, and the
 * owner's objects go. The notifier names a port id, which a new socket may have by then: the owner
 * holds its socket, and goes when that is dead. Each owner holds a reference to the module, which
 * cannot be unloaded while it is in use; so does a device that is gone, until the last of its
 * connections and paths is. There are no new owners once unloading has begun (ENODEV), although
 * requests are served until the family is gone. A user's netlink socket pins its namespace, so a
 * namespace that exits has no owners left.
 *
 * Lent sockets. lock_sock() is the user's, who can delay it: it is never taken under the mutex.
 * What the module sets in a socket is protected by sk_callback_lock, a leaf. The encap handlers
 * run in softirq under RCU and find struct machnet_lent by sk_user_data.
 *
 * Routes. machnet_net.watch_lock, a leaf that is taken in softirq as well, protects the routes by
 * next hop. The handlers of events only mark routes and queue one of two works: dirty_work
 * resolves what is marked, walk_work all. The latter waits for the RTNL first, under which
 * notifiers of netdevices run; rtnetlink's messages come when a change is complete.
 */
#ifndef MACHNET_PRIV_H
#define MACHNET_PRIV_H

#include <linux/atomic.h>
#include <linux/hashtable.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/machnet.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pid.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/* Objects handled before the lock is given up. */
#define MACHNET_BATCH		64
#define MACHNET_OWNER_BITS	6
#define MACHNET_NEXTHOP_BITS	7

/**
 * struct machnet_table - objects of one kind, by key and by index
 * @hash: lookup by key, under RCU; several objects may have one key
 * @index: every object at the place where dumps find it
 * @next: where to look for a free index; under lock
 */
struct machnet_table {
	struct rhltable hash;
	struct xarray index;
	u32 next;
};

/**
 * struct machnet_net - what a network namespace knows
 * @net: the namespace
 * @lock: serializes all changes
 * @owners: netlink sockets that own something, by portid; read under RCU
 * @devices: struct machnet_device
 * @ports: struct machnet_port
 * @conns: struct machnet_conn
 * @paths: struct machnet_path
 * @routes: struct machnet_route, the watched ones, by destination
 * @dying: devices that are gone, with connections and paths left; under @lock
 * @reap_work: takes the connections and paths off @dying
 * @rtnl: receives rtnetlink's messages while there are watched routes; under @lock
 * @watch_lock: protects @nexthops
 * @nexthops: struct machnet_route, by next hop
 * @dirty_work: resolves the routes that an event was about
 * @walk_work: resolves all routes
 * @walked: jiffies of the last walk
 * @kicked: an event is the reason for the next walk
 * @stats: by enum machnet_a_stats
 */
struct machnet_net {
	struct net *net;
	struct mutex lock;
	DECLARE_HASHTABLE(owners, MACHNET_OWNER_BITS);
	struct machnet_table devices;
	struct machnet_table ports;
	struct machnet_table conns;
	struct machnet_table paths;
	struct machnet_table routes;
	struct list_head dying;
	struct work_struct reap_work;
	struct socket *rtnl;
	spinlock_t watch_lock;
	DECLARE_HASHTABLE(nexthops, MACHNET_NEXTHOP_BITS);
	struct delayed_work dirty_work;
	struct delayed_work walk_work;
	unsigned long walked;
	atomic_t kicked;
	atomic64_t stats[MACHNET_A_STATS_MAX + 1];
};

/**
 * struct machnet_owner - a netlink socket that owns something
 * @node: in machnet_net.owners, unless the socket is dead
 * @sk: the socket; held
 * @portid: its port id
 * @devices: machnet_device.owner_link
 * @ports: machnet_port.owner_link
 * @claims: machnet_port.claim_link
 * @watches: machnet_watch.owner_link
 * @rcu: for lookups without the lock
 */
struct machnet_owner {
	struct hlist_node node;
	struct sock *sk;
	u32 portid;
	struct list_head devices;
	struct list_head ports;
	struct list_head claims;
	struct list_head watches;
	struct rcu_head rcu;
};

/**
 * struct machnet_process - who is behind an object
 * @uid: effective user at the time
 * @pid: its thread group
 * @cgroup: id of its cgroup in the unified hierarchy, or 0
 * @comm: its name
 */
struct machnet_process {
	kuid_t uid;
	struct pid *pid;
	u64 cgroup;
	char comm[TASK_COMM_LEN];
};

/**
 * struct machnet_device_config - what a datapath says about its device
 * @ifindex: of the netdev
 * @mtu: bytes of IP packet
 * @engines: 1..MACHNET_ENGINES_MAX
 * @rss_class: enum machnet_rss_class
 * @path_port_first: of the block of UDP ports at its addresses
 * @path_port_count: 1..MACHNET_PORTS_MAX, up to port 65535
 * @mac: the address that the datapath sends from
 * @driver: its driver for the device
 */
struct machnet_device_config {
	u32 ifindex;
	u32 mtu;
	u32 engines;
	u32 rss_class;
	u16 path_port_first;
	u32 path_port_count;
	u8 mac[ETH_ALEN];
	char driver[MACHNET_DRIVER_LEN + 1];
};

/**
 * struct machnet_device - a datapath that serves a netdev
 * @node: in machnet_net.devices.hash
 * @owner_link: in machnet_owner.devices, later in machnet_net.dying
 * @owner: NULL once it is in machnet_net.dying
 * @index: in machnet_net.devices.index
 * @config: as registered
 * @name_lock: protects @ifname
 * @ifname: follows renames
 * @netdev: held until the device or the netdev is unregistered; under the lock
 * @tracker: of that reference
 * @conns: machnet_conn.device_link; under the lock
 * @paths: machnet_path.device_link; under the lock
 * @reason: why it came to its end; under the lock
 * @process: the datapath
 * @rcu: for readers
 */
struct machnet_device {
	struct rhlist_head node;
	struct list_head owner_link;
	struct machnet_owner *owner;
	u32 index;
	struct machnet_device_config config;
	spinlock_t name_lock;
	char ifname[IFNAMSIZ];
	struct net_device *netdev;
	netdevice_tracker tracker;
	struct list_head conns;
	struct list_head paths;
	u32 reason;
	struct machnet_process process;
	struct rcu_head rcu;
};

/* Addresses inside the module are IPv6; an IPv4 address is v4-mapped. */
struct machnet_port_key {
	struct in6_addr addr;
	u16 number;
	u16 zero;
};

/**
 * struct machnet_lent - a UDP socket that has been lent
 * @sock: the socket; its file is held
 * @users: ports that it is lent for; under sk_callback_lock
 * @stray: packets that came through the kernel's stack and were absorbed
 * @rcu: for readers and for the encap handlers
 */
struct machnet_lent {
	struct socket *sock;
	unsigned int users;
	atomic64_t stray;
	struct rcu_head rcu;
};

/**
 * struct machnet_port - a reserved UDP port
 * @node: in machnet_net.ports.hash
 * @key: address and number
 * @index: in machnet_net.ports.index
 * @owner_link: in machnet_owner.ports
 * @claim_link: in machnet_owner.claims, or empty
 * @owner: who has lent the socket
 * @claimer: the datapath that serves it, or NULL
 * @cookie: proves to a datapath that the owner sent the application
 * @lent: holds the port
 * @process: the owner
 * @rcu: for readers
 */
struct machnet_port {
	struct rhlist_head node;
	struct machnet_port_key key;
	u32 index;
	struct list_head owner_link;
	struct list_head claim_link;
	struct machnet_owner *owner;
	struct machnet_owner *claimer;
	u64 cookie;
	struct machnet_lent *lent;
	struct machnet_process process;
	struct rcu_head rcu;
};

/**
 * struct machnet_conn_path - what may change during the life of a connection
 * @remote_id: the peer's id, 0 while unknown
 * @path_id: machnet_path.id, which need not be there (any more); 0: none
 * @state: enum machnet_connection_state
 * @engine: below the device's engines
 * @remote_engine: below MACHNET_ENGINES_MAX
 * @local_port: not 0
 * @remote_port: not 0
 */
struct machnet_conn_path {
	u64 remote_id;
	u64 path_id;
	u32 state;
	u32 engine;
	u32 remote_engine;
	u16 local_port;
	u16 remote_port;
};

/**
 * struct machnet_conn - a connection as its datapath reports it
 * @node: in machnet_net.conns.hash
 * @id: chosen by the datapath
 * @index: in machnet_net.conns.index
 * @device_link: in machnet_device.conns, or in a batch
 * @device: under the lock only
 * @ifindex: the device's, for readers
 * @local_addr: of this host
 * @remote_addr: of the peer
 * @added: ktime_get(), ns
 * @reason: why it is about to end, or 0; under the namespace's lock
 * @process: the application
 * @lock: protects @path
 * @path: read under @lock, written under @lock and machnet_net.lock
 * @rcu: for readers
 */
struct machnet_conn {
	struct rhlist_head node;
	u64 id;
	u32 index;
	struct list_head device_link;
	struct machnet_device *device;
	u32 ifindex;
	struct in6_addr local_addr;
	struct in6_addr remote_addr;
	u64 added;
	u32 reason;
	struct machnet_process process;
	spinlock_t lock;
	struct machnet_conn_path path;
	struct rcu_head rcu;
};

/**
 * struct machnet_path_config - what may change during the life of a path
 * @tx_local_port: of packets to the peer, from; not 0, like the other ports
 * @tx_remote_port: to
 * @rx_local_port: of packets from the peer, to
 * @rx_remote_port: from
 * @engine: below the device's engines
 * @remote_engine: below MACHNET_ENGINES_MAX
 * @mtu: bytes of IP packet
 * @state: enum machnet_path_state
 * @mac: of the next hop; zeros: within the host
 */
struct machnet_path_config {
	u16 tx_local_port;
	u16 tx_remote_port;
	u16 rx_local_port;
	u16 rx_remote_port;
	u32 engine;
	u32 remote_engine;
	u32 mtu;
	u32 state;
	u8 mac[ETH_ALEN];
};

/**
 * struct machnet_path - what carries connections to a peer, as its datapath reports it
 * @node: in machnet_net.paths.hash
 * @id: chosen by the datapath
 * @index: in machnet_net.paths.index
 * @device_link: in machnet_device.paths
 * @device: under the lock only
 * @ifindex: the device's, for readers
 * @local_addr: of this host
 * @remote_addr: of the peer
 * @added: ktime_get(), ns
 * @lock: protects @config
 * @config: read under @lock, written under @lock and machnet_net.lock
 * @rcu: for readers
 */
struct machnet_path {
	struct rhlist_head node;
	u64 id;
	u32 index;
	struct list_head device_link;
	struct machnet_device *device;
	u32 ifindex;
	struct in6_addr local_addr;
	struct in6_addr remote_addr;
	u64 added;
	spinlock_t lock;
	struct machnet_path_config config;
	struct rcu_head rcu;
};

/**
 * struct machnet_path_info - how a destination is reached
 * @src: address that the kernel would send from, or any
 * @nexthop: gateway or destination, or any
 * @state: enum machnet_route_state
 * @ifindex: device the packets leave by, 0: none
 * @mtu: bytes of IP packet
 * @error: positive errno when unreachable
 * @has_mac: @mac is valid
 * @mac: of the next hop
 *
 * Compared with memcmp(): always clear it first.
 */
struct machnet_path_info {
	struct in6_addr src;
	struct in6_addr nexthop;
	u32 state;
	u32 ifindex;
	u32 mtu;
	u32 error;
	bool has_mac;
	u8 mac[ETH_ALEN];
};

/**
 * struct machnet_route_key - what a route is asked for
 * @dst: the destination
 * @from: the address to send from, or any (::)
 * @vrf: ifindex of a VRF device or of a device that may belong to one, or 0
 */
struct machnet_route_key {
	struct in6_addr dst;
	struct in6_addr from;
	u32 vrf;
};

/**
 * struct machnet_route - a watched destination
 * @node: in machnet_net.routes.hash
 * @key: what is watched
 * @index: in machnet_net.routes.index
 * @nexthop_node: in machnet_net.nexthops, by @info.nexthop
 * @dirty: an event was about it; any context
 * @watches: machnet_watch.route_link, not empty; under the namespace's lock
 * @ask_again: its neighbour has failed just now; under the namespace's lock
 * @lock: protects @info
 * @info: as announced last; written under @lock and machnet_net.lock
 * @rcu: for readers
 */
struct machnet_route {
	struct rhlist_head node;
	struct machnet_route_key key;
	u32 index;
	struct hlist_node nexthop_node;
	bool dirty;
	struct list_head watches;
	bool ask_again;
	spinlock_t lock;
	struct machnet_path_info info;
	struct rcu_head rcu;
};

/**
 * struct machnet_watch - that an owner watches a route
 * @owner_link: in machnet_owner.watches
 * @route_link: in machnet_route.watches
 * @route: the route
 * @owner: the owner
 */
struct machnet_watch {
	struct list_head owner_link;
	struct list_head route_link;
	struct machnet_route *route;
	struct machnet_owner *owner;
};

#endif /* MACHNET_PRIV_H */
