/* SPDX-License-Identifier: MIT */
/*
 * BarUser and BarAccess: mappings of VRAM for users, and bounds-checked
 * access through them.
 *
 * Readers and writers of a live access take no lock: what they use of it
 * does not change while it lives.
 */
#ifndef NVBAR_CORE_BAR_USER_H
#define NVBAR_CORE_BAR_USER_H

#include <linux/list.h>
#include <linux/types.h>

#include "span.h"
#include "vmm.h"

struct nvbar_gpu;

/**
 * struct nvbar_access - a handle on a prepared or live mapping
 * @gpu: the GPU
 * @link: in vmm.accesses
 * @mapping: what it holds, perhaps with others
 * @base: first VA, which may be inside the mapping
 * @size: bytes
 * @writable: its entries allow writes
 * @live: the mapping was executed
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
	void *cpu;
};

/**
 * struct nvbar_bar_user_opts - how to map
 * @flags: NVBAR_VMM_*
 * @max_page_shift: no leaf page larger than 1 << this; 0 for any
 * @va: where, with NVBAR_VMM_FIXED
 * @label: shown by the accounting, or NULL
 */
struct nvbar_bar_user_opts {
	u32 flags;
	u32 max_page_shift;
	u64 va;
	const char *label;
};

/**
 * nvbar_bar_user_prepare - first phase: everything that can fail for lack of something
 * @gpu: the GPU
 * @nr_pages: pages of 4 KiB
 * @opts: how to map
 *
 * Context: takes vmm.lock; may sleep.
 * Return: a handle that is not live, or ERR_PTR of -EINVAL (no pages, unknown
 * flag, page size or VA that makes no sense, label too long), -ERANGE (a
 * fixed VA leaves the aperture), -EEXIST, -ENOSPC, -ENOMEM, -EACCES
 * (observing), -EOPNOTSUPP (no BAR1, page size not on this chip).
 */
struct nvbar_access *nvbar_bar_user_prepare(struct nvbar_gpu *gpu, u64 nr_pages,
					    const struct nvbar_bar_user_opts *opts);

/**
 * nvbar_bar_user_execute - second phase: write the entries
 * @access: prepared; consumed on failure
 * @spans: pages of exactly the prepared size
 *
 * Allocates nothing.
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, or -EINVAL (misaligned, or another size), -ERANGE (outside
 * VRAM), -EACCES (writable, and touches the driver's own region),
 * -EOPNOTSUPP (address that entries of this format can't hold), -ETIMEDOUT,
 * -ENODEV.
 */
int nvbar_bar_user_execute(struct nvbar_access *access, const struct nvbar_spans *spans);

/**
 * nvbar_bar_user_map - both phases in one
 * @gpu: the GPU
 * @spans: the pages, in the order they are to appear
 * @opts: how to map
 *
 * Unless the options ask for an address, a page size or privacy, pages that a
 * live mapping shows already, in this order and with these rights, are not
 * mapped again: the handle shares that mapping.
 *
 * Context: takes vmm.lock; may sleep.
 * Return: a live handle, or ERR_PTR as either phase.
 */
struct nvbar_access *nvbar_bar_user_map(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
					const struct nvbar_bar_user_opts *opts);

/**
 * nvbar_bar_user_release - end a handle, live or not
 * @access: freed in any case
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, or -ETIMEDOUT, -ENODEV as nvbar_vmm_unmap().
 */
int nvbar_bar_user_release(struct nvbar_access *access);

/** nvbar_bar_user_release_all - end every handle; no other thread uses them */
void nvbar_bar_user_release_all(struct nvbar_gpu *gpu);

/**
 * nvbar_access_rd - one read
 * @access: live
 * @off: bytes into the mapping
 * @width: 1, 2, 4 or 8 bytes
 * @val: receives the value
 *
 * Return: 0, -EINVAL (misaligned), -ERANGE, -ENODEV.
 */
int nvbar_access_rd(struct nvbar_access *access, u64 off, unsigned int width, u64 *val);

/**
 * nvbar_access_wr - one write
 * @access: live
 * @off: bytes into the mapping
 * @width: 1, 2, 4 or 8 bytes
 * @val: the value
 *
 * Return: 0, -EINVAL (misaligned), -ERANGE, -EACCES.
 */
int nvbar_access_wr(struct nvbar_access *access, u64 off, unsigned int width, u64 val);

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

#endif
