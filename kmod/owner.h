/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_OWNER_H
#define MACHNET_OWNER_H

#include "priv.h"

struct sk_buff;

int machnet_owner_init(void);
void machnet_owner_exit(void);

/*
 * All under the lock. The owner that has sent the request, or NULL; makes it, may sleep: ERR_PTR.
 */
struct machnet_owner *machnet_owner_find(struct machnet_net *mn, const struct sk_buff *request);
struct machnet_owner *machnet_owner_get(struct machnet_net *mn, const struct sk_buff *request);
/* Forgets the owner if it owns nothing (any more). */
void machnet_owner_settle(struct machnet_net *mn, struct machnet_owner *owner);

void machnet_process_current(struct machnet_process *process);
/* nr as the current process sees it. -ESRCH. */
int machnet_process_find(struct machnet_process *process, u32 nr);
/* nr, as the current process sees it, is this process. */
bool machnet_process_is(const struct machnet_process *process, u32 nr);
/* The current process may learn pid, name and cgroup. Any context of a process. */
bool machnet_process_visible(const struct machnet_process *process);
/* It is going away, or has gone. */
bool machnet_process_exits(const struct machnet_process *process);
void machnet_process_put(struct machnet_process *process);

#endif /* MACHNET_OWNER_H */
