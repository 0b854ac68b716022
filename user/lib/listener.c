// SPDX-License-Identifier: MIT
/*
 * listener.c - the ports that a channel listens on
 *
 * With the kernel module the port is reserved by the application itself, with a
 * socket of its own: the reservation outlives the daemon, and its cookie proves
 * to the next one, too, whose it is.
 */
#include <stdlib.h>

#include "lib/priv.h"
#include "machnet_nl.h"

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

static int reserve(struct mnc_channel *ch, struct mnc_listener *l)
{
	struct machnet_nl_port port;
	int ret = open_reservations(ch);

	if (!ret)
		ret = machnet_nl_port_reserve(ch->nl, &l->addr, l->port, &port);
	if (ret)
		return ret;
	l->cookie = port.cookie;
	l->reserved = true;
	return 0;
}

static void release(struct mnc_channel *ch, struct mnc_listener *l)
{
	if (l->reserved)
		machnet_nl_port_release(ch->nl, &l->addr, l->port);
	l->cookie = 0;
	l->reserved = false;
}

int mnc_listener_prepare(struct mnc_channel *ch, struct mnc_listener *l, uint32_t control,
			 struct mn_app_msg *msg)
{
	int ret = 0;

	/* A daemon that holds the ports itself must find this one free. */
	if (control != MN_APP_CONTROL_KERNEL)
		release(ch, l);
	else if (!l->reserved)
		ret = reserve(ch, l);
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
	ret = mnc_listener_prepare(ch, l, ch->link.control, &msg);
	if (!ret)
		ret = mnc_request(ch, ch->epoch, &msg);
	if (ret) {
		release(ch, l);
		free(l);
		return ret;
	}
	l->next = ch->listeners;
	ch->listeners = l;
	return 0;
}

static void remove_at(struct mnc_channel *ch, struct mnc_listener **p)
{
	struct mnc_listener *l = *p;

	*p = l->next;
	release(ch, l);
	free(l);
}

void mnc_listener_remove(struct mnc_channel *ch, const struct mn_addr *addr, uint16_t port)
{
	struct mn_app_msg msg = { .type = MN_APP_UNLISTEN, .local = *addr, .local_port = port };
	struct mnc_listener **p = &ch->listeners;

	mnc_request(ch, ch->epoch, &msg);
	while ((*p)->port != port || !mn_addr_equal(&(*p)->addr, addr))
		p = &(*p)->next;
	remove_at(ch, p);
}

int mnc_listeners_settle(struct mnc_channel *ch)
{
	struct mnc_listener **p = &ch->listeners;
	struct mnc_kept *e;

	while (*p) {
		if (!(*p)->error) {
			p = &(*p)->next;
			continue;
		}
		/* The daemon after this one is asked again. */
		if (!ch->ends) {
			release(ch, *p);
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
		remove_at(ch, p);
	}
	return 0;
}

void mnc_listeners_free(struct mnc_channel *ch)
{
	struct mnc_listener *l;

	/* The reservations go with their socket. */
	if (ch->nl)
		nlclient_close(ch->nl);
	free(ch->nl);
	while ((l = ch->listeners)) {
		ch->listeners = l->next;
		free(l);
	}
}
