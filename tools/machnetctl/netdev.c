// SPDX-License-Identifier: MIT
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "netdev.h"

static int read_all(int fd, struct ifreq *ifr, struct ctl_netdev *dev)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (ioctl(fd, SIOCGIFFLAGS, ifr))
		return -errno;
	dev->flags = (unsigned short)ifr->ifr_flags;
	if (ioctl(fd, SIOCGIFMTU, ifr))
		return -errno;
	dev->mtu = ifr->ifr_mtu;
	if (ioctl(fd, SIOCGIFHWADDR, ifr))
		return -errno;
	dev->ethernet = ifr->ifr_hwaddr.sa_family == ARPHRD_ETHER;
	ifr->ifr_data = (void *)&info;
	if (ioctl(fd, SIOCETHTOOL, ifr))
		return 0;
	snprintf(dev->driver, sizeof(dev->driver), "%.31s", info.driver);
	snprintf(dev->bus, sizeof(dev->bus), "%.31s", info.bus_info);
	return 0;
}

int ctl_netdev_read(const char *ifname, struct ctl_netdev *dev)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };
	int ret;

	*dev = (struct ctl_netdev){ 0 };
	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	ret = read_all(fd, &ifr, dev);
	close(fd);
	return ret;
}

static bool counts(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

	if (!sa)
		return false;
	return sa->sa_family == AF_INET ||
	       (sa->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr));
}

unsigned int ctl_netdev_addrs(const char *ifname)
{
	struct ifaddrs *list = NULL, *a;
	unsigned int n = 0;

	if (getifaddrs(&list))
		return 0;
	for (a = list; a; a = a->ifa_next)
		n += !strcmp(a->ifa_name, ifname) && counts(a->ifa_addr);
	freeifaddrs(list);
	return n;
}

bool ctl_netdev_is_virtio(const struct ctl_netdev *dev)
{
	unsigned int domain, bus, slot, function;

	return !strcmp(dev->driver, "virtio_net") &&
	       sscanf(dev->bus, "%x:%x:%x.%x", &domain, &bus, &slot, &function) == 4;
}
