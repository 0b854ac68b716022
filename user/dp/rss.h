/* SPDX-License-Identifier: MIT */
/* rss.h - what the NIC says of its RSS, and what is known of it */
#ifndef DP_RSS_H
#define DP_RSS_H

#include <machnet/dp.h>
#include "dp/nic.h"
#include "steer/steer.h"

/*
 * *s: NULL for a NIC with one queue. opaque: key and table are not read, as if the NIC would not
 * show them. 0 or -ENOMEM.
 */
int dp_rss_open(struct mn_steer **s, const struct dp_nic *nic, uint16_t port_first,
		uint16_t port_count, bool opaque);
/* All but what engines count. */
void dp_rss_info(struct mn_steer *s, struct machnet_dp_rss *info);

#endif /* DP_RSS_H */
