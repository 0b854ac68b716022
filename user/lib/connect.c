// SPDX-License-Identifier: MIT
/* connect.c - machnet_listen(), machnet_connect(), machnet_close() */
#include <string.h>
#include <time.h>

#include "lib/priv.h"

/*
 * A local port may be free for the daemon while messages or the end of the connection that had it
 * are still to be received. Ports are taken at random, so another one is found at once.
 */
#define NAME_TRIES	16

/*
 * While the port is refused, connecting is repeated: a client of Microsoft's Machnet may be started
 * before its server, because its requests are repeated for some seconds.
 */
#define REFUSED_NS	5000000000
#define PAUSE_LEAST_NS	10000000
#define PAUSE_MOST_NS	250000000

static int fail(int error)
{
	errno = -error;
	return -1;
}

/* NULL stands for every address. */
static int parse_local(struct mn_addr *a, const char *text)
{
	*a = mn_addr_from_v4(INADDR_ANY);
	return text ? mn_addr_parse(a, text) : 0;
}

/* Both families or none; a machine without IPv6 has but one. */
static int listen_everywhere(struct mnc_channel *ch, uint16_t port)
{
	struct mn_addr any4 = mn_addr_from_v4(INADDR_ANY), any6 = { 0 };
	int ret = mnc_listener_add(ch, &any4, port);

	if (ret)
		return ret;
	ret = mnc_listener_add(ch, &any6, port);
	if (!ret || ret == -EAFNOSUPPORT)
		return 0;
	mnc_listener_remove(ch, &any4, port);
	return ret;
}

static int listen_now(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port)
{
	int ret;

	pthread_mutex_lock(&ch->port_lock);
	ret = mnc_reattach_now(ch);
	if (!ret)
		ret = addr ? mnc_listener_add(ch, addr, port) : listen_everywhere(ch, port);
	pthread_mutex_unlock(&ch->port_lock);
	return ret;
}

int machnet_listen(void *channel_ctx, const char *local_ip, uint16_t port)
{
	struct mnc_channel *ch = channel_ctx;
	struct mn_addr addr;
	int ret;

	if (!ch || !port || parse_local(&addr, local_ip))
		return fail(-EINVAL);
	ret = listen_now(ch, local_ip ? &addr : NULL, port);
	/* The daemon's end was not noticed before: perhaps the next one is there. */
	if (ret == -ENETDOWN)
		ret = listen_now(ch, local_ip ? &addr : NULL, port);
	return ret ? fail(ret) : 0;
}

static int close_flow(struct mnc_channel *ch, uint32_t epoch, uint64_t handle)
{
	struct mn_app_msg msg = { .type = MN_APP_CLOSE, .flow = handle };

	return mnc_request(ch, epoch, &msg, -1);
}

/* -EADDRINUSE: by the name the program would take what is left of another one for this. */
static int name_flow(struct mnc_channel *ch, uint32_t epoch, uint64_t handle, MachnetFlow_t *flow)
{
	int ret;

	pthread_mutex_lock(&ch->recv_lock);
	ret = mnc_flow_connected(ch, epoch, handle, flow, mnc_kept_has(ch, flow));
	pthread_mutex_unlock(&ch->recv_lock);
	return ret;
}

static int ask_connect(struct mnc_channel *ch, uint32_t epoch, const struct mn_app_msg *question,
		       MachnetFlow_t *flow)
{
	struct mn_shm_flow info = { .remote_port = question->remote_port };
	struct mn_app_msg msg = *question;
	int ret;

	memcpy(info.remote_addr, msg.remote.b, sizeof(info.remote_addr));
	ret = mnc_request(ch, epoch, &msg, -1);
	if (ret)
		return ret;
	memcpy(info.local_addr, msg.local.b, sizeof(info.local_addr));
	info.local_port = msg.local_port;
	mnc_flow_from_info(&info, msg.flow, flow);
	ret = name_flow(ch, epoch, msg.flow, flow);
	if (ret)
		close_flow(ch, epoch, msg.flow);
	return ret;
}

static int connect_now(struct mnc_channel *ch, const struct mn_app_msg *msg, MachnetFlow_t *flow)
{
	uint32_t epoch;
	int ret;

	pthread_mutex_lock(&ch->port_lock);
	ret = mnc_reattach_now(ch);
	pthread_mutex_unlock(&ch->port_lock);
	if (ret)
		return ret;
	epoch = mnc_flow_connect_begin(ch);
	for (int i = 0; i < NAME_TRIES; i++) {
		ret = ask_connect(ch, epoch, msg, flow);
		if (ret != -EADDRINUSE)
			break;
	}
	mnc_flow_connect_end(ch);
	return ret;
}

static int connect_once(struct mnc_channel *ch, const struct mn_app_msg *msg, MachnetFlow_t *flow)
{
	int ret = connect_now(ch, msg, flow);

	/* As in machnet_listen(). */
	return ret == -ENETDOWN ? connect_now(ch, msg, flow) : ret;
}

static int connect_patiently(struct mnc_channel *ch, const struct mn_app_msg *msg,
			     MachnetFlow_t *flow)
{
	int64_t until_ns = mnc_now_ns() + REFUSED_NS;
	struct timespec pause = { 0, PAUSE_LEAST_NS };
	int ret;

	while ((ret = connect_once(ch, msg, flow)) == -ECONNREFUSED && mnc_now_ns() < until_ns) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MOST_NS)
			pause.tv_nsec *= 2;
	}
	return ret;
}

int machnet_connect(void *channel_ctx, const char *local_ip, const char *remote_ip,
		    uint16_t remote_port, MachnetFlow_t *flow)
{
	struct mnc_channel *ch = channel_ctx;
	struct mn_app_msg msg = { .type = MN_APP_CONNECT, .remote_port = remote_port };
	int ret;

	if (!ch || !flow || !remote_port || parse_local(&msg.local, local_ip) ||
	    mn_addr_parse(&msg.remote, remote_ip) || mn_addr_is_any(&msg.remote))
		return fail(-EINVAL);
	ret = ch->ends ? connect_once(ch, &msg, flow) : connect_patiently(ch, &msg, flow);
	return ret ? fail(ret) : 0;
}

int machnet_close(const void *channel_ctx, MachnetFlow_t flow)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	uint64_t handle;
	uint32_t epoch;
	int ret;

	if (!ch)
		return fail(-EINVAL);
	ret = mnc_channel_error(ch);
	if (ret && ret != ENETDOWN)
		return fail(-ret);
	if (mnc_flow_handle(ch, &flow, &epoch, &handle))
		return fail(-ENOTCONN);
	ret = close_flow(ch, epoch, handle);
	if (ret)
		return fail(ret == -ENOENT || ret == -ENETDOWN ? -ENOTCONN : ret);
	mnc_flow_close(ch, epoch, handle);
	return 0;
}
