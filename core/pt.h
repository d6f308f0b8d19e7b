/* SPDX-License-Identifier: MIT */
/*
 * The BAR1 page tables: where they lie in VRAM, and their shadow in host
 * memory.
 *
 * Every table has a home: the driver's own region holds room for each table
 * that the aperture can ever need, and table number i of a level, which
 * covers VA from i << table_shift, is at that level's base + i * table bytes.
 * So a table needs no allocation of VRAM, can't be lost or linked twice, and
 * its memory never serves another address: a stale page-directory entry in a
 * TLB still leads to the right table.
 *
 * The shadow holds what the GPU was told.  Mapping reads the shadow and
 * writes VRAM; no page table is ever read over the bus.
 *
 * Locking: the caller holds vmm.lock.
 */
#ifndef NVBAR_CORE_PT_H
#define NVBAR_CORE_PT_H

#include <linux/types.h>

#include "mmu.h"
#include "span.h"

struct nvbar_gpu;

/* Tables without a user are kept linked up to this many bytes */
#define NVBAR_PT_WARM_MAX	(1024u * 1024u)

/**
 * struct nvbar_pt_table - a table
 * @entry: shadow of its words, NULL while nobody needs it
 * @nr_users: mappings, prepared ones included, whose VA it covers
 * @linked: the entry above points to it
 * @synced: VRAM holds what the shadow holds; without a shadow: zeroes
 */
struct nvbar_pt_table {
	u64 *entry;
	u32 nr_users;
	bool linked;
	bool synced;
};

/**
 * struct nvbar_pt_level - all tables of a level
 * @shape: what a table looks like
 * @pa: VRAM address of table 0
 * @table_bytes: from one table to the next
 * @nr_tables: that the aperture needs
 * @table: the tables
 */
struct nvbar_pt_level {
	const struct nvbar_mmu_level *shape;
	u64 pa;
	u32 table_bytes;
	u64 nr_tables;
	struct nvbar_pt_table *table;
};

/**
 * struct nvbar_pt - the tree
 * @fmt: page-table format
 * @level: leaf tables first; the root is the one table of the last
 * @shadow_bytes: host memory in shadows
 * @linked_bytes: VRAM in linked tables
 * @warm_bytes: VRAM in linked tables without a user
 */
struct nvbar_pt {
	const struct nvbar_mmu_fmt *fmt;
	struct nvbar_pt_level level[NVBAR_MMU_LEVELS];
	u64 shadow_bytes;
	u64 linked_bytes;
	u64 warm_bytes;
};

/**
 * nvbar_pt_region_len - VRAM that the tables of an aperture need at worst
 * @fmt: page-table format
 * @bar1_size: bytes of aperture
 *
 * Return: bytes, a multiple of 4 KiB.
 */
u64 nvbar_pt_region_len(const struct nvbar_mmu_fmt *fmt, u64 bar1_size);

/**
 * nvbar_pt_init - give every table its home and write an empty root
 * @gpu: the GPU
 * @pa: VRAM address of the region, a multiple of 4 KiB
 *
 * Return: 0 or -ENOMEM.
 */
int nvbar_pt_init(struct nvbar_gpu *gpu, u64 pa);

/** nvbar_pt_fini - free the shadow; the tables in VRAM stay as they are */
void nvbar_pt_fini(struct nvbar_gpu *gpu);

/** nvbar_pt_root - VRAM address of the root table */
u64 nvbar_pt_root(const struct nvbar_gpu *gpu);

/**
 * nvbar_pt_reserve - make sure that [@va, @va + @len) can be mapped without fail
 * @gpu: the GPU
 * @va: first address, page aligned
 * @len: bytes, in the aperture
 *
 * Return: 0, or -ENOMEM with nothing changed.
 */
int nvbar_pt_reserve(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_pt_release - undo nvbar_pt_reserve()
 * @gpu: the GPU
 * @va: as reserved
 * @len: as reserved; entries in it are clear
 */
void nvbar_pt_release(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_pt_map - write entries for a reserved range, and the tables above
 * @gpu: the GPU
 * @va: first address
 * @len: bytes
 * @spans: pages of @len bytes altogether, already checked
 * @attr: what every entry has in common; the address is taken from @spans
 *
 * Needs no memory and can't fail.  The GPU may see the entries only after a
 * flush and an invalidate.
 */
void nvbar_pt_map(struct nvbar_gpu *gpu, u64 va, u64 len, const struct nvbar_spans *spans,
		  const struct nvbar_pte *attr);

/**
 * nvbar_pt_clear - make every entry of a mapped range invalid
 * @gpu: the GPU
 * @va: first address
 * @len: bytes
 *
 * Tables that lose their last user here stay linked while there is room for
 * warm ones, else the entry above is cleared.
 */
void nvbar_pt_clear(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_pt_unlink_unused - clear the entries above tables without a user
 * @gpu: the GPU
 *
 * Return: true if something was cleared: flush and invalidate.
 */
bool nvbar_pt_unlink_unused(struct nvbar_gpu *gpu);

#endif
