/* SPDX-License-Identifier: MIT */
/*
 * BarAccess: bounds-checked access through a mapping.
 *
 * Readers and writers of a live access take no lock: what they use of it
 * does not change while it lives.
 *
 * Where the aperture is memory to this CPU they go there directly.  Which
 * memory a page of the aperture is may change whenever the GPU's translations
 * do, so each page is looked up once and used until the backend's generation
 * moves on; between the two, as in a TLB, an old translation may be used.
 */
#ifndef NVBAR_CORE_ACCESS_H
#define NVBAR_CORE_ACCESS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/types.h>

#include "gpu.h"
#include "mmu.h"

/* Pages of a chunk of looked-up pages */
#define NVBAR_DIRECT_CHUNK	512

/* A looked-up page is one word, read and written at once. */
#define NVBAR_DIRECT_VALID	BIT_ULL(63)
#define NVBAR_DIRECT_GENERATION	GENMASK_ULL(62, 30)
#define NVBAR_DIRECT_PAGE	GENMASK_ULL(29, 0)

/**
 * struct nvbar_access - a handle on a prepared or live mapping
 * @gpu: the GPU
 * @link: in vmm.accesses
 * @mapping: what it holds, perhaps with others
 * @base: first VA, which may be inside the mapping
 * @size: bytes
 * @writable: its entries allow writes
 * @live: the mapping was executed
 * @uses: single accesses and blocks so far that found no looked-up page
 * @direct: chunks of looked-up pages, NULL before the first; vmm.lock to add
 * @cpu: what bar1_mmap gave, or NULL; vmm.lock
 */
struct nvbar_access {
	struct nvbar_gpu *gpu;
	struct list_head link;
	struct nvbar_mapping *mapping;
	u64 base;
	u64 size;
	bool writable;
	bool live;
	u32 uses;
	u64 **direct;
	void *cpu;
};

/* What a looked-up page of this generation looks like, but for the page. */
static inline u64 nvbar_direct_tag(const struct nvbar_gpu *gpu)
{
	return NVBAR_DIRECT_VALID |
	       (READ_ONCE(*gpu->direct.generation) << 30 & NVBAR_DIRECT_GENERATION);
}

/**
 * nvbar_access_direct - the CPU's address of a byte of the mapping
 * @access: live
 * @off: bytes into the mapping, in bounds
 *
 * Return: the address, good to the end of the page; NULL if the page was not
 * looked up, or too long ago.
 */
static __always_inline void *nvbar_access_direct(const struct nvbar_access *access, u64 off)
{
	u64 page = off >> NVBAR_PAGE_SHIFT;
	u64 **direct = READ_ONCE(access->direct);
	u64 *chunk;
	u64 word;

	if (!direct)
		return NULL;
	chunk = READ_ONCE(direct[page / NVBAR_DIRECT_CHUNK]);
	if (!chunk)
		return NULL;
	word = READ_ONCE(chunk[page % NVBAR_DIRECT_CHUNK]);
	if ((word & ~NVBAR_DIRECT_PAGE) != nvbar_direct_tag(access->gpu))
		return NULL;
	return access->gpu->direct.base + ((word & NVBAR_DIRECT_PAGE) << NVBAR_PAGE_SHIFT) +
	       (off & (NVBAR_PAGE_SIZE - 1));
}

/* The ways past looked-up pages; everything is checked. */
int nvbar_access_rd_slow(struct nvbar_access *access, u64 off, unsigned int width, u64 *val);
void nvbar_access_wr_slow(struct nvbar_access *access, u64 off, unsigned int width, u64 val);

/** nvbar_access_in_bounds - [@off, @off + @len) lies in the mapping, without overflow */
static inline bool nvbar_access_in_bounds(const struct nvbar_access *access, u64 off, u64 len)
{
	return off <= access->size && len <= access->size - off;
}

/**
 * nvbar_access_rd - one read
 * @access: live
 * @off: bytes into the mapping
 * @width: 1, 2, 4 or 8 bytes; a constant
 * @val: receives the value
 *
 * Return: 0, -EINVAL (misaligned), -ERANGE, -ENODEV.
 */
