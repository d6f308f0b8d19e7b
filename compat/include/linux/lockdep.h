/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_LOCKDEP_H
#define NVBAR_COMPAT_LINUX_LOCKDEP_H

#include <linux/bug.h>

/* Mutexes only.  The check is one load, so it stays in every build. */
#define lockdep_assert_held(lock)	((void)WARN_ON_ONCE(!compat_mutex_held(lock)))

#endif
