// SPDX-License-Identifier: MIT
/* connect.c - machnet_listen(), machnet_connect(), machnet_close() */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/ends.h"
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

static int close_handle(struct mnc_channel *ch, uint32_t epoch, uint64_t handle)
{
	const struct mn_desc d = { handle, MN_DESC_CLOSE, 0, 0 };

	return mnc_ring_request(ch, epoch, &d, NULL);
}

static void connect_begin(struct mnc_channel *ch, struct mnc_connect *c)
{
	pthread_mutex_lock(&ch->recv_lock);
	c->epoch = ch->epoch;
	c->request = ++ch->last_request;
	c->next = ch->connects;
	ch->connects = c;
	pthread_mutex_unlock(&ch->recv_lock);
}

static void connect_end(struct mnc_channel *ch, struct mnc_connect *c)
{
	struct mnc_connect **p = &ch->connects;

	pthread_mutex_lock(&ch->recv_lock);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	pthread_mutex_unlock(&ch->recv_lock);
}

/* What comes before the answer is kept, until the program receives it. */
static int look_for_answer(struct mnc_channel *ch)
{
	/* In this order: what a daemon wrote before its end is seen. */
	int error = mnc_channel_look(ch), ret = mnc_kept_fill(ch);

	/* Without memory it stays on the ring: the answer must not come when it is not awaited. */
	return ret && ret != -ENOMEM ? ret : error;
}

static int is_answered(struct mnc_channel *ch, void *arg)
{
	const struct mnc_connect *c = arg;
	int ret;

	pthread_mutex_lock(&ch->recv_lock);
	if (c->done)
		ret = 1;
	else
		ret = ch->epoch == c->epoch ? look_for_answer(ch) : -ENETDOWN;
	ret = c->done ? 1 : ret;
	pthread_mutex_unlock(&ch->recv_lock);
	return ret;
}

/* 0, with the answer in *c, or -errno: there is none. */
static int ask_connect(struct mnc_channel *ch, struct mnc_connect *c,
		       const struct mn_shm_connect *want)
{
	const struct mn_desc d = { c->request, MN_DESC_CONNECT, sizeof(*want), 0 };
	const struct mnc_wait answer = { is_answered, c, MN_SHM_WAKE_RX };
	int ret = mnc_ring_request(ch, c->epoch, &d, want);

	/* A signal is no reason to give up; a daemon that ends with such an errno is. */
	while (!ret || (ret == -EINTR && !mnc_channel_error(ch)))
		ret = mnc_wait_until(ch, &answer, mnc_now_ns() + MNC_RETRY_NS);
	return ret > 0 ? 0 : ret;
}

static int connect_with(struct mnc_channel *ch, const struct mn_shm_connect *want,
			MachnetFlow_t *flow)
{
	struct mnc_connect c = { 0 };
	int ret;

	connect_begin(ch, &c);
	ret = ask_connect(ch, &c, want);
	connect_end(ch, &c);
	if (ret)
		return ret;
	if (c.handle && c.error)
		close_handle(ch, c.epoch, c.handle);
	*flow = c.flow;
	return -c.error;
}

static int connect_now(struct mnc_channel *ch, const struct mn_shm_connect *want,
		       MachnetFlow_t *flow)
{
	int ret;

	pthread_mutex_lock(&ch->port_lock);
	ret = mnc_reattach_now(ch);
	pthread_mutex_unlock(&ch->port_lock);
	if (ret)
		return ret;
	for (int i = 0; i < NAME_TRIES; i++) {
		ret = connect_with(ch, want, flow);
		if (ret != -EADDRINUSE)
			break;
	}
	return ret;
}

static int connect_once(struct mnc_channel *ch, const struct mn_shm_connect *want,
			MachnetFlow_t *flow)
{
	int ret = connect_now(ch, want, flow);

	/* As in machnet_listen(). */
	return ret == -ENETDOWN ? connect_now(ch, want, flow) : ret;
}

static int connect_patiently(struct mnc_channel *ch, const struct mn_shm_connect *want,
			     MachnetFlow_t *flow)
{
	int64_t until_ns = mnc_now_ns() + REFUSED_NS;
	struct timespec pause = { 0, PAUSE_LEAST_NS };
	int ret;

	while ((ret = connect_once(ch, want, flow)) == -ECONNREFUSED && mnc_now_ns() < until_ns) {
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
	struct mn_shm_connect want = { .remote_port = remote_port };
	struct mn_addr local, remote;
	MachnetFlow_t made;
	int ret;

	if (!ch || !flow || !remote_port || parse_local(&local, local_ip) ||
	    mn_addr_parse(&remote, remote_ip) || mn_addr_is_any(&remote))
		return fail(-EINVAL);
	memcpy(want.local_addr, local.b, sizeof(want.local_addr));
	memcpy(want.remote_addr, remote.b, sizeof(want.remote_addr));
	ret = ch->ends ? connect_once(ch, &want, &made) : connect_patiently(ch, &want, &made);
	if (!ret)
		*flow = made;
	return ret ? fail(ret) : 0;
}

__attribute__((visibility("default"))) void *
machnet_connect_start(void *channel_ctx, const char *remote_ip, uint16_t remote_port)
{
	struct mnc_channel *ch = channel_ctx;
	struct mn_shm_connect want = { .remote_port = remote_port };
	const struct mn_addr any = mn_addr_from_v4(INADDR_ANY);
	struct mnc_connect *c = calloc(1, sizeof(*c));
	struct mn_addr remote;
	struct mn_desc d;
	int ret = c ? 0 : -ENOMEM;

	if (!ret && (!ch || !remote_port || mn_addr_parse(&remote, remote_ip) ||
		     mn_addr_is_any(&remote)))
		ret = -EINVAL;
	if (!ret) {
		memcpy(want.local_addr, any.b, sizeof(want.local_addr));
		memcpy(want.remote_addr, remote.b, sizeof(want.remote_addr));
		connect_begin(ch, c);
		d = (struct mn_desc){ c->request, MN_DESC_CONNECT, sizeof(want), 0 };
		ret = mnc_ring_request(ch, c->epoch, &d, &want);
		if (ret)
			connect_end(ch, c);
	}
	if (!ret)
		return c;
	free(c);
	fail(ret);
	return NULL;
}

__attribute__((visibility("default"))) int
machnet_connect_poll(void *channel_ctx, void *token, MachnetFlow_t *flow)
{
	struct mnc_channel *ch = channel_ctx;
	struct mnc_connect *c = token;
	int ret;

	pthread_mutex_lock(&ch->recv_lock);
	ret = c->done ? 1 : ch->epoch == c->epoch ? mnc_channel_look(ch) : -ENETDOWN;
	pthread_mutex_unlock(&ch->recv_lock);
	if (!ret)
		return 0;
	connect_end(ch, c);
	if (ret > 0 && c->handle && c->error)
		close_handle(ch, c->epoch, c->handle);
	*flow = c->flow;
	if (ret > 0 && c->error)
		ret = -c->error;
	free(c);
	return ret > 0 ? 1 : fail(ret);
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
	ret = close_handle(ch, epoch, handle);
	if (ret)
		return fail(ret == -ENETDOWN ? -ENOTCONN : ret);
	mnc_flow_remove(ch, epoch, handle);
	return 0;
}
