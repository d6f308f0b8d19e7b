/* SPDX-License-Identifier: MIT */
/* What pt.c (tables) and pt_map.c (entries) share. */
#ifndef NVBAR_CORE_PT_INTERNAL_H
#define NVBAR_CORE_PT_INTERNAL_H

#include <linux/types.h>

#include "pt.h"

/* Words of the largest table */
#define PT_WORDS	512

/* An inclusive run of tables of a level, or of words of a table. */
struct pt_run {
	u64 first;
	u64 last;
};

/*
 * Slots of 2 MiB, [first, end), that lie in a plan's range as a whole: their
 * leaf tables serve it alone.
 *
 * Without vmm.lock a plan may, from when it is counted as their user to when
 * it is published, set the shadow pointers of these tables (reserve_own).  In
 * return nobody else, lock or not, looks at a shadow pointer of a slot with users
 * that are not his.
 */
struct pt_own {
	u64 first;
	u64 end;
};

static inline struct pt_own pt_own_slots(const struct nvbar_pt *pt, u64 va, u64 len)
{
	unsigned int shift = nvbar_mmu_table_shift(pt->level[0].shape);

	return (struct pt_own){ (va + (1ULL << shift) - 1) >> shift, (va + len) >> shift };
}

static inline bool pt_is_own(const struct pt_own *own, u64 slot)
{
	return slot >= own->first && slot < own->end;
}

/* Tables of @level that cover [va, va + len). */
struct pt_run pt_tables_of(const struct nvbar_pt_level *level, u64 va, u64 len);

/* VRAM address of table @i. */
u64 pt_table_pa(const struct nvbar_pt_level *level, u64 i);

/* Words @words of a table to VRAM, or all of them if VRAM holds something else. */
void pt_sync(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 i, struct pt_run words);

/* Marks a table as pointed to from above, or as no longer. */
void pt_set_linked(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i, bool linked);

/* VRAM no longer holds what the table's shadow holds, or the background. */
static inline void pt_set_unsynced(struct nvbar_pt_level *level, u64 i)
{
	level->table[i].synced = false;
	if (i < level->zero_from)
		level->zero_from = i;
}

/*
 * Word @word of table @i where nothing is mapped.  A sparse big half or 64 KiB entry
 * says that there is nothing in the 4 KiB table either [nouveau; inferred], so they
 * are sparse only where there is none: then the entries of that one are.
 */
u64 pt_background(const struct nvbar_pt *pt, const struct nvbar_pt_level *level, u64 i, u64 word);

/*
 * The table of 4 KiB leaves of a slot was linked or unlinked: the one of 64 KiB leaves
 * beside it follows, in VRAM too if it is linked.
 */
void pt_follow_small(struct nvbar_gpu *gpu, u64 slot);

/* Frees a table's shadow, if it has one. */
void pt_shadow_free(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i);

/* The word above a leaf table or a directory: in a dual entry the half for @big. */
u64 pt_word_above(const struct nvbar_pt *pt, unsigned int l, bool big, u64 i);

/*
 * Takes the entry above a table out of the shadow; the table is marked as not linked
 * already.  Return: words that changed.
 */
struct pt_run pt_unlink_above(struct nvbar_pt *pt, unsigned int l,
			      const struct nvbar_pt_level *level, u64 i);

/* The entry that points to table @i of level @l. */
u64 pt_pde(const struct nvbar_pt *pt, const struct nvbar_pt_level *level, u64 i);

#endif
