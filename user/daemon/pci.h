/* SPDX-License-Identifier: MIT */
/* pci.h - which driver has a PCI device, and how to change that (sysfs) */
#ifndef MND_PCI_H
#define MND_PCI_H

#include <stdbool.h>
#include <stddef.h>

/* "" when no driver has it. -ENODEV: no such device. */
int mnd_pci_driver(const char *pci, char *driver, size_t size);
bool mnd_pci_exists(const char *pci);
bool mnd_pci_has_iommu(const char *pci);
/*
 * Loads the module of the driver if need be and moves the device to it; "" moves it to
 * whatever driver claims it by itself. -ENOENT: no such driver.
 */
int mnd_pci_bind(const char *pci, const char *driver);
/* The netdev that the device's driver has made. -ENOENT: none. */
int mnd_pci_netdev(const char *pci, char *ifname, size_t size);

#endif /* MND_PCI_H */
