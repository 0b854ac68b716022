/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHNET_STATS_H
#define MACHNET_STATS_H

#include "priv.h"

/* Any context. */
static inline void machnet_stat_inc(struct machnet_net *mn, enum machnet_a_stats which)
{
	atomic64_inc(&mn->stats[which]);
}

static inline void machnet_stat_dec(struct machnet_net *mn, enum machnet_a_stats which)
{
	atomic64_dec(&mn->stats[which]);
}

#endif /* MACHNET_STATS_H */
