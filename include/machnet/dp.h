/* SPDX-License-Identifier: MIT */
/*
 * dp.h - the Machnet datapath as a library (libmachnet_dp)
 *
 * A datapath drives one network device with DPDK: one engine (thread, queue
 * pair, transport) per queue, channels to applications, and an exception path
 * that gives everything that is not Machnet's to the kernel. machnetd is a
 * control plane around it; a program may be another.
 *
 * Threads: all functions are for one control thread, the one that called
 * machnet_dp_create(). The engines run in threads of their own. Functions return 0 or
 * -errno and never print; what there is to say goes to config.log.
 *
 * DPDK is initialised by the first machnet_dp_create() and stays so: one
 * datapath at a time per process.
 */
#ifndef MACHNET_DP_H
#define MACHNET_DP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <machnet/addr.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MACHNET_DP_ENGINES_MAX	64
#define MACHNET_DP_CHANNELS_MAX	4096	/* those that were left not counted */
#define MACHNET_DP_LEAVING_MAX	1024	/* channels that were left and are not gone */
/* The numbers of channels are below. */
#define MACHNET_DP_CHANNEL_IDS	(MACHNET_DP_CHANNELS_MAX + MACHNET_DP_LEAVING_MAX + 1)
#define MACHNET_DP_ADDRS_MAX	64
/* The block of path ports: by default, and the most of them. Documentation/ports.md says why. */
#define MACHNET_DP_PATH_PORT_FIRST	61440
#define MACHNET_DP_PATH_PORTS		64
#define MACHNET_DP_PATH_PORTS_MAX	1024
/* Paths to each engine of a peer, at most. */
#define MACHNET_DP_PATHS_MAX	16

enum machnet_dp_poll {
	MACHNET_DP_POLL_ADAPTIVE,	/* busy while there is work, then gives way, then sleeps */
	MACHNET_DP_POLL_BUSY,		/* never sleeps: for cores that nobody else uses */
};

/* Why a connection ended; the values of enum machnet_reason in linux/machnet.h. */
struct machnet_dp_event {
	enum {
		/*
		 * An application wants to connect, and the engine does not know the way: id,
		 * channel, engine, local (any: not chosen), remote, remote_port. Answered by
		 * machnet_dp_connect() or machnet_dp_refuse(); END tells that it has given up.
		 */
		MACHNET_DP_EVENT_CONNECT,
		MACHNET_DP_EVENT_UP,		/* a connection is established */
		MACHNET_DP_EVENT_END,		/* it is gone, or a connect has failed */
		/* After machnet_dp_channel_leave(): all was taken, unsent bytes are to be sent. */
		MACHNET_DP_EVENT_CHANNEL_FINISHING,
		/* machnet_dp_channel_leave() or _del() is complete. */
		MACHNET_DP_EVENT_CHANNEL_GONE,
		/*
		 * What is sent to the peer reaches it, for it has acknowledged it: engine,
		 * addresses and mac. At most every 2 s for a path, and never within the host.
		 */
		MACHNET_DP_EVENT_REACHABLE,
		MACHNET_DP_EVENT_MOVED,	/* a connection is on another path, or engine: as UP */
		MACHNET_DP_EVENT_UNLISTENED,	/* nothing more is accepted at local, local_port */
		/*
		 * A path, which joins an engine here with one of a peer: it is open (before the
		 * first connection on it), has another next hop, MTU or ports, is gone (after the
		 * last one; with the reason). Set are engine, remote_engine, path, addresses, mac,
		 * mtu, local_host, and the ports: of packets to the peer, and of those from it.
		 */
		MACHNET_DP_EVENT_PATH_UP,
		MACHNET_DP_EVENT_PATH_MOVED,
		MACHNET_DP_EVENT_PATH_END,
		/* What came of machnet_dp_probe(): id, addresses, error. */
		MACHNET_DP_EVENT_PROBED,
		/* The device is to be unplugged (vfio-pci): end the datapath. No field is set. */
		MACHNET_DP_EVENT_DEVICE_GONE,
		MACHNET_DP_EVENTS		/* number of types; never in an event */
	} type;
	uint32_t reason;	/* END, PATH_END: enum machnet_reason */
	int error;		/* PROBED: 0: it has answered; else an errno */
	bool accepted;		/* UP: the peer opened it */
	uint32_t channel;
	uint64_t unsent;	/* CHANNEL_FINISHING: bytes */
	uint32_t engine;
	uint32_t remote_engine;
	uint64_t id;
	uint64_t path;		/* number of its path, no secret; 0: it has none */
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;	/* logical: those of the packets are path ports */
	uint16_t rx_local_port, rx_remote_port;	/* PATH_* */
	uint8_t mac[6];		/* next hop of its path */
	uint16_t mtu;		/* likewise */
	bool local_host;	/* PATH_*: the peer is this datapath, too; there is no next hop */
};

