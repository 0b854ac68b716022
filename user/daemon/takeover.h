/* SPDX-License-Identifier: MIT */
/*
 * takeover.h - a NIC changes hands: from the kernel's driver to DPDK and back
 *
 * What the kernel's interface was (name, addresses, routes, MTU, driver) goes
 * into a file below /run/machnet until the NIC is given back. The daemon that has the
 * NIC holds the file locked: a file without a living owner is of a daemon that died, and
 * its NIC is given back by the guard, the next daemon, or machnetd --give-back.
 */
#ifndef MND_TAKEOVER_H
#define MND_TAKEOVER_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dp/lockfile.h"
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
	struct dp_lockfile state;
};

/*
 * The PCI address behind an interface. -ENODEV: there is no such interface.
 * -EOPNOTSUPP: it is no PCI virtio NIC (a veth, say), so that it is shared with the kernel instead.
 */
int mnd_takeover_find(const char *ifname, char pci[MND_PCI_LEN]);
/* The process that has taken over the NIC of an interface, 0: none. */
pid_t mnd_takeover_holder(const char *ifname);

/*
 * Takes the NIC from the kernel: saves its interface, binds it to vfio-pci (with an IOMMU) or
 * uio_pci_generic. -EBUSY: another daemon has it. Errors are logged and leave the NIC where it was.
 */
int mnd_takeover_begin(struct mnd_takeover *t, const char *pci, struct mnd_rtnl *r);

/* Gives it back: driver, name, MTU, addresses, routes. Errors are logged, and returned. */
int mnd_takeover_end(struct mnd_takeover *t, struct mnd_rtnl *r);

/* Gives back the NICs that daemons left that died. Errors are logged; the first one is returned. */
int mnd_takeover_recover(struct mnd_rtnl *r);

#endif /* MND_TAKEOVER_H */
