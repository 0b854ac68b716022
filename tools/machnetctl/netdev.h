/* SPDX-License-Identifier: MIT */
/* netdev.h - what the kernel says of a netdev; sysfs may be that of another network namespace */
#ifndef MACHNETCTL_NETDEV_H
#define MACHNETCTL_NETDEV_H

#include <stdbool.h>

struct ctl_netdev {
	bool ethernet;
	unsigned int flags;	/* IFF_* */
	int mtu;
	char driver[32];	/* "virtio_net", "veth", "tun", ...; "" if it does not tell */
	char bus[32];		/* where it sits: a PCI address, ... */
};

/* -ENODEV: there is none of this name. */
int ctl_netdev_read(const char *ifname, struct ctl_netdev *dev);
/* How many addresses it has, link-local ones of IPv6 left out. */
unsigned int ctl_netdev_addrs(const char *ifname);
/* A virtio NIC on PCI. */
bool ctl_netdev_is_virtio(const struct ctl_netdev *dev);

#endif /* MACHNETCTL_NETDEV_H */
