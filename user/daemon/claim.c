// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/claim.h"
#include "daemon/log.h"

#define CLAIM_PREFIX	"if-"

void mnd_claim_refused(const char *what, pid_t owner)
{
	mnd_err("%s is served by another machnetd, process %d: an interface has room for one", what,
		owner);
}

int mnd_claim_take(struct dp_lockfile *l, uint32_t ifindex, const char *ifname)
{
	struct stat ns;
	char name[64], text[16];
	int ret;

	if (stat("/proc/self/ns/net", &ns))
		return -errno;
	snprintf(name, sizeof(name), CLAIM_PREFIX "%lu-%u", (unsigned long)ns.st_ino, ifindex);
	ret = dp_lockfile_take(l, name);
	if (ret == -EBUSY)
		mnd_claim_refused(ifname, dp_lockfile_number(name));
	else if (ret)
		mnd_err("%s: " DP_RUN_DIR "/%s: %s", ifname, name, strerror(-ret));
	if (ret)
		return ret;
	return dp_lockfile_write(l, text, snprintf(text, sizeof(text), "%d\n", getpid()));
}

void mnd_claim_drop(struct dp_lockfile *l)
{
	dp_lockfile_drop(l, true);
}

static int clean(void *ctx, const char *name)
{
	struct dp_lockfile l;

	(void)ctx;
	if (!dp_lockfile_take_existing(&l, name))
		dp_lockfile_drop(&l, true);
	return 0;
}

void mnd_claim_clean(void)
{
	dp_lockfile_each(CLAIM_PREFIX, clean, NULL);
}
