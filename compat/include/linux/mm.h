/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_MM_H
#define NVBAR_COMPAT_LINUX_MM_H

#include <linux/slab.h>

/* Of the machine that it runs on, which the compiler does not know. */
#define PAGE_SIZE	compat_page_size()

unsigned long compat_page_size(void);

#endif
