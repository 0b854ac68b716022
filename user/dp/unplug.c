// SPDX-License-Identifier: MIT
#define ALLOW_EXPERIMENTAL_API
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>

#include "dp/dp_priv.h"
#include "dp/log.h"

/* In DPDK's thread for interrupts. */
static void on_event(const char *name, enum rte_dev_event_type type, void *arg)
{
	struct machnet_dp *dp = arg;
	uint64_t one = 1;

	(void)name;
	if (type != RTE_DEV_EVENT_REMOVE)
		return;
	__atomic_store_n(&dp->gone, 1, __ATOMIC_SEQ_CST);
	if (write(dp->efd, &one, sizeof(one)) < 0)
		return;	/* EAGAIN: the counter is full, so it is readable already */
}

static bool is_pci(const struct machnet_dp *dp)
{
	return isxdigit((unsigned char)dp->cfg.device[0]) && strchr(dp->cfg.device, ':');
}

/*
 * vfio-pci asks for the device back. With uio it is gone at once, which the owner of the datapath
 * sees in sysfs: what was mapped of it is replaced by ordinary memory when an engine touches it,
 * where it would get SIGBUS.
 */
void dp_unplug_watch(struct machnet_dp *dp)
{
	int ret;

	if (!is_pci(dp))
		return;
	ret = rte_dev_event_callback_register(dp->cfg.device, on_event, dp);
	if (!ret)
		ret = rte_dev_hotplug_handle_enable();
	if (ret)
		dp_log(&dp->cfg, LOG_WARNING, "%s: its removal may end this process: %s",
		       dp->cfg.device, strerror(ret < 0 ? -ret : ret));
}

void dp_unplug_unwatch(struct machnet_dp *dp)
{
	if (!is_pci(dp))
		return;
	rte_dev_hotplug_handle_disable();
	rte_dev_event_callback_unregister(dp->cfg.device, on_event, dp);
}
