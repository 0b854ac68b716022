// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/pci.h"
#include "daemon/takeover.h"

#define STATE_DIR	"/run/machnet"
#define STATE_MAGIC	"machnet-nic-1"
/* How long the kernel's driver may take to bring the interface back. */
#define RETURN_MS	5000
#define RETURN_POLL_MS	10

static void state_path(char *path, size_t size, const char *ifname)
{
	snprintf(path, size, STATE_DIR "/nic-%s", ifname);
}

/* A PCI address, the component of a sysfs path that looks like one: 0000:00:04.0 */
static bool is_pci(const char *s, size_t len)
{
	unsigned int domain, bus, dev, fn;
	int used = 0;

	return len < MND_PCI_LEN &&
	       sscanf(s, "%x:%x:%x.%x%n", &domain, &bus, &dev, &fn, &used) == 4 &&
	       (size_t)used == len;
}

int mnd_takeover_find(const char *ifname, char pci[MND_PCI_LEN])
{
	char link[PATH_MAX], path[PATH_MAX];
	char *part, *end;

	if (!if_nametoindex(ifname))
		return -ENODEV;
	snprintf(link, sizeof(link), "/sys/class/net/%s/device", ifname);
	if (!realpath(link, path))
		return -EOPNOTSUPP;
	part = strstr(path, "/virtio");
	if (!part)
		return -EOPNOTSUPP;
	/* The component in front of it. */
	*part = '\0';
	end = part;
	part = strrchr(path, '/');
	if (!part || !is_pci(part + 1, end - part - 1))
		return -EOPNOTSUPP;
	snprintf(pci, MND_PCI_LEN, "%s", part + 1);
	return 0;
}

static FILE *state_open(const char *ifname, const char *mode)
{
	char path[PATH_MAX];

	state_path(path, sizeof(path), ifname);
	return fopen(path, mode);
}

static int state_read(struct mnd_takeover *t, const char *ifname)
{
	FILE *f = state_open(ifname, "re");
	unsigned int up;
	int ret = -EBADMSG;

	if (!f)
		return -ENOENT;
	if (fscanf(f, STATE_MAGIC " pci %15s driver %31s mtu %u up %u", t->pci, t->driver, &t->mtu,
		   &up) == 4 &&
	    fgetc(f) == '\n' && is_pci(t->pci, strlen(t->pci))) {
		t->was_up = up;
		snprintf(t->ifname, sizeof(t->ifname), "%s", ifname);
		ret = mnd_netconf_load(&t->conf, f);
	}
	fclose(f);
	return ret;
}

static int state_write(const struct mnd_takeover *t)
{
	FILE *f;
	int ret;

	mkdir(STATE_DIR, 0755);
	f = state_open(t->ifname, "we");
	if (!f)
		return -errno;
	fprintf(f, STATE_MAGIC " pci %s driver %s mtu %u up %u\n", t->pci, t->driver, t->mtu,
		t->was_up);
	ret = mnd_netconf_save(&t->conf, f);
	if (fclose(f) && !ret)
		ret = -EIO;
	return ret;
}

static void state_remove(const struct mnd_takeover *t)
{
	char path[PATH_MAX];

	state_path(path, sizeof(path), t->ifname);
	unlink(path);
}

int mnd_takeover_recall(const char *ifname, char pci[MND_PCI_LEN])
{
	struct mnd_takeover t = { 0 };
	int ret = state_read(&t, ifname);

	if (!ret)
		snprintf(pci, MND_PCI_LEN, "%s", t.pci);
	mnd_netconf_free(&t.conf);
	return ret;
}

static int read_interface(struct mnd_takeover *t, struct mnd_rtnl *r)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = 0;

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, t->ifname, sizeof(ifr.ifr_name));
	if (ioctl(fd, SIOCGIFMTU, &ifr))
		ret = -errno;
	t->mtu = ifr.ifr_mtu;
	if (!ret && ioctl(fd, SIOCGIFFLAGS, &ifr))
		ret = -errno;
	t->was_up = ifr.ifr_flags & IFF_UP;
	close(fd);
	return ret ? ret : mnd_netconf_read(&t->conf, r, if_nametoindex(t->ifname));
}

