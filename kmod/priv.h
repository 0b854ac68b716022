/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * priv.h - the state of a network namespace, and how it is locked
 *
 * Locking
 * =======
 *
 * Writers. All changes to the tables of a namespace happen under the mutex
 * machnet_net.lock. It is taken inside the RTNL, never around it. Nothing that
 * holds it waits for another process; walks over many objects give it up every
 * MACHNET_BATCH objects (machnet_net_relax()), so that nobody waits for a
 * table of any size. A request for many objects, which are few hundred at most,
 * is served in one go: all of it happens, or nothing.
 *
 * Readers. Lookups for GET and dumps run under RCU alone, dumps in pieces. Objects are freed
 * after a grace period. What changes while an object is published is either
 * a single word or protected by the object's spinlock, a leaf lock that is
 * taken in process context only.
 *
 * Dumps. Each table has an XArray beside its hash table. A dump walks it by
 * index, so an object that exists during the whole dump is told exactly once,
 * whatever is added and deleted meanwhile.
 *
 * Owners. An object belongs to a netlink socket, which the namespace knows as
 * struct machnet_owner while it owns something. When the socket closes the
 * netlink core calls a blocking notifier, in process context, and the owner's
 * objects go. Each owner holds a reference to the module: it cannot be unloaded
 * under somebody who uses it; so does a device that is gone, until the last of
 * its connections is. Nobody becomes an owner once unloading has begun (ENODEV),
 * although requests are served until the family is gone. A user's netlink
 * socket pins its namespace, so a namespace that exits has no owners left.
 *
 * Port sockets do not pin the namespace: they are closed with their owner.
 *
 * Packets. machnet_port's encap handlers run in softirq under RCU; they find the
 * port through sk_user_data, which is cleared before the port is freed.
 *
 * Events. Neighbour, route and address notifiers may come in atomic context:
 * they only queue machnet_net.route_work, which resolves under the mutex.
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
#include <linux/notifier.h>
#include <linux/pid.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/sysctl.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

/* Objects handled before the lock is given up. */
#define MACHNET_BATCH		64
#define MACHNET_OWNER_BITS	6
#define MACHNET_USER_BITS	5

/**
 * struct machnet_table - objects of one kind, by key and by index
 * @hash: lookup by key, under RCU
 * @index: every object at the place where dumps find it
 * @next: where to look for a free index; under lock
 */
struct machnet_table {
	struct rhashtable hash;
	struct xarray index;
	u32 next;
};

/**
 * struct machnet_net - what a network namespace knows
 * @net: the namespace
 * @lock: serializes all changes
 * @owners: netlink sockets that own something, by portid; read under RCU
 * @users: how many ports each user has reserved; under @lock
 * @devices: few, so a list; changed under @lock, read under RCU
 * @ports: struct machnet_port
 * @conns: struct machnet_conn
 * @routes: struct machnet_route, the watched ones
 * @device_index: for dumps
 * @device_next: likewise
 * @n_watched: number of watched routes; written under @lock
 * @dying: devices that are gone, with connections left; under @lock
 * @reap_work: takes the connections off @dying
 * @route_work: resolves the watched routes anew
 * @fib_changed: the next @route_work must wait for a route change to be complete
 * @mtu_changed: a path's MTU is about to change
 * @fib_nb: listens to changes of the routing tables
 * @stats: by enum machnet_a_stats
 * @max_ports_per_user: of users without CAP_NET_ADMIN; the sysctl
 * @sysctl_table: with its end
 * @sysctl: its registration
 */
struct machnet_net {
	struct net *net;
	struct mutex lock;
	DECLARE_HASHTABLE(owners, MACHNET_OWNER_BITS);
	DECLARE_HASHTABLE(users, MACHNET_USER_BITS);
	struct list_head devices;
	struct machnet_table ports;
	struct machnet_table conns;
	struct machnet_table routes;
	struct xarray device_index;
	u32 device_next;
	unsigned int n_watched;
	struct list_head dying;
	struct work_struct reap_work;
	struct delayed_work route_work;
	atomic_t fib_changed;
	atomic_t mtu_changed;
	struct notifier_block fib_nb;
	atomic64_t stats[MACHNET_A_STATS_MAX + 1];
	unsigned int max_ports_per_user;
	struct ctl_table sysctl_table[2];
	struct ctl_table_header *sysctl;
};

