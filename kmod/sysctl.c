// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysctl.c - net.machnet.*, in each network namespace
 */
#include "sysctl.h"

#include <net/net_namespace.h>

#include "compat.h"

#define MAX_PORTS_PER_USER	1024

int machnet_sysctl_net_init(struct machnet_net *mn)
{
	mn->max_ports_per_user = MAX_PORTS_PER_USER;
	mn->sysctl_table[0] = (struct ctl_table){
		.procname = "max_ports_per_user",
		.data = &mn->max_ports_per_user,
		.maxlen = sizeof(mn->max_ports_per_user),
		.mode = 0644,
		.proc_handler = proc_douintvec,
	};
	if (!IS_ENABLED(CONFIG_SYSCTL))
		return 0;
	mn->sysctl = register_net_sysctl_sz(mn->net, "net/machnet", mn->sysctl_table, 1);
	return mn->sysctl ? 0 : -ENOMEM;
}

void machnet_sysctl_net_exit(struct machnet_net *mn)
{
	if (mn->sysctl)
		unregister_net_sysctl_table(mn->sysctl);
}
