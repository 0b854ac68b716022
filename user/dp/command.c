// SPDX-License-Identifier: MIT
/* command.c - commands of the control thread to an engine, and events from it */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <rte_common.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <linux/machnet.h>
#include "dp/engine.h"

/* Commands that one turn takes: thousands of connects must not hold up what is connected. */
#define COMMANDS_PER_TURN	64
/*
 * Events that may wait so long are reported together: where engines and applications share the
 * processors, a control thread that wakes for each connection takes its time from that one.
 */
#define EVENTS_TOGETHER_US	1000u

static void engine_pkt_free(void *ctx, void *handle)
{
	(void)ctx;
	rte_pktmbuf_free(handle);
}

/* Once the kernel is up getrandom(2) does not block; a signal may make it give less. */
static void fill_random(struct dp_engine *e)
{
	uint8_t *p = (uint8_t *)e->random, *end = p + sizeof(e->random);

	while (p < end) {
		ssize_t n = getrandom(p, end - p, 0);

		if (n > 0)
			p += n;
	}
	e->random_left = RTE_DIM(e->random);
}

/* One system call for many connections. What was given out is not kept: it is somebody's secret. */
static uint64_t engine_random(void *ctx)
{
	struct dp_engine *e = ctx;
	uint64_t value;

	if (!e->random_left)
		fill_random(e);
	value = e->random[--e->random_left];
	e->random[e->random_left] = 0;
	return value;
}

static uint32_t end_reason(enum mn_end why)
{
	static const uint32_t reasons[] = {
		[MN_END_NONE] = MACHNET_REASON_UNSPEC,
		[MN_END_CLOSED] = MACHNET_REASON_CLOSED,
		[MN_END_PEER_CLOSED] = MACHNET_REASON_PEER_CLOSED,
		[MN_END_REFUSED] = MACHNET_REASON_RESET,
		[MN_END_RESET] = MACHNET_REASON_RESET,
		[MN_END_TIMED_OUT] = MACHNET_REASON_TIMED_OUT,
		[MN_END_UNREACHABLE] = MACHNET_REASON_UNREACHABLE,
		[MN_END_OWNER_DIED] = MACHNET_REASON_OWNER_DIED,
		[MN_END_ADMIN] = MACHNET_REASON_ADMIN,
	};

	return reasons[why];
}

/* Events without which nothing stands still: the registry follows. */
static bool may_wait(int type)
{
	switch (type) {
	case MACHNET_DP_EVENT_UP:
	case MACHNET_DP_EVENT_END:
	case MACHNET_DP_EVENT_REACHABLE:
	case MACHNET_DP_EVENT_PATH_UP:
	case MACHNET_DP_EVENT_PATH_MOVED:
	case MACHNET_DP_EVENT_PATH_END:
		return true;
	default:
		return false;
	}
}

/* There is room: the engine takes no work when events_reserve slots are not free. */
static void engine_post(struct dp_engine *e, const struct machnet_dp_event *ev)
{
	rte_ring_sp_enqueue_elem(e->events, (void *)(uintptr_t)ev, sizeof(*ev));
	dp_engine_event_due(e, may_wait(ev->type) ? EVENTS_TOGETHER_US : 0);
}

static int event_type(enum mn_stack_event_type type)
{
	switch (type) {
	case MN_STACK_EVENT_CONNECT:
		return MACHNET_DP_EVENT_CONNECT;
	case MN_STACK_EVENT_UP:
		return MACHNET_DP_EVENT_UP;
	case MN_STACK_EVENT_REACHABLE:
		return MACHNET_DP_EVENT_REACHABLE;
	case MN_STACK_EVENT_FINISHING:
		return MACHNET_DP_EVENT_CHANNEL_FINISHING;
	case MN_STACK_EVENT_LEFT:
		return DP_EVENT_CHANNEL_LEFT;
	case MN_STACK_EVENT_PATH_UP:
		return MACHNET_DP_EVENT_PATH_UP;
	case MN_STACK_EVENT_PATH_MOVED:
		return MACHNET_DP_EVENT_PATH_MOVED;
	case MN_STACK_EVENT_PATH_END:
		return MACHNET_DP_EVENT_PATH_END;
	case MN_STACK_EVENT_PROBED:
		return MACHNET_DP_EVENT_PROBED;
	case MN_STACK_EVENT_MOVED:
		return MACHNET_DP_EVENT_MOVED;
	case MN_STACK_EVENT_CHANNEL:
		return DP_EVENT_CHANNEL_MOVED;
	case MN_STACK_EVENT_END:
		break;
	}
	return MACHNET_DP_EVENT_END;
}

