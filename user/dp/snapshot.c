// SPDX-License-Identifier: MIT
/* snapshot.c - all connections, or all paths, of all engines, collected while they go on */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>
#include "dp/dp_priv.h"

/* Slots that an engine looks at in one turn, which must not hold up its packets. */
#define SLOTS_PER_TURN	64

_Static_assert((int)MN_PHASE_CONNECTING == MACHNET_CONNECTION_STATE_CONNECTING &&
	       (int)MN_PHASE_ESTABLISHED == MACHNET_CONNECTION_STATE_ESTABLISHED &&
	       (int)MN_PHASE_CLOSING == MACHNET_CONNECTION_STATE_CLOSING,
	       "the states are the same");

static void add_conn(const struct mn_conn_info *info, void *ctx)
{
	struct dp_engine *e = ctx;
	struct dp_snapshot_part *part = e->conns_wanted;

	part->conns[part->n++] = (struct machnet_dp_conn){
		.id = info->id,
		.path = info->path,
		.age_us = info->age_us,
		.engine = e->index,
		.channel = info->channel,
		.state = info->phase,
		.local = info->local,
		.remote = info->remote,
		.local_port = info->local_port,
		.remote_port = info->remote_port,
		.srtt_us = info->srtt_us,
		.rttvar_us = info->rttvar_us,
		.rto_us = info->rto_us,
		.cwnd_bytes = info->cwnd_bytes,
		.inflight_bytes = info->unaccepted_bytes,
		.credit_bytes = info->credit_bytes,
		.unsent_bytes = info->unsent_bytes,
		.unread_bytes = info->unread_bytes,
		.tx_messages = info->tx_messages,
		.rx_messages = info->rx_messages,
		.tx_bytes = info->tx_bytes,
		.rx_bytes = info->rx_bytes,
		.retransmits = info->retransmits,
	};
}

static void add_path(const struct mn_path_info *info, void *ctx)
{
	struct dp_engine *e = ctx;
	struct dp_snapshot_part *part = e->paths_wanted;
	struct machnet_dp_path *path = &part->paths[part->n++];

	*path = (struct machnet_dp_path){
		.id = info->number,
		.age_us = info->age_us,
		.engine = e->index,
		.remote_engine = info->remote_engine < MACHNET_ENGINES_MAX ?
				 info->remote_engine : MACHNET_ENGINES_MAX,
		.state = info->open ? MACHNET_PATH_STATE_OPEN : MACHNET_PATH_STATE_OPENING,
		.local = info->tuple.local,
		.remote = info->tuple.remote,
		.local_port = info->tuple.local_port,
		.remote_port = info->tuple.remote_port,
		.mtu = info->tuple.mtu,
		.connections = info->connections,
		.packet_bytes = info->mss,
		.srtt_us = info->srtt_us,
		.rttvar_us = info->rttvar_us,
		.rto_us = info->rto_us,
		.cwnd_packets = info->cwnd_packets,
		.window_packets = info->window_packets,
		.inflight_packets = info->inflight_packets,
		.tx_packets = info->tx_packets,
		.rx_packets = info->rx_packets,
		.tx_lost = info->tx_lost,
		.tx_frames = info->tx_frames,
		.rx_frames = info->rx_frames,
		.rx_local_port = info->rx_local_port,
		.rx_remote_port = info->rx_remote_port,
		.rx_misplaced = info->rx_misplaced,
		.steered = info->steered,
		.confined = info->confined,
	};
	if (!info->tuple.local_host)
		memcpy(path->mac, info->tuple.mac, sizeof(path->mac));
}

static void part_done(struct dp_engine *e, struct dp_snapshot_part **part)
{
	__atomic_store_n(&(*part)->done, true, __ATOMIC_RELEASE);
	*part = NULL;
	dp_engine_event_due(e, 0);
}

bool dp_engine_snapshot(struct dp_engine *e)
{
	bool any = e->conns_wanted || e->paths_wanted;

	if (e->conns_wanted &&
	    !mn_stack_walk(e->stack, &e->conns_wanted->next, SLOTS_PER_TURN, add_conn, e))
		part_done(e, &e->conns_wanted);
	if (e->paths_wanted &&
	    !mn_stack_walk_paths(e->stack, &e->paths_wanted->next, SLOTS_PER_TURN, add_path, e))
		part_done(e, &e->paths_wanted);
	return any;
}

/* Of up to max elements from each engine. */
static int start(struct machnet_dp *dp, struct dp_snapshot *s, enum dp_cmd_type type, size_t max,
		 size_t size)
{
	struct dp_cmd cmd = { .type = type };

	/* What no engine writes to costs nothing but addresses. */
	s->list = malloc(dp->n_engines * max * size);
	if (!s->list)
		return -ENOMEM;
	s->size = size;
	for (unsigned int i = 0; i < dp->n_engines; i++)
		s->parts[i] = (struct dp_snapshot_part){ .list = s->list + i * max * size };
	for (unsigned int i = 0; i < dp->n_engines; i++) {
		cmd.part = &s->parts[i];
		dp_command(dp, i, &cmd);
	}
	return 0;
}

int machnet_dp_snapshot(struct machnet_dp *dp,
			void (*done)(void *ctx, const struct machnet_dp_conn *conns, size_t n),
			void *ctx)
{
	struct dp_snapshot *s = &dp->conns_snapshot;

	if (s->list)
		return -EBUSY;
	s->done.conns = done;
	s->ctx = ctx;
	return start(dp, s, DP_CMD_SNAPSHOT, dp->engines[0].max_conns,
		     sizeof(struct machnet_dp_conn));
}

int machnet_dp_snapshot_paths(struct machnet_dp *dp,
			      void (*done)(void *ctx, const struct machnet_dp_path *paths,
					   size_t n),
			      void *ctx)
{
	struct dp_snapshot *s = &dp->paths_snapshot;

	if (s->list)
		return -EBUSY;
	s->done.paths = done;
	s->ctx = ctx;
	return start(dp, s, DP_CMD_SNAPSHOT_PATHS, DP_ENGINE_PATHS,
		     sizeof(struct machnet_dp_path));
}

/* The list, with all parts one after the other, if it is complete; the caller's then. NULL. */
static char *take(const struct machnet_dp *dp, struct dp_snapshot *s, size_t *n)
{
	char *list = s->list;

	*n = 0;
	for (unsigned int i = 0; list && i < dp->n_engines; i++)
		if (!__atomic_load_n(&s->parts[i].done, __ATOMIC_ACQUIRE))
			return NULL;
	for (unsigned int i = 0; list && i < dp->n_engines; i++) {
		memmove(list + *n * s->size, s->parts[i].list, s->parts[i].n * s->size);
		*n += s->parts[i].n;
	}
	/* What it is handed to may ask for the next one. */
	s->list = NULL;
	return list;
}

void dp_snapshot_check(struct machnet_dp *dp)
{
	char *list;
	size_t n;

	list = take(dp, &dp->conns_snapshot, &n);
	if (list)
		dp->conns_snapshot.done.conns(dp->conns_snapshot.ctx, (void *)list, n);
	free(list);
	list = take(dp, &dp->paths_snapshot, &n);
	if (list)
		dp->paths_snapshot.done.paths(dp->paths_snapshot.ctx, (void *)list, n);
	free(list);
}
