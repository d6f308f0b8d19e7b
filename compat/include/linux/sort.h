/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_SORT_H
#define NVBAR_COMPAT_LINUX_SORT_H

#include <linux/types.h>

typedef int (*cmp_func_t)(const void *a, const void *b);
typedef void (*swap_func_t)(void *a, void *b, int size);

void compat_sort(void *base, size_t num, size_t size, cmp_func_t cmp, swap_func_t swap_func);

/* In place, O(n log n) at worst, allocates nothing, not stable. */
#define sort	compat_sort

#endif
