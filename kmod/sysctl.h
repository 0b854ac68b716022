/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_SYSCTL_H
#define MACHNET_SYSCTL_H

#include "priv.h"

int machnet_sysctl_net_init(struct machnet_net *mn);
void machnet_sysctl_net_exit(struct machnet_net *mn);

#endif /* MACHNET_SYSCTL_H */
