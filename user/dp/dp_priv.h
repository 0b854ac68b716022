/* SPDX-License-Identifier: MIT */
/* dp_priv.h - a datapath: what the control thread keeps of it */
#ifndef DP_PRIV_H
#define DP_PRIV_H

#include <machnet/dp.h>
#include "channel/channel.h"
#include "dp/engine.h"
#include "dp/exception.h"
#include "dp/nic.h"

struct dp_channel {
	struct mn_channel *mem;		/* NULL: slot is free */
	unsigned int engine;
	uint64_t work, load;		/* mn_channel.work at last; of a period */
	bool moving;			/* to move_to; engine is the one that it had before */
	unsigned int move_to;
	bool left;			/* machnet_dp_channel_leave() was called */
	bool deleted;			/* machnet_dp_channel_del() was called */
	uint64_t left_as;		/* number of the leave, in order */
};

struct dp_listener {
	struct mn_addr addr;
	uint16_t port;
	uint32_t channel;
};

struct dp_snapshot {
	char *list;			/* NULL: none is under way */
	size_t size;			/* of an element */
	struct dp_snapshot_part parts[MACHNET_DP_ENGINES_MAX];
	union {
		void (*conns)(void *ctx, const struct machnet_dp_conn *conns, size_t n);
		void (*paths)(void *ctx, const struct machnet_dp_path *paths, size_t n);
	} done;
	void *ctx;
};

struct machnet_dp {
	struct machnet_dp_config cfg;
	struct dp_nic nic;
	struct dp_exception exception;
	struct dp_ports ports;
	struct mn_steer *steer;		/* NULL: one queue */
	int efd;			/* engines have posted events, or the device is gone */
	uint32_t gone;			/* atomic: the device was unplugged */
	struct dp_engine engines[MACHNET_DP_ENGINES_MAX];
	unsigned int n_engines, inited_engines, running_engines;
	unsigned int used_engines;	/* for channels: the first ones */
	unsigned int balance_rest;	/* periods without a move for balance */
	unsigned int idle_periods;	/* in a row */
	struct mn_addr addrs[MACHNET_DP_ADDRS_MAX];
	unsigned int n_addrs;
	struct dp_channel channels[MACHNET_DP_CHANNEL_IDS];
	unsigned int n_channels;	/* all of them */
	unsigned int n_left;		/* that were left */
	uint64_t last_left;
	unsigned int n_moving;		/* channels */
	struct dp_waiting *waiting;	/* commands, in their order */
	struct dp_listener *listeners;
	unsigned int n_listeners;
	struct dp_snapshot conns_snapshot, paths_snapshot;
};

/* Puts a command on an engine's ring and wakes it. */
void dp_command(struct machnet_dp *dp, unsigned int engine, const struct dp_cmd *cmd);

/* move.c: to the engine that has the channel, when it does not move. */
void dp_channel_command(struct machnet_dp *dp, uint32_t channel, const struct dp_cmd *cmd);
/* To the engine that has the connection, whichever that is. */
void dp_conn_command(struct machnet_dp *dp, const struct dp_cmd *cmd);
/*
 * With its listeners and connections, when their peers agree. -EINVAL, -EBUSY: it moves, or shares
 * a port with other channels, -ENOMEM.
 */
int dp_channel_move(struct machnet_dp *dp, uint32_t channel, unsigned int engine);
/* The engine says that it has the channel. */
void dp_channel_moved(struct machnet_dp *dp, uint32_t channel, unsigned int engine);
void dp_moves_free(struct machnet_dp *dp);

/*
 * Survives the removal of the device, and reports that it is wanted back (event DEVICE_GONE), from
 * now on or no more. A PCI device; does nothing for others.
 */
void dp_unplug_watch(struct machnet_dp *dp);
void dp_unplug_unwatch(struct machnet_dp *dp);

/* Hands over the snapshots that are complete. */
void dp_snapshot_check(struct machnet_dp *dp);

/* The engine has closed the connections of a channel that was left. */
void dp_channel_finishing(struct machnet_dp *dp, uint32_t channel);
/* The engine has forgotten the channel. */
void dp_channel_gone(struct machnet_dp *dp, uint32_t channel);
/* All that are left; no engine runs. */
void dp_channels_free(struct machnet_dp *dp);

#endif /* DP_PRIV_H */
