// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - what the kernel tells about devices, addresses, neighbours, routes
 */
#include "events.h"

#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/fib_notifier.h>
#include <net/if_inet6.h>
#include <net/neighbour.h>
#include <net/netevent.h>

#include "device.h"
#include "netns.h"
#include "route.h"

static int netdev_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(ptr);
	struct machnet_net *mn = machnet_net(dev_net(netdev));

	switch (event) {
	case NETDEV_UNREGISTER:
		machnet_device_netdev_gone(mn, netdev);
		break;
	case NETDEV_CHANGENAME:
		machnet_device_netdev_renamed(mn, netdev);
		return NOTIFY_DONE;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEMTU:
	case NETDEV_CHANGEADDR:
	case NETDEV_CHANGEUPPER:
		break;
	default:
		return NOTIFY_DONE;
	}
	machnet_route_kick(mn);
	return NOTIFY_DONE;
}

static struct notifier_block netdev_nb = {
	.notifier_call = netdev_event,
};

/* May come in softirq. */
static int neigh_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct netevent_redirect *redirect = ptr;
	const struct neighbour *neigh = ptr;
	struct net_device *netdev;

	if (event == NETEVENT_NEIGH_UPDATE)
		netdev = neigh->dev;
	else if (event == NETEVENT_REDIRECT)
		netdev = redirect->neigh->dev;
	else
		return NOTIFY_DONE;
	machnet_route_kick(machnet_net(dev_net(netdev)));
	return NOTIFY_DONE;
}

static struct notifier_block neigh_nb = {
	.notifier_call = neigh_event,
};

static int inetaddr_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct in_ifaddr *addr = ptr;

	machnet_route_kick(machnet_net(dev_net(addr->ifa_dev->dev)));
	return NOTIFY_DONE;
}

static struct notifier_block inetaddr_nb = {
	.notifier_call = inetaddr_event,
};

#if IS_ENABLED(CONFIG_IPV6)
/* May come in softirq. */
static int inet6addr_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct inet6_ifaddr *addr = ptr;

	machnet_route_kick(machnet_net(dev_net(addr->idev->dev)));
	return NOTIFY_DONE;
}

static struct notifier_block inet6addr_nb = {
	.notifier_call = inet6addr_event,
};

static int inet6addr_init(void)
{
	return register_inet6addr_notifier(&inet6addr_nb);
}

static void inet6addr_exit(void)
{
	unregister_inet6addr_notifier(&inet6addr_nb);
}
#else
static int inet6addr_init(void)
{
	return 0;
}

static void inet6addr_exit(void)
{
}
#endif

/* May come in softirq. */
static int fib_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct machnet_net *mn = container_of(nb, struct machnet_net, fib_nb);

	atomic_set(&mn->fib_changed, 1);
	machnet_route_kick(mn);
	return NOTIFY_DONE;
}

int machnet_events_net_init(struct machnet_net *mn)
{
	mn->fib_nb.notifier_call = fib_event;
	return register_fib_notifier(mn->net, &mn->fib_nb, NULL, NULL);
}

void machnet_events_net_exit(struct machnet_net *mn)
{
	unregister_fib_notifier(mn->net, &mn->fib_nb);
}

int machnet_events_init(void)
{
	int ret;

	ret = register_netdevice_notifier(&netdev_nb);
	if (ret)
		return ret;
	ret = register_inetaddr_notifier(&inetaddr_nb);
	if (ret)
		goto err_netdev;
	ret = inet6addr_init();
	if (ret)
		goto err_inetaddr;
	ret = register_netevent_notifier(&neigh_nb);
	if (ret)
		goto err_inet6addr;
	return 0;

err_inet6addr:
	inet6addr_exit();
err_inetaddr:
	unregister_inetaddr_notifier(&inetaddr_nb);
err_netdev:
	unregister_netdevice_notifier(&netdev_nb);
	return ret;
}

void machnet_events_exit(void)
{
	unregister_netevent_notifier(&neigh_nb);
	inet6addr_exit();
	unregister_inetaddr_notifier(&inetaddr_nb);
	unregister_netdevice_notifier(&netdev_nb);
}