static bool is_of_path(enum mn_stack_event_type type)
{
	return type == MN_STACK_EVENT_PATH_UP || type == MN_STACK_EVENT_PATH_MOVED ||
	       type == MN_STACK_EVENT_PATH_END;
}

static int event_error(const struct mn_stack_event *s)
{
	/* Whatever else it said was an answer. */
	if (s->type == MN_STACK_EVENT_PROBED &&
	    (s->why == MN_END_TIMED_OUT || s->why == MN_END_UNREACHABLE))
		return mn_end_errno(s->why);
	return 0;
}

static void engine_event(void *ctx, const struct mn_stack_event *s)
{
	bool of_path = is_of_path(s->type);
	struct dp_engine *e = ctx;
	struct machnet_dp_event ev = {
		.type = event_type(s->type),
		.reason = end_reason(s->why),
		.error = event_error(s),
		.accepted = s->accepted,
		.channel = s->channel,
		.unsent = s->unsent,
		.engine = e->index,
		.remote_engine = s->remote_engine,
		.id = s->type == MN_STACK_EVENT_PROBED ? s->request : s->id,
		.path = s->path,
		.local = s->tuple.local,
		.remote = s->tuple.remote,
		.local_port = of_path ? s->tuple.local_port : s->local_port,
		.remote_port = of_path ? s->tuple.remote_port : s->remote_port,
		.rx_local_port = s->rx_local_port,
		.rx_remote_port = s->rx_remote_port,
		.mtu = s->tuple.mtu,
		.local_host = s->tuple.local_host,
	};

	if (s->type == MN_STACK_EVENT_CHANNEL)
		ev.engine = s->engine;
	memcpy(ev.mac, s->tuple.mac, sizeof(ev.mac));
	engine_post(e, &ev);
}

/* A port may have listeners on several addresses, all of them on one engine. */
static int engine_of_port(void *ctx, const struct mn_addr *local, uint16_t port)
{
	const struct dp_engine *e = ctx;

	(void)local;
	return dp_ports_engine(e->ports, port);
}

const struct mn_stack_ops dp_engine_ops = {
	.pkt_free = engine_pkt_free,
	.event = engine_event,
	.port_engine = engine_of_port,
	.random = engine_random,
};

static void engine_probe(struct dp_engine *e, const struct dp_cmd *c)
{
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_PROBED,
		.engine = e->index,
		.id = c->id,
		.local = c->tuple.local,
		.remote = c->tuple.remote,
	};
	int ret = mn_stack_probe(e->stack, &c->tuple, c->id);

	if (!ret)
		return;
	ev.error = -ret;
	engine_post(e, &ev);
}

static void engine_unlisten(struct dp_engine *e, const struct dp_cmd *c)
{
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_UNLISTENED,
		.channel = c->channel->id,
		.engine = e->index,
		.local = c->tuple.local,
		.local_port = c->tuple.local_port,
	};

	mn_stack_unlisten(e->stack, &c->tuple.local, c->tuple.local_port);
	engine_post(e, &ev);
}

static void engine_channel_del(struct dp_engine *e, struct mn_channel *ch)
{
	struct machnet_dp_event ev = {
		.type = MACHNET_DP_EVENT_CHANNEL_GONE,
		.channel = ch->id,
		.engine = e->index,
	};

	mn_stack_del_channel(e->stack, ch, MN_END_OWNER_DIED);
	engine_post(e, &ev);
}

