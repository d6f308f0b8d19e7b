/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_MATH_H
#define NVBAR_COMPAT_LINUX_MATH_H

#include <linux/types.h>

/* round_*: powers of two only; round*: any divisor. */
#define round_up(x, y)		(((x) + ((typeof(x))(y) - 1)) & ~((typeof(x))(y) - 1))
#define round_down(x, y)	((x) & ~((typeof(x))(y) - 1))
#define roundup(x, y)		((((x) + ((y) - 1)) / (y)) * (y))
#define rounddown(x, y)		((x) - (x) % (y))

#define DIV_ROUND_UP(n, d)		(((n) + (d) - 1) / (d))
#define DIV_ROUND_DOWN_ULL(n, d)	((unsigned long long)(n) / (d))
#define DIV_ROUND_UP_ULL(n, d)		DIV_ROUND_DOWN_ULL((unsigned long long)(n) + (d) - 1, d)

#endif
