/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_KTIME_H
#define NVBAR_COMPAT_LINUX_KTIME_H

#include <linux/timekeeping.h>

#endif
