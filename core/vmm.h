/* SPDX-License-Identifier: MIT */
/*
 * The BAR1 address space: who holds which range, and making and undoing
 * mappings.
 *
 * The order that everything else rests on.  Map: reserve address range and
 * shadow; write entries; order the writes; invalidate.  Unmap: clear entries;
 * order; invalidate and wait; only then release the range.  A range whose
 * invalidate was not confirmed is quarantined: nobody gets it until a later
 * invalidate succeeds.
 */
#ifndef NVBAR_CORE_VMM_H
#define NVBAR_CORE_VMM_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "pt.h"
#include "span.h"
#include "va.h"

struct nvbar_gpu;

#define NVBAR_VMM_LABEL_MAX	32

/** enum nvbar_mapping_state - what a range of BAR1 is held for */
enum nvbar_mapping_state {
	NVBAR_MAPPING_PREPARED,
	NVBAR_MAPPING_MAPPED,
	NVBAR_MAPPING_QUARANTINED,
};

/**
 * struct nvbar_mapping - a held range of BAR1
 * @node: the range
 * @state: what it is held for
 * @flags: NVBAR_BAR_USER_* of its holder
 * @label: its holder's, or empty
 * @link: in vmm.quarantine
 */
struct nvbar_mapping {
	struct nvbar_va_node node;
	enum nvbar_mapping_state state;
	u32 flags;
	char label[NVBAR_VMM_LABEL_MAX];
	struct list_head link;
};

/**
 * struct nvbar_vmm - the address space
 * @lock: protects everything here and orders page-table updates
 * @enabled: BAR1 is bound to these tables
 * @va: free and held ranges
 * @pt: page tables
 * @accesses: every handle given out, see bar_user.h
 * @quarantine: ranges that wait for an invalidate
 * @nr_mapped: live mappings
 * @nr_held: ranges held, prepared and quarantined ones included
 * @mapped_bytes: bytes under live mappings
 */
struct nvbar_vmm {
	struct mutex lock;
	bool enabled;
	struct nvbar_va va;
	struct nvbar_pt pt;
	struct list_head accesses;
	struct list_head quarantine;
	u64 nr_mapped;
	u64 nr_held;
	u64 mapped_bytes;
};

/**
 * nvbar_vmm_init - an address space of @gpu->bar1_size bytes, page tables empty
 * @gpu: booted; its region is known
 *
 * Writes the root table but does not bind it.
 *
 * Return: 0 or -ENOMEM.
 */
int nvbar_vmm_init(struct nvbar_gpu *gpu);

/** nvbar_vmm_fini - free host memory; nothing is mapped or prepared any more */
void nvbar_vmm_fini(struct nvbar_gpu *gpu);

/**
 * nvbar_vmm_reserve - hold a range and all that mapping it takes
 * @gpu: the GPU
 * @len: bytes, a multiple of 4 KiB, not 0
 * @fixed: where, or NULL for anywhere
 * @flags: kept for the holder
 * @label: kept for the holder, shorter than NVBAR_VMM_LABEL_MAX; or NULL
 *
 * Context: takes vmm.lock; may sleep.
 * Return: the mapping, in state prepared, or ERR_PTR of -ENOMEM, -ENOSPC,
 * -ERANGE (@fixed leaves the aperture), -EEXIST (@fixed is held).
 */
struct nvbar_mapping *nvbar_vmm_reserve(struct nvbar_gpu *gpu, u64 len, const u64 *fixed, u32 flags,
					const char *label);

/**
 * nvbar_vmm_cancel - give a prepared mapping back
 * @gpu: the GPU
 * @mapping: prepared; freed
 *
 * Context: takes vmm.lock; may sleep.
 */
void nvbar_vmm_cancel(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping);

/**
 * nvbar_vmm_map - make the pages visible
 * @gpu: the GPU
 * @mapping: prepared; consumed on failure
 * @spans: exactly the mapping's length, already checked
 * @writable: the entries allow writes
 *
 * Allocates nothing.
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, -ETIMEDOUT or -ENODEV.
 */
int nvbar_vmm_map(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
		  const struct nvbar_spans *spans, bool writable);

/**
 * nvbar_vmm_unmap - end a mapping
 * @gpu: the GPU
 * @mapping: mapped; consumed in any case
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, or -ETIMEDOUT, -ENODEV with the range in quarantine.
 */
int nvbar_vmm_unmap(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping);

/**
 * nvbar_vmm_trim - give back page tables without a user
 * @gpu: the GPU
 *
 * Context: takes vmm.lock; may sleep.
 */
void nvbar_vmm_trim(struct nvbar_gpu *gpu);

/**
 * nvbar_vmm_walk_read - read page-table words for nvbar_mmu_walk()
 * @ctx: the GPU
 * @aperture: only video memory can be read
 * @pa: address
 * @words: destination
 * @nr: how many
 *
 * Return: 0, -EFAULT (not in VRAM or out of the window's reach) or -ENODEV.
 */
int nvbar_vmm_walk_read(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr);

#endif
