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

#include "daemon/claim.h"
#include "daemon/log.h"
#include "daemon/pci.h"
#include "daemon/takeover.h"

#define STATE_PREFIX	"nic-"		/* and the PCI address */
#define STATE_MAGIC	"machnet-nic-2"
#define STATE_NONE	"-"		/* no interface, no driver */
/* How long the kernel's driver may take to bring the interface back. */
#define RETURN_MS	5000
#define RETURN_POLL_MS	10

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

static const char *or_none(const char *text)
{
	return *text ? text : STATE_NONE;
}

static void none_is_empty(char *text)
{
	if (!strcmp(text, STATE_NONE))
		*text = '\0';
}

/* The pid is for messages alone: what says that the owner lives is the lock. */
static int state_parse(struct mnd_takeover *t, FILE *f)
{
	unsigned int up;

	if (fscanf(f, "%*d " STATE_MAGIC " pci %15s ifname %15s driver %31s mtu %u up %u", t->pci,
		   t->ifname, t->driver, &t->mtu, &up) != 5 ||
	    fgetc(f) != '\n' || !is_pci(t->pci, strlen(t->pci)))
		return -EBADMSG;
	none_is_empty(t->ifname);
	none_is_empty(t->driver);
	t->was_up = up;
	return mnd_netconf_load(&t->conf, f);
}

static int state_read(struct mnd_takeover *t, const char *path)
{
	FILE *f = fopen(path, "re");
	int ret;

	if (!f)
		return -errno;
	ret = state_parse(t, f);
	fclose(f);
	return ret;
}

/* Into the file that is locked. */
static int state_write(const struct mnd_takeover *t, pid_t owner)
{
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!f)
		return -errno;
	fprintf(f, "%d " STATE_MAGIC " pci %s ifname %s driver %s mtu %u up %u\n", owner, t->pci,
		or_none(t->ifname), or_none(t->driver), t->mtu, t->was_up);
	ret = mnd_netconf_save(&t->conf, f);
	if (fclose(f))
		return -ENOMEM;
	if (!ret)
		ret = dp_lockfile_write(&t->state, text, len);
	free(text);
	return ret;
}

/* 1: it is the one, and its owner lives. */
static int is_held(void *ctx, const char *name)
{
	struct mnd_takeover t = { .state = DP_LOCKFILE_NONE }, *wanted = ctx;
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), DP_RUN_DIR "/%s", name);
	ret = state_read(&t, path);
	mnd_netconf_free(&t.conf);
	if (ret || strcmp(t.ifname, wanted->ifname))
		return 0;
	if (dp_lockfile_take_existing(&wanted->state, name) != -EBUSY) {
		dp_lockfile_drop(&wanted->state, false);
		return 0;
	}
	snprintf(wanted->pci, sizeof(wanted->pci), "%s", t.pci);
	return 1;
}

static pid_t holder_of(const char *pci)
{
	char name[32];

	snprintf(name, sizeof(name), STATE_PREFIX "%s", pci);
	return dp_lockfile_number(name);
}

