/* SPDX-License-Identifier: MIT */
/* Allocations of VRAM, zeroed before they change hands. */
#ifndef NVBAR_CORE_VRAM_H
#define NVBAR_CORE_VRAM_H

#include <linux/list.h>
#include <linux/types.h>

#include "span.h"

struct nvbar_gpu;

/* Flags of an allocation, the public NVBAR_VRAM_* */
#define NVBAR_VRAM_FLAG_CONTIGUOUS	(1u << 0)
#define NVBAR_VRAM_FLAG_NO_SCRUB	(1u << 1)
#define NVBAR_VRAM_FLAGS	(NVBAR_VRAM_FLAG_CONTIGUOUS | NVBAR_VRAM_FLAG_NO_SCRUB)

/**
 * struct nvbar_vram - an allocation
 * @gpu: the GPU
 * @link: in gpu.vrams; vram_lock
 * @blocks: struct nvbar_block in address order, one per extent
 * @size: bytes
 * @nr_spans: of @span
 * @span: the same as an array
 */
struct nvbar_vram {
	struct nvbar_gpu *gpu;
	struct list_head link;
	struct list_head blocks;
	u64 size;
	size_t nr_spans;
	struct nvbar_span *span;
};

/**
 * struct nvbar_vram_request - what to allocate
 * @size: bytes, a multiple of 4 KiB, not 0
 * @align: a power of two of at least 4 KiB, or 0
 * @range_start: lowest address
 * @range_end: first address not allowed; 0 for the end of VRAM
 * @flags: NVBAR_VRAM_FLAG_*
 */
struct nvbar_vram_request {
	u64 size;
	u64 align;
	u64 range_start;
	u64 range_end;
	u32 flags;
};

/**
 * nvbar_vram_create - allocate
 * @gpu: the GPU
 * @req: what
 *
 * Context: takes vram_lock, vmm.lock and pramin.lock in turn; may sleep.
 * Return: the allocation, or ERR_PTR of -EINVAL, -ERANGE (the range leaves
 * VRAM), -ENOSPC, -ENOMEM, -ENODEV, -ETIMEDOUT, -EIO (the GPU faulted on the
 * zeroes), -EACCES (observing).
 */
struct nvbar_vram *nvbar_vram_create(struct nvbar_gpu *gpu, const struct nvbar_vram_request *req);

/**
 * nvbar_vram_destroy - give an allocation back
 * @vram: freed
 *
 * Context: takes vram_lock.
 */
void nvbar_vram_destroy(struct nvbar_vram *vram);

/** nvbar_vram_end_all - free what is left, but for the handles; no other thread uses them */
void nvbar_vram_end_all(struct nvbar_gpu *gpu);

/** nvbar_vram_free_all - free ended handles but for the first @spare of them */
void nvbar_vram_free_all(struct nvbar_gpu *gpu, size_t spare);

#endif
