/* SPDX-License-Identifier: MIT */
/* blocks.h - the path ports of datapaths: by the hundred, and nothing that a program listens on */
#ifndef MACHNETCTL_BLOCKS_H
#define MACHNETCTL_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "genl.h"

/* More than a host has NICs. */
#define CTL_BLOCKS_MAX	64

struct ctl_block {
	uint16_t first;
	uint32_t count;
	uint32_t pid;		/* of the datapath; 0: it is not shown to this user */
	uint32_t ifindex;
};

struct ctl_blocks {
	struct ctl_block block[CTL_BLOCKS_MAX];
	unsigned int n;
};

/* Those of the devices that there are. 0 or -errno. */
int ctl_blocks_read(struct ctl_genl *g, struct ctl_blocks *b);
/* Whether a message is about one of them: in the block of its own process, and not claimed. */
bool ctl_blocks_have(const struct ctl_blocks *b, const struct nlmsghdr *port);

#endif /* MACHNETCTL_BLOCKS_H */