pid_t mnd_takeover_holder(const char *ifname)
{
	struct mnd_takeover wanted = { .state = DP_LOCKFILE_NONE };

	snprintf(wanted.ifname, sizeof(wanted.ifname), "%s", ifname);
	return dp_lockfile_each(STATE_PREFIX, is_held, &wanted) ? holder_of(wanted.pci) : 0;
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

/* From here on the NIC is this process's, and what the kernel's interface is now is on record. */
static int takeover_save(struct mnd_takeover *t, struct mnd_rtnl *r)
{
	char name[32];
	int ret;

	snprintf(name, sizeof(name), STATE_PREFIX "%s", t->pci);
	ret = dp_lockfile_take(&t->state, name);
	if (ret == -EBUSY) {
		mnd_claim_refused(t->pci, holder_of(t->pci));
		return ret;
	}
	if (!ret)
		ret = mnd_pci_netdev(t->pci, t->ifname, sizeof(t->ifname));
	if (!ret)
		ret = read_interface(t, r);
	else if (ret == -ENOENT && t->state.fd >= 0)
		ret = 0;
	if (!ret)
		ret = state_write(t, getpid());
	if (!ret)
		return 0;
	mnd_err("cannot save the configuration of %s in " DP_RUN_DIR ": %s",
		*t->ifname ? t->ifname : t->pci, strerror(-ret));
	dp_lockfile_drop(&t->state, true);
	return ret;
}

int mnd_takeover_begin(struct mnd_takeover *t, const char *pci, struct mnd_rtnl *r)
{
	const char *target = mnd_pci_has_iommu(pci) ? "vfio-pci" : "uio_pci_generic";
	char driver[32];
	int ret;

	memset(t, 0, sizeof(*t));
	t->state.fd = -1;
	snprintf(t->pci, sizeof(t->pci), "%s", pci);
	ret = mnd_pci_driver(pci, driver, sizeof(driver));
	if (ret) {
		mnd_err("there is no PCI device %s", pci);
		return ret;
	}
	if (!is_dpdk_driver(driver))
		snprintf(t->driver, sizeof(t->driver), "%s", driver);
	ret = takeover_save(t, r);
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

/* The kernel may have it already: a daemon that gave it back died before it was done. */
static int rebind(const struct mnd_takeover *t)
{
	char driver[32];
	int ret = mnd_pci_driver(t->pci, driver, sizeof(driver));

	if (ret || (*driver && !is_dpdk_driver(driver)))
		return ret;
	return mnd_pci_bind(t->pci, "");
}

/* After an error the state stays for another try. */
int mnd_takeover_end(struct mnd_takeover *t, struct mnd_rtnl *r)
{
	const char *comma = *t->ifname ? ", " : "";
	int ret;

	if (!t->held)
		return 0;
	t->held = false;
	ret = rebind(t);
	if (!ret && *t->ifname)
		ret = restore_interface(t, r);
	if (ret == -ENODEV) {
		mnd_warn("%s%s%s is gone: there is nothing to give back", t->pci, comma, t->ifname);
		ret = 0;
	} else if (ret) {
		mnd_err("cannot give %s%s%s back to the kernel: %s (once more: "
			"machnetd --give-back)", t->pci, comma, t->ifname, strerror(-ret));
	} else {
		mnd_info("gave %s%s%s back to the kernel", t->pci, comma, t->ifname);
	}
	dp_lockfile_drop(&t->state, !ret);
	mnd_netconf_free(&t->conf);
	return ret;
}

struct recovery {
	struct mnd_rtnl *rtnl;
	int first_error;
};

/*
 * The file of a NIC that is being given back names no process: another guard, or daemon, that is
 * at it is waited for. -EBUSY: a living daemon has the NIC.
 */
static int recover_lock(struct mnd_takeover *t, const char *name, pid_t *owner)
{
	int ret;

	for (int ms = 0;; ms += RETURN_POLL_MS) {
		ret = dp_lockfile_take_existing(&t->state, name);
		*owner = dp_lockfile_number(name);
		if (ret != -EBUSY || *owner || ms > 2 * RETURN_MS)
			return ret;
		poll(NULL, 0, RETURN_POLL_MS);
	}
}

/* A file that cannot be read was being written when its owner died: the NIC was the kernel's. */
static int recover(void *ctx, const char *name)
{
	struct mnd_takeover t = { 0 };
	struct recovery *rec = ctx;
	pid_t owner;
	int ret = recover_lock(&t, name, &owner);

	if (ret)
		return 0;
	if (state_read(&t, t.state.path)) {
		dp_lockfile_drop(&t.state, true);
		return 0;
	}
	if (owner)
		mnd_warn("%s was left by a machnetd that died, process %d", t.pci, owner);
	state_write(&t, 0);
	t.held = true;
	ret = mnd_takeover_end(&t, rec->rtnl);
	if (!rec->first_error)
		rec->first_error = ret;
	return 0;
}

int mnd_takeover_recover(struct mnd_rtnl *r)
{
	struct recovery rec = { .rtnl = r };

	dp_lockfile_each(STATE_PREFIX, recover, &rec);
	return rec.first_error;
}
