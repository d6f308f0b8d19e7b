/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_PREFETCH_H
#define NVBAR_COMPAT_LINUX_PREFETCH_H

#define prefetch(x)	__builtin_prefetch(x)
#define prefetchw(x)	__builtin_prefetch(x, 1)

#endif
