/* SPDX-License-Identifier: MIT */
/*
 * takeover.h - a NIC changes hands: from the kernel's driver to DPDK and back
 *
 * What the kernel's interface was (name, addresses, routes, MTU, driver) goes
 * into a file under /run/machnet until the NIC is given back, so that a daemon
 * that was killed leaves nothing behind that the next one could not mend.
 */
#ifndef MND_TAKEOVER_H
#define MND_TAKEOVER_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/netconf.h"

#define MND_PCI_LEN	16	/* "0000:00:04.0" and its NUL, with room for wide domains */

struct mnd_takeover {
	char pci[MND_PCI_LEN];
	char ifname[IF_NAMESIZE];	/* "": the kernel had no interface for it */
	char driver[32];		/* the kernel's: to give it back to; "": none */
	uint32_t mtu;
	bool was_up;
	bool held;			/* to be given back */
	struct mnd_netconf conf;
};

/*
 * The PCI address behind an interface. -ENODEV: there is no such interface.
 * -EOPNOTSUPP: it is no PCI virtio NIC (a veth, say), so that it is shared with the kernel instead.
 */
int mnd_takeover_find(const char *ifname, char pci[MND_PCI_LEN]);

/*
 * Takes the NIC from the kernel: saves its interface, binds it to vfio-pci
 * (with an IOMMU) or uio_pci_generic. ifname (NULL: unknown) finds the state of a
 * daemon that was killed. Errors are logged and leave the NIC where it was.
 */
int mnd_takeover_begin(struct mnd_takeover *t, const char *pci, const char *ifname,
		       struct mnd_rtnl *r);

/* Gives it back: driver, name, MTU, addresses, routes. */
void mnd_takeover_end(struct mnd_takeover *t, struct mnd_rtnl *r);

/* The PCI address that a killed daemon's state names for an interface. -ENOENT. */
int mnd_takeover_recall(const char *ifname, char pci[MND_PCI_LEN]);

#endif /* MND_TAKEOVER_H */
