/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_MM_H
#define NVBAR_COMPAT_LINUX_MM_H

#include <linux/slab.h>

#endif
