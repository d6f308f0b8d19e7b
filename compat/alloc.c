// SPDX-License-Identifier: MIT
/*
 * kmalloc() and its family over malloc(), counted, and failing on request.
 */
#include <malloc.h>
#include <stdlib.h>
#include <linux/atomic.h>
#include <linux/slab.h>
#include <nvbar_compat.h>

static atomic64_t live;
static atomic64_t live_bytes;

static bool fail_armed;
static bool fail_forever;
static atomic64_t fail_left;
static atomic64_t fail_count;

void compat_alloc_fail_nth(unsigned long n, bool forever)
{
	WRITE_ONCE(fail_armed, false);
	WRITE_ONCE(fail_forever, forever);
	atomic64_set(&fail_left, (s64)n);
	atomic64_set(&fail_count, 0);
	WRITE_ONCE(fail_armed, n != 0);
}

unsigned long compat_alloc_failed(void)
{
	return (unsigned long)atomic64_read(&fail_count);
}

long compat_alloc_live(void)
{
	return (long)atomic64_read(&live);
}

long compat_alloc_live_bytes(void)
{
	return (long)atomic64_read(&live_bytes);
}

static bool must_fail(void)
{
	s64 left = atomic64_dec_return(&fail_left);

	if (left > 0 || (left < 0 && !READ_ONCE(fail_forever)))
		return false;
	atomic64_inc(&fail_count);
	return true;
}

void *compat_alloc(size_t size, size_t limit, gfp_t flags)
{
	void *ptr;

	if (size > limit || (READ_ONCE(fail_armed) && must_fail()))
		return NULL;
	/* The kernel's answer to a size of 0 is not NULL either. */
	size = size ? size : 1;
	ptr = flags & __GFP_ZERO ? calloc(1, size) : malloc(size);
	if (!ptr)
		return NULL;
	atomic64_inc(&live);
	atomic64_add((s64)malloc_usable_size(ptr), &live_bytes);
	return ptr;
}

void compat_free(const void *ptr)
{
	if (!ptr)
		return;
	atomic64_dec(&live);
	atomic64_sub((s64)malloc_usable_size((void *)ptr), &live_bytes);
	free((void *)ptr);
}
