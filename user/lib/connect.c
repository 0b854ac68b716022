// SPDX-License-Identifier: MIT
/* connect.c - machnet_listen(), machnet_connect(), machnet_close() */
#include <stdlib.h>
#include <string.h>

#include "lib/priv.h"
#include "machnet_nl.h"

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

/* The reservations live as long as this socket, so it is kept. */
static int open_reservations(struct mnc_channel *ch)
{
	int ret;

	if (ch->nl)
		return 0;
	ch->nl = calloc(1, sizeof(*ch->nl));
	if (!ch->nl)
		return -ENOMEM;
	ret = machnet_nl_open(ch->nl);
	if (!ret)
		return 0;
	free(ch->nl);
	ch->nl = NULL;
	return ret == -ENOENT ? -ENETDOWN : ret;
}

/* The kernel learns the port's owner from the owner itself; the cookie proves it to the daemon. */
static int reserve_and_ask(struct mnc_channel *ch, struct mn_app_msg *msg)
{
	struct machnet_nl_port port;
	int ret = open_reservations(ch);

	if (!ret)
		ret = machnet_nl_port_reserve(ch->nl, &msg->local, msg->local_port, &port);
	if (ret)
		return ret;
	msg->cookie = port.cookie;
	ret = mnc_request(ch, msg);
	if (ret)
		machnet_nl_port_release(ch->nl, &port.addr, port.number);
	return ret;
}

static int listen_on(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port)
{
	struct mn_app_msg msg = { .type = MN_APP_LISTEN, .local = *addr, .local_port = port };

	if (ch->control == MN_APP_CONTROL_KERNEL)
		return reserve_and_ask(ch, &msg);
	return mnc_request(ch, &msg);
}

static void unlisten(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port)
{
	struct mn_app_msg msg = { .type = MN_APP_UNLISTEN, .local = *addr, .local_port = port };

	mnc_request(ch, &msg);
	if (ch->control == MN_APP_CONTROL_KERNEL)
		machnet_nl_port_release(ch->nl, addr, port);
}

/* Both families or none; a machine without IPv6 has but one. */
static int listen_everywhere(struct mnc_channel *ch, uint16_t port)
{
	struct mn_addr any4 = mn_addr_from_v4(INADDR_ANY), any6 = { 0 };
	int ret = listen_on(ch, &any4, port);

	if (ret)
		return ret;
	ret = listen_on(ch, &any6, port);
	if (!ret || ret == -EAFNOSUPPORT)
		return 0;
	unlisten(ch, &any4, port);
	return ret;
}

int machnet_listen(void *channel_ctx, const char *local_ip, uint16_t port)
{
	struct mnc_channel *ch = channel_ctx;
	struct mn_addr addr;
	int ret;

	if (!ch || !port || parse_local(&addr, local_ip))
		return fail(-EINVAL);
	ret = mnc_channel_error(ch);
	if (ret)
		return fail(-ret);
	pthread_mutex_lock(&ch->port_lock);
	ret = local_ip ? listen_on(ch, &addr, port) : listen_everywhere(ch, port);
	pthread_mutex_unlock(&ch->port_lock);
	return ret ? fail(ret) : 0;
}

static int close_flow(struct mnc_channel *ch, uint32_t handle)
{
	struct mn_app_msg msg = { .type = MN_APP_CLOSE, .flow = handle };

	return mnc_request(ch, &msg);
}

static int ask_connect(struct mnc_channel *ch, struct mn_app_msg *msg, MachnetFlow_t *flow)
{
	struct mn_shm_flow info = { .remote_port = msg->remote_port };
	int ret;

	memcpy(info.remote_addr, msg->remote.b, sizeof(info.remote_addr));
	ret = mnc_request(ch, msg);
	if (ret)
		return ret;
	memcpy(info.local_addr, msg->local.b, sizeof(info.local_addr));
	info.local_port = msg->local_port;
	mnc_flow_from_info(&info, msg->flow, flow);
	ret = mnc_flow_connected(ch, msg->flow, flow);
	if (ret)
		close_flow(ch, msg->flow);
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
	mnc_flow_connect_begin(ch);
	ret = ask_connect(ch, &msg, flow);
	mnc_flow_connect_end(ch);
	return ret ? fail(ret) : 0;
}

int machnet_close(const void *channel_ctx, MachnetFlow_t flow)
{
	struct mnc_channel *ch = (struct mnc_channel *)channel_ctx;
	uint32_t handle;
	int ret;

	if (!ch)
		return fail(-EINVAL);
	ret = mnc_channel_error(ch);
	if (ret)
		return fail(-ret);
	if (mnc_flow_handle(ch, &flow, &handle))
		return fail(-ENOTCONN);
	ret = close_flow(ch, handle);
	if (ret)
		return fail(ret == -ENOENT ? -ENOTCONN : ret);
	mnc_flow_close(ch, handle);
	return 0;
}
