/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_OVERFLOW_H
#define NVBAR_COMPAT_LINUX_OVERFLOW_H

#include <linux/limits.h>
#include <linux/types.h>

/* True when the exact result does not fit *@res, which then holds it truncated. */
#define check_add_overflow(a, b, res)	__builtin_add_overflow(a, b, res)
#define check_sub_overflow(a, b, res)	__builtin_sub_overflow(a, b, res)
#define check_mul_overflow(a, b, res)	__builtin_mul_overflow(a, b, res)

/* Sizes that saturate at SIZE_MAX, which no allocation can satisfy. */
static inline size_t size_mul(size_t a, size_t b)
{
	size_t res;

	return check_mul_overflow(a, b, &res) ? SIZE_MAX : res;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t res;

	return check_add_overflow(a, b, &res) ? SIZE_MAX : res;
}

#define array_size(n, size)	size_mul(n, size)
#define struct_size(ptr, member, n) \
	size_add(sizeof(*(ptr)), size_mul(sizeof(*(ptr)->member), n))

#endif
