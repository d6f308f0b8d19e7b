/* SPDX-License-Identifier: MIT */
/* BarUser: mappings of VRAM for users.  What can be done through one is in access.h. */
#ifndef NVBAR_CORE_BAR_USER_H
#define NVBAR_CORE_BAR_USER_H

#include <linux/types.h>

#include "access.h"
#include "span.h"
#include "vmm.h"

struct nvbar_gpu;

/**
 * struct nvbar_bar_user_opts - how to map
 * @flags: NVBAR_VMM_*
 * @max_page_shift: no leaf page larger than 1 << this; 0 for any
 * @va: where, with NVBAR_VMM_FIXED
 * @label: shown by the accounting, or NULL
 * @is_static: the driver's own mapping of all VRAM, shared though fixed
 */
struct nvbar_bar_user_opts {
	u32 flags;
	u32 max_page_shift;
	u64 va;
	const char *label;
	bool is_static;
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
 * fixed VA leaves the aperture), -EEXIST, -ENOSPC, -ENOMEM, -ETIMEDOUT and -ENODEV
 * (as nvbar_vmm_reserve()), -EACCES (observing), -EOPNOTSUPP (no BAR1, page size
 * not on this chip).
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
 * VRAM), -EACCES (writable, and touches the driver's own region; or protected),
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

/** nvbar_bar_user_turn_away - no access may begin through a handle that there is; takes vmm.lock */
void nvbar_bar_user_turn_away(struct nvbar_gpu *gpu);

/** nvbar_bar_user_end_all - end every handle, but for its memory; no other thread uses them */
void nvbar_bar_user_end_all(struct nvbar_gpu *gpu);

/** nvbar_bar_user_free_all - free ended handles but for the first @spare of them */
void nvbar_bar_user_free_all(struct nvbar_gpu *gpu, size_t spare);

#endif
