/* SPDX-License-Identifier: MIT */
/* lock.h - a lock for calls that are rare; without contention it makes no system call */
#ifndef MN_BASE_LOCK_H
#define MN_BASE_LOCK_H

#include <pthread.h>

struct mn_lock {
	pthread_mutex_t mutex;
};

/* 0 or -errno. */
static inline int mn_lock_init(struct mn_lock *l)
{
	return -pthread_mutex_init(&l->mutex, NULL);
}

static inline void mn_lock_fini(struct mn_lock *l)
{
	pthread_mutex_destroy(&l->mutex);
}

static inline void mn_lock(struct mn_lock *l)
{
	pthread_mutex_lock(&l->mutex);
}

static inline void mn_unlock(struct mn_lock *l)
{
	pthread_mutex_unlock(&l->mutex);
}

#endif /* MN_BASE_LOCK_H */
