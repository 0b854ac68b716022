/* SPDX-License-Identifier: MIT */
/* rss.h - how a device spreads packets over its engines, as machnetd has found */
#ifndef MACHNETCTL_RSS_H
#define MACHNETCTL_RSS_H

#include "daemon.h"

/* Its columns; class: that of the registry, where the daemon does not answer (facts: NULL). */
void ctl_rss_print(struct out *o, const struct ctl_facts *facts, const char *class);

#endif /* MACHNETCTL_RSS_H */
