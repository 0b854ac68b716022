// SPDX-License-Identifier: MIT
/* snapshot.c - all connections of all engines, collected while they go on */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>
#include "dp/dp_priv.h"

/* Connections that an engine looks at in one turn, which must not hold up its packets. */
#define SLOTS_PER_TURN	64

_Static_assert((int)MN_PHASE_CONNECTING == MACHNET_CONNECTION_STATE_CONNECTING &&
	       (int)MN_PHASE_ESTABLISHED == MACHNET_CONNECTION_STATE_ESTABLISHED &&
	       (int)MN_PHASE_CLOSING == MACHNET_CONNECTION_STATE_CLOSING,
	       "the states are the same");

static void add_conn(const struct mn_conn_info *info, void *ctx)
{
	struct dp_engine *e = ctx;
	struct dp_snapshot_part *part = e->snapshot;

	part->conns[part->n++] = (struct machnet_dp_conn){
		.id = info->id,
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

void dp_engine_snapshot(struct dp_engine *e)
{
	struct dp_snapshot_part *part = e->snapshot;

	if (mn_stack_walk(e->stack, &part->next, SLOTS_PER_TURN, add_conn, e))
		return;
	e->snapshot = NULL;
	__atomic_store_n(&part->done, true, __ATOMIC_RELEASE);
	e->event_posted = true;
}

int machnet_dp_snapshot(struct machnet_dp *dp,
			void (*done)(void *ctx, const struct machnet_dp_conn *conns, size_t n),
			void *ctx)
{
	struct dp_cmd cmd = { .type = DP_CMD_SNAPSHOT };
	struct dp_snapshot *s = &dp->snapshot;
	size_t max = dp->engines[0].max_conns;

	if (s->conns)
		return -EBUSY;
	/* What no engine writes to costs nothing but addresses. */
	s->conns = malloc(dp->n_engines * max * sizeof(*s->conns));
	if (!s->conns)
		return -ENOMEM;
	s->done = done;
	s->ctx = ctx;
	for (unsigned int i = 0; i < dp->n_engines; i++)
		s->parts[i] = (struct dp_snapshot_part){ .conns = s->conns + i * max };
	for (unsigned int i = 0; i < dp->n_engines; i++) {
		cmd.part = &s->parts[i];
		dp_command(dp, i, &cmd);
	}
	return 0;
}

void dp_snapshot_check(struct machnet_dp *dp)
{
	struct dp_snapshot *s = &dp->snapshot;
	struct machnet_dp_conn *conns = s->conns;
	size_t n = 0;

	if (!conns)
		return;
	for (unsigned int i = 0; i < dp->n_engines; i++)
		if (!__atomic_load_n(&s->parts[i].done, __ATOMIC_ACQUIRE))
			return;
	for (unsigned int i = 0; i < dp->n_engines; i++) {
		memmove(conns + n, s->parts[i].conns, s->parts[i].n * sizeof(*conns));
		n += s->parts[i].n;
	}
	/* It may ask for the next one. */
	s->conns = NULL;
	s->done(s->ctx, conns, n);
	free(conns);
}