/* Places that a packet may be held back. */
#define MACHNET_DP_REORDER_MAX	64
/* The longest time of a fault. */
#define MACHNET_DP_FAULT_US_MAX	10000000

/*
 * Faults put in at the NIC, to test with: repeatable for a seed. *_ppm is how many packets in a
 * million they befall. All but the full ring are for packets that arrive; these are lost first,
 * then copied, spoilt, reordered and delayed. At most 1024 wait: then the NIC's ring fills up.
 */
struct machnet_dp_fault {
	uint64_t seed;
	uint32_t loss_ppm;
	uint32_t burst_ppm, burst_packets;	/* so many in a row are lost */
	uint32_t reorder_ppm, reorder_places;	/* 1 to reorder_places others overtake it */
	uint32_t duplicate_ppm;
	uint32_t corrupt_ppm;		/* bits of one byte are flipped */
	uint32_t truncate_ppm;		/* its end is missing */
	uint32_t delay_ppm, delay_us, jitter_us;	/* delay_us +- jitter_us; no overtaking */
	uint32_t stall_ppm, stall_us;		/* from it on nothing is received for so long */
	uint32_t tx_full_ppm, tx_full_us;	/* from it on the ring takes nothing for so long */
};

struct machnet_dp_config {
	const char *device;	/* PCI address, or DPDK vdev ("net_memif0,role=client,...") */
	unsigned int engines;	/* 1..MACHNET_DP_ENGINES_MAX; fewer run with fewer queues */
	enum machnet_dp_poll poll;
	const char *cores;	/* CPUs of the engines ("2,3"); NULL: the scheduler decides */
	const char *tap;	/* name of the exception path's TAP netdev; NULL: none */
	uint32_t mtu;		/* bytes of IP packet, 576..9000; 0: what the device says */
	uint32_t max_conns;	/* per engine; 0: 16384 */
	/*
	 * UDP ports that the caller reserves at each of machnet_dp_set_addrs(), within 1..65535, at
	 * most MACHNET_DP_PATH_PORTS_MAX: packets to them never go to the exception path.
	 */
	uint16_t path_port_first;
	uint16_t path_ports;	/* how many; 0: the default block, MACHNET_DP_PATH_PORT_FIRST on */
	uint8_t paths;		/* to each engine of a peer, 1..MACHNET_DP_PATHS_MAX; 0: 1 */
	bool rss_opaque;	/* the device's RSS key and table are not read: to test with */
	struct machnet_dp_fault fault;

	/* From machnet_dp_dispatch(). */
	void (*event)(void *ctx, const struct machnet_dp_event *ev);
	/* syslog(3) priorities. */
	void (*log)(void *ctx, int priority, const char *text);
	void *ctx;		/* for both */
};

/* How the device spreads packets over its queues, as far as it is known by now. */
struct machnet_dp_rss {
	uint32_t rss_class;	/* enum machnet_rss_class in linux/machnet.h */
	bool ignores_ports;	/* packets of a peer arrive at one queue, whatever the ports */
	uint32_t rank, rank_full;	/* learned bits of the port part of the hash; of so many */
	uint32_t peers, labels;	/* pairs of addresses; tuples whose queue is known */
	uint64_t observations, contradictions;	/* arrivals looked at; that were not expected */
	uint64_t candidates, refused;	/* tuples tried; that did not get through */
	uint64_t handoffs;	/* packets of peers that arrived at the queue of another engine */
	uint64_t confined;	/* those of them for which no ports are left to be tried */
	uint64_t moves;		/* how often a path took the ports that a peer had asked for */
};

/* What the device turned out to be. */
struct machnet_dp_info {
	char driver[32];
	uint8_t mac[6];
	uint32_t mtu;
	unsigned int engines;	/* queue pairs, with a thread each */
	unsigned int used_engines;	/* that have channels: the first ones */
	struct machnet_dp_rss rss;
	uint32_t tap_ifindex;	/* 0: no TAP */
	bool hugepages;
	bool rx_wakeup;		/* a packet wakes a sleeping engine; else it takes naps */
};

struct machnet_dp;

#define MACHNET_DP_RSS_SAVE_MAX	4096

/*
 * Whether cfg->cores names a CPU for each of cfg->engines that this process may use: for a caller
 * that wants to know before it takes the device. 0, or -EINVAL; the log has the sentence.
 */
int machnet_dp_check_cores(const struct machnet_dp_config *cfg);

