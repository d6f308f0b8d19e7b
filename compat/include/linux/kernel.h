/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_KERNEL_H
#define NVBAR_COMPAT_LINUX_KERNEL_H

#include <stdarg.h>
#include <stdio.h>
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/container_of.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define ARRAY_SIZE(arr) (sizeof(arr) / sizeof((arr)[0]) +		\
	0 * sizeof(struct {						\
		_Static_assert(!__same_type(arr, &(arr)[0]), "not an array"); \
		int unused;						\
	}))

#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define upper_32_bits(n)		((u32)((u64)(n) >> 32))
#define lower_32_bits(n)		((u32)((n) & 0xffffffff))

int compat_vscnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);
int compat_scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* As vsnprintf() and snprintf(), but the result is what was stored. */
#define vscnprintf	compat_vscnprintf
#define scnprintf	compat_scnprintf

#endif
