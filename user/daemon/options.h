/* SPDX-License-Identifier: MIT */
/* options.h - the command line */
#ifndef MND_OPTIONS_H
#define MND_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <machnet/addr.h>
#include <machnet/dp.h>

#define MND_ADDRESSES_MAX	16

struct mnd_prefix {
	struct mn_addr addr;
	uint8_t len;	/* of the network, in bits of the address's own family */
};

struct mnd_options {
	const char *ifname;	/* exactly one of these three is set */
	const char *pci;
	const char *vdev;
	const char *control;	/* "kernel" or "local" */
	const char *socket;	/* path */
	const char *tap;	/* name of the exception path's netdev */
	const char *cores;
	unsigned int engines;
	enum machnet_dp_poll poll;
	uint32_t mtu;		/* 0: the device's */
	uint16_t path_port_first;	/* the block of path ports */
	uint16_t path_ports;	/* how many */
	const char *state;		/* directory of what outlives the daemon */
	bool rss_opaque;	/* the device's RSS settings are not read */
	uint8_t paths;		/* to each engine of a peer */
	struct machnet_dp_fault fault;
	struct mnd_prefix addresses[MND_ADDRESSES_MAX];
	unsigned int n_addresses;
	bool detach;
	bool give_back;		/* and nothing else: no device is given */
};

/*
 * Reads the command line. 0: run; otherwise the process's exit status + 1: help
 * or version was printed (1), or the usage is wrong (3).
 */
int mnd_options_parse(struct mnd_options *o, int argc, char **argv);

#endif /* MND_OPTIONS_H */
