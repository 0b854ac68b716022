// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats.c - how many there are and have been
 */
#include "stats.h"

#include <net/genetlink.h>

#include "netlink.h"
#include "netlink-policy.h"
#include "netlink-req.h"

static int put_stats(struct sk_buff *msg, struct genl_info *info, const struct machnet_net *mn)
{
	void *hdr = genlmsg_put_reply(msg, info, &machnet_genl_family, 0, info->genlhdr->cmd);
	int attr;

	if (!hdr)
		return -EMSGSIZE;
	for (attr = 1; attr < MACHNET_A_STATS_PAD; attr++) {
		if (nla_put_u64_64bit(msg, attr, atomic64_read(&mn->stats[attr]),
				      MACHNET_A_STATS_PAD))
			return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return 0;
}

int machnet_nl_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = machnet_msg_new();

	if (!msg)
		return -ENOMEM;
	return machnet_req_answer(msg, info, put_stats(msg, info, machnet_req_net(info)));
}
