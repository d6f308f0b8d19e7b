/* SPDX-License-Identifier: MIT */
/*
 * The BAR1 page tables: where they lie in VRAM, and their shadow in host
 * memory.
 *
 * Every table has a home: the driver's own region holds room for each table
 * that the address space can ever need, and table number i of a level, which
 * covers VA from i << table_shift, is at that level's base + i * table bytes.
 * So a table needs no allocation of VRAM, can't be lost or linked twice, and
 * its memory never serves another address: a stale page-directory entry in a
 * TLB still leads to the right table.
 *
 * The shadow holds what the GPU was told.  Mapping reads the shadow and
 * writes VRAM; no page table is ever read over the bus.
 *
 * Locking: the caller holds vmm.lock, but where a function says otherwise.
 */
#ifndef NVBAR_CORE_PT_H
#define NVBAR_CORE_PT_H

#include <linux/atomic.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "mmu.h"
#include "span.h"

struct nvbar_gpu;

/*
 * An unmap keeps no leaf table linked that would make more than this many
 * bytes of tables without a user.  Those that a neighbour's end leaves without
 * one, and directories, come on top until the next trim.
 */
#define NVBAR_PT_WARM_MAX	SZ_1M

/**
 * struct nvbar_pt_table - a table
 * @entry: shadow of its words, NULL while nobody needs it
 * @nr_users: mappings, prepared ones included, whose VA it covers; the two
 *	leaf tables of a 2 MiB slot share the count of the 4 KiB one
 * @linked: the entry above points to it
 * @synced: VRAM holds what the shadow holds; without a shadow: the background
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
 * @nr_tables: that the address space needs
 * @background: an entry where nothing is mapped: empty or sparse; of a dual one the
 *	first word, the other is 0
 * @zero_from: tables before it are in use or hold the background
 * @table: the tables
 */
struct nvbar_pt_level {
	const struct nvbar_mmu_level *shape;
	u64 pa;
	u32 table_bytes;
	u64 nr_tables;
	u64 background;
	u64 zero_from;
	struct nvbar_pt_table *table;
};

/**
 * struct nvbar_pt - the tree
 * @fmt: page-table format
 * @level: tables of 4 KiB leaves first; the root is the one table of the last
 * @big: tables of 64 KiB leaves, one beside each of level 0
 * @sparse: accesses where nothing is mapped shall not fault
 * @image: room for a table of background; NULL if that is all zero
 * @err: why a write of tables did not get to VRAM, the first since
 *	nvbar_pt_take_error(); the others were not tried
 * @behind: tables that are linked are not synced for that, see nvbar_pt_catch_up()
 * @shadow_bytes: host memory in shadows
 * @linked_bytes: VRAM in linked tables
 * @warm_bytes: VRAM in linked tables without a user
 * @cooling_bytes: VRAM in tables that the unmap under way leaves so
 */
struct nvbar_pt {
	const struct nvbar_mmu_fmt *fmt;
	struct nvbar_pt_level level[NVBAR_MMU_LEVELS];
	struct nvbar_pt_level big;
	bool sparse;
	u64 *image;
	int err;
	bool behind;
	atomic64_t shadow_bytes;
	u64 linked_bytes;
	u64 warm_bytes;
	u64 cooling_bytes;
};

/**
 * struct nvbar_pt_plan - what is to be mapped where
 * @va: first address, page aligned
 * @len: bytes
 * @spans: pages of @len bytes altogether; NULL while they are not known.  While
 *	the plan is reserved they are a hint, see struct nvbar_spans
 * @page_sizes: bit n set: leaves of 1 << n bytes may be used; bit 12 is set,
 *	and alone if no others can be
 * @used: those that are, once nvbar_pt_map() has been there
 */
struct nvbar_pt_plan {
	u64 va;
	u64 len;
	const struct nvbar_spans *spans;
	u64 page_sizes;
	u64 used;
};

/**
 * struct nvbar_pt_leaves - a plan as runs of leaves of one size
 *
 * Each run is contiguous in VA and in VRAM and uses the largest leaf that
 * both addresses, the length and the plan allow.  A span that is no whole pages,
 * or leaves the plan's range, ends them.
 *
 * @end: end of the plan's range
 * @va: first address of the run; behind the last one, how far the spans went
 * @pa: its first page
 * @len: its bytes, a multiple of the leaf size
 * @shift: its leaves have 1 << shift bytes
 * @page_sizes: the plan's
 * @left: what is left of the current run of VRAM
 * @runs: the runs after it
 */
