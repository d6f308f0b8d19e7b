/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_GFP_H
#define NVBAR_COMPAT_LINUX_GFP_H

#include <linux/types.h>

#define __GFP_ZERO	((gfp_t)0x1u)
#define __GFP_NOWARN	((gfp_t)0x2u)
#define GFP_KERNEL	((gfp_t)0x4u)
#define GFP_NOWAIT	((gfp_t)0x8u)

#endif
