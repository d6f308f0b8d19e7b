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
 * moves on; between the two, as in a TLB, an old translation may be used.  A
 * mapping that is copied much gets a window: all of it in one piece.
 */
#ifndef NVBAR_CORE_ACCESS_H
#define NVBAR_CORE_ACCESS_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/string.h>
#include <linux/types.h>

#include "gpu.h"
#include "mmu.h"

/* Pages of a chunk */
#define NVBAR_DIRECT_CHUNK	512

/**
 * struct nvbar_direct_chunk - looked-up pages of a mapping
 *
 * Changed with vmm.lock held and read without: whatever @generation a reader
 * finds, an address in @page is of that one or a later one.
 *
 * @generation: of the backend when they were looked up; 0 is never
 * @page: the CPU's addresses, NULL where it was not looked up
 */
struct nvbar_direct_chunk {
	u64 generation;
	u8 *page[NVBAR_DIRECT_CHUNK];
};

/* Windows put together from pieces that a handle may get in its life. */
#define NVBAR_REMAPPED_MAX	4

/**
 * struct nvbar_copied - what a mapping that blocks are copied to or from keeps
 *
 * @bytes: copied without a window in @generation
 * @generation: the backend's
 * @nr_remapped: of @remapped
 * @remapped: windows that bar1_window gave by remapping, each kept to the end
 *	of the handle as a reader may still be using it; vmm.lock
 */
struct nvbar_copied {
	u64 bytes;
	u64 generation;
	unsigned int nr_remapped;
	void *remapped[NVBAR_REMAPPED_MAX];
};

/**
 * struct nvbar_access - a handle on a prepared or live mapping
 *
 * What an access reads comes first, to share a cache line.
 *
 * @size: bytes
 * @generation: the backend's, see struct nvbar_direct
 * @window: all of the mapping in the CPU's memory, while @window_generation is
 *	current; vmm.lock to change
 * @window_generation: 0 is never
 * @direct: chunks of looked-up pages, NULL before the first; vmm.lock to add
 * @gpu: the GPU
 * @base: first VA, which may be inside the mapping
 * @writable: its entries allow writes
 * @ordinary: looked-up pages are ordinary memory
 * @live: the mapping was executed: faults at its addresses are its own
 * @ended: no access may begin, as the GPU is going to be detached
 * @uses: single accesses and blocks so far that found no looked-up page
 * @copied: NULL before the first block that a window would serve; vmm.lock to
 *	set
 * @mapping: what it holds, perhaps with others
 * @fault: number of the newest fault at its addresses, see struct nvbar_faults
 * @told: up to this number its owner knows that faults were dropped
 * @link: in vmm.accesses
 * @cpu: what nvbar_access_mmap() gives, or NULL; vmm.lock
 */
struct nvbar_access {
	u64 size;
	const u64 *generation;
	u8 *window;
	u64 window_generation;
	struct nvbar_direct_chunk **direct;
	struct nvbar_gpu *gpu;
	u64 base;
	bool writable;
	bool ordinary;
	bool live;
	bool ended;
	u32 uses;
	struct nvbar_copied *copied;
	struct nvbar_mapping *mapping;
	u64 fault;
	u64 told;
	struct list_head link;
	void *cpu;
};

/**
 * nvbar_access_window - the CPU's address of the mapping in one piece
 * @access: live
 *
 * Whatever generation a reader finds, the address is of that one or a later
 * one, and stays memory for as long as the handle lives.
 *
 * Return: the address, or NULL.
 */
