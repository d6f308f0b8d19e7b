/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_TIMEKEEPING_H
#define NVBAR_COMPAT_LINUX_TIMEKEEPING_H

#include <linux/types.h>

#define NSEC_PER_USEC	1000L
#define NSEC_PER_MSEC	1000000L
#define NSEC_PER_SEC	1000000000L
#define USEC_PER_MSEC	1000L
#define USEC_PER_SEC	1000000L

u64 ktime_get_ns(void);

#endif
