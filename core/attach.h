/* SPDX-License-Identifier: MIT */
/* Bringing a GPU up and leaving it: the top of the driver. */
#ifndef NVBAR_CORE_ATTACH_H
#define NVBAR_CORE_ATTACH_H

#include <linux/types.h>

#include "hw.h"

struct nvbar_gpu;

/* Registers are read and nothing is written: no bind, no mapping, no VRAM. */
#define NVBAR_GPU_OBSERVE	(1u << 0)
/* All of usable VRAM stays mapped at VA = VRAM address, for others to share. */
#define NVBAR_GPU_STATIC	(1u << 1)
/* BAR1 is taken from whoever has bound it. */
#define NVBAR_GPU_FORCE		(1u << 2)
/* Where nothing is mapped accesses do not fault: a CPU may make some that nobody asked for. */
#define NVBAR_GPU_SPARSE	(1u << 31)

/**
 * nvbar_gpu_attach - identify a GPU and bring its BAR1 up
 * @gpu: zeroed by the caller, filled in
 * @ops: access to its BARs
 * @hw: first argument of every operation
 * @bar1_size: bytes of aperture, 0 when there is none
 * @flags: NVBAR_GPU_*
 *
 * On failure nothing needs to be undone, and BAR1 is not bound to the driver's
 * tables.
 *
 * Context: may sleep.
 * Return: 0, or -EOPNOTSUPP (unknown chip, or BAR1 is too small for
 * NVBAR_GPU_STATIC), -ENODEV, -ETIMEDOUT, -ENOSPC (no room for the driver's own
 * region), -EIO (reserved areas make no sense, or VRAM does not hold what is
 * written), -EBUSY (BAR1 is bound by somebody else), -ENOMEM.
 */
int nvbar_gpu_attach(struct nvbar_gpu *gpu, const struct nvbar_hw_ops *ops, void *hw, u64 bar1_size,
		     u32 flags);

/**
 * nvbar_gpu_detach - unmap and free whatever is left, unbind BAR1
 * @gpu: attached; no other thread uses it
 *
 * Of handles that are left the memory stays, for nvbar_gpu_free_handles().
 *
 * Context: may sleep.
 */
void nvbar_gpu_detach(struct nvbar_gpu *gpu);

/**
 * nvbar_gpu_free_handles - free the memory of handles that were left
 * @gpu: detached
 * @spare: so many mappings and so many allocations are left once more
 */
void nvbar_gpu_free_handles(struct nvbar_gpu *gpu, size_t spare);

/**
 * nvbar_gpu_host_bytes - host memory held by this GPU
 * @gpu: attached
 *
 * Context: takes vmm.lock and vram_lock.
 */
u64 nvbar_gpu_host_bytes(struct nvbar_gpu *gpu);

#endif