/* One that cannot move, as it was left meanwhile, stays. */
static void engine_channel_move(struct dp_engine *e, const struct dp_cmd *c)
{
	struct machnet_dp_event ev = {
		.type = DP_EVENT_CHANNEL_MOVED,
		.channel = c->channel->id,
		.engine = e->index,
	};

	if (mn_stack_move_channel(e->stack, c->channel, c->engine))
		engine_post(e, &ev);
}

bool dp_engine_owns_addr(const struct dp_engine *e, const struct mn_addr *addr)
{
	for (unsigned int i = 0; i < e->n_addrs; i++)
		if (mn_addr_equal(&e->addrs[i], addr))
			return true;
	return false;
}

static void engine_addr_del(struct dp_engine *e, const struct mn_addr *addr)
{
	for (unsigned int i = 0; i < e->n_addrs; i++)
		if (mn_addr_equal(&e->addrs[i], addr))
			e->addrs[i--] = e->addrs[--e->n_addrs];
	mn_stack_forget_source(e->stack, addr);
}

static void engine_command(struct dp_engine *e, const struct dp_cmd *c)
{
	switch ((enum dp_cmd_type)c->type) {
	case DP_CMD_CHANNEL_ADD:
		if (mn_stack_add_channel(e->stack, c->channel))
			mn_channel_close(c->channel, ENOSPC);
		break;
	case DP_CMD_CHANNEL_LEAVE:
		mn_stack_leave_channel(e->stack, c->channel);
		break;
	case DP_CMD_CHANNEL_DEL:
		engine_channel_del(e, c->channel);
		break;
	case DP_CMD_CHANNEL_MOVE:
		engine_channel_move(e, c);
		break;
	case DP_CMD_LISTEN:
		mn_stack_listen(e->stack, c->channel, &c->tuple.local, c->tuple.local_port);
		break;
	case DP_CMD_UNLISTEN:
		engine_unlisten(e, c);
		break;
	case DP_CMD_CONNECT:
		mn_stack_connect(e->stack, c->id, &c->tuple, c->by_default);
		break;
	case DP_CMD_REFUSE:
		mn_stack_refuse(e->stack, c->id, c->error);
		break;
	case DP_CMD_PROBE:
		engine_probe(e, c);
		break;
	case DP_CMD_ABORT:
		mn_stack_abort(e->stack, c->id, c->why);
		break;
	case DP_CMD_SET_ROUTE:
		mn_stack_set_route(e->stack, &c->tuple.local, &c->tuple.remote, c->tuple.mac,
				   c->tuple.mtu);
		break;
	case DP_CMD_SET_UNREACHABLE:
		mn_stack_set_unreachable(e->stack, &c->tuple.local, &c->tuple.remote, c->why);
		break;
	case DP_CMD_ADDR_ADD:
		if (e->n_addrs < MACHNET_DP_ADDRS_MAX)
			e->addrs[e->n_addrs++] = c->tuple.local;
		break;
	case DP_CMD_ADDR_DEL:
		engine_addr_del(e, &c->tuple.local);
		break;
	case DP_CMD_SET_MAC:
		memcpy(e->mac, c->tuple.mac, sizeof(e->mac));
		break;
	case DP_CMD_SNAPSHOT:
		e->conns_wanted = c->part;
		break;
	case DP_CMD_SNAPSHOT_PATHS:
		e->paths_wanted = c->part;
		break;
	}
}

unsigned int dp_engine_commands(struct dp_engine *e)
{
	struct dp_cmd c;
	unsigned int n = 0;

	/* One deletion may end every connection: each command wants the whole reserve. */
	while (n < COMMANDS_PER_TURN &&
	       rte_ring_free_count(e->events) >= e->events_reserve &&
	       rte_ring_sc_dequeue_elem(e->cmds, &c, sizeof(c)) == 0) {
		engine_command(e, &c);
		n++;
	}
	return n;
}
