// SPDX-License-Identifier: MIT
/* channels.c - which channel is served by which engine, what it listens to, what it asks for */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/machnet.h>
#include "dp/dp_priv.h"
#include "dp/sleep.h"

static unsigned int least_loaded(const struct machnet_dp *dp)
{
	unsigned int load[MACHNET_DP_ENGINES_MAX] = { 0 };
	unsigned int best = 0;

	for (unsigned int i = 0; i < MACHNET_DP_CHANNEL_IDS; i++)
		if (dp->channels[i].mem)
			load[dp->channels[i].engine]++;
	for (unsigned int i = 1; i < dp->used_engines; i++)
		if (load[i] < load[best])
			best = i;
	return best;
}

/* Channels that were left have slots of their own number: they never keep anyone from attaching. */
static int free_slot(const struct machnet_dp *dp)
{
	if (dp->n_channels - dp->n_left >= MACHNET_DP_CHANNELS_MAX)
		return -ENOSPC;
	for (int i = 0; i < MACHNET_DP_CHANNEL_IDS; i++)
		if (!dp->channels[i].mem)
			return i;
	return -ENOSPC;
}

/* A channel that is not being deleted, or NULL. */
static struct dp_channel *channel_any(struct machnet_dp *dp, uint32_t channel)
{
	if (channel >= MACHNET_DP_CHANNEL_IDS || !dp->channels[channel].mem ||
	    dp->channels[channel].deleted)
		return NULL;
	return &dp->channels[channel];
}

/* A channel with an application, or NULL. */
static struct dp_channel *channel_get(struct machnet_dp *dp, uint32_t channel)
{
	struct dp_channel *c = channel_any(dp, channel);

	return c && !c->left ? c : NULL;
}

int machnet_dp_channel_add(struct machnet_dp *dp, uint32_t tx_bufs, uint32_t rx_bufs,
			   uint32_t *channel, int fds[3])
{
	struct dp_cmd cmd = { .type = DP_CMD_CHANNEL_ADD };
	struct mn_channel *ch;
	int slot = free_slot(dp);
	int ret;

	if (slot < 0)
		return slot;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return -ENOMEM;
	ret = mn_channel_create(ch, slot, tx_bufs, rx_bufs, dp->engines[0].max_conns);
	if (ret) {
		free(ch);
		return ret;
	}
	dp->channels[slot].engine = least_loaded(dp);
	ret = dp_engine_watch(&dp->engines[dp->channels[slot].engine], ch->engine_efd);
	if (ret) {
		mn_channel_destroy(ch);
		free(ch);
		return ret;
	}
	dp->channels[slot].mem = ch;
	dp->channels[slot].left = dp->channels[slot].deleted = false;
	dp->channels[slot].moving = false;
	dp->channels[slot].work = dp->channels[slot].load = 0;
	dp->n_channels++;
	/* A program that attaches has something to do. */
	dp->idle_periods = 0;
	cmd.channel = ch;
	dp_command(dp, dp->channels[slot].engine, &cmd);
	fds[0] = ch->memfd;
	fds[1] = ch->engine_efd;
	fds[2] = ch->app_efd;
	*channel = slot;
	return 0;
}

static void listener_remove(struct machnet_dp *dp, unsigned int i)
{
	struct dp_listener l = dp->listeners[i];
	const struct dp_channel *c = &dp->channels[l.channel];
	struct dp_cmd cmd = {
		.type = DP_CMD_UNLISTEN,
		.channel = c->mem,
		.tuple.local = l.addr,
		.tuple.local_port = l.port,
	};

	dp->listeners[i] = dp->listeners[--dp->n_listeners];
	dp_ports_unlisten(&dp->ports, l.port);
	dp_channel_command(dp, l.channel, &cmd);
}

/* Nothing rings for it any more, and nothing is accepted for it. */
static void channel_detach(struct machnet_dp *dp, uint32_t channel, enum dp_cmd_type type)
{
	struct dp_channel *c = &dp->channels[channel];
	struct dp_cmd cmd = { .type = type, .channel = c->mem };

	for (unsigned int i = dp->n_listeners; i-- > 0;)
		if (dp->listeners[i].channel == channel)
			listener_remove(dp, i);
	if (!c->left && !c->moving)
		dp_engine_unwatch(&dp->engines[c->engine], c->mem->engine_efd);
	dp_channel_command(dp, channel, &cmd);
}

/* The one that was left first. */
static uint32_t oldest_left(const struct machnet_dp *dp)
{
	uint32_t oldest = MACHNET_DP_CHANNEL_IDS;

	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++) {
		const struct dp_channel *c = &dp->channels[i];

		if (c->mem && c->left && !c->deleted &&
		    (oldest == MACHNET_DP_CHANNEL_IDS || c->left_as < dp->channels[oldest].left_as))
			oldest = i;
	}
	return oldest;
}

void machnet_dp_channel_leave(struct machnet_dp *dp, uint32_t channel)
{
	struct dp_channel *c = channel_get(dp, channel);

	if (!c)
		return;
	channel_detach(dp, channel, DP_CMD_CHANNEL_LEAVE);
	c->left = true;
	c->left_as = ++dp->last_left;
	if (++dp->n_left > MACHNET_DP_LEAVING_MAX)
		machnet_dp_channel_del(dp, oldest_left(dp));
}

void machnet_dp_channel_del(struct machnet_dp *dp, uint32_t channel)
{
	struct dp_channel *c = channel_any(dp, channel);

	if (!c)
		return;
	channel_detach(dp, channel, DP_CMD_CHANNEL_DEL);
	c->deleted = true;
}

