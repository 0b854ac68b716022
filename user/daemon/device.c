// SPDX-License-Identifier: MIT
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/claim.h"
#include "daemon/conn.h"
#include "daemon/balance.h"
#include "daemon/device.h"
#include "daemon/leaving.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/path.h"
#include "daemon/path_ports.h"
#include "daemon/rss_state.h"
#include "daemon/pci.h"
#include "daemon/probe.h"
#include "daemon/uevent.h"

static void device_log(void *ctx, int priority, const char *text)
{
	(void)ctx;
	mnd_log(priority, "%s", text);
}

/* There is nothing to serve any more: the service manager may start another one. */
static void device_gone(struct mnd_daemon *d, const char *name)
{
	if (!d->gone)
		mnd_err("%s is gone: shutting down", name);
	d->gone = true;
	d->stop = true;
}

static void device_event(void *ctx, const struct machnet_dp_event *ev)
{
	struct mnd_daemon *d = ctx;

	if (ev->type == MACHNET_DP_EVENT_DEVICE_GONE)
		device_gone(d, d->device);
	mnd_path_event(d, ev);
	mnd_probe_event(d, ev);
	mnd_conn_event(d, ev);
	mnd_leaving_event(d, ev);
	if (ev->type == MACHNET_DP_EVENT_PATH_END && d->serving)
		mnd_rss_state_save(d, false);
}

static void on_dp(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;

	(void)events;
	machnet_dp_dispatch(d->dp);
}

bool mnd_owns_addr(const struct mnd_daemon *d, const struct mn_addr *addr)
{
	for (unsigned int i = 0; i < d->n_addrs; i++)
		if (mn_addr_equal(&d->addrs[i], addr))
			return true;
	return false;
}

/* The addresses that packets may be for, as the interface has them now. */
static int device_read_addrs(struct mnd_daemon *d)
{
	int n = mnd_rtnl_addrs(&d->rtnl, d->ifindex, d->addrs, MACHNET_DP_ADDRS_MAX);

	if (n < 0) {
		mnd_err("cannot read the addresses of %s: %s", d->ifname, strerror(-n));
		return n;
	}
	d->n_addrs = n;
	return machnet_dp_set_addrs(d->dp, d->addrs, n);
}

