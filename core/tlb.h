/* SPDX-License-Identifier: MIT */
/* TLB invalidation. */
#ifndef NVBAR_CORE_TLB_H
#define NVBAR_CORE_TLB_H

#include <linux/types.h>

struct nvbar_gpu;

/**
 * struct nvbar_tlb - invalidation state
 * @busy: an earlier invalidate may not have ended
 */
struct nvbar_tlb {
	bool busy;
};

/** enum nvbar_tlb_change - what happened to the entries */
enum nvbar_tlb_change {
	NVBAR_TLB_UPGRADE,	/* invalid became valid: nothing to wait for but the TLB */
	NVBAR_TLB_DOWNGRADE,	/* valid became invalid: earlier writes must have landed */
};

/**
 * nvbar_tlb_invalidate - drop what the BAR TLBs hold of one address space
 * @gpu: the GPU
 * @pdb: VRAM address of its root table
 * @change: what the caller did to the tables
 *
 * The page-table writes must have been ordered before: nvbar_pramin_flush().
 *
 * Context: caller holds vmm.lock or is alone; may sleep.
 * Return: 0, -ETIMEDOUT or -ENODEV; then the TLB may still hold anything.
 */
int nvbar_tlb_invalidate(struct nvbar_gpu *gpu, u64 pdb, enum nvbar_tlb_change change);

#endif
