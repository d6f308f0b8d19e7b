/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_BUG_H
#define NVBAR_COMPAT_LINUX_BUG_H

#include <linux/build_bug.h>
#include <linux/types.h>

void compat_warn(const char *file, int line, const char *func, const char *what) __cold;

/*
 * Reports one broken assumption on stderr, once per place, and goes on; never
 * ends the process that the library lives in.  compat_warn_count() counts all.
 */
#define __compat_warn_on(cond, what) ({					\
	bool __compat_cond = !!(cond);					\
									\
	if (unlikely(__compat_cond)) {					\
		static char __compat_told;				\
									\
		compat_warn(__atomic_exchange_n(&__compat_told, 1,	\
			    __ATOMIC_RELAXED) ? NULL : __FILE__,	\
			    __LINE__, __func__, what);			\
	}								\
	__compat_cond;							\
})

#define WARN_ON(cond)		__compat_warn_on(cond, #cond)
#define WARN_ON_ONCE(cond)	__compat_warn_on(cond, #cond)

#endif