void dp_channel_finishing(struct machnet_dp *dp, uint32_t channel)
{
	if (channel_any(dp, channel))
		mn_channel_trim(dp->channels[channel].mem);
}

void dp_channel_gone(struct machnet_dp *dp, uint32_t channel)
{
	struct dp_channel *c = &dp->channels[channel];

	mn_channel_close(c->mem, ENETDOWN);
	mn_channel_destroy(c->mem);
	free(c->mem);
	c->mem = NULL;
	dp->n_channels--;
	dp->n_left -= c->left;
}

void dp_channels_free(struct machnet_dp *dp)
{
	for (uint32_t i = 0; i < MACHNET_DP_CHANNEL_IDS; i++)
		if (dp->channels[i].mem)
			dp_channel_gone(dp, i);
}

/* Addresses of one family overlap when they are equal or one of them is any. */
static bool addrs_overlap(const struct mn_addr *a, const struct mn_addr *b)
{
	return mn_addr_is_v4(a) == mn_addr_is_v4(b) &&
	       (mn_addr_is_any(a) || mn_addr_is_any(b) || mn_addr_equal(a, b));
}

static bool listener_conflicts(const struct machnet_dp *dp, const struct mn_addr *addr,
			       uint16_t port)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++)
		if (dp->listeners[i].port == port && addrs_overlap(addr, &dp->listeners[i].addr))
			return true;
	return false;
}

int machnet_dp_listen(struct machnet_dp *dp, uint32_t channel, const struct mn_addr *addr,
		      uint16_t port)
{
	struct dp_channel *c = channel_get(dp, channel);
	struct dp_cmd cmd = {
		.type = DP_CMD_LISTEN,
		.tuple = { .local = *addr, .local_port = port },
	};
	struct dp_listener *grown;

	if (!c || !port)
		return -EINVAL;
	if (listener_conflicts(dp, addr, port) ||
	    !dp_ports_may_listen(&dp->ports, port, c->engine))
		return -EADDRINUSE;
	grown = realloc(dp->listeners, (dp->n_listeners + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	dp->listeners = grown;
	grown[dp->n_listeners++] = (struct dp_listener){ *addr, port, channel };
	cmd.channel = c->mem;
	dp_channel_command(dp, channel, &cmd);
	dp_ports_listen(&dp->ports, port, c->engine);
	return 0;
}

int machnet_dp_unlisten(struct machnet_dp *dp, uint32_t channel, const struct mn_addr *addr,
			uint16_t port)
{
	for (unsigned int i = 0; channel_get(dp, channel) && i < dp->n_listeners; i++) {
		const struct dp_listener *l = &dp->listeners[i];

		if (l->channel != channel || l->port != port || !mn_addr_equal(&l->addr, addr))
			continue;
		listener_remove(dp, i);
		return 0;
	}
	return -ENOENT;
}

static void command_way(struct machnet_dp *dp, enum dp_cmd_type type,
			const struct machnet_dp_connect *to)
{
	struct dp_cmd cmd = {
		.type = type,
		.id = to->id,
		.by_default = to->by_default,
		.tuple = {
			.local = to->local,
			.remote = to->remote,
			.mtu = to->mtu,
			.local_host = to->local_host,
		},
	};

	memcpy(cmd.tuple.mac, to->mac, sizeof(cmd.tuple.mac));
	if (to->engine < dp->n_engines)
		dp_command(dp, to->engine, &cmd);
}

void machnet_dp_connect(struct machnet_dp *dp, const struct machnet_dp_connect *conn)
{
	command_way(dp, DP_CMD_CONNECT, conn);
}

void machnet_dp_probe(struct machnet_dp *dp, const struct machnet_dp_connect *to)
{
	command_way(dp, DP_CMD_PROBE, to);
}

void machnet_dp_refuse(struct machnet_dp *dp, uint32_t engine, uint64_t id, int error)
{
	struct dp_cmd cmd = { .type = DP_CMD_REFUSE, .id = id, .error = error };

	if (engine < dp->n_engines)
		dp_command(dp, engine, &cmd);
}

static enum mn_end reason_end(uint32_t reason)
{
	switch (reason) {
	case MACHNET_REASON_TIMED_OUT:
		return MN_END_TIMED_OUT;
	case MACHNET_REASON_UNREACHABLE:
		return MN_END_UNREACHABLE;
	case MACHNET_REASON_OWNER_DIED:
		return MN_END_OWNER_DIED;
	default:
		return MN_END_ADMIN;
	}
}

void machnet_dp_abort(struct machnet_dp *dp, uint64_t id, uint32_t reason)
{
	struct dp_cmd cmd = { .type = DP_CMD_ABORT, .id = id, .why = reason_end(reason) };

	dp_conn_command(dp, &cmd);
}

void machnet_dp_set_route(struct machnet_dp *dp, uint32_t engine, const struct mn_addr *local,
			  const struct mn_addr *remote, const uint8_t mac[6], uint16_t mtu)
{
	struct dp_cmd cmd = {
		.type = DP_CMD_SET_ROUTE,
		.tuple = { .local = *local, .remote = *remote, .mtu = mtu },
	};

	memcpy(cmd.tuple.mac, mac, sizeof(cmd.tuple.mac));
	if (engine < dp->n_engines)
		dp_command(dp, engine, &cmd);
}

void machnet_dp_set_unreachable(struct machnet_dp *dp, uint32_t engine,
				const struct mn_addr *local, const struct mn_addr *remote,
				bool unreachable)
{
	struct dp_cmd cmd = {
		.type = DP_CMD_SET_UNREACHABLE,
		.why = unreachable,
		.tuple = { .local = *local, .remote = *remote },
	};

	if (engine < dp->n_engines)
		dp_command(dp, engine, &cmd);
}
