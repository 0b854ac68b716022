// SPDX-License-Identifier: MIT
#include <string.h>

#include <machnet/dp.h>
#include "daemon/claim.h"
#include "daemon/give_back.h"
#include "daemon/log.h"
#include "daemon/rtnl.h"
#include "daemon/takeover.h"

int mnd_give_back(void)
{
	struct mnd_rtnl rtnl;
	int ret = mnd_rtnl_open(&rtnl, 0);

	if (ret) {
		mnd_err("rtnetlink: %s", strerror(-ret));
		return ret;
	}
	ret = mnd_takeover_recover(&rtnl);
	mnd_rtnl_close(&rtnl);
	mnd_claim_clean();
	machnet_dp_reclaim();
	return ret;
}
