/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_ERRNO_H
#define NVBAR_COMPAT_LINUX_ERRNO_H

/* glibc's <errno.h> includes a header of this name. */
#include_next <linux/errno.h>

#endif
