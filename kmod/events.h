/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_EVENTS_H
#define MACHNET_EVENTS_H

#include "priv.h"

int machnet_events_init(void);
void machnet_events_exit(void);

int machnet_events_net_init(struct machnet_net *mn);
void machnet_events_net_exit(struct machnet_net *mn);

#endif /* MACHNET_EVENTS_H */