static __always_inline int nvbar_access_rd(struct nvbar_access *access, u64 off, unsigned int width,
					   u64 *val)
{
	void *direct;
	u64 read;

	if (off & (width - 1))
		return -EINVAL;
	if (!nvbar_access_in_bounds(access, off, width))
		return -ERANGE;
	direct = nvbar_access_direct(access, off);
	if (unlikely(!direct))
		return nvbar_access_rd_slow(access, off, width, val);
	switch (width) {
	case 1:
		read = READ_ONCE(*(u8 *)direct);
		break;
	case 2:
		read = READ_ONCE(*(u16 *)direct);
		break;
	case 4:
		read = READ_ONCE(*(u32 *)direct);
		break;
	default:
		read = READ_ONCE(*(u64 *)direct);
		break;
	}
	/* Data, or a GPU that is gone: the slow way finds out. */
	if (unlikely(read == GENMASK_ULL(8 * width - 1, 0)))
		return nvbar_access_rd_slow(access, off, width, val);
	*val = read;
	return 0;
}

/**
 * nvbar_access_wr - one write
 * @access: live
 * @off: bytes into the mapping
 * @width: 1, 2, 4 or 8 bytes; a constant
 * @val: the value
 *
 * Return: 0, -EINVAL (misaligned), -ERANGE, -EACCES.
 */
static __always_inline int nvbar_access_wr(struct nvbar_access *access, u64 off, unsigned int width,
					   u64 val)
{
	void *direct;

	if (off & (width - 1))
		return -EINVAL;
	if (!nvbar_access_in_bounds(access, off, width))
		return -ERANGE;
	if (!access->writable)
		return -EACCES;
	direct = nvbar_access_direct(access, off);
	if (unlikely(!direct)) {
		nvbar_access_wr_slow(access, off, width, val);
		return 0;
	}
	switch (width) {
	case 1:
		WRITE_ONCE(*(u8 *)direct, val);
		break;
	case 2:
		WRITE_ONCE(*(u16 *)direct, val);
		break;
	case 4:
		WRITE_ONCE(*(u32 *)direct, val);
		break;
	default:
		WRITE_ONCE(*(u64 *)direct, val);
		break;
	}
	return 0;
}

/**
 * nvbar_access_copy_from - block read of any alignment
 * @access: live
 * @off: bytes into the mapping
 * @dst: destination
 * @len: bytes
 *
 * Return: 0, -ERANGE, -ENODEV.
 */
int nvbar_access_copy_from(struct nvbar_access *access, u64 off, void *dst, size_t len);

/**
 * nvbar_access_copy_to - block write of any alignment
 * @access: live
 * @off: bytes into the mapping
 * @src: source
 * @len: bytes
 *
 * Return: 0, -ERANGE, -EACCES.
 */
int nvbar_access_copy_to(struct nvbar_access *access, u64 off, const void *src, size_t len);

/**
 * nvbar_access_fill - write a pattern
 * @access: live
 * @off: bytes into the mapping, a multiple of 4
 * @pattern: 32-bit value
 * @len: bytes, a multiple of 4
 *
 * Return: 0, -EINVAL, -ERANGE, -EACCES.
 */
int nvbar_access_fill(struct nvbar_access *access, u64 off, u32 pattern, u64 len);

/**
 * nvbar_access_flush - return when the GPU can see all earlier writes
 * @access: live
 *
 * A read through the same aperture pushes the posted writes before it [PCIe
 * ordering; that it also passes the GPU's own path to memory is assumed].
 *
 * Return: 0 or -ENODEV.
 */
int nvbar_access_flush(struct nvbar_access *access);

/**
 * nvbar_access_mmap - a CPU pointer, valid until the handle is released
 * @access: live
 * @cpu: receives it, the same one each time
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, or -ENOMEM, -ENODEV, -EIO (a page does not translate).
 */
int nvbar_access_mmap(struct nvbar_access *access, void **cpu);

/**
 * nvbar_access_forget - drop all looked-up pages
 * @access: nobody uses it any more
 */
void nvbar_access_forget(struct nvbar_access *access);

#endif
