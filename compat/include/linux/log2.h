/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_LOG2_H
#define NVBAR_COMPAT_LINUX_LOG2_H

#include <linux/bitops.h>
#include <linux/types.h>

#define ilog2(n)	(63 - __builtin_clzll(n))

static inline bool is_power_of_2(unsigned long n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	return 1UL << __fls(n);
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	return n <= 1 ? 1 : 1UL << (__fls(n - 1) + 1);
}

static inline int order_base_2(unsigned long n)
{
	return n <= 1 ? 0 : (int)__fls(n - 1) + 1;
}

#endif
