/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_LIMITS_H
#define NVBAR_COMPAT_LINUX_LIMITS_H

/* glibc's <limits.h> includes a header of this name. */
#include_next <linux/limits.h>
#include <limits.h>
#include <stdint.h>
#include <linux/types.h>

#define U8_MAX		((__u8)~0U)
#define S8_MAX		((__s8)(U8_MAX >> 1))
#define U16_MAX		((__u16)~0U)
#define S16_MAX		((__s16)(U16_MAX >> 1))
#define U32_MAX		((__u32)~0U)
#define S32_MAX		((__s32)(U32_MAX >> 1))
#define U64_MAX		((__u64)~0ULL)
#define S64_MAX		((__s64)(U64_MAX >> 1))

#endif