struct nvbar_pt_leaves {
	u64 end;
	u64 va;
	u64 pa;
	u64 len;
	unsigned int shift;
	u64 page_sizes;
	struct nvbar_span left;
	struct nvbar_runs runs;
};

/** nvbar_pt_leaves_start - begin with the first run */
void nvbar_pt_leaves_start(struct nvbar_pt_leaves *it, const struct nvbar_pt_plan *plan);

/** nvbar_pt_leaves_next - go to the next run; false when there is none */
bool nvbar_pt_leaves_next(struct nvbar_pt_leaves *it);

/**
 * nvbar_pt_region_len - VRAM that the tables of an address space need at worst
 * @fmt: page-table format
 * @va_size: bytes of address space
 *
 * Return: bytes, a multiple of 4 KiB.
 */
u64 nvbar_pt_region_len(const struct nvbar_mmu_fmt *fmt, u64 va_size);

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
 * nvbar_pt_reserve - hold what mapping a plan takes, first half
 * @gpu: the GPU
 * @plan: what and where; without spans, room for any pages
 *
 * Counts the plan as a user of its tables, and gets shadows for those that it
 * may share.
 *
 * Return: 0, or -ENOMEM with nothing held; shadows got for tables that others
 * use stay for as long as these do.
 */
int nvbar_pt_reserve(struct nvbar_gpu *gpu, const struct nvbar_pt_plan *plan);

/**
 * nvbar_pt_reserve_own - second half: shadows of tables that serve this plan alone
 * @gpu: the GPU
 * @plan: as in the first half
 *
 * Context: needs no lock, see pt_internal.h.
 * Return: 0, or -ENOMEM: release what the first half holds.
 */
int nvbar_pt_reserve_own(struct nvbar_gpu *gpu, const struct nvbar_pt_plan *plan);

/**
 * nvbar_pt_release - undo nvbar_pt_reserve() and nvbar_pt_reserve_own()
 * @gpu: the GPU
 * @va: as reserved
 * @len: as reserved; nothing is mapped there any more
 */
void nvbar_pt_release(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_pt_map - compute entries, and write all of them to VRAM
 * @gpu: the GPU
 * @plan: reserved; its spans are fetched once each
 * @attr: what every entry has in common
 *
 * Needs no memory.  The GPU may see the entries only after a flush and an
 * invalidate.
 *
 * Return: true; false if the spans do not fill the range, or take a table that the
 * plan did not reserve: the range is empty then, in the shadow and in VRAM, though the
 * GPU may want to be told that tables without a user were unlinked.
 */
bool nvbar_pt_map(struct nvbar_gpu *gpu, struct nvbar_pt_plan *plan, const struct nvbar_pte *attr);

/**
 * nvbar_pt_clear - make every entry of a mapped range invalid
 * @gpu: the GPU
 * @va: first address
 * @len: bytes
 *
 * A leaf table that is emptied is dropped by clearing the entry above it if
 * that is much cheaper than clearing its own, or if there are enough warm
 * tables; else it stays linked.
 */
void nvbar_pt_clear(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_pt_unlink_unused - clear the entries above tables without a user
 * @gpu: the GPU
 *
 * Return: true if something was cleared: flush and invalidate.
 */
bool nvbar_pt_unlink_unused(struct nvbar_gpu *gpu);

/**
 * nvbar_pt_catch_up - write what a window that did not move kept from VRAM
 * @gpu: the GPU
 *
 * Does nothing if a write has failed since nvbar_pt_take_error(): it would wait once more.
 */
void nvbar_pt_catch_up(struct nvbar_gpu *gpu);

/**
 * nvbar_pt_take_error - did all that was written to tables get there?
 * @gpu: the GPU
 *
 * Return: 0, or since the last call the first of -ETIMEDOUT, -ENODEV; then VRAM
 * does not hold what the shadow holds until nvbar_pt_catch_up().
 */
int nvbar_pt_take_error(struct nvbar_gpu *gpu);

/**
 * nvbar_pt_zero - write the background over tables that are not in use
 * @gpu: the GPU
 * @max: bytes; the last table may exceed it
 *
 * Mapping then need not write them whole.  Ends at the first that can't be written.
 *
 * Return: bytes written; 0 when there is none left to do.
 */
u64 nvbar_pt_zero(struct nvbar_gpu *gpu, u64 max);

/**
 * nvbar_pt_lookup - what the shadow says of an address
 * @gpu: the GPU
 * @va: address
 * @pte: receives the leaf, of a state other than valid if there is none
 *
 * Return: the page shift of the leaf; of the smallest hole if there is none.
 */
unsigned int nvbar_pt_lookup(const struct nvbar_gpu *gpu, u64 va, struct nvbar_pte *pte);

#endif
