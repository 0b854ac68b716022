// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - loading and unloading
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <net/genetlink.h>

#include "events.h"
#include "netlink-policy.h"
#include "netns.h"
#include "owner.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init machnet_init(void)
{
	int ret;

	ret = machnet_netns_init();
	if (ret)
		return ret;
	ret = machnet_owner_init();
	if (ret)
		goto err_netns;
	ret = machnet_events_init();
	if (ret)
		goto err_owner;
	ret = genl_register_family(&machnet_genl_family);
	if (ret)
		goto err_events;
	return 0;

err_events:
	machnet_events_exit();
err_owner:
	machnet_owner_exit();
err_netns:
	machnet_netns_exit();
	return ret;
}

static void __exit machnet_exit(void)
{
	genl_unregister_family(&machnet_genl_family);
	machnet_events_exit();
	machnet_owner_exit();
	machnet_netns_exit();
	/* The last packets in the encap handler, the last objects to be freed. */
	synchronize_rcu();
	rcu_barrier();
}

module_init(machnet_init);
module_exit(machnet_exit);

MODULE_DESCRIPTION("Machnet control plane: UDP ports, connections, routes");
MODULE_AUTHOR("Machnet for Linux");
MODULE_LICENSE("GPL");
MODULE_VERSION(MACHNET_VERSION);
MODULE_ALIAS_GENL_FAMILY(MACHNET_GENL_NAME);
