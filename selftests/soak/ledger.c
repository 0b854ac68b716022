// SPDX-License-Identifier: MIT
/* ledger.c - what was accepted to be sent, for the peers of programs that are gone */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soak.h"

struct entry {
	uint64_t token;
	uint32_t sent[2];	/* by direction */
};

static struct entry *entries;
static size_t n_entries;

void ledger_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		soak_fail("no ledger: %s", path);
	n_entries = st.st_size / sizeof(*entries);
	entries = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!n_entries || entries == MAP_FAILED)
		soak_fail("no ledger: %s", path);
	close(fd);
}

static struct entry *entry_of(uint64_t token)
{
	return &entries[plan_mix(token, 0) % n_entries];
}

void ledger_begin(uint64_t token)
{
	struct entry *e = entry_of(token);

	__atomic_store_n(&e->token, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&e->sent[0], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->sent[1], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->token, token, __ATOMIC_RELEASE);
}

void ledger_sent(uint64_t token, int direction, uint32_t n)
{
	struct entry *e = entry_of(token);

	if (__atomic_load_n(&e->token, __ATOMIC_ACQUIRE) == token)
		__atomic_store_n(&e->sent[direction], n, __ATOMIC_RELEASE);
}

/* A younger connection may have taken the entry: nothing is known then. */
uint32_t ledger_accepted(uint64_t token, int direction)
{
	struct entry *e = entry_of(token);
	uint32_t n = __atomic_load_n(&e->sent[direction], __ATOMIC_ACQUIRE);

	return __atomic_load_n(&e->token, __ATOMIC_ACQUIRE) == token ? n : 0;
}
