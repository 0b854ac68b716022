// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/path.h"

static struct machnet_nl_path describe(const struct mnd_daemon *d,
				       const struct machnet_dp_event *ev)
{
	struct machnet_nl_path path = {
		.id = ev->path,
		.ifindex = d->ifindex,
		.local_addr = ev->local,
		.remote_addr = ev->remote,
		.tx_local_port = ev->local_port,
		.tx_remote_port = ev->remote_port,
		/* The peer sends back to where packets come from. */
		.rx_local_port = ev->local_port,
		.rx_remote_port = ev->remote_port,
		.engine = ev->engine,
		.remote_engine = ev->remote_engine,
		.mtu = ev->mtu ? ev->mtu : d->info.mtu,
		.state = MACHNET_PATH_STATE_OPEN,
	};

	if (!ev->local_host)
		memcpy(path.mac, ev->mac, sizeof(path.mac));
	return path;
}

void mnd_path_event(struct mnd_daemon *d, const struct machnet_dp_event *ev)
{
	struct machnet_nl_path path;
	int ret = 0;

	if (ev->type == MACHNET_DP_EVENT_PATH_UP) {
		path = describe(d, ev);
		ret = d->ops->path_add(d->control, &path);
	} else if (ev->type == MACHNET_DP_EVENT_PATH_MOVED) {
		path = describe(d, ev);
		ret = d->ops->path_set(d->control, &path);
	} else if (ev->type == MACHNET_DP_EVENT_PATH_END) {
		ret = d->ops->path_del(d->control, ev->path, ev->reason);
	}
	/* -ENOENT: it was refused before, or the kernel has dropped it with its device. */
	if (ret && ret != -ENOENT && !d->path_refused)
		mnd_warn("path %016llx is not in the registry as it is, nor are more that it "
			 "refuses: %s (%s)", (unsigned long long)ev->path, strerror(-ret),
			 d->ops->error(d->control));
	if (ret != -ENOENT && ev->type == MACHNET_DP_EVENT_PATH_UP)
		d->path_refused = ret;
}
