/* SPDX-License-Identifier: MIT */
/*
 * The algorithm that the benchmark compares with: nova-core's newest page-table
 * code as published, one page at a time, every look at a table a bus read.
 *
 * Written anew from a description of what it does on the bus; no code of it is
 * used.  See reference.c for what is followed and what is left out.
 */
#ifndef BENCH_REFERENCE_H
#define BENCH_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "hw.h"

/**
 * struct ref_shape - a page-table format, as this algorithm needs it
 * @nr_levels: directories and the leaf table
 * @shift: lowest VFN bit that indexes each level, the root first
 * @bits: how many VFN bits index it
 * @addr_shift: an entry holds an address shifted right by this
 * @pde_addr: address field of a PDE
 * @pte_addr: address field of a PTE
 */
struct ref_shape {
	unsigned int nr_levels;
	u8 shift[6];
	u8 bits[6];
	u8 addr_shift;
	u64 pde_addr;
	u64 pte_addr;
};

/** REF_WINDOW_UNKNOWN - beyond all VRAM */
#define REF_WINDOW_UNKNOWN	(1ULL << 63)

/** struct ref_pending - a zeroed table whose entry above is not written yet
 * @install_pa: VRAM address of that entry
 * @table_pa: VRAM address of the table
 * @dual: that entry has two words
 */
struct ref_pending {
	u64 install_pa;
	u64 table_pa;
	bool dual;
};

/**
 * struct reference - an address space under this algorithm
 * @ops: access to the GPU
 * @hw: first argument of every operation
 * @window_reg: PRAMIN window register
 * @shape: page-table format
 * @root_pa: VRAM address of the root table, zeroed and bound by someone else
 * @next_table: VRAM address of the next free table
 * @tables_end: end of the VRAM for tables
 * @window: VRAM address of the window's first byte, or REF_WINDOW_UNKNOWN
 * @pending: tables to be installed, by address of the entry
 * @nr_pending: how many
 */
struct reference {
	const struct nvbar_hw_ops *ops;
	void *hw;
	u32 window_reg;
	const struct ref_shape *shape;
	u64 root_pa;
	u64 next_table;
	u64 tables_end;
	u64 window;
	struct ref_pending *pending;
	size_t nr_pending;
};

/** struct ref_place - where a reference finds its GPU and its memory
 * @ops: access to the GPU
 * @hw: first argument of every operation
 * @window_reg: PRAMIN window register
 * @mmu_version: 2 or 3
 * @root_pa: a root table, zeroed and bound
 * @tables_pa: VRAM for tables, a multiple of 1 MiB
 * @tables_len: bytes of it
 */
struct ref_place {
	const struct nvbar_hw_ops *ops;
	void *hw;
	u32 window_reg;
	unsigned int mmu_version;
	u64 root_pa;
	u64 tables_pa;
	u64 tables_len;
};

/**
 * reference_init - an empty address space
 * @ref: filled in
 * @place: where
 *
 * Return: false if there is no host memory.
 */
bool reference_init(struct reference *ref, const struct ref_place *place);

/** reference_fini - free host memory; the tables stay as they are */
void reference_fini(struct reference *ref);

/**
 * reference_map - prepare and execute
 * @ref: address space
 * @vfn: first virtual frame number
 * @pfns: VRAM page frame numbers
 * @nr: how many
 *
 * Return: false if it ran out of tables, or the GPU did not invalidate.
 */
bool reference_map(struct reference *ref, uint64_t vfn, const uint64_t *pfns, size_t nr);

/**
 * reference_unmap - clear entries and invalidate
 * @ref: address space
 * @vfn: first virtual frame number
 * @nr: how many
 *
 * Return: false if a page was not mapped, or the GPU did not invalidate.
 */
bool reference_unmap(struct reference *ref, uint64_t vfn, size_t nr);

#endif
