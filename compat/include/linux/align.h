/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_ALIGN_H
#define NVBAR_COMPAT_LINUX_ALIGN_H

/* Powers of two only. */
#define ALIGN(x, a)		(((x) + ((typeof(x))(a) - 1)) & ~((typeof(x))(a) - 1))
#define ALIGN_DOWN(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)

#endif
