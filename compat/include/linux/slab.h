/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_SLAB_H
#define NVBAR_COMPAT_LINUX_SLAB_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/overflow.h>
#include <linux/types.h>

/* What the kernel's two allocators refuse, they refuse here. */
#define KMALLOC_MAX_SIZE	((size_t)4 << 20)
#define COMPAT_KVMALLOC_MAX	((size_t)INT_MAX)

void *compat_alloc(size_t size, size_t limit, gfp_t flags) __must_check;
void compat_free(const void *ptr);

static inline void *kmalloc(size_t size, gfp_t flags)
{
	return compat_alloc(size, KMALLOC_MAX_SIZE, flags);
}

static inline void *kzalloc(size_t size, gfp_t flags)
{
	return kmalloc(size, flags | __GFP_ZERO);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return kmalloc(array_size(n, size), flags);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	return kmalloc_array(n, size, flags | __GFP_ZERO);
}

static inline void kfree(const void *ptr)
{
	compat_free(ptr);
}

DEFINE_FREE(kfree, void *, if (!IS_ERR_OR_NULL(_T)) kfree(_T))

static inline void *kvmalloc(size_t size, gfp_t flags)
{
	return compat_alloc(size, COMPAT_KVMALLOC_MAX, flags);
}

static inline void *kvzalloc(size_t size, gfp_t flags)
{
	return kvmalloc(size, flags | __GFP_ZERO);
}

static inline void *kvmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return kvmalloc(array_size(n, size), flags);
}

static inline void *kvcalloc(size_t n, size_t size, gfp_t flags)
{
	return kvmalloc_array(n, size, flags | __GFP_ZERO);
}

static inline void kvfree(const void *ptr)
{
	compat_free(ptr);
}

#endif