/*
 * Finds the device, starts it and its engines. -ENODEV (no such device), -EINVAL,
 * -ENOMEM, -EBUSY (a datapath exists), or what the driver says; the log has the sentence.
 */
int machnet_dp_create(const struct machnet_dp_config *cfg, struct machnet_dp **dp);
/* Resets all connections, stops the engines, closes the device and the TAP. */
void machnet_dp_destroy(struct machnet_dp *dp);
/*
 * Moves channels with their connections to engines that have less to do, if it makes a difference,
 * and all to one engine when there has been next to nothing to do for 30 s; to be called every
 * MACHNET_DP_BALANCE_MS. Applications and peers do not notice.
 */
#define MACHNET_DP_BALANCE_MS	100
void machnet_dp_balance(struct machnet_dp *dp);
/*
 * Channels are for the first n engines from now on; those of others move at the next
 * machnet_dp_balance(). Packets are received by all. -EINVAL: there are not so many.
 */
int machnet_dp_use_engines(struct machnet_dp *dp, unsigned int n);
/*
 * What was learned of the device's RSS, for machnet_dp_rss_load() after the next start. Returns its
 * bytes, MACHNET_DP_RSS_SAVE_MAX at most; 0: there is nothing to keep.
 */
size_t machnet_dp_rss_save(struct machnet_dp *dp, void *buf, size_t cap);
/* Used when packets have confirmed it. -EINVAL: damaged, of another version or number of queues. */
int machnet_dp_rss_load(struct machnet_dp *dp, const void *buf, size_t len);
/*
 * Takes out of the machine's pool the hugepages that datapaths of dead processes had added. The
 * next machnet_dp_create() does the same. Needs no datapath.
 */
void machnet_dp_reclaim(void);

void machnet_dp_info(const struct machnet_dp *dp, struct machnet_dp_info *info);

/* Readable when machnet_dp_dispatch() has events to hand to config.event. */
int machnet_dp_fd(const struct machnet_dp *dp);
void machnet_dp_dispatch(struct machnet_dp *dp);

/* The addresses that packets must be for: the others go to the exception path. -E2BIG. */
int machnet_dp_set_addrs(struct machnet_dp *dp, const struct mn_addr *addrs, unsigned int n);
/*
 * The MAC address that packets must be for and are sent from, now that the interface has another
 * one. A device with a TAP is told; -ENOTSUP and what else its driver says: it keeps its own.
 */
int machnet_dp_set_mac(struct machnet_dp *dp, const uint8_t mac[6]);

/*
 * A channel for an application: fds receives the memfd and the two eventfds in
 * the order of the application protocol; they stay the datapath's: pass duplicates
 * or send them at once. -ENOSPC, -ENOMEM.
 */
int machnet_dp_channel_add(struct machnet_dp *dp, uint32_t tx_bufs, uint32_t rx_bufs,
			   uint32_t *channel, int fds[3]);
/*
 * Its application has left: what it has sent is delivered as far as the peers accept it, within
 * 60 s without progress and 5 min in all; connections that it did not know of are reset, and its
 * listeners end. CHANNEL_FINISHING and CHANNEL_GONE follow. With more than MACHNET_DP_LEAVING_MAX
 * such channels the one that was left first is deleted.
 */
void machnet_dp_channel_leave(struct machnet_dp *dp, uint32_t channel);
/*
 * Resets its connections, also of a channel that was left; CHANNEL_GONE follows, and then its
 * number may be used anew.
 */
void machnet_dp_channel_del(struct machnet_dp *dp, uint32_t channel);

/*
 * The channel accepts connections to addr, which may be the any-address of a family, and port.
 * -EADDRINUSE, -EINVAL.
 */
int machnet_dp_listen(struct machnet_dp *dp, uint32_t channel, const struct mn_addr *addr,
		      uint16_t port);
/* UNLISTENED follows; what was accepted stays. -ENOENT. */
int machnet_dp_unlisten(struct machnet_dp *dp, uint32_t channel, const struct mn_addr *addr,
			uint16_t port);

/* The way of a connection that CONNECT has asked for. */
struct machnet_dp_connect {
	uint64_t id;		/* of the event */
	uint32_t engine;	/* likewise */
	struct mn_addr local, remote;
	uint8_t mac[6];		/* next hop */
	uint16_t mtu;
	bool local_host;	/* remote is served by this datapath, too */
	bool by_default;	/* local was any: this address is the routing table's choice */
};

