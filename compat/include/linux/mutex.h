/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_MUTEX_H
#define NVBAR_COMPAT_LINUX_MUTEX_H

#include <pthread.h>
#include <linux/cleanup.h>
#include <linux/lockdep.h>
#include <linux/types.h>

/* Not recursive; only its holder may unlock it. */
struct mutex {
	pthread_mutex_t lock;
	const void *owner;
};

#define DEFINE_MUTEX(name)	struct mutex name = { .lock = PTHREAD_MUTEX_INITIALIZER }

void compat_mutex_lock(struct mutex *mutex);
bool compat_mutex_trylock(struct mutex *mutex);
void compat_mutex_unlock(struct mutex *mutex);
bool compat_mutex_held(const struct mutex *mutex);

static inline void mutex_init(struct mutex *mutex)
{
	pthread_mutex_init(&mutex->lock, NULL);
	mutex->owner = NULL;
}

static inline void mutex_destroy(struct mutex *mutex)
{
	pthread_mutex_destroy(&mutex->lock);
}

#define mutex_lock		compat_mutex_lock
#define mutex_trylock		compat_mutex_trylock
#define mutex_unlock		compat_mutex_unlock

static inline bool mutex_is_locked(const struct mutex *mutex)
{
	return READ_ONCE(mutex->owner) != NULL;
}

DEFINE_GUARD(mutex, struct mutex *, mutex_lock(_T), mutex_unlock(_T))
DEFINE_FREE(mutex, struct mutex *, if (_T) mutex_unlock(_T))

#endif