/* The interface may have got another MAC address: peers send to that from now on. */
static void device_follow_mac(struct mnd_daemon *d)
{
	uint8_t mac[6];
	int ret;

	memcpy(mac, d->info.mac, sizeof(mac));
	if (mnd_rtnl_link_mac(&d->rtnl, d->ifindex, mac) || !memcmp(mac, d->info.mac, sizeof(mac)))
		return;
	/* Once: what the device cannot do now it cannot do at the next change of the interface. */
	memcpy(d->info.mac, mac, sizeof(mac));
	ret = machnet_dp_set_mac(d->dp, mac);
	if (ret)
		mnd_warn("%s has the MAC address %02x:%02x:%02x:%02x:%02x:%02x, and the NIC cannot "
			 "have it: %s (give it the old one back)", d->ifname, mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5], strerror(-ret));
	else
		mnd_info("%s has the MAC address %02x:%02x:%02x:%02x:%02x:%02x now", d->ifname,
			 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void on_netdev(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;
	char buf[8192], name[IF_NAMESIZE];

	(void)events;
	/* What changed does not matter, nor does a lost message: all is read anew. */
	while (recv(mnl_socket_get_fd(d->rtnl_events.sock), buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	/* It may have another name now; in another network namespace it is of no use here. */
	if (if_indextoname(d->ifindex, name))
		memcpy(d->ifname, name, sizeof(name));
	else
		device_gone(d, d->ifname);
	if (!d->gone)
		device_follow_mac(d);
	if (!d->gone && !device_read_addrs(d))
		mnd_path_ports_follow(d);
}

/* A device that the kernel goes on using by itself: "net_af_packet0,iface=eth0" serves eth0. */
static bool vdev_shares(const char *vdev, char *ifname, size_t size)
{
	const char *iface = strstr(vdev, "iface=");
	size_t len;

	if (strncmp(vdev, "net_af_", 7) || !iface)
		return false;
	iface += strlen("iface=");
	len = strcspn(iface, ",");
	if (len >= size)
		return false;
	memcpy(ifname, iface, len);
	ifname[len] = '\0';
	return true;
}

static int device_missing(const char *ifname)
{
	pid_t owner = mnd_takeover_holder(ifname);

	if (owner)
		mnd_claim_refused(ifname, owner);
	else
		mnd_err("there is no interface %s (ip link shows those there are)", ifname);
	return owner ? -EBUSY : -ENODEV;
}

static bool is_loopback(const char *ifname)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool yes;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	yes = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_LOOPBACK;
	if (fd >= 0)
		close(fd);
	return yes;
}

/* Before anything else is opened: what comes after it may only fail because of the other daemon. */
int mnd_device_claim(struct mnd_daemon *d)
{
	char ifname[IF_NAMESIZE];
	uint32_t ifindex;

	if (d->opt.ifname)
		snprintf(ifname, sizeof(ifname), "%s", d->opt.ifname);
	else if (!d->opt.vdev || !vdev_shares(d->opt.vdev, ifname, sizeof(ifname)))
		return 0;
	ifindex = if_nametoindex(ifname);
	if (!ifindex)
		return device_missing(ifname);
	if (is_loopback(ifname)) {
		mnd_err("%s is the loopback interface, over which no packet leaves this host: name "
			"another one; applications of one host reach each other through that one's "
			"addresses", ifname);
		return -EINVAL;
	}
	return mnd_claim_take(&d->claim, ifindex, ifname);
}

/* Its own name and MTU, when the datapath shares the interface with the kernel. */
static int device_shared(struct mnd_daemon *d, struct machnet_dp_config *cfg)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	memcpy(ifr.ifr_name, d->ifname, sizeof(ifr.ifr_name));
	ret = fd < 0 || ioctl(fd, SIOCGIFMTU, &ifr) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (ret) {
		mnd_err("interface %s: %s", d->ifname, strerror(-ret));
		return ret;
	}
	cfg->tap = NULL;
	if (cfg->mtu > (uint32_t)ifr.ifr_mtu) {
		mnd_err("--mtu %u: %s has an MTU of %d (ip link set dev %s mtu %u)", cfg->mtu,
			d->ifname, ifr.ifr_mtu, d->ifname, cfg->mtu);
		return -EINVAL;
	}
	if (!cfg->mtu)
		cfg->mtu = ifr.ifr_mtu;
	return 0;
}

/* A terminal may come over this NIC: an ssh session that breaks off ends the daemon. */
static void warn_of_terminal(const struct mnd_daemon *d)
{
	const char *name = d->nic.ifname;

	if (d->opt.detach || !isatty(STDERR_FILENO) || !mnd_netconf_has_default(&d->nic.conf))
		return;
	mnd_warn("%s has the default route, and this machnetd ends, and gives it back, when its "
		 "terminal closes; to go on without: machnetd --detach -i %s, or "
		 "systemctl enable --now machnetd@%s", name, name, name);
}

static int device_pci(struct mnd_daemon *d, struct machnet_dp_config *cfg, const char *pci)
{
	int ret = mnd_takeover_begin(&d->nic, pci, &d->rtnl);

	cfg->device = d->nic.pci;
	snprintf(d->device, sizeof(d->device), "%s", d->nic.pci);
	if (!cfg->mtu)
		cfg->mtu = d->nic.mtu;
	if (!ret)
		warn_of_terminal(d);
	return ret;
}

static int device_of_interface(struct mnd_daemon *d, struct machnet_dp_config *cfg)
{
	char pci[MND_PCI_LEN];
	int ret = mnd_takeover_find(d->opt.ifname, pci);

	if (!ret)
		return device_pci(d, cfg, pci);
	mnd_info("%s is no virtio PCI NIC: sharing it with the kernel through af_packet, slower",
		 d->opt.ifname);
	snprintf(d->ifname, sizeof(d->ifname), "%s", d->opt.ifname);
	snprintf(d->device, sizeof(d->device), "net_af_packet0,iface=%s,qpairs=%u", d->ifname,
		 cfg->engines);
	cfg->device = d->device;
	return device_shared(d, cfg);
}

static int device_choose(struct mnd_daemon *d, struct machnet_dp_config *cfg)
{
	if (d->opt.ifname)
		return device_of_interface(d, cfg);
	if (d->opt.pci)
		return device_pci(d, cfg, d->opt.pci);
	snprintf(d->device, sizeof(d->device), "%s", d->opt.vdev);
	cfg->device = d->opt.vdev;
	if (vdev_shares(d->opt.vdev, d->ifname, sizeof(d->ifname)))
		return device_shared(d, cfg);
	return 0;
}

/* The exception path's interface becomes what the kernel's was. */
static int device_configure_tap(struct mnd_daemon *d)
{
	int ret;

	d->ifindex = d->info.tap_ifindex;
	if (!if_indextoname(d->ifindex, d->ifname))
		return -errno;
	ret = mnd_claim_take(&d->tap_claim, d->ifindex, d->ifname);
	if (ret)
		return ret;
	ret = mnd_rtnl_link_up(&d->rtnl, d->ifindex);
	for (unsigned int i = 0; !ret && i < d->opt.n_addresses; i++)
		ret = mnd_rtnl_addr_add(&d->rtnl, d->ifindex, &d->opt.addresses[i].addr,
					d->opt.addresses[i].len);
	if (ret) {
		mnd_err("cannot configure %s: %s", d->ifname, strerror(-ret));
		return ret;
	}
	ret = mnd_netconf_apply(&d->nic.conf, &d->rtnl, d->ifindex);
	if (ret)
		mnd_warn("not every address and route of %s could be moved to %s: %s",
			 d->nic.ifname, d->ifname, strerror(-ret));
	return 0;
}

static int device_register(struct mnd_daemon *d)
{
	struct machnet_nl_device dev = {
		.ifindex = d->ifindex,
		.mtu = d->info.mtu,
		.engines = d->info.engines,
		.rss_class = d->info.rss.rss_class,
		.path_port_first = d->opt.path_port_first,
		.path_port_count = d->opt.path_ports,
	};
	int ret;

	memcpy(dev.mac, d->info.mac, sizeof(dev.mac));
	snprintf(dev.driver, sizeof(dev.driver), "%s", d->info.driver);
	ret = d->ops->device_register(d->control, &dev);
	if (ret)
		mnd_err("cannot register %s: %s (%s)", d->ifname, strerror(-ret),
			d->ops->error(d->control));
	d->registered = !ret;
	return ret;
}

static void on_uevent(void *arg, uint32_t events)
{
	struct mnd_daemon *d = arg;

	(void)events;
	mnd_uevent_drain(d->pci_fd);
	if (!mnd_pci_exists(d->nic.pci))
		device_gone(d, d->nic.pci);
}

static int device_watch_pci(struct mnd_daemon *d)
{
	int fd = d->nic.held ? mnd_uevent_open() : 0;

	if (fd <= 0)
		return fd;
	d->pci_fd = fd;
	d->pci_watch = (struct mnd_watch){ on_uevent, d };
	return mnd_watch_add(d, fd, &d->pci_watch);
}

static int device_watch(struct mnd_daemon *d)
{
	int ret = mnd_rtnl_open(&d->rtnl_events,
				RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);

	if (ret)
		return ret;
	d->netdev_watch = (struct mnd_watch){ on_netdev, d };
	d->dp_watch = (struct mnd_watch){ on_dp, d };
	ret = mnd_watch_add(d, mnl_socket_get_fd(d->rtnl_events.sock), &d->netdev_watch);
	if (!ret)
		ret = device_watch_pci(d);
	return ret ? ret : mnd_watch_add(d, machnet_dp_fd(d->dp), &d->dp_watch);
}

static void device_say(const struct mnd_daemon *d)
{
	char addr[MN_ADDR_STRLEN] = "no address";

	if (d->n_addrs)
		mn_addr_format(&d->addrs[0], addr);
	mnd_info("serving %s (%s): driver %s, %u engine%s, MTU %u, %s, %s, control %s", d->ifname,
		 addr, d->info.driver, d->info.engines, d->info.engines == 1 ? "" : "s",
		 d->info.mtu, d->info.hugepages ? "hugepages" : "no hugepages",
		 d->opt.poll == MACHNET_DP_POLL_BUSY ? "busy polling"
		 : d->info.rx_wakeup		     ? "adaptive polling woken by packets"
						     : "adaptive polling",
		 d->ops->name);
	if (d->info.engines < d->opt.engines)
		mnd_warn("%s has %u queue pairs: %u engines asked for, %u run", d->ifname,
			 d->info.engines, d->opt.engines, d->info.engines);
}

static struct machnet_dp_config device_config(struct mnd_daemon *d)
{
	return (struct machnet_dp_config){
		.engines = d->opt.engines,
		.poll = d->opt.poll,
		.cores = d->opt.cores,
		.tap = d->opt.tap,
		.mtu = d->opt.mtu,
		.path_port_first = d->opt.path_port_first,
		.path_ports = d->opt.path_ports,
		.paths = d->opt.paths,
		.rss_opaque = d->opt.rss_opaque,
		.fault = d->opt.fault,
		.event = device_event,
		.log = device_log,
		.ctx = d,
	};
}

int mnd_device_check(struct mnd_daemon *d)
{
	struct machnet_dp_config cfg = device_config(d);

	return machnet_dp_check_cores(&cfg);
}

int mnd_device_open(struct mnd_daemon *d)
{
	struct machnet_dp_config cfg = device_config(d);
	int ret = 0;

	if (d->opt.ifname)
		ret = mnd_path_ports_bind(d, if_nametoindex(d->opt.ifname));
	if (!ret)
		ret = device_choose(d, &cfg);
	if (!ret)
		ret = machnet_dp_create(&cfg, &d->dp);
	if (ret)
		return ret;
	machnet_dp_info(d->dp, &d->info);
	if (cfg.tap)
		ret = device_configure_tap(d);
	else
		d->ifindex = if_nametoindex(d->ifname);
	if (!ret)
		ret = device_watch(d);
	if (!ret)
		ret = device_read_addrs(d);
	if (!ret)
		ret = device_register(d);
	if (!ret)
		ret = mnd_path_ports_follow(d);
	if (!ret)
		ret = mnd_balance_start(d);
	d->serving = !ret;
	if (!ret) {
		mnd_rss_state_load(d);
		device_say(d);
	}
	return ret;
}

void mnd_device_close(struct mnd_daemon *d)
{
	mnd_rtnl_close(&d->rtnl_events);
	if (d->pci_fd >= 0)
		close(d->pci_fd);
	mnd_balance_stop(d);
	if (d->serving)
		mnd_rss_state_save(d, true);
	/* While it goes down the datapath reports the end of each connection. */
	if (d->dp)
		machnet_dp_destroy(d->dp);
	d->dp = NULL;
	if (d->registered) {
		mnd_conn_settle(d);
		d->ops->device_unregister(d->control, d->ifindex);
	}
	mnd_path_ports_close(d);
	mnd_takeover_end(&d->nic, &d->rtnl);
	mnd_claim_drop(&d->tap_claim);
	mnd_claim_drop(&d->claim);
}
