// SPDX-License-Identifier: MIT
/*
 * struct mutex over pthread mutexes, with an owner for lockdep_assert_held().
 */
#include <linux/bug.h>
#include <linux/mutex.h>

/* Its address tells threads apart, cheaper than asking for an id. */
static __thread char self;

void compat_mutex_lock(struct mutex *mutex)
{
	pthread_mutex_lock(&mutex->lock);
	WRITE_ONCE(mutex->owner, &self);
}

bool compat_mutex_trylock(struct mutex *mutex)
{
	if (pthread_mutex_trylock(&mutex->lock))
		return false;
	WRITE_ONCE(mutex->owner, &self);
	return true;
}

void compat_mutex_unlock(struct mutex *mutex)
{
	WARN_ON(!compat_mutex_held(mutex));
	WRITE_ONCE(mutex->owner, NULL);
	pthread_mutex_unlock(&mutex->lock);
}

bool compat_mutex_held(const struct mutex *mutex)
{
	return READ_ONCE(mutex->owner) == &self;
}
