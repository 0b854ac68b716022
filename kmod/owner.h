/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_OWNER_H
#define MACHNET_OWNER_H

#include "priv.h"

int machnet_owner_init(void);
void machnet_owner_exit(void);

/* Finds or makes the owner for a socket. Under the lock; may sleep. ERR_PTR. */
struct machnet_owner *machnet_owner_get(struct machnet_net *mn, u32 portid);
/* Forgets the owner if it owns nothing (any more). Under the lock. */
void machnet_owner_settle(struct machnet_net *mn, u32 portid);

void machnet_process_current(struct machnet_process *process);
/* nr as the current process sees it. -ESRCH. */
int machnet_process_find(struct machnet_process *process, u32 nr);
/* nr, as the current process sees it, is this process. */
bool machnet_process_is(const struct machnet_process *process, u32 nr);
/* It is going away, or has gone. */
bool machnet_process_exits(const struct machnet_process *process);
void machnet_process_put(struct machnet_process *process);

#endif /* MACHNET_OWNER_H */
