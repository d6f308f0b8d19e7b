/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_MINMAX_H
#define NVBAR_COMPAT_LINUX_MINMAX_H

#include <linux/compiler.h>

/*
 * Each argument is evaluated once.  Mixing signed and unsigned, an error in
 * the kernel, draws -Wsign-compare here.
 */
#define __compat_pick(op, x, y, a, b) ({	\
	__auto_type a = (x);			\
	__auto_type b = (y);			\
						\
	a op b ? a : b;				\
})
#define __compat_pick_t(op, type, x, y, a, b) ({	\
	type a = (x);					\
	type b = (y);					\
							\
	a op b ? a : b;					\
})

#define min(x, y)	__compat_pick(<, x, y, __UNIQUE_ID(x_), __UNIQUE_ID(y_))
#define max(x, y)	__compat_pick(>, x, y, __UNIQUE_ID(x_), __UNIQUE_ID(y_))
#define min3(x, y, z)	min(min(x, y), z)
#define max3(x, y, z)	max(max(x, y), z)
#define min_t(type, x, y) __compat_pick_t(<, type, x, y, __UNIQUE_ID(x_), __UNIQUE_ID(y_))
#define max_t(type, x, y) __compat_pick_t(>, type, x, y, __UNIQUE_ID(x_), __UNIQUE_ID(y_))
#define clamp(val, lo, hi)		min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi)	min_t(type, max_t(type, val, lo), hi)

#define swap(x, y) do {			\
	typeof(x) __compat_tmp = (x);	\
					\
	(x) = (y);			\
	(y) = __compat_tmp;		\
} while (0)

#endif
