// SPDX-License-Identifier: MIT
/*
 * move.c - channels move between engines, and what concerns them meanwhile waits
 *
 * While it moves a channel belongs to neither engine for certain: its commands, and the ends of
 * connections that an administrator wants, wait in their order until an engine has it.
 */
#include <errno.h>
#include <stdlib.h>

#include "dp/dp_priv.h"
#include "dp/sleep.h"

#define NO_CHANNEL	UINT32_MAX

struct dp_waiting {
	struct dp_waiting *next;
	uint32_t channel;	/* NO_CHANNEL: for all engines, when no channel moves */
	struct dp_cmd cmd;
};

static void wait_for_move(struct machnet_dp *dp, uint32_t channel, const struct dp_cmd *cmd)
{
	struct dp_waiting **end = &dp->waiting, *w = malloc(sizeof(*w));

	/* Without memory it comes too early for a channel that is under way, as it might have. */
	if (!w) {
		if (channel != NO_CHANNEL)
			dp_command(dp, dp->channels[channel].engine, cmd);
		return;
	}
	*w = (struct dp_waiting){ .channel = channel, .cmd = *cmd };
	while (*end)
		end = &(*end)->next;
	*end = w;
}

void dp_channel_command(struct machnet_dp *dp, uint32_t channel, const struct dp_cmd *cmd)
{
	if (dp->channels[channel].moving)
		wait_for_move(dp, channel, cmd);
	else
		dp_command(dp, dp->channels[channel].engine, cmd);
}

static void to_all(struct machnet_dp *dp, const struct dp_cmd *cmd)
{
	for (unsigned int i = 0; i < dp->n_engines; i++)
		dp_command(dp, i, cmd);
}

void dp_conn_command(struct machnet_dp *dp, const struct dp_cmd *cmd)
{
	if (dp->n_moving)
		wait_for_move(dp, NO_CHANNEL, cmd);
	else
		to_all(dp, cmd);
}

static bool may_go(const struct machnet_dp *dp, const struct dp_waiting *w)
{
	return w->channel == NO_CHANNEL ? !dp->n_moving : !dp->channels[w->channel].moving;
}

static void go_on(struct machnet_dp *dp)
{
	struct dp_waiting **at = &dp->waiting, *w;

	while ((w = *at)) {
		if (!may_go(dp, w)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (w->channel == NO_CHANNEL)
			to_all(dp, &w->cmd);
		else
			dp_command(dp, dp->channels[w->channel].engine, &w->cmd);
		free(w);
	}
}

/* A port with listeners of other channels stays where they are: its requests have one engine. */
static bool shares_a_port(const struct machnet_dp *dp, uint32_t channel)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++)
		for (unsigned int k = 0; k < dp->n_listeners; k++)
			if (dp->listeners[i].channel == channel &&
			    dp->listeners[k].channel != channel &&
			    dp->listeners[i].port == dp->listeners[k].port)
				return true;
	return false;
}

int dp_channel_move(struct machnet_dp *dp, uint32_t channel, unsigned int engine)
{
	struct dp_channel *c = &dp->channels[channel];
	struct dp_cmd cmd = { .type = DP_CMD_CHANNEL_MOVE, .channel = c->mem, .engine = engine };
	int ret;

	if (!c->mem || c->left || c->deleted || engine >= dp->n_engines || engine == c->engine)
		return -EINVAL;
	if (c->moving || shares_a_port(dp, channel))
		return -EBUSY;
	/* Both are woken by its application until it is clear which one has it. */
	ret = dp_engine_watch(&dp->engines[engine], c->mem->engine_efd);
	if (ret)
		return ret;
	c->moving = true;
	c->move_to = engine;
	dp->n_moving++;
	dp_command(dp, c->engine, &cmd);
	return 0;
}

void dp_channel_moved(struct machnet_dp *dp, uint32_t channel, unsigned int engine)
{
	struct dp_channel *c = &dp->channels[channel];
	unsigned int without = engine == c->engine ? c->move_to : c->engine;

	if (!c->moving)
		return;
	dp_engine_unwatch(&dp->engines[without], c->mem->engine_efd);
	/* Its application has left meanwhile, and may go on to ring: no engine answers. */
	if (c->left || c->deleted)
		dp_engine_unwatch(&dp->engines[engine], c->mem->engine_efd);
	c->engine = engine;
	c->moving = false;
	dp->n_moving--;
	for (unsigned int i = 0; i < dp->n_listeners; i++)
		if (dp->listeners[i].channel == channel)
			dp_ports_move(&dp->ports, dp->listeners[i].port, engine);
	go_on(dp);
	/* What its application has put on its rings meanwhile rang at the other engine. */
	dp_engine_kick(&dp->engines[engine]);
}

void dp_moves_free(struct machnet_dp *dp)
{
	struct dp_waiting *w;

	while ((w = dp->waiting)) {
		dp->waiting = w->next;
		free(w);
	}
}
