// SPDX-License-Identifier: MIT
/*
 * listener.c - the ports that a channel listens on
 *
 * The application binds the port's socket itself and keeps it open: the port is its own, whatever
 * becomes of the daemon. Each daemon is passed the socket; the kernel module, where there is one,
 * has it lent, and the cookie proves that to the daemon.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/udp_port.h"
#include "lib/priv.h"
#include "machnet_nl.h"

/* Until the netlink socket closes. One of each listener's own: the user may change in between. */
static int lend(struct mnc_listener *l)
{
	struct nlclient *nl = calloc(1, sizeof(*nl));
	struct machnet_nl_port port;
	int ret;

	if (!nl)
		return -ENOMEM;
	ret = machnet_nl_open(nl);
	if (ret == -ENOENT)
		ret = -ENETDOWN;
	if (!ret)
		ret = machnet_nl_port_lend(nl, l->fd, &port);
	if (ret) {
		nlclient_close(nl);
		free(nl);
		return ret;
	}
	l->nl = nl;
	l->cookie = port.cookie;
	return 0;
}

static void take_back(struct mnc_listener *l)
{
	if (l->nl)
		nlclient_close(l->nl);
	free(l->nl);
	l->nl = NULL;
	l->cookie = 0;
}

static void listener_free(struct mnc_listener *l)
{
	take_back(l);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

/* Where the port is taken, it may be by the daemon, for what an earlier process has left unsent. */
static int bind_port(struct mnc_channel *ch, struct mnc_listener *l)
{
	struct mn_app_msg msg = {
		.type = MN_APP_FREE, .local = l->addr, .local_port = l->port,
	};
	int ret;

	l->fd = mn_udp_port_open(&l->addr, &l->port);
	if (l->fd != -EADDRINUSE)
		return l->fd < 0 ? l->fd : 0;
	ret = mnc_request(ch, ch->epoch, &msg, -1);
	/* It has nothing to give up, or not any more. */
	if (ret && ret != -ENOENT)
		return ret;
	l->fd = mn_udp_port_open(&l->addr, &l->port);
	return l->fd < 0 ? l->fd : 0;
}

int mnc_listener_prepare(struct mnc_listener *l, uint32_t control, struct mn_app_msg *msg)
{
	int ret = 0;

	if (control != MN_APP_CONTROL_KERNEL)
		take_back(l);
	else if (!l->nl)
		ret = lend(l);
	*msg = (struct mn_app_msg){
		.type = MN_APP_LISTEN, .local = l->addr, .local_port = l->port, .cookie = l->cookie,
	};
	return ret;
}

int mnc_listener_add(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port)
{
	struct mnc_listener *l = calloc(1, sizeof(*l));
	struct mn_app_msg msg;
	int ret;

	if (!l)
		return -ENOMEM;
	l->addr = *addr;
	l->port = port;
	ret = bind_port(ch, l);
	if (!ret)
		ret = mnc_listener_prepare(l, ch->link.control, &msg);
	if (!ret)
		ret = mnc_request(ch, ch->epoch, &msg, l->fd);
	if (ret) {
		listener_free(l);
		return ret;
	}
	l->next = ch->listeners;
	ch->listeners = l;
	return 0;
}

static void remove_at(struct mnc_listener **p)
{
	struct mnc_listener *l = *p;

	*p = l->next;
	listener_free(l);
}

void mnc_listener_remove(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port)
{
	struct mn_app_msg msg = { .type = MN_APP_UNLISTEN, .local = *addr, .local_port = port };
	struct mnc_listener **p = &ch->listeners;

	mnc_request(ch, ch->epoch, &msg, -1);
	while ((*p)->port != port || !mn_addr_equal(&(*p)->addr, addr))
		p = &(*p)->next;
	remove_at(p);
}

int mnc_listeners_settle(struct mnc_channel *ch)
{
	struct mnc_listener **p = &ch->listeners;
	struct mnc_kept *e;

	while (*p) {
		/* Refused: the daemon after this one is asked again, unless the end is reported. */
		if (!(*p)->error || !ch->ends) {
			p = &(*p)->next;
			continue;
		}
		e = mnc_kept_new(0);
		if (!e)
			return -ENOMEM;
		e->error = (*p)->error;
		e->flow.dst_port = (*p)->port;
		if (mn_addr_is_v4(&(*p)->addr))
			e->flow.dst_ip = ntohl(mn_addr_v4(&(*p)->addr));
		mnc_kept_append(ch, e);
		remove_at(p);
	}
	return 0;
}

void mnc_listeners_free(struct mnc_channel *ch)
{
	struct mnc_listener *l;

	while ((l = ch->listeners)) {
		ch->listeners = l->next;
		listener_free(l);
	}
}
