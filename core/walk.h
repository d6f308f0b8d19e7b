/* SPDX-License-Identifier: MIT */
/*
 * Following page tables as the GPU would, through any reader: VRAM behind
 * the PRAMIN window, or a snapshot.  Only inspection comes here; mapping
 * works on the shadow.
 */
#ifndef NVBAR_CORE_WALK_H
#define NVBAR_CORE_WALK_H

#include <linux/types.h>

#include "mmu.h"

/** enum nvbar_walk_end - how a walk ended */
enum nvbar_walk_end {
	NVBAR_WALK_END_OK,
	NVBAR_WALK_END_INVALID,
	NVBAR_WALK_END_SPARSE,
	NVBAR_WALK_END_VA_RANGE,
	NVBAR_WALK_END_UNREADABLE,
};

/* A walk meets one entry per level, and at level 0 at most two. */
#define NVBAR_WALK_STEPS	(NVBAR_MMU_LEVELS + 1)

/**
 * struct nvbar_walk_step - an entry met on the way
 * @level: level of its table
 * @big: its table is one of 64 KiB leaves
 * @index: entry number
 * @aperture: memory the table is in
 * @pa: byte address of the entry
 * @raw: its words
 */
struct nvbar_walk_step {
	u8 level;
	bool big;
	u32 index;
	enum nvbar_aperture aperture;
	u64 pa;
	u64 raw[2];
};

/**
 * struct nvbar_walk_result - the way and its end
 * @end: how it ended; @leaf, @page_shift and @pa mean something with
 *	NVBAR_WALK_END_OK only
 * @leaf: the leaf entry
 * @page_shift: its page has 1 << page_shift bytes
 * @pa: what the VA translates to
 * @nr_steps: entries met
 * @step: the entries, root first
 */
struct nvbar_walk_result {
	enum nvbar_walk_end end;
	struct nvbar_pte leaf;
	u8 page_shift;
	u64 pa;
	u8 nr_steps;
	struct nvbar_walk_step step[NVBAR_WALK_STEPS];
};

/**
 * struct nvbar_walk_space - tables to walk
 * @fmt: their format
 * @page_sizes: bit n set: leaves of 1 << n bytes are allowed
 * @root_aperture: memory the root is in
 * @root_pa: address of the root
 * @read: reads @nr words; 0, -EFAULT (can't be read), or another errno that
 *	ends the walk
 * @ctx: first argument of @read
 */
struct nvbar_walk_space {
	const struct nvbar_mmu_fmt *fmt;
	u64 page_sizes;
	enum nvbar_aperture root_aperture;
	u64 root_pa;
	int (*read)(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr);
	void *ctx;
};

/**
 * nvbar_mmu_walk - translate one address
 * @space: the tables
 * @va: any address
 * @res: filled in
 *
 * Whatever the tables hold, it goes one level down with each table, and reads at
 * most NVBAR_WALK_STEPS entries.
 *
 * Return: 0, or what @space->read failed with, -EFAULT excepted: that is an
 * end of the walk.
 */
int nvbar_mmu_walk(const struct nvbar_walk_space *space, u64 va, struct nvbar_walk_result *res);

/**
 * nvbar_mmu_level_name - the vendor's short name of a table
 * @level: its level
 * @big: it is one of 64 KiB leaves
 *
 * Return: "PT4K", "PT64K", "PD0" ...
 */
const char *nvbar_mmu_level_name(unsigned int level, bool big);

#endif