static bool is_dpdk_driver(const char *driver)
{
	return !strcmp(driver, "vfio-pci") || !strcmp(driver, "uio_pci_generic") ||
	       !strcmp(driver, "igb_uio");
}

/* What the kernel's interface is now, or what it was before a daemon was killed. */
static int takeover_save(struct mnd_takeover *t, const char *ifname, struct mnd_rtnl *r)
{
	int ret = mnd_pci_netdev(t->pci, t->ifname, sizeof(t->ifname));

	if (ret == -ENOENT) {
		if (!ifname || state_read(t, ifname))
			return 0;
		mnd_info(
			"%s: %s was left by a daemon that died, its configuration is in " STATE_DIR,
			ifname, t->pci);
		return 0;
	}
	if (!ret)
		ret = read_interface(t, r);
	if (!ret)
		ret = state_write(t);
	if (ret)
		mnd_err("cannot save the configuration of %s: %s", t->ifname, strerror(-ret));
	return ret;
}

int mnd_takeover_begin(struct mnd_takeover *t, const char *pci, const char *ifname,
		       struct mnd_rtnl *r)
{
	const char *target = mnd_pci_has_iommu(pci) ? "vfio-pci" : "uio_pci_generic";
	char driver[32];
	int ret;

	memset(t, 0, sizeof(*t));
	snprintf(t->pci, sizeof(t->pci), "%s", pci);
	ret = mnd_pci_driver(pci, driver, sizeof(driver));
	if (ret) {
		mnd_err("there is no PCI device %s", pci);
		return ret;
	}
	if (!is_dpdk_driver(driver))
		snprintf(t->driver, sizeof(t->driver), "%s", driver);
	ret = takeover_save(t, ifname, r);
	if (ret)
		return ret;
	t->held = true;
	if (is_dpdk_driver(driver))
		return 0;
	ret = mnd_pci_bind(pci, target);
	if (ret) {
		mnd_err("cannot bind %s to %s: %s%s", pci, target, strerror(-ret),
			ret == -ENOENT ? " (the kernel has no such driver)" : "");
		mnd_takeover_end(t, r);
		return ret;
	}
	mnd_info("took %s%s%s from %s, bound it to %s", pci, *t->ifname ? ", " : "", t->ifname,
		 t->driver, target);
	return 0;
}

/* The driver makes the interface when it has probed the device, which may take a moment. */
static int wait_netdev(const char *pci, char *name, size_t size)
{
	for (int ms = 0; ms < RETURN_MS; ms += RETURN_POLL_MS) {
		if (mnd_pci_netdev(pci, name, size) == 0)
			return 0;
		poll(NULL, 0, RETURN_POLL_MS);
	}
	return -ETIMEDOUT;
}

static int restore_interface(struct mnd_takeover *t, struct mnd_rtnl *r)
{
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	int ret = wait_netdev(t->pci, name, sizeof(name));

	if (ret)
		return ret;
	ifindex = if_nametoindex(name);
	if (strcmp(name, t->ifname))
		ret = mnd_rtnl_link_rename(r, ifindex, t->ifname);
	if (!ret && t->mtu)
		ret = mnd_rtnl_link_mtu(r, ifindex, t->mtu);
	if (!ret && t->was_up)
		ret = mnd_rtnl_link_up(r, ifindex);
	return ret ? ret : mnd_netconf_apply(&t->conf, r, ifindex);
}

void mnd_takeover_end(struct mnd_takeover *t, struct mnd_rtnl *r)
{
	int ret;

	if (!t->held)
		return;
	t->held = false;
	ret = mnd_pci_bind(t->pci, "");
	if (!ret && *t->ifname)
		ret = restore_interface(t, r);
	if (ret)
		mnd_err("giving %s back to the kernel: %s", t->pci, strerror(-ret));
	else
		mnd_info("gave %s%s%s back to the kernel", t->pci, *t->ifname ? ", " : "",
			 t->ifname);
	if (!ret && *t->ifname)
		state_remove(t);
	mnd_netconf_free(&t->conf);
}