/**
 * struct machnet_owner - a netlink socket that owns something
 * @node: in machnet_net.owners
 * @portid: the socket's port id
 * @devices: machnet_device.owner_link
 * @ports: machnet_port.owner_link
 * @claims: machnet_port.claim_link
 * @watches: machnet_watch.owner_link
 * @rcu: for lookups without the lock
 */
struct machnet_owner {
	struct hlist_node node;
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
 * @mac: the address that the datapath sends from
 * @driver: its driver for the device
 */
struct machnet_device_config {
	u32 ifindex;
	u32 mtu;
	u32 engines;
	u32 rss_class;
	u8 mac[ETH_ALEN];
	char driver[MACHNET_DRIVER_LEN + 1];
};

/**
 * struct machnet_device - a datapath that serves a netdev
 * @list: in machnet_net.devices
 * @owner_link: in machnet_owner.devices, later in machnet_net.dying
 * @portid: the owner's socket
 * @index: in machnet_net.device_index
 * @config: as registered
 * @ifname: follows renames; a reader may see a rename half done
 * @netdev: held until the device or the netdev is unregistered; under the lock
 * @tracker: of that reference
 * @conns: machnet_conn.device_link; under the lock
 * @reason: why it came to its end; under the lock
 * @process: the datapath
 * @rcu: for readers
 */
struct machnet_device {
	struct list_head list;
	struct list_head owner_link;
	u32 portid;
	u32 index;
	struct machnet_device_config config;
	char ifname[IFNAMSIZ];
	struct net_device *netdev;
	netdevice_tracker tracker;
	struct list_head conns;
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
 * struct machnet_port - a reserved UDP port
 * @node: in machnet_net.ports.hash
 * @key: address and number
 * @index: in machnet_net.ports.index
 * @owner_link: in machnet_owner.ports
 * @claim_link: in machnet_owner.claims, or empty
 * @portid: the owner's socket
 * @claimer: the socket of the datapath that serves it, or 0; word-sized
 * @cookie: proves to a datapath that the owner sent the application
 * @sock: holds the port
 * @stray: packets that came through the kernel's stack and were absorbed
 * @process: the owner
 * @rcu: for readers and for the encap handler
 */
struct machnet_port {
	struct rhash_head node;
	struct machnet_port_key key;
	u32 index;
	struct list_head owner_link;
	struct list_head claim_link;
	u32 portid;
	u32 claimer;
	u64 cookie;
	struct socket *sock;
	atomic64_t stray;
	struct machnet_process process;
	struct rcu_head rcu;
};

/**
 * struct machnet_conn_path - what may change during the life of a connection
 * @remote_id: the peer's id, 0 while unknown
 * @state: enum machnet_connection_state
 * @engine: below the device's engines
 * @remote_engine: below MACHNET_ENGINES_MAX
 * @local_port: not 0
 * @remote_port: not 0
 */
struct machnet_conn_path {
	u64 remote_id;
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
	struct rhash_head node;
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
 * @watches: machnet_watch.route_link, not empty; under the namespace's lock
 * @ask_again: its neighbour has failed just now; under the namespace's lock
 * @lock: protects @info
 * @info: as announced last; written under @lock and machnet_net.lock
 * @rcu: for readers
 */
struct machnet_route {
	struct rhash_head node;
	struct machnet_route_key key;
	u32 index;
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
 * @portid: the owner's socket
 */
struct machnet_watch {
	struct list_head owner_link;
	struct list_head route_link;
	struct machnet_route *route;
	u32 portid;
};

#endif /* MACHNET_PRIV_H */