static __always_inline u8 *nvbar_access_window(const struct nvbar_access *access)
{
	u64 generation = smp_load_acquire(&access->window_generation);

	if (!generation || generation != READ_ONCE(*access->generation))
		return NULL;
	return READ_ONCE(access->window);
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
	u8 *cpu = nvbar_access_window(access);
	u64 page = off >> NVBAR_PAGE_SHIFT;
	struct nvbar_direct_chunk **direct;
	struct nvbar_direct_chunk *chunk;

	if (likely(cpu))
		return cpu + off;
	direct = smp_load_acquire(&access->direct);
	if (!direct)
		return NULL;
	chunk = smp_load_acquire(&direct[page / NVBAR_DIRECT_CHUNK]);
	if (!chunk || smp_load_acquire(&chunk->generation) != READ_ONCE(*access->generation))
		return NULL;
	cpu = READ_ONCE(chunk->page[page % NVBAR_DIRECT_CHUNK]);
	return cpu ? cpu + (off & (NVBAR_PAGE_SIZE - 1)) : NULL;
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
 * Return: 0, -EINVAL (misaligned), -ERANGE, -ENODEV, -EIO (the GPU faulted).
 */
static __always_inline int nvbar_access_rd(struct nvbar_access *access, u64 off, unsigned int width,
					   u64 *val)
{
	void *direct;
	u64 read;

	if (nvbar_gpu_is_lost(access->gpu))
		return -ENODEV;
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
 * Return: 0, -EINVAL (misaligned), -ERANGE, -EACCES, -ENODEV (lost, as was found before).
 */
static __always_inline int nvbar_access_wr(struct nvbar_access *access, u64 off, unsigned int width,
					   u64 val)
{
	void *direct;

	if (nvbar_gpu_is_lost(access->gpu))
		return -ENODEV;
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

/* Ordinary memory for a block, in a window or in one looked-up page; else NULL. */
static __always_inline u8 *nvbar_access_block(const struct nvbar_access *access, u64 off, size_t len)
{
	u8 *window;

	if (!access->ordinary || !len || !nvbar_access_in_bounds(access, off, len) ||
	    nvbar_gpu_is_lost(access->gpu))
		return NULL;
	window = nvbar_access_window(access);
	if (likely(window))
		return window + off;
	if (len > NVBAR_PAGE_SIZE - (off & (NVBAR_PAGE_SIZE - 1)))
		return NULL;
	return nvbar_access_direct(access, off);
}

/**
 * nvbar_access_block_from - the memory of a block that can be read at once
 * @access: live
 * @off: bytes into the mapping
 * @len: bytes
 *
 * Return: its address; NULL if it takes nvbar_access_copy_from().
 */
static __always_inline const void *nvbar_access_block_from(const struct nvbar_access *access,
							   u64 off, size_t len)
{
	const u8 *block = nvbar_access_block(access, off, len);

	/* All ones at the end may be a GPU that is gone: somebody must find out. */
	return likely(block) && likely(block[len - 1] != 0xff) ? block : NULL;
}

/**
 * nvbar_access_block_to - the memory of a block that can be written at once
 * @access: live
 * @off: bytes into the mapping
 * @len: bytes
 *
 * Return: its address; NULL if it takes nvbar_access_copy_to().
 */
static __always_inline void *nvbar_access_block_to(const struct nvbar_access *access, u64 off,
						   size_t len)
{
	return access->writable ? nvbar_access_block(access, off, len) : NULL;
}

/**
 * nvbar_access_copy_from - block read of any alignment
 * @access: live
 * @off: bytes into the mapping
 * @dst: destination
 * @len: bytes
 *
 * Return: 0, -ERANGE, -ENODEV, -EIO (the GPU faulted); then what is in @dst is
 * not to be relied upon.
 */
int nvbar_access_copy_from(struct nvbar_access *access, u64 off, void *dst, size_t len);

/**
 * nvbar_access_copy_to - block write of any alignment
 * @access: live
 * @off: bytes into the mapping
 * @src: source
 * @len: bytes
 *
 * Return: 0, -ERANGE, -EACCES, -ENODEV (lost, as was found before).
 */
int nvbar_access_copy_to(struct nvbar_access *access, u64 off, const void *src, size_t len);

/**
 * nvbar_access_fill - write a pattern
 * @access: live
 * @off: bytes into the mapping, a multiple of 4
 * @pattern: 32-bit value
 * @len: bytes, a multiple of 4
 *
 * Return: 0, -EINVAL, -ERANGE, -EACCES, -ENODEV (lost, as was found before).
 */
int nvbar_access_fill(struct nvbar_access *access, u64 off, u32 pattern, u64 len);

/**
 * nvbar_access_flush - return when the GPU can see all earlier writes
 * @access: live
 *
 * A read through the same aperture pushes the posted writes before it [PCIe
 * ordering; that it also passes the GPU's own path to memory is assumed].
 *
 * Return: 0, -ENODEV, or -EIO (the GPU has latched a fault in the mapping: a
 * write may be lost).
 */
int nvbar_access_flush(struct nvbar_access *access);

/**
 * nvbar_access_mmap - a CPU pointer, valid until the handle is released
 * @access: live
 * @cpu: receives it, the same one each time
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, or -ENOMEM, -ENODEV, -EIO (a page does not translate), -EOPNOTSUPP (it
 * can't be had, or the host's pages would show more than the mapping).
 */
int nvbar_access_mmap(struct nvbar_access *access, void **cpu);

/**
 * nvbar_access_munmap - end the CPU pointer, if there is one
 * @access: nobody uses it any more
 */
void nvbar_access_munmap(struct nvbar_access *access);

/**
 * nvbar_access_forget - drop all looked-up pages and windows
 * @access: nobody uses it any more
 */
void nvbar_access_forget(struct nvbar_access *access);

#endif