/* Goes on with it; UP or END follows. */
void machnet_dp_connect(struct machnet_dp *dp, const struct machnet_dp_connect *c);
/* It leads nowhere: error, a positive errno, is for the application. END follows. */
void machnet_dp_refuse(struct machnet_dp *dp, uint32_t engine, uint64_t id, int error);
/*
 * Asks the peer, at the UDP port where hosts are contacted first, whether it answers, by opening a
 * path that is closed when it has been idle; PROBED follows with the id, which is the caller's and
 * not 0, within 1 s.
 */
void machnet_dp_probe(struct machnet_dp *dp, const struct machnet_dp_connect *c);
/* Ends a connection at once; reason is an enum machnet_reason. */
void machnet_dp_abort(struct machnet_dp *dp, uint64_t id, uint32_t reason);
/* New next hop or MTU for the paths of an engine between these addresses. */
void machnet_dp_set_route(struct machnet_dp *dp, uint32_t engine, const struct mn_addr *local,
			  const struct mn_addr *remote, const uint8_t mac[6], uint16_t mtu);
/* There is no route to the peer now, or there is one again; what a silent peer is taken for. */
void machnet_dp_set_unreachable(struct machnet_dp *dp, uint32_t engine,
				const struct mn_addr *local, const struct mn_addr *remote,
				bool unreachable);

/* A connection as its engine sees it. Counters begin with the connection. */
struct machnet_dp_conn {
	uint64_t id;
	uint64_t path;		/* number of its path; 0: it has none */
	uint64_t age_us;	/* since its first packet */
	uint32_t engine, channel;
	uint32_t state;		/* enum machnet_connection_state in linux/machnet.h */
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t srtt_us, rttvar_us, rto_us;	/* of its path; 0: not measured yet */
	uint32_t cwnd_bytes;	/* of its path */
	uint32_t inflight_bytes;	/* sent, not accepted by the peer */
	uint32_t credit_bytes;	/* that the peer would still take */
	uint64_t unsent_bytes;	/* taken from the application, never sent */
	uint32_t unread_bytes;	/* handed to the application, which has not consumed them */
	uint64_t tx_messages, rx_messages;
	uint64_t tx_bytes, rx_bytes;	/* accepted; received in order */
	uint64_t retransmits;	/* packets of its path */
};

/*
 * Asks all engines for their connections, which they list bit by bit between packets. done()
 * comes from machnet_dp_dispatch(), unless the datapath is destroyed first; the list is valid
 * during the call. -EBUSY: one is under way, -ENOMEM.
 */
int machnet_dp_snapshot(struct machnet_dp *dp,
			void (*done)(void *ctx, const struct machnet_dp_conn *conns, size_t n),
			void *ctx);

/* A path as its engine sees it. Counters begin with the path. */
struct machnet_dp_path {
	uint64_t id;		/* its number, as in events */
	uint64_t age_us;	/* since it is open */
	uint32_t engine, remote_engine;	/* the latter MACHNET_ENGINES_MAX: not known yet */
	uint32_t state;		/* enum machnet_path_state in linux/machnet.h */
	struct mn_addr local, remote;
	uint16_t local_port, remote_port;	/* of the packets to the peer */
	uint8_t mac[6];		/* next hop; all 0: within the host */
	uint16_t mtu;
	uint32_t connections;
	uint32_t packet_bytes;	/* the largest UDP payload of its packets */
	uint32_t srtt_us, rttvar_us, rto_us;	/* 0: not measured yet */
	uint32_t cwnd_packets;	/* congestion window */
	uint32_t window_packets;	/* that the peer allows */
	uint32_t inflight_packets;
	uint64_t tx_packets, rx_packets, tx_lost;
	uint64_t tx_frames, rx_frames;	/* pieces of messages and the like, several per packet */
	uint16_t rx_local_port, rx_remote_port;	/* of the packets from the peer; 0: not known */
	uint64_t rx_misplaced;	/* of those: arrived at the queue of another engine */
	bool steered;		/* packets to the peer have ports that it asked for */
	bool confined;		/* no ports are left for those from it, and they are misplaced */
};

/* The same for paths; independent of the other one. */
int machnet_dp_snapshot_paths(struct machnet_dp *dp,
			      void (*done)(void *ctx, const struct machnet_dp_path *paths,
					   size_t n),
			      void *ctx);

/*
 * Counter number index, from 0 on: its name ("engine0.rx_packets") and value. false: no more.
 * Free-running, but for *longest_turn_us and those that say how much there is now:
 * *mbufs_in_use, *channels, *connections, *paths, *held_packets, *tx_buffers, *rx_buffers,
 * *fault_held.
 * Names are stable.
 */
bool machnet_dp_stat(struct machnet_dp *dp, unsigned int index, char *name, size_t size,
		     uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif /* MACHNET_DP_H */
