// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/mman.h>

#include "dp/hugepages.h"
#include "dp/lockfile.h"
#include "dp/log.h"

#define POOL_DIR	"/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define PAGE_MB		2
#define LOCK_NAME	"hugepages.lock"
#define NOTE_PREFIX	"hugepages-"
/* Another datapath holds the lock while DPDK takes its memory. */
#define LOCK_MS		10000
/* The kernel frees more when it is asked again: it compacts memory meanwhile. */
#define RAISE_TRIES	3

static struct dp_lockfile pool_lock = DP_LOCKFILE_NONE, note = DP_LOCKFILE_NONE;
static long added;	/* to the pool, for this datapath */

static long pool_read(const char *attr)
{
	char path[96];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), POOL_DIR "%s", attr);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/* Free, and not promised to a mapping that has not touched them yet. */
static long pool_free(void)
{
	return pool_read("free_hugepages") - pool_read("resv_hugepages");
}

/*
 * What nr_hugepages sets, which is not what it shows: pages in use that were taken out of the pool
 * are surplus, and are shown until their process ends (Documentation/admin-guide/mm/hugetlbpage).
 */
static long pool_size(void)
{
	return pool_read("nr_hugepages") - pool_read("surplus_hugepages");
}

static void pool_resize(long n)
{
	FILE *f = fopen(POOL_DIR "nr_hugepages", "we");

	if (!f)
		return;
	fprintf(f, "%ld\n", n < 0 ? 0 : n);
	fclose(f);
}

/* What a datapath that died had added. The lock of the pool is held. */
static int reclaim(void *ctx, const char *name)
{
	struct dp_lockfile l;

	(void)ctx;
	if (dp_lockfile_take_existing(&l, name))
		return 0;
	pool_resize(pool_size() - dp_lockfile_number(name));
	dp_lockfile_drop(&l, true);
	return 0;
}

/* The file's name has only to be free: other pid namespaces have the same numbers. */
static int note_open(void)
{
	char name[64];
	int ret = -EBUSY;

	for (unsigned int i = 0; ret == -EBUSY; i++) {
		snprintf(name, sizeof(name), NOTE_PREFIX "%d-%u", getpid(), i);
		ret = dp_lockfile_take(&note, name);
	}
	return ret;
}

static void note_write(void)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", added);

	dp_lockfile_write(&note, text, len);
}

static void raise_pool(const struct machnet_dp_config *cfg, long want)
{
	long before = pool_size();

	for (int i = 0; i < RAISE_TRIES && pool_free() < want; i++)
		pool_resize(pool_size() + want - pool_free());
	added = pool_size() - before;
	note_write();
	if (added > 0)
		dp_log(cfg, LOG_NOTICE, "reserved %ld hugepages of 2 MB more", added);
}

/*
 * A limit of the control group shows only when the pages are touched, by SIGBUS;
 * MADV_POPULATE_WRITE makes an error of it.
 */
static bool can_take(size_t bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);
	bool ok;

	if (mem == MAP_FAILED)
		return false;
	ok = !madvise(mem, bytes, MADV_POPULATE_WRITE);
	munmap(mem, bytes);
	return ok;
}

static void shrink_pool(void)
{
	if (added > 0)
		pool_resize(pool_size() - added);
	added = 0;
	dp_lockfile_drop(&note, true);
}

bool dp_hugepages_get(const struct machnet_dp_config *cfg, unsigned int megabytes)
{
	long want = (megabytes + PAGE_MB - 1) / PAGE_MB;
	int ret;

	if (pool_read("free_hugepages") < 0)
		return false;
	ret = dp_lockfile_wait(&pool_lock, LOCK_NAME, LOCK_MS);
	if (ret) {
		dp_log(cfg, LOG_WARNING, DP_RUN_DIR "/" LOCK_NAME ": %s", strerror(-ret));
		return false;
	}
	dp_lockfile_each(NOTE_PREFIX, reclaim, NULL);
	ret = note_open();
	if (!ret)
		raise_pool(cfg, want);
	if (!ret && pool_free() >= want && can_take((size_t)want * PAGE_MB << 20))
		return true;
	shrink_pool();
	dp_hugepages_taken();
	return false;
}

void dp_hugepages_taken(void)
{
	dp_lockfile_drop(&pool_lock, false);
}

/* Pages in use become surplus, and go when the process does. */
void dp_hugepages_release(void)
{
	dp_hugepages_taken();
	if (note.fd < 0)
		return;
	/* Without the lock the note stays: the next datapath sees to it. */
	if (dp_lockfile_wait(&pool_lock, LOCK_NAME, LOCK_MS))
		return;
	shrink_pool();
	dp_hugepages_taken();
}

void machnet_dp_reclaim(void)
{
	if (dp_lockfile_wait(&pool_lock, LOCK_NAME, LOCK_MS))
		return;
	dp_lockfile_each(NOTE_PREFIX, reclaim, NULL);
	dp_hugepages_taken();
}
