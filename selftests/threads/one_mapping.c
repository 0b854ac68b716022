// SPDX-License-Identifier: MIT
/*
 * one_mapping.c - the same memory at the same address for both sides of a channel
 *
 * The thread sanitizer goes by addresses: a memfd that is mapped twice is two
 * memories to it, between which it sees neither races nor order. So the second
 * mapping of a file is the first one again.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAPPINGS	8

void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __real_munmap(void *addr, size_t len);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off);
int __wrap_munmap(void *addr, size_t len);

static struct {
	ino_t inode;
	void *mem;
	int users;	/* 0: not in use */
} mappings[MAPPINGS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *map_once(size_t len, int prot, int flags, int fd, ino_t inode)
{
	int i, unused = -1;

	for (i = 0; i < MAPPINGS; i++) {
		if (mappings[i].users && mappings[i].inode == inode) {
			mappings[i].users++;
			return mappings[i].mem;
		}
		if (!mappings[i].users)
			unused = i;
	}
	if (unused < 0) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	mappings[unused].mem = __real_mmap(NULL, len, prot, flags, fd, 0);
	mappings[unused].users = mappings[unused].mem != MAP_FAILED;
	mappings[unused].inode = inode;
	return mappings[unused].mem;
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	struct stat st;
	void *mem;

	if (fd < 0 || fstat(fd, &st))
		return __real_mmap(addr, len, prot, flags, fd, off);
	pthread_mutex_lock(&lock);
	mem = map_once(len, prot, flags, fd, st.st_ino);
	pthread_mutex_unlock(&lock);
	return mem;
}

int __wrap_munmap(void *addr, size_t len)
{
	int ret = 0, left = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAPPINGS; i++)
		if (mappings[i].users && mappings[i].mem == addr)
			left = --mappings[i].users;
	if (!left)
		ret = __real_munmap(addr, len);
	pthread_mutex_unlock(&lock);
	return ret;
}
