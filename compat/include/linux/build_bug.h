/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_BUILD_BUG_H
#define NVBAR_COMPAT_LINUX_BUILD_BUG_H

#include <assert.h>
#include <linux/compiler.h>

#define BUILD_BUG_ON_MSG(cond, msg)	_Static_assert(!(cond), msg)
#define BUILD_BUG_ON(cond)		BUILD_BUG_ON_MSG(cond, "BUILD_BUG_ON: " #cond)

#endif
