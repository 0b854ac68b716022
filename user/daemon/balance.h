/* SPDX-License-Identifier: MIT */
/* balance.h - channels move between the engines of the datapath, by their work and by order */
#ifndef MND_BALANCE_H
#define MND_BALANCE_H

#include "daemon/daemon.h"

/* Looks at the engines' work from time to time from now on, if there are several. */
int mnd_balance_start(struct mnd_daemon *d);
void mnd_balance_stop(struct mnd_daemon *d);
/* Only so many engines are to be used. -EINVAL: there are not so many. */
int mnd_balance_use(struct mnd_daemon *d, uint64_t engines);

#endif /* MND_BALANCE_H */
