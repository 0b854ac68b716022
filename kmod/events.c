// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - what routes depend on: devices, neighbours, routing tables
 */
#include "events.h"

#include <linux/net.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <net/ipv6.h>
#include <net/neighbour.h>
#include <net/netevent.h>
#include <net/sock.h>

#include "device.h"
#include "netns.h"
#include "route.h"

static int netdev_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(ptr);
	struct machnet_net *mn = machnet_net(dev_net(netdev));

	if (event == NETDEV_UNREGISTER)
		machnet_device_netdev_gone(mn, netdev);
	else if (event == NETDEV_CHANGENAME)
		machnet_device_netdev_renamed(mn, netdev);
	machnet_route_kick(mn);
	return NOTIFY_DONE;
}

static struct notifier_block netdev_nb = {
	.notifier_call = netdev_event,
};

/* A neighbour's address in the module's form: IPv4 as v4-mapped IPv6. */
static void get_neigh_addr(const struct neighbour *neigh, struct in6_addr *addr)
{
	if (neigh->tbl->family == AF_INET)
		ipv6_addr_set_v4mapped(*(const __be32 *)neigh->primary_key, addr);
	else
		memcpy(addr, neigh->primary_key, sizeof(*addr));
}

/* May come in softirq. */
static int netevent(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct netevent_redirect *redirect = ptr;
	const struct neighbour *neigh = ptr;
	struct in6_addr addr;

	if (event == NETEVENT_REDIRECT) {
		machnet_route_kick(machnet_net(dev_net(redirect->neigh->dev)));
	} else if (event == NETEVENT_NEIGH_UPDATE) {
		get_neigh_addr(neigh, &addr);
		machnet_route_neigh_changes(machnet_net(dev_net(neigh->dev)), &addr);
	}
	return NOTIFY_DONE;
}

static struct notifier_block netevent_nb = {
	.notifier_call = netevent,
};

/*
 * rtnetlink's messages about addresses, routes, rules and nexthops. The notifier chains of the
 * FIB run before the tables are changed, and current kernels hold no lock around both that a
 * listener could wait for; the messages are sent when the change can be seen.
 */
#define GROUP(name)	BIT(RTNLGRP_##name - 1)
#define GROUPS		(GROUP(IPV4_IFADDR) | GROUP(IPV4_ROUTE) | GROUP(IPV4_RULE) |	\
			 GROUP(IPV6_IFADDR) | GROUP(IPV6_ROUTE) | GROUP(IPV6_RULE) |	\
			 GROUP(IPV6_PREFIX) | GROUP(NEXTHOP))

/* A message, or that some were lost. Process context or softirq. */
static void ready(struct sock *sk)
{
	struct machnet_net *mn;

	read_lock_bh(&sk->sk_callback_lock);
	mn = sk->sk_user_data;
	if (mn)
		machnet_route_kick(mn);
	read_unlock_bh(&sk->sk_callback_lock);
}

int machnet_events_listen(struct machnet_net *mn)
{
	/* A port id that is no process's, whose own socket may want that. */
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_pid = get_random_u32() | BIT(31),
		.nl_groups = GROUPS,
	};
	struct socket *sock;
	int ret;

	lockdep_assert_held(&mn->lock);
	if (mn->rtnl)
		return 0;
	ret = sock_create_kern(mn->net, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &sock);
	if (ret)
		return ret;
	write_lock_bh(&sock->sk->sk_callback_lock);
	sock->sk->sk_user_data = mn;
	sock->sk->sk_data_ready = ready;
	sock->sk->sk_error_report = ready;
	write_unlock_bh(&sock->sk->sk_callback_lock);
	ret = kernel_bind(sock, (void *)&addr, sizeof(addr));
	if (ret)
		sock_release(sock);
	else
		WRITE_ONCE(mn->rtnl, sock);
	return ret;
}

struct socket *machnet_events_unlisten(struct machnet_net *mn)
{
	struct socket *sock = mn->rtnl;

	lockdep_assert_held(&mn->lock);
	WRITE_ONCE(mn->rtnl, NULL);
	return sock;
}

/* In the work that also gives up the socket, and before it takes the lock. */
void machnet_events_drain(struct machnet_net *mn)
{
	struct socket *sock = READ_ONCE(mn->rtnl);
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct kvec piece;
	char byte;
	int ret;

	if (!sock)
		return;
	do {
		piece = (struct kvec){ .iov_base = &byte, .iov_len = 1 };
		ret = kernel_recvmsg(sock, &msg, &piece, 1, 1, MSG_DONTWAIT);
	} while (ret >= 0 || ret == -ENOBUFS);
}

int machnet_events_init(void)
{
	int ret;

	ret = register_netdevice_notifier(&netdev_nb);
	if (ret)
		return ret;
	ret = register_netevent_notifier(&netevent_nb);
	if (ret)
		unregister_netdevice_notifier(&netdev_nb);
	return ret;
}

void machnet_events_exit(void)
{
	unregister_netevent_notifier(&netevent_nb);
	unregister_netdevice_notifier(&netdev_nb);
}
