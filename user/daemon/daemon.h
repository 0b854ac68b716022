/* SPDX-License-Identifier: MIT */
/* daemon.h - what the parts of machnetd share; all of it belongs to the control thread */
#ifndef MND_DAEMON_H
#define MND_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include <machnet/dp.h>
#include "daemon/control.h"
#include "daemon/options.h"
#include "daemon/rtnl.h"
#include "daemon/takeover.h"

struct mnd_app;
struct mnd_conn;
struct mnd_leaving;
struct mnd_path_ports;
struct mnd_probe;

/* Something that the event loop waits for. */
struct mnd_watch {
	void (*fn)(void *arg, uint32_t events);	/* EPOLL* */
	void *arg;
};

LIST_HEAD(mnd_app_list, mnd_app);
LIST_HEAD(mnd_conn_list, mnd_conn);
LIST_HEAD(mnd_path_ports_list, mnd_path_ports);
LIST_HEAD(mnd_probe_list, mnd_probe);
TAILQ_HEAD(mnd_leaving_list, mnd_leaving);

struct mnd_daemon {
	struct mnd_options opt;
	struct mnd_takeover nic;
	struct machnet_dp *dp;
	struct machnet_dp_info info;
	uint32_t ifindex;		/* the netdev whose routes lead through the datapath */
	char ifname[IF_NAMESIZE];
	char device[128];		/* what DPDK drives: PCI address or arguments of a vdev */
	bool registered;		/* the device is */
	bool serving;			/* the start has succeeded */
	bool gone;			/* it has vanished */
	struct dp_lockfile claim;	/* on the interface that was asked for */
	struct dp_lockfile tap_claim;	/* on the exception path's: no other daemon serves that */

	const struct mnd_control_ops *ops;
	struct mnd_control *control;

	struct mnd_rtnl rtnl;		/* requests */
	struct mnd_rtnl rtnl_events;	/* links and addresses that come and go */
	struct mn_addr addrs[MACHNET_DP_ADDRS_MAX];
	unsigned int n_addrs;
	struct mnd_path_ports_list path_ports;	/* by address */

	int epfd;
	bool stop;
	struct mnd_watch signal_watch, dp_watch, control_watch, netdev_watch, accept_watch;
	struct mnd_watch closed_watch, pci_watch, balance_watch;
	int signal_fd, listen_fd, pci_fd, balance_fd;

	struct mnd_app_list apps;
	struct mnd_app_list closing;	/* their sockets are being closed: closer.h */
	int closed_fds[2];		/* pipe: which of them are closed */
	struct mnd_leaving_list leaving;	/* channels, the one that was left first in front */
	uint64_t attach_due_us[64];	/* by user: when one more is due at the allowed rate */
	struct mnd_conn_list conns;	/* all of them */
	void *conns_by_id;		/* tree of the same */
	void *paths_by_id;		/* tree of open paths */
	void *routes;			/* tree of watched routes, by destination and source */
	struct mnd_probe_list probes;
	uint64_t last_probe;
	uint32_t refused;		/* connections that are not in the registry */
	bool path_refused;		/* the last path is not */
	time_t rss_saved_s;		/* CLOCK_MONOTONIC */
	bool listing[2];		/* a snapshot is under way: by enum mnd_list */
	time_t start_s;			/* CLOCK_MONOTONIC */
};

#endif /* MND_DAEMON_H */
