/* SPDX-License-Identifier: MIT */
/*
 * claim.h - an interface belongs to one daemon
 *
 * Two daemons on one interface would answer each other's packets. The claim is a locked file, which
 * ends with its process; network namespace and ifindex name it, since many interfaces are "eth0".
 */
#ifndef MND_CLAIM_H
#define MND_CLAIM_H

#include <stdint.h>
#include <sys/types.h>

#include "dp/lockfile.h"

/* Errors are logged. -EBUSY: another daemon has it. */
int mnd_claim_take(struct dp_lockfile *l, uint32_t ifindex, const char *ifname);
void mnd_claim_drop(struct dp_lockfile *l);
/* Removes the files of daemons that died. */
void mnd_claim_clean(void);

/* Logs that another daemon serves what. */
void mnd_claim_refused(const char *what, pid_t owner);

#endif /* MND_CLAIM_H */
